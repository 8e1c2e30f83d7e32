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
import numpy as np

from checkpoints.tab_endpoint import Make, endpoint
from style import shipped
from style.brush import read_brush
from style.errors import StyleError
from style.film import Film
from style.images import Picture, read_picture
from style.iterate import Iterate
from style.jobs import Job, JobBook
from style.moving import SUFFIXES
from style.output import save
from style.recipe import MOST_PAINTINGS, Recipe
from style.regions import Regions
from style.tab_input import PictureInput
from style.tab_pictures import new_folder
from style.view import time_left
from style.zero import stylise as iterates_of

# The page's own queues.
INSTANT, SLOW = "style-instant", "style-slow"
State = dict[str, Any]
_NOT_HERE = ("mode", "lesson_run")
_LESSON_RUNS = ("a", "b", "c")


def build() -> None:
    """Offer the endpoints; call it inside `gr.Blocks`."""
    files: dict[str, Make] = {
        "photo": partial(PictureInput, label="photo", type="filepath"),
        "painting_files": partial(gr.File, label="painting", file_count="multiple", type="filepath"),
        "brushed": partial(gr.File, label="brushed", type="filepath"),
    }
    picture = [partial(gr.Image, label="picture", type="filepath", format="png")]
    film = [partial(gr.File, label="film", type="filepath")]
    for function, queue, shown in (
        (stylise_instantly, INSTANT, picture),
        (stylise, SLOW, picture),
        (stylise_lesson, SLOW, picture),
        (stylise_film, SLOW, film),
    ):
        endpoint(function, (StyleError,), files=files, outputs=shown, queue=queue)
    endpoint(paintings, (StyleError,))


def paintings() -> list[str]:
    """The names of the paintings that come with the app, for stylise and stylise_instantly."""
    return [item.path.stem for item in shipped.paintings()]


def stylise_instantly(
    photo: str,
    painting_names: list[str] | None = None,
    painting_files: list[str] | None = None,
    settings: State | None = None,
    brushed: str | None = None,
) -> str:
    """Repaint a photo with one to four paintings, in a few seconds. Returns a PNG that holds its recipe.

    Args:
        photo: a picture file.
        painting_names: names from paintings.
        painting_files: picture files of your own, instead or besides.
        settings: a recipe's fields that you want otherwise, such as {"size": 512, "strength": 0.8}.
        brushed: a PNG to lie over the photo, transparent but for regions: white stays as it is; #ef4444,
            #22c55e, #3b82f6 and #eab308 say where the first to the fourth painting acts.
    """
    *_, painted = _painted("instant", photo, painting_names, painting_files, settings, brushed)
    assert isinstance(painted, Path), "ends with the picture, or with an error"
    return str(painted)


def stylise(
    photo: str,
    painting_names: list[str] | None = None,
    painting_files: list[str] | None = None,
    settings: State | None = None,
    brushed: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio wants it
) -> Iterator[str | None]:
    """Repaint a photo in the studio, from coarse to fine, for the seconds that you give it. Cancel the job to
    stop it. Returns a PNG that holds its recipe.

    Args:
        photo: a picture file.
        painting_names: names from paintings.
        painting_files: picture files of your own, instead or besides; four paintings in all.
        settings: a recipe's fields that you want otherwise, such as {"seconds": 30, "size": 512}.
        brushed: a PNG with regions, as for stylise_instantly.
    """
    yield from _told(_painted("studio", photo, painting_names, painting_files, settings, brushed), progress)


def stylise_lesson(
    photo: str,
    painting_names: list[str] | None = None,
    painting_files: list[str] | None = None,
    run: str = "c",
    settings: State | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio wants it
) -> Iterator[str | None]:
    """Repeat a run of the course notebook: a square of 256 pixels, its losses, weights and steps. Cancel the
    job to stop it. Returns a PNG that holds its recipe.

    Args:
        photo: a picture file.
        painting_names: one name from paintings.
        painting_files: or one picture file of your own.
        run: a rebuilds the photo from noise, b adds the painting, c has all three losses.
        settings: {"lesson_pace": "quick"} takes 100 steps of L-BFGS instead of 1,000 of Adam.
    """
    if run not in _LESSON_RUNS:
        raise StyleError(f"The run is one of {', '.join(_LESSON_RUNS)}.")
    yield from _told(_painted(run, photo, painting_names, painting_files, settings), progress)


def stylise_film(
    photo: str,
    painting_names: list[str] | None = None,
    painting_files: list[str] | None = None,
    settings: State | None = None,
    brushed: str | None = None,
    kind: str = "mp4",
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio wants it
) -> Iterator[str | None]:
    """Repaint a photo in the studio, as stylise does, and return a film of how it was painted.

    Args:
        photo: a picture file.
        painting_names: names from paintings.
        painting_files: picture files of your own, instead or besides; four paintings in all.
        settings: a recipe's fields that you want otherwise, such as {"seconds": 30, "size": 512}.
        brushed: a PNG with regions, as for stylise_instantly.
        kind: mp4, gif or webp.
    """
    if f".{kind}" not in SUFFIXES:
        raise StyleError(f"The kind of film is one of {', '.join(suffix[1:] for suffix in SUFFIXES)}.")
    film = Film()
    for made in _painted("studio", photo, painting_names, painting_files, settings, brushed):
        if isinstance(made, Path):
            path = made.with_name(f"film.{kind}")
            film.write(path)
            yield str(path)
            return
        film.add(made)
        progress(made.progress, desc=time_left(made.seconds_left))
        yield None


def _told(made: Iterator[Path | Iterate], progress: gr.Progress) -> Iterator[str | None]:
    """The picture's path at the end; before it, how far the work is."""
    for each in made:
        if isinstance(each, Path):
            yield str(each)
            return
        progress(each.progress, desc=time_left(each.seconds_left))
        yield None


def _painted(
    preset: str, photo: object, names: object, files: object, settings: object, brushed: object = None
) -> Iterator[Path | Iterate]:
    """The iterates of a stylisation, then the path of its picture."""
    recipe = _recipe(preset, settings)
    if not isinstance(photo, str):
        raise StyleError("Send a picture file as photo.")
    content, chosen = read_picture(photo), _paintings(names, files)
    regions = _regions(brushed, len(chosen))
    book, ticket = JobBook(), uuid.uuid4().hex
    work = partial(iterates_of, content, chosen, recipe, regions=regions)
    job = Job(work, tests=2 if preset == "instant" else 6)
    try:
        book.begin(ticket, job)
        yield from job.follow()
        if job.newest is None:
            raise StyleError("Nothing was painted; please try again.")
        path = new_folder() / "painted.png"
        save(path, job.newest.picture, content, chosen, recipe, regions)
        yield path
    finally:
        book.end(ticket)


def _regions(brushed: object, count: int) -> Regions:
    if brushed is None:
        return Regions()
    if not isinstance(brushed, str):
        raise StyleError("Send a PNG as brushed.")
    layer = read_picture(brushed)
    alpha = np.full(layer.rgb.shape[:2], 255, np.uint8) if layer.alpha is None else layer.alpha
    return read_brush(np.dstack([layer.rgb, alpha]), list(range(count)))


def _recipe(preset: str, settings: object) -> Recipe:
    settings = settings or {}
    names = [item.name for item in fields(Recipe) if item.name not in _NOT_HERE]
    if not isinstance(settings, dict) or not set(settings) <= set(names):
        raise StyleError(f"The settings are an object; its names are among: {', '.join(names)}.")
    weights = settings.get("weights", ())
    plain = {**settings, "weights": tuple(weights) if isinstance(weights, list) else weights}
    mode = {"mode": "lesson", "lesson_run": preset} if preset in _LESSON_RUNS else {"mode": preset}
    return Recipe(**mode, **plain)  # type: ignore[arg-type]


def _paintings(names: object, files: object) -> list[Picture]:
    known = {item.path.stem: item.path for item in shipped.paintings()}
    names, files = names or [], files or []
    if not isinstance(names, list) or not all(isinstance(name, str) and name in known for name in names):
        raise StyleError(f"The names of paintings are a list of some of: {', '.join(known)}.")
    paths = [*(known[name] for name in names), *(Path(str(file)) for file in files)]  # type: ignore[attr-defined]
    if not 1 <= len(paths) <= MOST_PAINTINGS:
        raise StyleError(f"Send 1 to {MOST_PAINTINGS} paintings, by name or as files.")
    return [read_picture(path) for path in paths]
