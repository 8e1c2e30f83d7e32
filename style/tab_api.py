"""What the Stylise tab does, for programs: paint a photo at once, or for as long as it is worth.

Calls wait in the same queues as the page's, so nobody overtakes anybody.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from checkpoints.tab_endpoint import endpoint
from style import shipped
from style.errors import StyleError
from style.images import Picture, read_picture
from style.iterate import Iterate
from style.jobs import Job, JobBook
from style.output import save
from style.recipe import MOST_PAINTINGS, Recipe
from style.tab_input import PictureInput
from style.tab_pictures import new_folder
from style.view import time_left
from style.zero import stylise as iterates_of

# The page's own queues.
INSTANT, SLOW = "style-instant", "style-slow"
State = dict[str, Any]
_NOT_HERE = ("mode", "lesson_run")


def build() -> None:
    """Offer the endpoints; call it inside `gr.Blocks`."""
    photo = partial(PictureInput, label="photo", type="filepath")
    painting = partial(gr.File, label="painting", file_count="multiple", type="filepath")
    shown = [partial(gr.Image, label="picture", type="filepath", format="png")]
    for function, queue in ((stylise_instantly, INSTANT), (stylise, SLOW)):
        endpoint(
            function, (StyleError,), files={"photo": photo, "painting_files": painting}, outputs=shown,
            queue=queue,
        )  # fmt: skip
    endpoint(paintings, (StyleError,))


def paintings() -> list[str]:
    """The names of the paintings that come with the app, for stylise and stylise_instantly."""
    return [item.path.stem for item in shipped.paintings()]


def stylise_instantly(
    photo: str,
    painting_names: list[str] | None = None,
    painting_files: list[str] | None = None,
    settings: State | None = None,
) -> str:
    """Repaint a photo with one to four paintings, in a few seconds. Returns a PNG that holds its recipe.

    Args:
        photo: a picture file.
        painting_names: names from paintings.
        painting_files: picture files of your own, instead or besides.
        settings: a recipe's fields that you want otherwise, such as {"size": 512, "strength": 0.8}.
    """
    *_, painted = _painted("instant", photo, painting_names, painting_files, settings)
    assert isinstance(painted, str), "ends with the picture, or with an error"
    return painted


def stylise(
    photo: str,
    painting_names: list[str] | None = None,
    painting_files: list[str] | None = None,
    settings: State | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio wants it
) -> Iterator[str | None]:
    """Repaint a photo in the studio, from coarse to fine, for the seconds that you give it. Cancel the job to
    stop it. Returns a PNG that holds its recipe.

    Args:
        photo: a picture file.
        painting_names: names from paintings.
        painting_files: picture files of your own, instead or besides; four paintings in all.
        settings: a recipe's fields that you want otherwise, such as {"seconds": 30, "size": 512}.
    """
    for made in _painted("studio", photo, painting_names, painting_files, settings):
        if isinstance(made, str):
            yield made
            return
        progress(made.progress, desc=time_left(made.seconds_left))
        yield None


def _painted(
    mode: str, photo: object, names: object, files: object, settings: object
) -> Iterator[str | Iterate]:
    """The iterates of a stylisation, then the path of its picture."""
    recipe = _recipe(mode, settings)
    if not isinstance(photo, str):
        raise StyleError("Send a picture file as photo.")
    content, chosen = read_picture(photo), _paintings(names, files)
    book, ticket = JobBook(), uuid.uuid4().hex
    job = Job(partial(iterates_of, content, chosen, recipe), tests=2 if mode == "instant" else 6)
    try:
        book.begin(ticket, job)
        yield from job.follow()
        if job.newest is None:
            raise StyleError("Nothing was painted; please try again.")
        path = new_folder() / "painted.png"
        save(path, job.newest.picture, content, chosen, recipe)
        yield str(path)
    finally:
        book.end(ticket)


def _recipe(mode: str, settings: object) -> Recipe:
    settings = settings or {}
    names = [item.name for item in fields(Recipe) if item.name not in _NOT_HERE]
    if not isinstance(settings, dict) or not set(settings) <= set(names):
        raise StyleError(f"The settings are an object; its names are among: {', '.join(names)}.")
    weights = settings.get("weights", ())
    plain = {**settings, "weights": tuple(weights) if isinstance(weights, list) else weights}
    return Recipe(mode=mode, **plain)  # type: ignore[arg-type]


def _paintings(names: object, files: object) -> list[Picture]:
    known = {item.path.stem: item.path for item in shipped.paintings()}
    names, files = names or [], files or []
    if not isinstance(names, list) or not all(isinstance(name, str) and name in known for name in names):
        raise StyleError(f"The names of paintings are a list of some of: {', '.join(known)}.")
    paths = [*(known[name] for name in names), *(Path(str(file)) for file in files)]  # type: ignore[attr-defined]
    if not 1 <= len(paths) <= MOST_PAINTINGS:
        raise StyleError(f"Send 1 to {MOST_PAINTINGS} paintings, by name or as files.")
    return [read_picture(path) for path in paths]
