"""The film of a training, made on demand from the pictures that its run has kept."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import Any

import gradio as gr

from gan import run_files
from gan.errors import GanError
from gan.training_film import training_film
from style.moving import MEDIA_TYPES

KINDS = [("MP4, small", ".mp4"), ("GIF, for anywhere", ".gif"), ("WebP", ".webp")]
CSS = """
.film video,.film img{display:block;width:100%;max-width:640px;border-radius:6px}
.film a{display:inline-block;margin-top:8px;text-decoration:underline}
.film p{margin:4px 0;color:var(--body-text-color)}
"""


def build(run_id: gr.BrowserState) -> None:
    """An accordion below the run: the kind of file, a button, and the film with its download."""
    with gr.Accordion("Film of this training", open=False, elem_id="train-film"):
        gr.Markdown(
            "The same 32 latent vectors from the first step to the last, in about nine seconds, while it "
            "trains or afterwards."
        )
        with gr.Row(equal_height=True):
            kind = gr.Radio(KINDS, value=".mp4", label="Kind of file", scale=3, elem_id="train-film-kind")
            make = gr.Button("Make the film", scale=1, min_width=140, elem_id="train-film-make")
        shown = gr.HTML("", css_template=CSS, elem_id="train-film-shown")
    make.click(
        film_html, [run_id, kind], shown,
        concurrency_id="film", concurrency_limit=1, api_visibility="private", show_progress_on=shown,
    )  # fmt: skip


def film_html(run_id: str, kind: Any) -> str:
    """The film as a part of the page, or a sentence why there is none; nothing of the page is trusted."""
    try:
        if not isinstance(kind, str) or kind not in MEDIA_TYPES:
            raise GanError("Choose a kind of film first.")
        content = training_film(run_files.run_folder(run_id), kind)
    except GanError as error:
        return f'<div class="film"><p role="status">⚠️ {escape(str(error))}</p></div>'
    source = f"data:{MEDIA_TYPES[kind]};base64,{b64encode(content).decode()}"
    shown = (
        f'<video src="{source}" controls autoplay loop muted playsinline></video>'
        if kind == ".mp4"
        else f'<img alt="Film of the training" src="{source}">'
    )
    size = f"{len(content) / 1e6:.1f} MB"
    link = f'<a download="training{kind}" href="{source}">Save the film ({size})</a>'
    return f'<div class="film">{shown}{link}</div>'
