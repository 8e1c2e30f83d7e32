"""The Stylise tab: how it is laid out, and what its buttons do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from style import shipped, tab_finish, tab_pictures, tab_settings, view
from style.errors import StyleError
from style.images import read_picture
from style.jobs import Job, JobBook
from style.optimise import stylise
from style.scores import score_pictures
from style.tab_pictures import Pictures
from style.tab_settings import Settings

_AT_ONCE: Any = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

# Among the values of a job stand first the ticket, then `Pictures.inputs`, then the preset.
_PRESET_AT = 1 + tab_pictures.INPUTS

# One for each component that a job writes to.
_AS_BEFORE = (gr.skip(),) * 8


@dataclass(frozen=True)
class _Stage:
    """The components that a running job writes to."""

    live: gr.HTML
    progress: gr.HTML
    curves: gr.HTML
    compare: gr.ImageSlider
    download: gr.DownloadButton
    message: gr.HTML
    run: gr.Button
    stop: gr.Button
    finishing: tab_finish.Finishing


def build(library: gr.BrowserState) -> None:
    """Lays out the tab; `library` is not used here."""
    gr.set_static_paths([shipped.PICTURES])
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            pictures = tab_pictures.build()
            settings = tab_settings.build()
        with gr.Column(scale=6, min_width=320):
            stage = _build_stage()
    _connect_painting(stage, pictures, settings)
    tab_settings.connect(settings, pictures.mix, stage.finishing.controls, stage.message)
    tab_finish.connect(stage.finishing, stage.compare, stage.download, stage.message)
    tab_pictures.connect(pictures, stage.message)


def _connect_painting(stage: _Stage, pictures: Pictures, settings: Settings) -> None:
    """What the buttons do: a click gets a ticket at once, then waits for its turn; Stop keeps the best.

    The instant mode has a queue of its own, so that nobody waits a minute for a picture of a few seconds, and
    there every change paints again.
    """
    book = JobBook()
    ticket = gr.State("")
    asked = [*pictures.inputs, settings.preset, *settings.controls, *stage.finishing.controls]
    begun: Any = {
        "fn": _prepare,
        "inputs": [settings.preset, *pictures.inputs],
        "outputs": [ticket, stage.message, stage.progress, stage.run],
    }
    changes = [picture.change for picture in (pictures.photo, *pictures.paintings)]
    changes += [slider.release for slider in (*pictures.mix, *settings.at_once)]
    changed = gr.on(
        [*changes, settings.preset.change],
        _prepare_again,
        begun["inputs"],
        begun["outputs"],
        trigger_mode="always_last",
        **_AT_ONCE,
    )
    clicked = stage.run.click(**begun, **_AT_ONCE)
    for event in (clicked, changed):
        _paint_after(event, book, ticket, asked, stage)
    stage.stop.click(lambda value: book.stop(value), ticket, None, **_AT_ONCE)


def _paint_after(event: Any, book: JobBook, ticket: gr.State, asked: list[Any], stage: _Stage) -> None:
    # Gradio streams from functions that are generators themselves; a lambda around one is not. A generator
    # that yields nothing would empty the page. A click that lacks a picture gets no ticket.
    def paint_at_once(*values: Any) -> Iterator[tuple[Any, ...]]:
        yield _AS_BEFORE
        if values[0] and values[_PRESET_AT] == "instant":
            yield from _paint(book, *values)

    def paint(*values: Any) -> Iterator[tuple[Any, ...]]:
        yield _AS_BEFORE
        if values[0] and values[_PRESET_AT] != "instant":
            yield from _paint(book, *values)

    preset = asked[_PRESET_AT - 1]
    shown = [stage.live, stage.progress, stage.curves, stage.compare, stage.download, stage.message]
    for work, queue in ((paint_at_once, "style-instant"), (paint, "style")):
        painted = event.then(
            work,
            [ticket, *asked],
            [*shown, stage.finishing.painted, stage.finishing.group],
            show_progress="minimal",
            show_progress_on=stage.progress,
            concurrency_id=queue,
            concurrency_limit=1,
            # A change that comes while the picture before it is still painted must not be lost.
            trigger_mode="always_last" if work is paint_at_once else "once",
            api_visibility="private",
        )
        # Not with the last words of the work: the page drops a click that comes before it has heard the end.
        for after in (painted.then, painted.failure):
            after(_ready_at_once if work is paint_at_once else _ready, preset, stage.run, **_AT_ONCE)


def _ready_at_once(preset: str) -> Any:
    """The button again after an instant picture; the queue that had nothing to do leaves it alone."""
    return gr.Button("Stylise", interactive=True) if preset == "instant" else gr.skip()


def _ready(preset: str) -> Any:
    """The button again after any other picture."""
    return gr.skip() if preset == "instant" else gr.Button("Stylise", interactive=True)


def _build_stage() -> _Stage:
    """The right side: buttons, message, picture, progress, curves, comparison, download."""
    with gr.Row():
        run = gr.Button("Stylise", variant="primary", elem_id="style-run", min_width=120)
        stop = gr.Button("Stop, keep the best", elem_id="style-stop", min_width=120)
    message = gr.HTML("", elem_id="style-message", padding=False)
    live = gr.HTML(view.EMPTY, elem_id="style-live", padding=False)
    progress = gr.HTML("", elem_id="style-progress", padding=False, min_height=44)
    curves = gr.HTML("", elem_id="style-curves", padding=False)
    compare = gr.ImageSlider(
        label="Before and after: drag the line",
        type="filepath",
        format="png",
        interactive=False,
        visible=False,
        buttons=["fullscreen"],
        elem_id="style-compare",
    )
    finishing = tab_finish.build(tab_settings.control)
    download = gr.DownloadButton("Download PNG", interactive=False, elem_id="style-download")
    return _Stage(live, progress, curves, compare, download, message, run, stop, finishing)


def _prepare(preset: str, *values: Any) -> tuple[str, str, Any, Any]:
    """Gives the visitor a ticket before the queue, so that Stop works while he waits."""
    chosen = tab_pictures.read(values)
    if chosen.photo is None or not chosen.paintings:
        missing = "photo" if chosen.photo is None else "painting"
        text = f"Please choose a {missing} first, or click an example pair."
        return "", view.message(text), gr.skip(), gr.skip()
    words = "Waiting for the brushes: one picture is painted at a time."
    if preset == "instant":
        words = "Painting: a few seconds."
    button = gr.Button("Painting…", interactive=False)
    return uuid.uuid4().hex, "", view.progress_bar(0.0, words), button


def _prepare_again(preset: str, *values: Any) -> tuple[Any, Any, Any, Any]:
    """A ticket for a picture that paints itself: in the instant mode, once there is all it needs."""
    chosen = tab_pictures.read(values)
    if preset != "instant" or chosen.photo is None or not chosen.paintings:
        return "", gr.skip(), gr.skip(), gr.skip()
    return _prepare(preset, *values)


def _paint(book: JobBook, ticket: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Runs one job and shows it; yields values for the stage. A closed page ends the job."""
    nothing = gr.skip()
    rest = nothing, nothing, nothing
    before_it_began = nothing, "", *rest, view.message("Stopped before it began."), nothing, nothing
    try:
        chosen = tab_pictures.read(values[: _PRESET_AT - 1])
        recipe = tab_settings.read(values[_PRESET_AT - 1], chosen.weights, values[_PRESET_AT:])
        assert chosen.photo is not None, "no ticket without a photo"
        photo = read_picture(chosen.photo)
        paintings = [read_picture(path) for path in chosen.paintings]
        work = partial(stylise, photo, paintings, recipe, regions=chosen.regions)
        job = Job(work, tests=2 if recipe.mode == "instant" else 6)
        if not book.begin(ticket, job):
            yield before_it_began
            return
        curves = view.Curves()
        for iterate in job.follow():
            curves.add(iterate)
            shown = view.live(iterate), view.progress(iterate), curves.render()
            yield *shown, *rest, nothing, nothing
        last = job.newest
        if last is None:
            yield before_it_began
            return
        words = "Stopped; the best so far is kept." if job.stopped else "Done."
        words = f"{words} {view.duration(last.seconds_elapsed)}"
        done = view.progress_bar(last.progress, words)
        kept, after = tab_finish.keep(last.picture, chosen, recipe)
        comparison = gr.ImageSlider((kept.before, after), visible=True)
        button = gr.DownloadButton(value=after, interactive=True)
        yield nothing, done, nothing, comparison, button, "", kept, gr.Column(visible=True)
        scores = score_pictures(last.picture, photo, paintings, recipe)
        done = view.progress_bar(last.progress, f"{words} As painted: {scores.words}.")
        yield nothing, done, *rest, nothing, nothing, nothing
    except StyleError as error:
        yield nothing, "", *rest, view.message(str(error)), nothing, nothing
    finally:
        book.end(ticket)
