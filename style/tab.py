"""The Stylise tab: layout and events; the work is in `style.jobs`, `style.images` and `style.view`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image, ImageOps

from style import shipped, tab_finish, view
from style.errors import StyleError
from style.images import read_picture
from style.jobs import Job, JobBook
from style.optimise import stylise
from style.recipe import Recipe
from style.restore import read_recipe
from style.scores import score_pictures
from style.tab_input import PictureInput

_CONTROLS = ("size", "seconds", "content_weight", "style_weight", "variation_weight", "start", "seed")
_LARGEST_KEPT = 2048
_AT_ONCE: Any = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_PRESETS = [
    ("Studio: coarse to fine, your settings", "studio"),
    ("Lesson a: rebuild the photo from noise", "a"),
    ("Lesson b: photo and painting from noise", "b"),
    ("Lesson c: all three losses, from a darkened photo", "c"),
]
_LESSON = (
    "The lesson's notebook, exactly: a square of 256 pixels, VGG-16, 1000 steps of Adam with the notebook's "
    "weights. It takes several minutes; the sliders are not used. Stop keeps what there is."
)


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
    book = JobBook()
    ticket = gr.State("")
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            photo, painting, kept = _build_inputs()
            preset, controls, recipe_file = _build_controls()
        with gr.Column(scale=6, min_width=320):
            stage = _build_stage()

    _connect_painting(book, ticket, stage, [photo, painting], [preset, *controls])
    recipe_file.upload(
        _restore,
        recipe_file,
        [preset, *controls, *stage.finishing.controls, stage.message, recipe_file],
        show_progress="hidden",
        concurrency_id="style-upload",
        api_visibility="private",
    )
    tab_finish.connect(stage.finishing, stage.compare, stage.download, stage.message)
    _check_uploads((photo, painting), kept, stage.message)


def _connect_painting(
    book: JobBook, ticket: gr.State, stage: _Stage, pictures: list[Any], settings: list[Any]
) -> None:
    """What the buttons do: a click gets a ticket at once, then waits for its turn; Stop keeps the best."""

    # Gradio streams from functions that are generators themselves; a lambda around one is not.
    def paint(*values: Any) -> Iterator[tuple[Any, ...]]:
        if values[0]:  # a click that lacks a picture gets no ticket
            yield from _paint(book, *values)

    clicked = stage.run.click(
        _prepare,
        pictures,
        [ticket, stage.message, stage.progress, stage.run],
        **_AT_ONCE,
    )
    painted = clicked.then(
        paint,
        [ticket, *pictures, *settings, *stage.finishing.controls],
        [
            stage.live,
            stage.progress,
            stage.curves,
            stage.compare,
            stage.download,
            stage.message,
            stage.finishing.painted,
            stage.finishing.group,
        ],
        show_progress="minimal",
        show_progress_on=stage.progress,
        concurrency_id="style",
        concurrency_limit=1,
        api_visibility="private",
    )
    # Not with the last words of the work: the page drops a click that comes before it has heard the end.
    for after in (painted.then, painted.failure):
        after(
            lambda: gr.Button("Stylise", interactive=True),
            None,
            stage.run,
            **_AT_ONCE,
        )
    stage.stop.click(
        lambda value: book.stop(value),
        ticket,
        None,
        **_AT_ONCE,
    )


def _build_inputs() -> tuple[gr.Image, gr.Image, tuple[gr.State, gr.State]]:
    """Photo and painting with the shipped paintings and the example pairs.

    The states hold the paths of the last good pictures, which a bad upload must not take away.
    """
    kept = gr.State(None), gr.State(None)
    with gr.Row():
        photo = _picture_input("Photo", "style-photo", ["upload", "webcam", "clipboard"])
        painting = _picture_input("Painting", "style-painting", ["upload", "clipboard"])
    pairs, paintings = shipped.pairs(), shipped.paintings()
    examples = _picker(
        "Click a pair to try", [(_side_by_side(*pair), "") for pair in pairs], 4, "style-examples"
    )
    gallery = _picker(
        "Or pick a painting", [(str(item.path), item.title) for item in paintings], 5, "style-paintings"
    )

    def pick_pair(event: gr.SelectData) -> tuple[str, ...]:
        paths = tuple(str(item.path) for item in pairs[int(event.index)])
        return paths + paths

    def pick_painting(event: gr.SelectData) -> tuple[str, str, str]:
        chosen = paintings[int(event.index)]
        return str(chosen.path), str(chosen.path), f"Painting: {chosen.shows}."

    caption = gr.Markdown("", elem_id="style-caption")
    examples.select(pick_pair, None, [photo, painting, *kept], **_AT_ONCE)
    gallery.select(pick_painting, None, [painting, kept[1], caption], **_AT_ONCE)
    return photo, painting, kept


def _picker(label: str, items: list[Any], columns: int, elem_id: str) -> gr.Gallery:
    return gr.Gallery(
        items,
        label=label,
        columns=columns,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        buttons=[],
        interactive=False,
        elem_id=elem_id,
    )


def _side_by_side(photo: shipped.Shipped, painting: shipped.Shipped) -> Image.Image:
    """A thumbnail whose left half is the photo and whose right half is the painting."""
    sheet = Image.new("RGB", (192, 192))
    for left, item in ((0, photo), (96, painting)):
        with Image.open(item.path) as image:
            sheet.paste(ImageOps.fit(image, (96, 192)), (left, 0))
    return sheet


def _picture_input(label: str, elem_id: str, sources: list[Any]) -> gr.Image:
    return PictureInput(
        label=label,
        type="filepath",
        sources=sources,
        height=220,
        min_width=140,
        elem_id=elem_id,
        buttons=["fullscreen"],
        placeholder=f"Drop a {label.lower()} here\nor click to choose one",
    )


def _build_controls() -> tuple[gr.Dropdown, list[Any], gr.File]:
    """The preset, a control for each of `_CONTROLS`, and a slot for a recipe; the lesson hides most."""
    preset = gr.Dropdown(_PRESETS, value="studio", label="Preset", elem_id="style-preset")
    lesson = gr.Markdown(_LESSON, visible=False, elem_id="style-lesson")
    with gr.Column(visible=True) as studio:
        with gr.Row():
            controls = [_control(name) for name in ("size", "seconds")]
        controls += [_control(name) for name in ("content_weight", "style_weight", "variation_weight")]
        controls += [_control("start")]
    with gr.Accordion("More", open=False):
        controls += [_control("seed")]
        recipe_file = gr.File(
            label="Restore from a painted PNG",
            file_types=[".png", ".json"],
            height=150,
            elem_id="style-recipe",
        )
    preset.change(
        lambda value: (gr.Column(visible=value == "studio"), gr.Markdown(visible=value != "studio")),
        preset,
        [studio, lesson],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return preset, controls, recipe_file


def _restore(path: str | None) -> tuple[Any, ...]:
    """Every control as the file's recipe has it, the message, and an empty slot for the next file."""
    count = 1 + len(_CONTROLS) + len(tab_finish.CONTROLS)
    if path is None:
        return (gr.skip(),) * (count + 2)
    try:
        recipe = read_recipe(path)
    except StyleError as error:
        return *(gr.skip(),) * count, view.message(str(error)), None
    preset = recipe.lesson_run if recipe.mode == "lesson" else recipe.mode
    values = (getattr(recipe, name) for name in (*_CONTROLS, *tab_finish.CONTROLS))
    return preset, *values, view.message("All controls are as in this recipe."), None


def _control(name: str) -> Any:
    """Makes the control of a recipe's field from the field's own description."""
    item = next(item for item in fields(Recipe) if item.name == name)
    metadata = item.metadata
    common = {
        "label": metadata["label"],
        "info": metadata["help"],
        "value": item.default,
        "elem_id": f"style-{name.replace('_', '-')}",
    }
    if choices := metadata.get("choices"):
        return gr.Radio([(choice.capitalize(), choice) for choice in choices], **common)
    if name == "seed":
        return gr.Number(precision=0, minimum=metadata["minimum"], maximum=metadata["maximum"], **common)
    return gr.Slider(
        metadata["minimum"], metadata["maximum"], step=metadata["step"], buttons=["reset"], **common
    )


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
    finishing = tab_finish.build(_control)
    download = gr.DownloadButton("Download PNG", interactive=False, elem_id="style-download")
    return _Stage(live, progress, curves, compare, download, message, run, stop, finishing)


def _check_uploads(
    pictures: tuple[gr.Image, gr.Image], kept: tuple[gr.State, gr.State], message: gr.HTML
) -> None:
    """Shows at once what will be painted; a file that is no picture gets a sentence."""
    for component, state in zip(pictures, kept, strict=True):
        component.input(
            _accept,
            [component, state],
            [component, state, message],
            # By default the page drops a second change that comes before the answer to the first.
            trigger_mode="always_last",
            concurrency_limit=2,
            concurrency_id="style-upload",
            show_progress="minimal",
            show_progress_on=component,
            api_visibility="private",
        )


def _accept(path: str | None, before: str | None) -> tuple[Any, str | None, Any]:
    """Replaces an upload by a picture that every browser shows, or by the one before with a sentence."""
    if path is None:
        # The next upload may be faster than this answer, and its sentence must not be wiped away.
        return gr.skip(), None, gr.skip()
    try:
        picture = read_picture(path)
    except StyleError as error:
        return before, before, view.message(str(error))
    image = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    image.thumbnail((_LARGEST_KEPT, _LARGEST_KEPT))
    note = f"This file is an animation: the {picture.note} is used." if picture.note else ""
    kept = save_pil_to_cache(image, cache_dir=get_upload_folder(), name=Path(path).stem, format="png")
    return kept, kept, view.message(note)


def _prepare(photo: str | None, painting: str | None) -> tuple[str, str, Any, Any]:
    """Gives the visitor a ticket before the queue, so that Stop works while he waits."""
    if photo is None or painting is None:
        missing = "photo" if photo is None else "painting"
        text = f"Please choose a {missing} first, or click an example pair."
        return "", view.message(text), gr.skip(), gr.skip()
    waiting = view.progress_bar(0.0, "Waiting for the brushes: one picture is painted at a time.")
    return uuid.uuid4().hex, "", waiting, gr.Button("Painting…", interactive=False)


def _recipe(preset: str, values: tuple[Any, ...]) -> Recipe:
    settings = dict(zip((*_CONTROLS, *tab_finish.CONTROLS), values, strict=True))
    whole = {item.name for item in fields(Recipe) if isinstance(item.default, int)}
    for name in whole.intersection(settings):
        value = settings[name]
        settings[name] = int(value) if isinstance(value, float) and value.is_integer() else value
    if preset == "studio":
        return Recipe(**settings)
    kept = {name: settings[name] for name in ("seed", *tab_finish.CONTROLS)}
    return Recipe(mode="lesson", lesson_run=preset, **kept)  # type: ignore[arg-type]


def _paint(
    book: JobBook, ticket: str, photo_path: str, painting_path: str, preset: str, *values: Any
) -> Iterator[tuple[Any, ...]]:
    """Runs one job and shows it; yields values for the stage. A closed page ends the job."""
    nothing = gr.skip()
    rest = nothing, nothing, nothing
    before_it_began = nothing, "", *rest, view.message("Stopped before it began."), nothing, nothing
    try:
        recipe = _recipe(preset, values)
        photo, painting = read_picture(photo_path), read_picture(painting_path)
        job = Job(lambda: stylise(photo, [painting], recipe))
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
        words = f"{words} {last.seconds_elapsed:.0f} seconds."
        done = view.progress_bar(last.progress, words)
        kept, after = tab_finish.keep(last.picture, photo_path, photo, painting_path, painting, recipe)
        comparison = gr.ImageSlider((kept.before, after), visible=True)
        button = gr.DownloadButton(value=after, interactive=True)
        yield nothing, done, nothing, comparison, button, "", kept, gr.Column(visible=True)
        scores = score_pictures(last.picture, photo, [painting], recipe)
        done = view.progress_bar(last.progress, f"{words} As painted: {scores.words}.")
        yield nothing, done, *rest, nothing, nothing, nothing
    except StyleError as error:
        yield nothing, "", *rest, view.message(str(error)), nothing, nothing
    finally:
        book.end(ticket)
