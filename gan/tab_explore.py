"""The Explore tab: a component whose state lives in the page, and what it asks the server for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from threading import BoundedSemaphore
from typing import Any

import gradio as gr
import torch
from PIL import Image

from checkpoints.errors import CheckpointError
from gan.browser_files import markup, page_settings, script, styles
from gan.errors import GanError
from gan.explorer import (
    OPENING_TRUNCATION,
    ExplorerState,
    checkpoint_choices,
    data_url,
    describe,
    neighbours,
    opinion_json,
    page_latent,
    png,
    render,
)
from gan.model import Model, load_reference
from gan.page_answers import (
    explore_cross,
    explore_directions,
    explore_film,
    explore_keep,
    explore_load,
    explore_save,
    explore_strip,
    explore_walk,
)
from gan.pictures import to_images

DOWNLOAD_SIDE = 512
LONGEST_STATE = 100_000

# The page's questions skip Gradio's queue, and anybody may ask them: two at a time draw, the others wait.
_TURNS = BoundedSemaphore(2)
_LONG_TURNS = BoundedSemaphore(1)
_STRIP_TURNS = BoundedSemaphore(1)

Answer = dict[str, Any]


@contextmanager
def one_thread(turns: BoundedSemaphore) -> Iterator[None]:
    """Wait for a turn, then calculate on one thread: at this size a second one costs more than it gains."""
    with turns:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def answers(function: Callable[[Any], Answer], turns: BoundedSemaphore = _TURNS) -> Callable[[Any], Answer]:
    """A function for the page: waits for its turn, and a visitor's mistake becomes `{"error": sentence}`."""

    @wraps(function)
    def asked(question: Any) -> Answer:
        try:
            with one_thread(turns):
                return function(question)
        except (GanError, CheckpointError) as error:
            return {"error": str(error)}

    return asked


def _read(question: Any) -> tuple[Model, ExplorerState]:
    state = ExplorerState.from_json(question)
    return load_reference(state.reference), state


def explore_open(question: Any) -> Answer:
    """What the page has to know about a checkpoint."""
    model, _ = _read(question)
    return describe(model)


def explore_render(question: Any) -> Answer:
    """The state's picture at its own size, the discriminator's opinion, and z where the page shows it."""
    return _shown(*_read(question))


def _shown(model: Model, state: ExplorerState) -> Answer:
    picture = render(model, state)
    return {
        "picture": data_url(png(picture[0]), "image/png"),
        "opinion": opinion_json(model, state, picture),
        "z": page_latent(model, state) if state.mode == "raw" else None,
    }


def explore_neighbours(question: Any) -> Answer:
    """The edits and pictures of the states near this one."""
    near = neighbours(*_read(question))
    return {
        "neighbours": [
            {"edits": list(state.edits), "picture": data_url(png(picture), "image/png")}
            for state, picture in near
        ]
    }


def explore_download(question: Any) -> Answer:
    """The picture as a PNG file: at its own size, or enlarged where the question has a `side`."""
    model, state = _read(question)
    side = DOWNLOAD_SIDE if isinstance(question, Mapping) and question.get("side") else None
    content = png(render(model, state)[0], side, state)
    name = "".join(c if c.isalnum() else "-" for c in state.reference)
    return {"picture": data_url(content, "image/png"), "name": f"{name}-seed{state.seed}.png"}


def sample(
    checkpoint: str, seed: float, truncation: float, label: float, edits: list[float] | None
) -> Image.Image:
    """A picture for `gradio_client`: `predict("cats", 5, 1.0, 0, [0.5], api_name="/sample")`."""
    question = {
        "checkpoint": checkpoint,
        "seed": seed,
        "truncation": truncation,
        "class": label,
        "edits": edits or [],
    }
    try:
        with one_thread(_TURNS):
            return to_images(render(*_read(question)))[0]
    except (GanError, CheckpointError) as error:
        raise gr.Error(str(error), print_exception=False) from None


def explorer_component(value: Answer) -> gr.HTML:
    """The explorer: Python tells the page something by its value, the page asks by these functions."""
    return gr.HTML(
        value,
        html_template=markup(),
        css_template=styles(),
        js_on_load=script(),
        apply_default_css=False,
        elem_id="explore",
        **page_settings(),
        server_functions=[
            answers(explore_open),
            answers(explore_render),
            answers(explore_neighbours),
            answers(explore_download),
            answers(explore_walk, _LONG_TURNS),
            answers(explore_strip, _STRIP_TURNS),
            answers(explore_directions, _LONG_TURNS),
            answers(explore_keep),
            answers(explore_cross),
            answers(explore_film, _LONG_TURNS),
            answers(explore_save, _LONG_TURNS),
            answers(explore_load),
        ],
    )


def first_value() -> Answer:
    """What the page shows before it has asked anything: the shipped checkpoints, a picture by the first."""
    choices = checkpoint_choices([])
    for choice in choices:
        question = {"checkpoint": choice["checkpoint"], "truncation": OPENING_TRUNCATION}
        model, shown = answers(explore_open)(question), answers(explore_render)(question)
        if "error" not in model and "error" not in shown:
            return {"choices": choices, "first": {"model": model, "shown": shown}}
    return {"choices": choices}


def build(library: gr.BrowserState) -> gr.Textbox:
    """Lay out the tab. Setting the returned (hidden) textbox to a checkpoint's reference opens it, and to the
    JSON text of a state (`ExplorerState.to_json`) shows that picture.
    """
    explorer = explorer_component(first_value())
    wanted = gr.Textbox(visible="hidden", elem_id="explore-open", show_label=False, container=False)

    gr.on(
        None,
        lambda references: {"choices": checkpoint_choices(references)},
        inputs=library,
        outputs=explorer,
        trigger_mode="multiple",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    wanted.change(
        lambda reference, references: (_open(reference, references), ""),
        inputs=[wanted, library],
        outputs=[explorer, wanted],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    _api()
    return wanted


def _open(wish: str, references: Any) -> Any:
    """What the page is to show: a checkpoint by its reference, or a whole state from its JSON text."""
    if not wish:
        return gr.skip()
    choices = {"choices": checkpoint_choices(references)}
    if not wish.lstrip().startswith("{"):
        return {**choices, "open": wish}
    try:
        state = ExplorerState.from_json(json.loads(wish[:LONGEST_STATE]))
    except GanError as error:
        return {**choices, "notice": str(error)}
    except (ValueError, RecursionError):
        return {**choices, "notice": "This picture's settings are damaged; open it again where you found it."}
    # Each wish has its own turn, so that the same picture can be opened again later.
    return {**choices, "state": state.to_json(), "turn": time.time_ns() // 1000}


def _api() -> None:
    """The documented endpoint `/sample`: components that nobody sees give the API page their names."""
    with gr.Row(visible=False):
        inputs = [
            gr.Textbox("cats", label="checkpoint"),
            gr.Number(0, label="seed", precision=0),
            gr.Number(1.0, label="truncation"),
            gr.Number(0, label="class", precision=0),
            gr.JSON([], label="edits"),
        ]
        picture = gr.Image(label="picture", type="pil", format="png")
        gr.Button("sample").click(
            sample,
            inputs=inputs,
            outputs=picture,
            api_name="sample",
            api_description="A picture by checkpoint, seed, truncation, class and direction edits.",
            concurrency_id="sample",
            concurrency_limit=1,
        )
