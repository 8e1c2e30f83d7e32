"""The part of the Stylise tab that puts a finished picture aside, for the data set that Share pushes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from checkpoints import collected
from checkpoints.collected_view import how_many
from checkpoints.errors import CheckpointError
from style import view

_AT_ONCE: Any = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_WHERE = "The Share tab pushes them as a data set."


@dataclass(frozen=True)
class Collecting:
    """The components; `added` is the name of what was added last, by which it is taken out again."""

    row: gr.Row
    add: gr.Button
    undo: gr.Button
    told: gr.HTML
    added: gr.State


def build() -> Collecting:
    """Lays out the buttons, hidden until there is a picture."""
    with gr.Row(visible=False) as row:
        add = gr.Button("Add to the pictures to share", elem_id="style-collect", min_width=160)
        undo = gr.Button("Take it out again", visible=False, elem_id="style-collect-undo", min_width=120)
    told = gr.HTML("", elem_id="style-collected", padding=False)
    return Collecting(row, add, undo, told, gr.State(""))


def connect(collecting: Collecting, picture: gr.DownloadButton, key: gr.BrowserState) -> None:
    """What the buttons do with the picture that can be downloaded; `key` names the visitor's collection."""
    shown = [collecting.undo, collecting.told, collecting.added]
    picture.change(ready, picture, [collecting.row, collecting.add, *shown], **_AT_ONCE)
    collecting.add.click(add, [key, picture], [key, collecting.add, *shown], **_AT_ONCE)
    collecting.undo.click(take_out, [key, collecting.added], [collecting.add, *shown], **_AT_ONCE)


def ready(picture: str | None) -> tuple[Any, ...]:
    """Another picture: it can be added, and what was said of the one before is gone."""
    return gr.Row(visible=picture is not None), gr.Button(visible=True), gr.Button(visible=False), "", ""


def add(key: object, picture: str | None) -> tuple[Any, ...]:
    """Values for (key, add, undo, told, added): the picture is collected, or a sentence says why not."""
    if not picture:
        return (gr.skip(),) * 5
    try:
        key, name, new = collected.add(key, Path(picture))
    except CheckpointError as error:
        return gr.skip(), gr.skip(), gr.skip(), view.message(str(error)), gr.skip()
    words = "Added, with its recipe." if new else "It is there already."
    return key, gr.Button(visible=False), gr.Button(visible=True), _told(key, words), name


def take_out(key: object, added: str) -> tuple[Any, ...]:
    """Values for (add, undo, told, added): the picture is out of the collection again."""
    collected.take_out(key, [added])
    return gr.Button(visible=True), gr.Button(visible=False), _told(key, "Taken out again."), ""


def _told(key: object, words: str) -> str:
    count = len(collected.listed(key))
    sentences = (words, how_many(count), _WHERE if count else "")
    return f'<p role="status" style="margin:0">{" ".join(f"<span>{each}</span>" for each in sentences)}</p>'
