"""A training on another machine, watched: its checkpoint is pulled from the Hub again and again."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import gradio as gr

from checkpoints import hub
from checkpoints.errors import CheckpointError
from checkpoints.hub_account import last
from checkpoints.store import Checkpoint
from checkpoints.tab_common import sits_here
from gan.train_view import in_words, picture_uri

EVERY_SECONDS = 30
CSS = """
.afar img{display:block;width:100%;max-width:640px;border-radius:6px}
.afar p{margin:6px 0;color:var(--body-text-color)}
"""
EXPLANATION = """
A training with `python -m gan train … --push you/name`, on a larger machine or as a Hugging Face Job, puts
its checkpoint on the Hub once a minute. Here you see its pictures as it goes on; the Share tab opens it in
Explore.
"""


def build() -> None:
    """An accordion: the repository's name, a switch, and what is to be seen."""
    with gr.Accordion("Watch a training on another machine", open=False, elem_id="train-afar"):
        gr.Markdown(EXPLANATION)
        with gr.Row(equal_height=True):
            name = gr.Textbox(
                label="Its repository on the Hub", placeholder="you/name", max_lines=1, max_length=300,
                scale=3, elem_id="train-afar-name",
            )  # fmt: skip
            watch = gr.Button("Watch", scale=1, min_width=120, elem_id="train-afar-watch")
            stop = gr.Button("Stop watching", visible=False, scale=1, min_width=120)
        shown = gr.HTML("", css_template=CSS, elem_id="train-afar-shown")
        timer = gr.Timer(EVERY_SECONDS, active=False)
    quiet: dict[str, Any] = {
        "concurrency_id": "afar", "concurrency_limit": 2, "api_visibility": "private",
    }  # fmt: skip
    seen = [shown, timer, watch, stop]
    gr.on([watch.click, name.submit], look, name, seen, show_progress_on=shown, **quiet)
    timer.tick(look, name, seen, show_progress="hidden", **quiet)
    stop.click(end, None, [timer, watch, stop], queue=False, api_visibility="private")


def end() -> tuple[Any, Any, Any]:
    """No more looks."""
    return gr.Timer(active=False), gr.update(visible=True), gr.update(visible=False)


def look(name: str, request: gr.Request | None = None) -> tuple[Any, ...]:
    """Pull the newest checkpoint and show it; what cannot be pulled ends the watching with a sentence."""
    try:
        checkpoint = last(hub.pulling(name, token=None if sits_here(request) else False))
    except CheckpointError as error:
        return f'<div class="afar"><p role="status">⚠️ {escape(str(error))}</p></div>', *end()
    return (
        afar_html(checkpoint),
        gr.Timer(active=True),
        gr.update(visible=False),
        gr.update(visible=True),
    )


def afar_html(checkpoint: Checkpoint) -> str:
    """The pictures of a checkpoint and how far its training is; nothing that it claims is believed."""
    training = checkpoint.config.get("training")
    training = training if isinstance(training, Mapping) else {}
    words = [checkpoint.title]
    for name, unit in (("step", "steps"), ("images_seen", "pictures seen")):
        value = training.get(name)
        if isinstance(value, int) and 0 <= value < 10**15:
            words.append(f"{value:,} {unit}")
    seconds = training.get("trained_seconds")
    if isinstance(seconds, int | float) and 0 <= seconds < 1e9:
        words.append(f"{in_words(seconds)} of training")
    source = picture_uri(checkpoint.folder / "preview.png")
    picture = f'<img alt="Generated pictures" src="{source}">' if source else ""
    return f'<div class="afar">{picture}<p>{escape(" · ".join(words))}</p></div>'
