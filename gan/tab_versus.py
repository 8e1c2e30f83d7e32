"""Two runs side by side, with one thing changed: a section of the Train tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.context import Context

from checkpoints.errors import CheckpointError
from checkpoints.tab_visitor import visitor
from gan import run_files, run_status, runs, versus_run
from gan import tab_train_events as events
from gan import versus_view as view
from gan.errors import GanError
from gan.levers import setting_label
from gan.run_files import SIDES
from gan.tab_timer import timer_after
from gan.train_form import labels_tell
from gan.versus import RECIPE, changeable, suggestions

# Title, pictures (or as they are chosen), recipe (likewise), what differs, its value, and what to look for.
EXPERIMENTS: dict[str, tuple[str, str, str, str, str]] = {
    "The lesson's MLP against its DCGAN": (
        "fashion", "lesson-mlp", RECIPE, "lesson-dcgan",
        "The same garments: one network connects everything with everything, the other looks at neighbours. "
        "Compare after the same number of steps, and how long a step takes each.",
    ),
    "A discriminator that learns much faster": (
        "", "", "discriminator_lr", "0.01",
        "Watch D(G(z)) of B: if it falls to 0 and stays there, the generator learns little.",
    ),
    "Without the gradient penalty": (
        "cats", "in-a-minute", "penalty", "none",
        "The penalty keeps the discriminator's slopes gentle. Watch the losses of B drift, and its samples.",
    ),
    "Another seed: how much is luck?": (
        "", "", "seed", "1",
        "Nothing differs but the first weights. What the two differ in now is the size of luck.",
    ),
    "Noise on what the discriminator sees": (
        "", "", "noise", "0.5",
        "B begins more gently: the discriminator cannot win by details. It fades to nothing over the run.",
    ),
}  # fmt: skip
INTRODUCTION = """
Run A is what you chose at the top. Run B is the same, but for one thing. Both start from the same weights,
meet the same pictures in the same order and take their steps by turns; the time budget is for both together.
"""
_TITLES = {RECIPE: "the whole recipe", "seed": "seed (luck)"}
EVERY = 0.4
_QUIET: Any = {"show_progress": "hidden", "api_visibility": "private"}
_AT_ONCE: Any = {**_QUIET, "queue": False}


def what_differs() -> list[tuple[str, str]]:
    """Titles and names of all that can be changed, the recipe first."""
    names = [RECIPE, *changeable()]
    return [(_TITLES.get(name, setting_label(name)).capitalize(), name) for name in names]


def offer(name: str, *form: Any) -> tuple[Any, None, str]:
    """Values worth a try for what is to differ, given the form at the top; no ready experiment any more."""
    try:
        request, _ = events.asked_for(*form)
        values = suggestions(request.config, name)
    except (GanError, CheckpointError, KeyError, TypeError):
        values = []
    return gr.Dropdown(values, value=values[-1] if values else None), None, ""


def experiment(title: str) -> list[Any]:
    """Pictures, recipe, what differs and its value of a ready experiment, and what to look for."""
    chosen = EXPERIMENTS.get(title) if isinstance(title, str) else None
    if chosen is None:
        return [gr.skip()] * 5
    data, recipe, name, value, words = chosen
    return [data or gr.skip(), recipe or gr.skip(), name, gr.Dropdown([value], value=value), words]


def start(run_id: str, name: str, value: Any, *form: Any) -> tuple[Any, str]:
    """Start two runs, or queue them; returns their common id and what went wrong."""
    try:
        if _is_active(run_id):
            raise GanError("Your two runs still train; stop them before you start others.")
        if not isinstance(name, str) or not name or value in (None, ""):
            raise GanError("Choose what differs in run B, and its value.")
        request, pictures = events.asked_for(*form)
        # The budget is for both together, and each config's is its own.
        request = replace(request, config=replace(request.config, seconds=request.config.seconds / 2))
        second = versus_run.request_against(request, name, str(value), labels_tell(request.data))
        started = versus_run.create(request, second, pictures, visitor())
        runs.advance()
    except (GanError, CheckpointError) as error:
        return gr.skip(), f"⚠️ {error}"
    return started, ""


def _is_active(run_id: str) -> bool:
    try:
        return run_status.status(run_id).active
    except GanError:
        return False


def stop(run_id: str) -> None:
    """Ask both to stop and keep what they have."""
    try:
        runs.request_stop(run_id)
    except GanError as error:
        raise gr.Error(str(error), print_exception=False) from error


def look(run_id: str, looks: int = 0) -> list[Any]:
    """What the two runs' folder tells: pictures and curves, stop, start, continue, keep A, keep B, timer, and
    how many looks in a row found that nothing goes on.
    """
    try:
        both = versus_run.look(run_id)
    except GanError:
        hidden = gr.update(visible=False)
        start_only = [hidden, gr.update(interactive=True), hidden, hidden, hidden]
        return [view.EMPTY, *start_only, *timer_after(False, looks)]
    if both.status.state == "waiting":
        runs.advance()
    active = both.status.active
    keeping = [gr.update(visible=both.can_keep(side)) for side in SIDES]
    return [
        view.both_html(both),
        gr.update(visible=active),
        gr.update(interactive=not active),
        gr.update(visible=both.can_go_on),
        *keeping,
        *timer_after(active, looks),
    ]


def keep(side: str, run_id: str, library: Any) -> tuple[Any, str]:
    """Keep one of the two among the visitor's own checkpoints; returns the longer library and a message."""
    try:
        both = versus_run.look(run_id)
        status = versus_run.keep(run_id, side, both.requests[SIDES.index(side)].title)
    except GanError as error:
        return gr.skip(), f"⚠️ {error}"
    others = [r for r in library if r != status.reference] if isinstance(library, list) else []
    title = run_files.read_request(run_files.run_folder(status.run_id)).title
    return [*others, status.reference], f"Kept run {side.upper()} as “{title}”: it is in **Explore** now."


def build(
    form: Sequence[Any], data: gr.Radio, recipe: gr.Radio, library: gr.BrowserState, run_id: gr.BrowserState
) -> None:
    """Lay out the section and connect it.

    Args:
        form: the inputs of `gan.tab_train_events.asked_for`, in its order.
        data, recipe: two of them, which a ready experiment sets.
        run_id: the browser's memory of the two runs' common id.
    """
    with gr.Accordion("Two runs side by side: change one thing", open=False, elem_id="versus") as panel:
        gr.Markdown(INTRODUCTION)
        ready = gr.Dropdown(
            list(EXPERIMENTS), value=None, label="A ready experiment (optional)", filterable=False,
            elem_id="versus-experiment",
        )  # fmt: skip
        look_for = gr.Markdown(elem_id="versus-look-for")
        with gr.Row():
            name = gr.Dropdown(
                what_differs(), value="discriminator_lr", label="What differs in run B",
                info="Run A has the value that is chosen at the top.", elem_id="versus-what", scale=2,
            )  # fmt: skip
            value = gr.Dropdown(
                ["0.01"], value="0.01", label="Its value in run B", allow_custom_value=True,
                info="Choose one or type your own.", elem_id="versus-value", scale=2,
            )  # fmt: skip
        with gr.Row():
            begin = gr.Button("Start both", variant="primary", elem_id="versus-start", min_width=140)
            end = gr.Button("Stop both", variant="stop", visible=False, elem_id="versus-stop", min_width=140)
            again = gr.Button(
                "Continue both: one more minute each", visible=False, elem_id="versus-continue", min_width=140
            )
            keepers = [
                gr.Button(f"Keep {side.upper()}", visible=False, elem_id=f"versus-keep-{side}", min_width=140)
                for side in SIDES
            ]
        message = gr.Markdown(elem_id="versus-message")
        shown = gr.HTML(view.EMPTY, css_template=view.CSS, elem_id="versus-shown")
        timer, looks = gr.Timer(EVERY, active=False), gr.State(0)
    seen = [shown, end, begin, again, *keepers, timer, looks]
    name.input(offer, [name, *form], [value, ready, look_for], **_AT_ONCE)
    ready.input(experiment, ready, [data, recipe, name, value, look_for], **_AT_ONCE)
    begin.click(
        start, [run_id, name, value, *form], [run_id, message], concurrency_id="train", **_QUIET
    ).then(look, run_id, seen, **_AT_ONCE)
    end.click(stop, run_id, None, **_AT_ONCE).then(look, run_id, seen, **_AT_ONCE)
    again.click(events.go_on, run_id, None, **_AT_ONCE).then(look, run_id, seen, **_AT_ONCE)
    timer.tick(look, [run_id, looks], seen, **_AT_ONCE)
    panel.expand(look, run_id, seen, **_AT_ONCE)
    for side, button in zip(SIDES, keepers, strict=True):
        button.click(_keeper(side), [run_id, library], [library, message], concurrency_id="train", **_QUIET)
    if isinstance(Context.block, gr.Tab):
        Context.block.select(look, run_id, seen, **_AT_ONCE)


def _keeper(side: str) -> Any:
    def act(run_id: str, library: Any) -> tuple[Any, str]:
        return keep(side, run_id, library)

    return act
