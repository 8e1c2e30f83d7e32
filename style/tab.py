"""The Stylise tab: how it is laid out, and what its buttons do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from style import shipped, tab_batch, tab_collect, tab_finish, tab_pictures, tab_settings, view
from style.errors import StyleError
from style.film import Film
from style.images import read_picture
from style.jobs import Job, JobBook
from style.scores import score_pictures
from style.tab_pictures import Pictures
from style.tab_settings import Settings
from style.zero import stylise

_AT_ONCE: Any = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

# Among the values of a job stand first the ticket, then `Pictures.inputs`, then the preset.
_PRESET_AT = 1 + tab_pictures.INPUTS

# Queues, and beginnings of the tickets for them: nobody waits a minute for a picture of a few seconds.
_INSTANT, _SLOW = "style-instant", "style-slow"
# One for each component that a job writes to.
_AS_BEFORE = (gr.skip(),) * 10


@dataclass(frozen=True)
class _Stage:
    """The components that a running job writes to."""

    live: gr.HTML
    progress: gr.HTML
    curves: gr.HTML
    compare: gr.ImageSlider
    download: gr.DownloadButton
    gif: gr.DownloadButton
    mp4: gr.DownloadButton
    message: gr.HTML
    run: gr.Button
    stop: gr.Button
    finishing: tab_finish.Finishing
    collecting: tab_collect.Collecting


def build(collected: gr.BrowserState) -> None:
    """Lays out the tab; `collected` names the visitor's pictures to share."""
    gr.set_static_paths([shipped.PICTURES])
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            pictures = tab_pictures.build()
            settings = tab_settings.build()
            batch = tab_batch.build()
        with gr.Column(scale=6, min_width=320):
            stage = _build_stage()
    _connect_painting(stage, pictures, settings)
    recipe = [*pictures.inputs, settings.preset, *settings.controls, *stage.finishing.controls]
    tab_batch.connect(batch, recipe, settings.preset, (_INSTANT, _SLOW))
    tab_collect.connect(batch.collecting, batch.gallery, collected)
    tab_settings.connect(settings, pictures, stage.finishing.controls, stage.message)
    tab_finish.connect(stage.finishing, stage.compare, stage.download, stage.message)
    tab_collect.connect(stage.collecting, stage.download, collected)
    tab_pictures.connect(pictures, stage.message)


def _connect_painting(stage: _Stage, pictures: Pictures, settings: Settings) -> None:
    """What the buttons do: a click gets a ticket at once, then waits for its turn; Stop keeps the best.

    In the instant mode every change paints again. What is painted after a click and after a change has
    tickets of its own, so that a change never takes away the ticket by which a long job is stopped.
    """
    book = JobBook()
    clicked_ticket, changed_ticket = gr.State(""), gr.State("")
    chosen = [settings.preset, *pictures.inputs]
    asked = [*pictures.inputs, settings.preset, *settings.controls, *stage.finishing.controls]
    told = [stage.message, stage.progress, stage.run]
    clicked = stage.run.click(_prepare, chosen, [clicked_ticket, *told], **_AT_ONCE)
    changes = [picture.change for picture in (pictures.photo, *pictures.paintings)]
    changes += [slider.release for slider in (*pictures.mix, *settings.at_once)]
    changed = gr.on(
        [*changes, settings.preset.change],
        partial(_prepare_again, book),
        [clicked_ticket, *chosen],
        [changed_ticket, *told],
        trigger_mode="always_last",
        **_AT_ONCE,
    )
    for queue in (_INSTANT, _SLOW):
        _paint_after(clicked, queue, book, [clicked_ticket, *asked], stage)
    _paint_after(changed, _INSTANT, book, [changed_ticket, *asked], stage)

    def stop(*tickets: str) -> None:
        for ticket in tickets:
            book.stop(ticket)

    stage.stop.click(stop, [clicked_ticket, changed_ticket], None, **_AT_ONCE)


def _paint_after(event: Any, queue: str, book: JobBook, inputs: list[Any], stage: _Stage) -> None:
    """Paints after the event if its ticket, the first of the inputs, is one for this queue."""

    # Gradio streams from functions that are generators themselves; a lambda around one is not. A generator
    # that yields nothing would empty the page.
    def paint(ticket: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        yield _AS_BEFORE
        if ticket.startswith(queue):
            yield from _paint(book, ticket, *values)

    def ready(ticket: str) -> Any:
        return gr.Button("Stylise", interactive=True) if ticket.startswith(queue) else gr.skip()

    shown = [stage.live, stage.progress, stage.curves, stage.compare, stage.download, stage.message]
    painted = event.then(
        paint,
        inputs,
        [*shown, stage.finishing.painted, stage.finishing.group, stage.gif, stage.mp4],
        show_progress="minimal",
        show_progress_on=stage.progress,
        concurrency_id=queue,
        concurrency_limit=1,
        # By default the page drops what comes while the picture before it is still painted, or still waits.
        trigger_mode="always_last",
        api_visibility="private",
    )
    # Not with the last words of the work: the page drops a click that comes before it has heard the end.
    for after in (painted.then, painted.failure):
        after(ready, inputs[0], stage.run, **_AT_ONCE)


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
    with gr.Row():
        download = gr.DownloadButton("Download PNG", interactive=False, elem_id="style-download")
        gif = gr.DownloadButton("The film as GIF", visible=False, elem_id="style-film")
        mp4 = gr.DownloadButton("The film as MP4", visible=False, elem_id="style-mp4")
    collecting = tab_collect.build("style")
    return _Stage(
        live, progress, curves, compare, download, gif, mp4, message, run, stop, finishing, collecting
    )


def _prepare(preset: str, *values: Any) -> tuple[str, str, Any, Any]:
    """Gives the visitor a ticket before the queue, so that Stop works while he waits."""
    chosen = tab_pictures.read(values)
    if chosen.photo is None or not chosen.paintings:
        missing = "photo" if chosen.photo is None else "painting"
        text = f"Please choose a {missing} first, or click an example pair."
        return "", view.message(text), gr.skip(), gr.skip()
    queue, words = _SLOW, "Waiting for the brushes: one picture is painted at a time."
    if preset == "instant":
        queue, words = _INSTANT, "Painting: a few seconds."
    button = gr.Button("Painting…", interactive=False)
    return f"{queue} {uuid.uuid4().hex}", "", view.progress_bar(0.0, words), button


def _prepare_again(book: JobBook, running: str, preset: str, *values: Any) -> tuple[Any, Any, Any, Any]:
    """A ticket for a picture that paints itself: in the instant mode, once there is all it needs.

    A long job of the same visitor, whose ticket is `running`, is not painted over.
    """
    chosen = tab_pictures.read(values)
    if preset != "instant" or chosen.photo is None or not chosen.paintings or book.knows(running):
        return "", gr.skip(), gr.skip(), gr.skip()
    ticket, _, waiting, button = _prepare(preset, *values)
    return ticket, gr.skip(), waiting, button  # what was said of the change stays


def _paint(book: JobBook, ticket: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Runs one job and shows it; yields values for the stage. A closed page ends the job."""
    nothing = gr.skip()
    rest = nothing, nothing, nothing
    after_rest = nothing, nothing, nothing, nothing
    before_it_began = nothing, "", *rest, view.message("Stopped before it began."), *after_rest
    try:
        chosen = tab_pictures.read(values[: _PRESET_AT - 1])
        recipe = tab_settings.read(values[_PRESET_AT - 1], chosen.weights, values[_PRESET_AT:])
        if chosen.photo is None:  # taken away after the ticket was given
            yield before_it_began
            return
        photo = read_picture(chosen.photo)
        paintings = [read_picture(path) for path in chosen.paintings]
        work = partial(stylise, photo, paintings, recipe, regions=chosen.regions)
        job = Job(work, tests=2 if recipe.mode == "instant" else 6)
        if not book.begin(ticket, job):
            yield before_it_began
            return
        curves, film = view.Curves(), Film()
        for iterate in job.follow():
            curves.add(iterate)
            film.add(iterate)
            shown = view.live(iterate), view.progress(iterate), curves.render()
            yield *shown, *rest, *after_rest
        last = job.newest
        if last is None:
            yield before_it_began
            return
        words = "Stopped; the best so far is kept." if job.stopped else "Done."
        words = f"{words} {view.duration(last.seconds_elapsed)} {view.enlarged(last)}".strip()
        done = view.progress_bar(last.progress, words)
        kept, after = tab_finish.keep(last.picture, chosen, recipe)
        comparison = gr.ImageSlider((kept.before, after), visible=True)
        button = gr.DownloadButton(value=after, interactive=True)
        no_film = gr.DownloadButton(visible=False), gr.DownloadButton(visible=False)
        # Whatever the page has said meanwhile, of a file for instance, stays.
        yield nothing, done, nothing, comparison, button, nothing, kept, gr.Column(visible=True), *no_film
        scores = score_pictures(last.picture, photo, paintings, recipe)
        done = view.progress_bar(last.progress, f"{words} As painted: {scores.words}.")
        yield nothing, done, *rest, nothing, nothing, nothing, *_film_buttons(film, kept)
    except StyleError as error:
        yield nothing, "", *rest, view.message(str(error)), *after_rest
    finally:
        book.end(ticket)


def _film_buttons(film: Film, kept: tab_finish.Painted) -> tuple[gr.DownloadButton, gr.DownloadButton]:
    """Offers the film beside the picture as GIF and as MP4, unless it would show a single frame."""
    if len(film.frames) < 2:
        return gr.DownloadButton(visible=False), gr.DownloadButton(visible=False)
    gif, mp4 = (Path(kept.picture).with_name(f"film.{kind}") for kind in ("gif", "mp4"))
    film.write(gif)
    film.write(mp4)
    return gr.DownloadButton(value=str(gif), visible=True), gr.DownloadButton(value=str(mp4), visible=True)
