"""The part of the Stylise tab that changes a finished picture without painting it again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from torch import Tensor

from style import view
from style.errors import StyleError
from style.images import Picture, read_picture, to_image, to_tensor
from style.output import file_name, photo_like, save
from style.recipe import Recipe

CONTROLS = ("colours", "brightness", "strength")
_TEXT = "**Finishing.** What you change here shows at once; nothing is painted again."


@dataclass(frozen=True)
class Painted:
    """A finished run of one visitor: files and the recipe, from which it can be finished in another way."""

    picture: str
    before: str
    photo: str
    painting: str
    recipe: Recipe


@dataclass(frozen=True)
class Finishing:
    """The controls, in the order of `CONTROLS`, and what they work on."""

    group: gr.Column
    controls: list[Any]
    painted: gr.State


def build(control: Callable[[str], Any]) -> Finishing:
    """Lays out the controls, hidden until there is a picture; `control` makes the one of a recipe's field."""
    with gr.Column(visible=False, elem_id="style-finishing") as group:
        gr.Markdown(_TEXT)
        with gr.Row():
            controls = [control("colours"), control("brightness")]
        controls.append(control("strength"))
    return Finishing(group, controls, gr.State(None))


def connect(
    finishing: Finishing, compare: gr.ImageSlider, download: gr.DownloadButton, message: gr.HTML
) -> None:
    """Makes each change of a control show at once."""
    colours, brightness, strength = finishing.controls
    gr.on(
        [colours.change, brightness.change, strength.change],
        finish_again,
        [finishing.painted, *finishing.controls],
        [compare, download, message],
        trigger_mode="always_last",
        show_progress="hidden",
        concurrency_id="style-finish",
        concurrency_limit=2,
        api_visibility="private",
    )


def keep(
    painted: Tensor, photo_path: str, photo: Picture, painting_path: str, painting: Picture, recipe: Recipe
) -> tuple[Painted, str]:
    """Writes the picture before and after finishing into Gradio's temporary folder.

    Returns:
        What `finish_again` needs, and the path of the finished picture.
    """
    folder = _new_folder()
    raw, before = folder / "painted.png", folder / "photo.png"
    to_image(painted).save(raw)
    to_image(photo_like(painted, photo, recipe)).save(before)
    after = folder / file_name(photo_path, painting_path)
    save(after, painted, photo, [painting], recipe)
    return Painted(str(raw), str(before), photo_path, painting_path, recipe), str(after)


def finish_again(painted: Painted | None, colours: str, brightness: str, strength: float) -> tuple[Any, ...]:
    """The last picture with other finishing: comparison, download and message."""
    if painted is None:
        return gr.skip(), gr.skip(), gr.skip()
    try:
        chosen: dict[str, Any] = {"colours": colours, "brightness": brightness, "strength": strength}
        recipe = replace(painted.recipe, **chosen)
        photo, painting = read_picture(painted.photo), read_picture(painted.painting)
        picture = to_tensor(read_picture(painted.picture))
        after = _new_folder() / file_name(painted.photo, painted.painting)
        save(after, picture, photo, [painting], recipe)
    except StyleError as error:
        return gr.skip(), gr.skip(), view.message(str(error))
    shown = gr.ImageSlider((painted.before, str(after)))
    return shown, gr.DownloadButton(value=str(after), interactive=True), ""


def _new_folder() -> Path:
    folder = Path(get_upload_folder()) / f"style-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    return folder
