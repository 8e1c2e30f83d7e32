"""The part of the Stylise tab that changes a finished picture without painting it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from torch import Tensor

from style import view
from style.errors import StyleError
from style.images import read_picture, to_image, to_tensor
from style.output import file_name, photo_like, save
from style.recipe import Recipe
from style.regions import Regions
from style.tab_pictures import Chosen, new_folder

CONTROLS = ("colours", "brightness", "strength")
_TEXT = "**Finishing.** What you change here shows at once; nothing is painted again."


@dataclass(frozen=True)
class Painted:
    """A finished run of one visitor: files and the recipe, from which it can be finished in another way.

    `keep` is the mask of what stays the photo, if there is any.
    """

    picture: str
    before: str
    photo: str
    paintings: tuple[str, ...]
    keep: str | None
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


def keep(painted: Tensor, chosen: Chosen, recipe: Recipe) -> tuple[Painted, str]:
    """Writes the picture before and after finishing into Gradio's temporary folder.

    Returns:
        What `finish_again` needs, and the path of the finished picture.
    """
    assert chosen.photo is not None, "what was painted had a photo"
    folder = new_folder()
    raw, before = folder / "painted.png", folder / "photo.png"
    to_image(painted).save(raw)
    to_image(photo_like(painted, read_picture(chosen.photo), recipe)).save(before)
    mask = chosen.regions.keep
    if mask is not None:
        to_image(mask[0].expand(3, -1, -1)).save(folder / "keep.png")
    kept = None if mask is None else str(folder / "keep.png")
    result = Painted(str(raw), str(before), chosen.photo, chosen.paintings, kept, recipe)
    return result, _write(result, painted, recipe)


def finish_again(painted: Painted | None, colours: str, brightness: str, strength: float) -> tuple[Any, ...]:
    """The last picture with other finishing: comparison, download and message."""
    if painted is None:
        return gr.skip(), gr.skip(), gr.skip()
    try:
        chosen: dict[str, Any] = {"colours": colours, "brightness": brightness, "strength": strength}
        recipe = replace(painted.recipe, **chosen)
        after = _write(painted, to_tensor(read_picture(painted.picture)), recipe)
    except StyleError as error:
        return gr.skip(), gr.skip(), view.message(str(error))
    shown = gr.ImageSlider((painted.before, after))
    return shown, gr.DownloadButton(value=after, interactive=True), ""


def _write(painted: Painted, picture: Tensor, recipe: Recipe) -> str:
    """Finishes the picture, writes it into a folder of its own and returns its path."""
    path = new_folder() / file_name(painted.photo, *painted.paintings)
    paintings = [read_picture(painting) for painting in painted.paintings]
    mask = None if painted.keep is None else to_tensor(read_picture(painted.keep))[:, :1]
    save(path, picture, read_picture(painted.photo), paintings, recipe, Regions(keep=mask))
    return str(path)
