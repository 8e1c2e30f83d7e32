"""One step of training on real pictures, part by part: a section of the Train tab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from threading import BoundedSemaphore
from typing import Any

import gradio as gr

from checkpoints.errors import CheckpointError
from gan import one_step_view as view
from gan import run_status
from gan import tab_train_events as events
from gan.errors import GanError
from gan.explorer import checkpoint_choices
from gan.one_step_desk import Desk, Look, look_at_checkpoint, look_at_request
from gan.one_step_words import EMPTY
from gan.tab_explore import one_thread

SOURCES = [
    ("Fresh ones, as chosen at the top", "fresh"),
    ("Those of my training run", "run"),
    ("Those of a checkpoint", "checkpoint"),
]
LEARNERS = [("Both", "both"), ("Only D", "discriminator"), ("Only G", "generator")]
INTRODUCTION = """
Two networks learn from each other, one step at a time. Go through a step part by part: real pictures, what
the discriminator says of them, its loss, what that means for every pixel, and how far the weights move.
**Start again** begins with what is chosen at the top at that moment.
"""
MANY, MANY_SECONDS = 20, 8.0
# Clicks the button for the next part as soon as the last answer was read for a while; pauses out of sight.
SLOW_MOTION = """() => {
  const root = document.querySelector('#one-step'), button = root.querySelector('#one-step-slow');
  const shown = () => root.querySelector('.one-step');
  const stop = () => { clearInterval(root.slowly); root.slowly = null; button.textContent = 'Slow motion'; };
  if (root.slowly) return stop();
  button.textContent = 'Pause';
  let seen = null;
  const go = () => {
    if (!root.isConnected || shown()?.querySelector('.trouble')) return stop();
    if (!button.offsetParent || document.hidden) return;
    const now = shown()?.dataset.count ?? '';
    if (now === seen) return;
    seen = now;
    root.querySelector('#one-step-next').click();
  };
  root.slowly = setInterval(go, 2500);
  go();
}"""
STOP_SLOW_MOTION = """() => {
  const root = document.querySelector('#one-step');
  if (root.slowly) root.querySelector('#one-step-slow').click();
}"""
_QUIET: Any = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_id": "one-step",
    "concurrency_limit": 1,
}
_AT_ONCE: Any = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
_TURN = BoundedSemaphore(1)


class Events:
    """What the buttons do; the looks of all visitors lie on one desk."""

    def __init__(self) -> None:
        self.desk, self._counter = Desk(), count(1)

    def next_part(self, look_id: str, who: str, *chosen: Any) -> list[Any]:
        """The next part of a step."""
        return self._answer(look_id, chosen, lambda look: look.next_part(who))

    def whole(self, look_id: str, who: str, *chosen: Any) -> list[Any]:
        """One whole step."""
        return self._answer(look_id, chosen, lambda look: look.whole_steps(who, 1, MANY_SECONDS))

    def many(self, look_id: str, who: str, *chosen: Any) -> list[Any]:
        """Many steps, or as many as are made within a few seconds."""
        return self._answer(look_id, chosen, lambda look: look.whole_steps(who, MANY, MANY_SECONDS))

    def undo(self, look_id: str) -> list[Any]:
        """Take the last step back."""
        look = self.desk.find(look_id)
        if look is None:
            return ["", EMPTY, gr.Button(interactive=False)]
        look.undo()
        words = (
            f"Taken back: the networks are as they were after {look.state.step:,} steps. The next one meets "
            "the same pictures, so you can see what another choice makes of them."
        )
        return [look_id, view.words_html(words, next(self._counter)), gr.Button(interactive=False)]

    def begin(self, look_id: str) -> list[Any]:
        """Forget the look; the next click begins another one."""
        self.desk.drop(look_id)
        return ["", EMPTY, gr.Button(interactive=False)]

    def _answer(self, look_id: str, chosen: Sequence[Any], act: Callable[[Look], Any]) -> list[Any]:
        try:
            with one_thread(_TURN):
                look = self.desk.find(look_id)
                if look is None:
                    look = look_at(*chosen)
                    look_id = self.desk.put(look)
                part = act(look)
        except (GanError, CheckpointError) as error:
            return ["", view.words_html(str(error), next(self._counter), trouble=True), gr.skip()]
        html = view.part_html(part, look.title, look.config.loss, next(self._counter))
        return [look_id, html, gr.Button(interactive=look.can_undo)]


def look_at(source: str, checkpoint: str, run_id: str, *form: Any) -> Look:
    """The networks that a visitor chose to look at. Raises GanError or CheckpointError."""
    if source == "run":
        try:
            status = run_status.status(run_id)
        except GanError:
            raise GanError(
                "You have no training run yet; start one above, or look at fresh networks."
            ) from None
        if not status.checkpoint:
            raise GanError("Your run has saved nothing yet; its first checkpoint comes after a few seconds.")
        return look_at_checkpoint(status.reference)
    if source == "checkpoint":
        if not isinstance(checkpoint, str) or not checkpoint:
            raise GanError("Choose the checkpoint to look at.")
        return look_at_checkpoint(checkpoint)
    return look_at_request(*events.asked_for(*form))


def offered(source: str, library: Any, chosen: Any) -> Any:
    """The list of checkpoints, where one is to be chosen."""
    found = [(each["title"], each["checkpoint"]) for each in checkpoint_choices(library)]
    known = [reference for _, reference in found]
    value = chosen if chosen in known else known[0] if known else None
    return gr.Dropdown(found, value=value, visible=source == "checkpoint")


def build(form: Sequence[Any], run_id: gr.BrowserState, library: gr.BrowserState) -> None:
    """Lay out the section and connect it.

    Args:
        form: the inputs of `gan.tab_train_events.asked_for`, in its order.
    """
    handlers, look_id = Events(), gr.State("")
    with gr.Accordion("One step of training, part by part", open=False, elem_id="one-step"):
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            source = gr.Radio(SOURCES, value="fresh", label="Networks", elem_id="one-step-source", scale=3)
            who = gr.Radio(LEARNERS, value="both", label="Who learns", elem_id="one-step-who", scale=2)
        checkpoint = gr.Dropdown(
            [], label="Checkpoint", visible=False, filterable=False, elem_id="one-step-checkpoint"
        )
        with gr.Row():
            forward = gr.Button("Next part", variant="primary", elem_id="one-step-next", min_width=120)
            slow = gr.Button("Slow motion", elem_id="one-step-slow", min_width=120)
            whole = gr.Button("Whole step", elem_id="one-step-whole", min_width=120)
            many = gr.Button(f"{MANY} steps", elem_id="one-step-many", min_width=120)
            undo = gr.Button("Undo", interactive=False, elem_id="one-step-undo", min_width=120)
            again = gr.Button("Start again", elem_id="one-step-again", min_width=120)
        shown = gr.HTML(EMPTY, css_template=view.CSS, elem_id="one-step-shown")
    asked = [look_id, who, source, checkpoint, run_id, *form]
    answer = [look_id, shown, undo]
    for button, event in ((forward, handlers.next_part), (whole, handlers.whole), (many, handlers.many)):
        button.click(event, asked, answer, **_QUIET)
    undo.click(handlers.undo, look_id, answer, **_QUIET)
    again.click(handlers.begin, look_id, answer, **_QUIET)
    slow.click(None, js=SLOW_MOTION, **_AT_ONCE)
    gr.on([each.click for each in (whole, many, undo, again)], None, js=STOP_SLOW_MOTION, **_AT_ONCE)
    gr.on([source.change], offered, [source, library, checkpoint], checkpoint, **_AT_ONCE)
    # Another choice begins anew, so that what is shown is what is chosen.
    gr.on([source.input, checkpoint.input], handlers.begin, look_id, answer, **_QUIET)
