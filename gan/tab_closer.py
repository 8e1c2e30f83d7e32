"""Below the explorer: look closer at its picture, compare, mix, and look for a picture of one's own in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from threading import BoundedSemaphore
from typing import Any

import gradio as gr
from PIL import Image
from torch import Tensor

from checkpoints.errors import CheckpointError
from gan import closer_view as view
from gan.direction_files import MOST_LAYERS
from gan.errors import GanError
from gan.explorer import ExplorerState, checkpoint_choices
from gan.inversion import Found, prepared, project
from gan.latent import parse_seeds
from gan.mixing import MOST_ON_A_SIDE, fine_groups, groups_of
from gan.mixing_sheet import mixing_tiles
from gan.model import Model, load_reference
from gan.pictures import to_images
from gan.tab_explore import one_thread
from style.errors import StyleError
from style.images import read_picture

LONGEST_STATE = 100_000
TILE = 192
INSTEAD = [
    ("The present picture is the first row", "present"),
    ("My favourites are the rows", "rows"),
    ("My favourites are the columns", "columns"),
]
LOOKS = [
    ("Where the discriminator looks", "heat"),
    ("Is it a copy?", "copies"),
    ("Inside the generator", "inside"),
    ("Both networks, layer by layer", "layers"),
]
# The first input of an event is what the explorer shows at this moment.
READ_STATE = """(...values) => [
  JSON.stringify(document.querySelector('#explore').atelierState()), ...values.slice(1)]"""
# For a grid: that, with the favourites of this browser that are of the same generator, chosen ones first.
READ_FAVOURITES = """(...values) => {
  const explorer = document.querySelector('#explore');
  const asked = { ...explorer.atelierState(), favourites: explorer.atelierFavourites() };
  return [JSON.stringify(asked), ...values.slice(1)];
}"""
# Before the server is asked: whoever reads on while it answers is not to be taken away.
SHOW_EXPLORER = """text => {
  document.querySelector('#explore').scrollIntoView(); return [text];
}"""
_TURN = BoundedSemaphore(1)
_QUIET: Any = {"api_visibility": "private", "js": READ_STATE}
# A search takes a minute: nobody's look at a picture waits for it.
_LOOKING: Any = {"concurrency_id": "closer", "concurrency_limit": 1, "trigger_mode": "always_last"}
_SEARCH = "closer-search"
_SEARCHING: Any = {"concurrency_id": _SEARCH, "concurrency_limit": 1, "trigger_mode": "always_last"}
LOOK_EVERY_SECONDS = 2.0
_AT_ONCE: Any = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
_MISTAKES = (GanError, CheckpointError, StyleError)


def build(library: gr.BrowserState, open_in_explore: gr.Textbox) -> None:
    """Lay out the panels. `open_in_explore` takes the JSON text of a state that the explorer is to show."""
    asked = gr.Textbox(visible="hidden", show_label=False, container=False)
    with gr.Accordion("Look closer at this picture", open=False, elem_id="closer"):
        _build_looks(asked)
    with gr.Accordion("Find your own picture in this generator", open=False, elem_id="project"):
        _build_project(asked, open_in_explore)
    with gr.Accordion("Mix pictures in a grid", open=False, elem_id="mixing") as mixing:
        _build_mixing(asked, open_in_explore, mixing)
    with gr.Accordion("Compare with another checkpoint", open=False, elem_id="comparing") as comparing:
        _build_comparing(asked, library, comparing)


def read(text: str) -> tuple[Model, ExplorerState]:
    """The explorer's state as the page sent it, and its model. Raises GanError or CheckpointError."""
    try:
        state = ExplorerState.from_json(json.loads(text[:LONGEST_STATE]))
    except (ValueError, TypeError, RecursionError):
        raise GanError("The explorer shows no picture yet; wait until it does, then try again.") from None
    return load_reference(state.reference), state


def _build_looks(asked: gr.Textbox) -> None:
    gr.Markdown(
        "What the networks do with the picture that the explorer shows now: which places convince the "
        "discriminator; the training pictures nearest to it; what every convolution "
        "makes of it; and both networks as tables of layers."
    )
    what = gr.Radio(LOOKS, value="heat", label="What to look at", show_label=False, elem_id="closer-what")
    button = gr.Button("Look", variant="primary", elem_id="closer-look")
    shown = gr.HTML("", css_template=view.CSS, elem_id="closer-shown", elem_classes="announced")
    button.click(look, [asked, what], shown, **_LOOKING, **_QUIET)


def look(text: str, what: str) -> Iterator[str]:
    """One of the four looks at a picture, as HTML, or the sentence that says why not; first its progress."""
    try:
        model, state = read(text)
        if what not in dict(LOOKS).values():
            raise GanError("Choose a look.")
        if what != "copies":
            with one_thread(_TURN):
                shown = view.LOOKS[what](model, state)
            yield shown
            return
        steps = view.copies_html(model, state)
        while True:
            # One step at a time: Gradio asks for each in a thread of its own.
            with one_thread(_TURN):
                step = next(steps, None)
            if step is None:
                return
            yield step
    except _MISTAKES as error:
        yield view.note_html(str(error))


def _build_project(asked: gr.Textbox, open_in_explore: gr.Textbox) -> None:
    gr.Markdown(
        "Looks for the latent vector whose picture comes nearest to yours: its middle square, as small as "
        "the generator's pictures. A generator of cats finds cats, so expect a likeness, not your photo; "
        "one that draws in grey looks for it in grey."
    )
    photo = gr.Image(
        label="Your picture", type="filepath", sources=["upload"], height=240, elem_id="project-photo"
    )
    with gr.Row():
        start = gr.Button("Find it", variant="primary", elem_id="project-start")
        stop = gr.Button("Stop, keep the best", interactive=False, elem_id="project-stop")
        opening = gr.Button("Open in the explorer", interactive=False, elem_id="project-open")
    told = gr.HTML("", css_template=view.CSS, elem_id="project-told", elem_classes="announced")
    shown = gr.HTML("", css_template=view.CSS, elem_id="project-shown")
    found = gr.Textbox(visible="hidden", show_label=False, container=False)
    demo, waiting = gr.context.Context.root_block, gr.Timer(LOOK_EVERY_SECONDS, active=False)

    def begun(path: str | None) -> tuple[Any, ...]:
        return _waiting(searches(demo) if path else 0)

    def place(request: gr.Request) -> tuple[Any, ...]:
        return _waiting(searches(demo, request.session_hash))

    wait = [told, start, stop, waiting]
    waiting.tick(place, None, wait, **_AT_ONCE)
    # Before the visitor's own search is in the queue: so all that are there are before it.
    searching = start.click(begun, photo, wait, **_AT_ONCE).then(
        search, [asked, photo], [told, shown, found, start, stop, opening], show_progress="hidden",
        **_SEARCHING, **_QUIET,
    )  # fmt: skip
    ended = [start, stop, opening]
    # In an event of its own: the page drops a click that comes before it has heard the end of the search.
    for after in (searching.then, searching.failure):
        after(_buttons, found, ended, **_AT_ONCE)
    stop.click(_stopped, found, [told, *ended], cancels=[searching], **_AT_ONCE)
    opening.click(lambda text: text, found, open_in_explore, js=SHOW_EXPLORER, **_AT_ONCE)


def searches(demo: gr.Blocks | None, before: str | None = None) -> int:
    """How many searches run and wait, or, of those, are before one that waits; 0 where it does not."""
    queue = demo._queue.event_queue_per_concurrency_id.get(_SEARCH) if demo else None
    if queue is None:
        return 0
    waiting = [event.session_hash for event in queue.queue]
    if before is None:
        return int(queue.current_concurrency) + len(waiting)
    return int(queue.current_concurrency) + waiting.index(before) if before in waiting else 0


def _waiting(before: int) -> tuple[Any, ...]:
    """What a visitor sees who waits for so many searches: words, start, stop, and whether to look again."""
    if not before:
        return gr.skip(), gr.skip(), gr.skip(), gr.Timer(active=False)
    note = view.note_html(waiting_words(before))
    return note, gr.Button(interactive=False), gr.Button(interactive=True), gr.Timer(active=True)


def waiting_words(before: int) -> str:
    """What a visitor is told who waits for others' searches."""
    number = "1 is" if before == 1 else f"{before} are"
    return f"Waiting: one search at a time, and {number} before yours. It starts by itself."


def _buttons(found: str) -> tuple[Any, Any, Any]:
    """Start, Stop and Open after a search."""
    return (
        gr.Button("Find it", interactive=True),
        gr.Button(interactive=False),
        gr.Button(interactive=bool(found)),
    )


def _stopped(found: str) -> tuple[Any, ...]:
    words = "Stopped; the best so far is kept." if found else "Stopped before anything was found."
    return view.note_html(words), *_buttons(found)


def search(text: str, path: str | None) -> Iterator[tuple[Any, ...]]:
    """Look for a photo; yields words and pictures as HTML, the best state as JSON text, and buttons."""
    busy = gr.Button("Searching…", interactive=False), gr.Button(interactive=True), gr.skip()
    same = gr.skip(), gr.skip(), gr.skip()
    if not path:
        yield view.note_html("Choose a picture first."), "", "", *same
        return
    yield view.note_html("Trying many pictures first, to start from a good one."), "", "", *busy
    try:
        model, state = read(text)
        target = prepared(read_picture(path), model)
        steps = project(model, target)
        while True:
            # One step at a time: Gradio asks for each in a thread of its own.
            with one_thread(_TURN):
                best = next(steps, None)
            if best is None:
                yield view.note_html("Done."), gr.skip(), gr.skip(), *same
                return
            words = f"Distance {best.distance:.3f}; 0 would be the same picture."
            shown = view.found_html(target, best.picture[None], words)
            yield (
                view.note_html(_words(best)),
                shown,
                json.dumps(best.state(state.reference).to_json()),
                *busy,
            )
    except _MISTAKES as error:
        yield view.note_html(str(error)), "", "", *same


def _words(best: Found) -> str:
    if best.seconds_left is None:
        return "Trying many pictures first, to start from a good one."
    return f"Step {best.step} of {best.steps}, about {round(best.seconds_left)} s left."


def _build_mixing(asked: gr.Textbox, open_in_explore: gr.Textbox, panel: gr.Accordion) -> None:
    gr.Markdown(
        "Every row is a picture and every column another; where they meet, the picture has what is ticked "
        "from the column and all else from the row. The first row and the first column are the pictures "
        "themselves. Choose a picture to open it."
    )
    with gr.Row():
        rows = gr.Textbox(
            "1, 5, 9", label="Seeds of the rows", info="One to eight numbers: a picture, and a row, each.",
            max_length=100, elem_id="mixing-rows",
        )  # fmt: skip
        columns = gr.Textbox(
            "2, 3, 4, 6", label="Seeds of the columns", info="What is ticked below comes from these.",
            max_length=100, elem_id="mixing-columns",
        )  # fmt: skip
    instead = gr.CheckboxGroup(
        INSTEAD, label="Pictures instead of seeds", elem_id="mixing-instead",
        info="Favourites are those of this generator, the chosen ones (A, B, ...) first, at most eight.",
    )  # fmt: skip
    names = gr.CheckboxGroup(
        [],
        label="From the column comes",
        info="What is not ticked comes from the row.",
        elem_id="mixing-groups",
    )
    crossover = gr.Slider(
        1, MOST_LAYERS - 1, value=1, step=1, label="Crossover layer", visible=False,
        elem_id="mixing-crossover",
        info="So many coarse layers (shapes) come from the row, all finer ones (colours) from the column.",
    )  # fmt: skip
    button = gr.Button("Make the grid", variant="primary", elem_id="mixing-make")
    message = gr.HTML("", css_template=view.CSS, elem_id="mixing-message", elem_classes="announced")
    grid = gr.Gallery(
        label="Mixed pictures", show_label=False, format="png", columns=4, object_fit="contain",
        preview=False, interactive=False, allow_preview=False, visible=False, elem_id="mixing-grid",
    )  # fmt: skip
    cells = gr.Textbox(visible="hidden", show_label=False, container=False)
    panel.expand(offered_groups, [asked, names], names, show_progress="hidden", queue=False, **_QUIET)
    crossover.input(crossed, [asked, crossover], names, show_progress="hidden", queue=False, **_QUIET)
    mixed = button.click(
        mix, [asked, rows, columns, names, instead], [grid, cells, message, names],
        **_LOOKING, **{**_QUIET, "js": READ_FAVOURITES},
    )  # fmt: skip
    for shows in (panel.expand, mixed.then):
        shows(offered_crossover, [asked, names], crossover, show_progress="hidden", queue=False, **_QUIET)
    grid.select(_chosen_cell, cells, open_in_explore, js=SHOW_EXPLORER, **_AT_ONCE)


def offered_groups(text: str, chosen: list[str]) -> Any:
    """The parts of the latent space that can be taken from a column; half of them are ticked at first."""
    try:
        model, _ = read(text)
        names = [group.name for group in groups_of(model)]
    except _MISTAKES:
        return gr.skip()
    kept = [name for name in chosen or () if name in names]
    return gr.CheckboxGroup(names, value=kept or _half(model, names))


def _half(model: Model, names: list[str]) -> list[str]:
    """What comes from the columns at first: the fine layers where these have styles, else the first half."""
    half = max(1, len(names) // 2)
    return names[half:] if model.generator.sides else names[:half]


def offered_crossover(text: str, ticked: list[str]) -> Any:
    """The crossover's slider, where layers have styles; it stands where the ticked layers begin."""
    try:
        model, _ = read(text)
    except _MISTAKES:
        return gr.skip()
    layers = [group.name for group in groups_of(model)]
    if not model.generator.sides:
        return gr.Slider(visible=False)
    fine = [name for name in layers if name in (ticked or ())] or _half(model, layers)
    return gr.Slider(visible=True, maximum=len(layers) - 1, value=max(1, len(layers) - len(fine)))


def crossed(text: str, crossover: object) -> Any:
    """What is ticked when the crossover's slider moves: all layers after so many."""
    try:
        model, _ = read(text)
        coarse = crossover if isinstance(crossover, (int, float)) and crossover == crossover else 1
        return gr.CheckboxGroup(
            value=fine_groups(model, int(min(len(model.generator.sides) - 1, max(1, coarse))))
        )
    except _MISTAKES:
        return gr.skip()


def mix(
    text: str, rows: str, columns: str, names: list[str], instead: Sequence[str] = ()
) -> tuple[Any, str, str, Any]:
    """The grid as pictures with captions, their states as JSON text, a message, and the parts on offer."""
    try:
        model, state = read(text)
        known = [group.name for group in groups_of(model)]
        names = [name for name in names if name in known] or _half(model, known)
        down, across = (
            favourites_in(text) if side in instead else _at_seeds(state, seeds)
            for side, seeds in (("rows", rows), ("columns", columns))
        )
        if "present" in instead:
            down = [state, *down][:MOST_ON_A_SIDE]
        with one_thread(_TURN):
            tiles = mixing_tiles(model, down, across, names)
    except _MISTAKES as error:
        return gr.Gallery(visible=False), "", view.note_html(str(error)), gr.skip()
    # The corner is nothing: through it the page is seen, in any theme.
    corner = Image.new("RGBA", (TILE, TILE))
    shown = [(_enlarged(tile.picture) if tile.state else corner, tile.caption) for tile in tiles]
    states = [tile.state and tile.state.to_json() for tile in tiles]
    sheet = view.download_html([tile.picture for tile in tiles], len(across) + 1, "mixing-grid.png")
    grid = gr.Gallery(shown, columns=len(across) + 1, visible=True)
    return grid, json.dumps(states), sheet, gr.CheckboxGroup(known, value=names)


def _at_seeds(state: ExplorerState, text: str) -> list[ExplorerState]:
    found = parse_seeds(text[:200], MOST_ON_A_SIDE)
    return [ExplorerState(state.reference, seed, state.truncation, state.label) for seed in found]


def favourites_in(text: str) -> list[ExplorerState]:
    """The favourites that the page sent with its state. Raises GanError when there is none."""
    asked = json.loads(text[:LONGEST_STATE])
    sent = asked.get("favourites")
    found = (
        [ExplorerState.from_json(each) for each in sent[:MOST_ON_A_SIDE]] if isinstance(sent, list) else []
    )
    found = [each for each in found if each.reference == asked.get("checkpoint")]
    if not found:
        raise GanError("Like a picture of this generator first: press ♡ Like under the picture.")
    return found


def _enlarged(picture: Tensor) -> Image.Image:
    return to_images(picture[None])[0].resize((TILE, TILE), Image.Resampling.BICUBIC)


def _chosen_cell(cells: str, event: gr.SelectData) -> Any:
    return cell_state(cells, event.index) or gr.skip()


def cell_state(cells: str, index: object) -> str:
    """The state of one cell as JSON text; empty where there is none, as for what no page would send."""
    try:
        states = json.loads(cells)
        there = isinstance(index, int) and 0 <= index < len(states) and states[index]
        return json.dumps(states[index]) if there else ""
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def _build_comparing(asked: gr.Textbox, library: gr.BrowserState, panel: gr.Accordion) -> None:
    gr.Markdown(
        "The same eight seeds, drawn by the explorer's checkpoint and by another one. Truncation, class and "
        "sliders count for both where they mean the same to both; below the pictures stands which did."
    )
    other = gr.Dropdown(
        [], label="The other checkpoint", info="Shipped ones, and those that you trained or pulled.",
        filterable=False, elem_id="comparing-other",
    )  # fmt: skip
    button = gr.Button("Compare", variant="primary", elem_id="comparing-start")
    shown = gr.HTML("", css_template=view.CSS, elem_id="comparing-shown", elem_classes="announced")
    panel.expand(_offered_checkpoints, [library, other], other, **_AT_ONCE)
    button.click(compare_with, [asked, other], shown, **_LOOKING, **_QUIET)


def _offered_checkpoints(references: Any, chosen: Any) -> Any:
    choices = [(each["title"], each["checkpoint"]) for each in checkpoint_choices(references)]
    known = [reference for _, reference in choices]
    return gr.Dropdown(choices, value=chosen if chosen in known else known[-1] if known else None)


def compare_with(text: str, other: Any) -> str:
    """Both checkpoints at the same seeds, as HTML, or the sentence that says why not."""
    try:
        model, state = read(text)
        if not isinstance(other, str) or not other:
            raise GanError("Choose the other checkpoint first.")
        with one_thread(_TURN):
            return view.comparison_html(model, load_reference(other), state)
    except _MISTAKES as error:
        return view.note_html(str(error))
