"""The part of the Stylise tab that paints several photos with the paintings and settings of the page."""

from __future__ import annotations

import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from style import tab_collect, tab_pictures, tab_settings, view
from style.errors import StyleError
from style.folder import destinations
from style.images import Picture, read_picture
from style.jobs import Job, JobBook
from style.output import save
from style.recipe import Recipe
from style.zero import stylise

MOST_PHOTOS = 20
# A queue serves one visitor at a time, and nobody should wait longer for it than for one long picture.
MOST_SECONDS = 900
_HELP = (
    "All of them get the paintings, the mode and the settings of this page; what is brushed belongs to the "
    "one photo above and does not count here. In the studio the time budget holds for each photo."
)
_AT_ONCE: Any = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_AS_BEFORE = (gr.skip(),) * 4


@dataclass(frozen=True)
class Batch:
    """The fields."""

    files: gr.File
    run: gr.Button
    stop: gr.Button
    message: gr.HTML
    progress: gr.HTML
    gallery: gr.Gallery
    download: gr.DownloadButton
    collecting: tab_collect.Collecting


@dataclass
class _Done:
    """What a batch has made so far, of `count` photos: finished files and sentences on what failed."""

    folder: Path
    count: int
    painted: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def build() -> Batch:
    """Lays out the fields."""
    with gr.Accordion("Several photos with one recipe", open=False, elem_id="style-batch"):
        gr.Markdown(_HELP)
        files = gr.File(
            label=f"Up to {MOST_PHOTOS} photos",
            file_count="multiple",
            file_types=["image"],
            height=150,
            elem_id="style-batch-files",
        )
        with gr.Row():
            run = gr.Button("Stylise all", elem_id="style-batch-run", min_width=120)
            stop = gr.Button("Stop, keep what is painted", elem_id="style-batch-stop", min_width=120)
        message = gr.HTML("", elem_id="style-batch-message", padding=False)
        progress = gr.HTML("", elem_id="style-batch-progress", padding=False, min_height=44)
        gallery = gr.Gallery(
            label="Painted", columns=4, height="auto", visible=False, interactive=False,
            elem_id="style-batch-gallery",
        )  # fmt: skip
        download = gr.DownloadButton("Download all (zip)", visible=False, elem_id="style-batch-download")
        collecting = tab_collect.build(
            "style-batch", "Add all to the pictures to share", "Take them out again"
        )
    return Batch(files, run, stop, message, progress, gallery, download, collecting)


def connect(batch: Batch, inputs: list[Any], preset: gr.Dropdown, queues: tuple[str, str]) -> None:
    """What the buttons do.

    Args:
        inputs: `Pictures.inputs`, the preset, and all controls of the recipe.
        queues: names of the queues for quick and for long work, shared with single pictures.
    """
    book, ticket = JobBook(), gr.State("")
    prepare = partial(_prepare, queues)
    told = [ticket, batch.message, batch.progress, batch.run]
    clicked = batch.run.click(prepare, [batch.files, preset], told, **_AT_ONCE)
    for queue in queues:
        _paint_after(clicked, queue, book, [ticket, batch.files, *inputs], batch)
    batch.stop.click(book.stop, ticket, None, **_AT_ONCE)


def _paint_after(event: Any, queue: str, book: JobBook, inputs: list[Any], batch: Batch) -> None:
    def paint(ticket: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        yield _AS_BEFORE
        if ticket.startswith(queue):
            yield from paint_all(book, ticket, *values)

    def ready(ticket: str) -> Any:
        return gr.Button("Stylise all", interactive=True) if ticket.startswith(queue) else gr.skip()

    painted = event.then(
        paint,
        inputs,
        [batch.message, batch.progress, batch.gallery, batch.download],
        show_progress="minimal",
        show_progress_on=batch.progress,
        concurrency_id=queue,
        concurrency_limit=1,
        api_visibility="private",
    )
    for after in (painted.then, painted.failure):
        after(ready, inputs[0], batch.run, **_AT_ONCE)


def _prepare(queues: tuple[str, str], files: list[str] | None, preset: str) -> tuple[Any, ...]:
    """A ticket before the queue, so that Stop works while the visitor waits."""
    if not files:
        return "", view.message("Please drop some photos here first."), gr.skip(), gr.skip()
    queue = queues[0] if preset == "instant" else queues[1]
    waiting = view.progress_bar(0.0, "Waiting for the brushes.")
    return f"{queue} {uuid.uuid4().hex}", "", waiting, gr.Button("Painting…", interactive=False)


def paint_all(book: JobBook, ticket: str, files: list[str], *values: Any) -> Iterator[tuple[Any, ...]]:
    """Paints one photo after the other; yields message, progress, gallery and download."""
    nothing = gr.skip()
    try:
        chosen = tab_pictures.read(values[: tab_pictures.INPUTS])
        recipe = tab_settings.read(
            values[tab_pictures.INPUTS], chosen.weights, values[tab_pictures.INPUTS + 1 :]
        )
        _check(len(files), recipe, chosen.paintings)
        paintings = [read_picture(path) for path in chosen.paintings]
        done = _Done(tab_pictures.new_folder(), len(files))
        outputs = destinations([Path(path) for path in files], done.folder)
        for path, output in zip(files, outputs, strict=True):
            try:
                photo = read_picture(path)
            except StyleError as error:
                done.failed.append(f"{Path(path).name}: {error}")
                continue
            job = Job(partial(stylise, photo, paintings, recipe), tests=2)
            if not book.begin(ticket, job):
                break
            for iterate in job.follow():
                yield nothing, _progress(done, iterate.progress, iterate.seconds_left), nothing, nothing
            if job.newest is not None:
                _keep(done, output, job, photo, paintings, recipe)
                yield nothing, _progress(done, 0.0, None), _gallery(done), nothing
            if job.stopped:
                break
        yield _finish(done)
    except StyleError as error:
        yield view.message(str(error)), "", nothing, nothing
    finally:
        book.end(ticket)


def _check(count: int, recipe: Recipe, paintings: tuple[str, ...]) -> None:
    if not paintings:
        raise StyleError("Please choose a painting first.")
    if count > MOST_PHOTOS:
        raise StyleError(f"At most {MOST_PHOTOS} photos are painted at once; please choose fewer.")
    if recipe.mode == "lesson":
        raise StyleError(
            "The lesson takes minutes for each photo; please choose the instant mode or the studio."
        )
    if recipe.mode == "studio" and count * recipe.seconds > MOST_SECONDS:
        most = max(1, MOST_SECONDS // recipe.seconds)
        raise StyleError(
            f"{count} photos of {recipe.seconds} seconds are more than {MOST_SECONDS // 60} minutes; please "
            f"choose a shorter time, the instant mode, or at most {most} photos."
        )


def _keep(
    done: _Done, output: Path, job: Job, photo: Picture, paintings: list[Picture], recipe: Recipe
) -> None:
    assert job.newest is not None, "only what was painted is kept"
    save(output, job.newest.picture, photo, paintings, recipe)
    done.painted.append(output)


def _progress(done: _Done, share: float, seconds_left: float | None) -> str:
    number = len(done.painted) + len(done.failed)
    words = f"{len(done.painted)} of {done.count} painted"
    if seconds_left is not None:
        words = f"Photo {number + 1} of {done.count}: {view.time_left(seconds_left)}"
    return view.progress_bar((number + share) / done.count, words)


def _gallery(done: _Done) -> gr.Gallery:
    return gr.Gallery([str(path) for path in done.painted], visible=True)


def _finish(done: _Done) -> tuple[Any, ...]:
    """The last words, with everything that was painted in one file."""
    message = view.message(" ".join(done.failed))
    bar = view.progress_bar(
        (len(done.painted) + len(done.failed)) / done.count, f"{len(done.painted)} of {done.count} painted."
    )
    if not done.painted:
        return message or view.message("Stopped before there was a picture."), bar, gr.skip(), gr.skip()
    archive = done.folder / "painted.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in done.painted:
            file.write(path, path.name)
    return message, bar, _gallery(done), gr.DownloadButton(value=str(archive), visible=True)
