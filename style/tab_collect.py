"""The part of the Stylise tab that puts finished pictures aside, for the data set that Share pushes."""

from __future__ import annotations

from collections.abc import Sequence
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
    """The components; `added` holds the names of what was added last, by which it is taken out again."""

    row: gr.Row
    add: gr.Button
    undo: gr.Button
    told: gr.HTML
    added: gr.State


def build(
    place: str, words: str = "Add to the pictures to share", undo: str = "Take it out again"
) -> Collecting:
    """Lays out the buttons, hidden until there is a picture; `place` begins their names on the page."""
    with gr.Row(visible=False) as row:
        add = gr.Button(words, elem_id=f"{place}-collect", min_width=160)
        back = gr.Button(undo, visible=False, elem_id=f"{place}-collect-undo", min_width=120)
    told = gr.HTML("", elem_id=f"{place}-collected", padding=False)
    return Collecting(row, add, back, told, gr.State([]))


def connect(collecting: Collecting, picture: gr.DownloadButton | gr.Gallery, key: gr.BrowserState) -> None:
    """What the buttons do with what has been painted; `key` names the visitor's collection."""
    shown = [collecting.undo, collecting.told, collecting.added]
    picture.change(ready, picture, [collecting.row, collecting.add, *shown], **_AT_ONCE)
    collecting.add.click(add, [key, picture], [key, collecting.add, *shown], **_AT_ONCE)
    collecting.undo.click(take_out, [key, collecting.added], [collecting.add, *shown], **_AT_ONCE)


def ready(painted: Any) -> tuple[Any, ...]:
    """Something else was painted: it can be added, and what was said of the picture before is gone."""
    return gr.Row(visible=bool(painted)), gr.Button(visible=True), gr.Button(visible=False), "", []


def add(key: object, painted: Any) -> tuple[Any, ...]:
    """Values for (key, add, undo, told, added): all is collected, or a sentence says why some is not."""
    added: dict[str, bool] = {}
    try:
        for path in _paths(painted):
            key, name, new = collected.add(key, path)
            added[name] = new
    except CheckpointError as error:
        told = view.message(str(error))
    else:
        told = _told(key, _words(list(added.values())))
    if not added:
        return gr.skip(), gr.skip(), gr.skip(), told if painted else gr.skip(), gr.skip()
    return key, gr.Button(visible=False), gr.Button(visible=True), told, list(added)


def _paths(painted: Any) -> list[Path]:
    """What a download holds, a path, or a gallery, pairs of a path and a caption."""
    if isinstance(painted, str):
        return [Path(painted)]
    return [Path(path) for path, _ in painted or ()]


def _words(new: Sequence[bool]) -> str:
    if not any(new):
        return "It is there already." if len(new) == 1 else "They are there already."
    return "Added, with its recipe." if len(new) == 1 else "Added, with their recipes."


def take_out(key: object, added: list[str]) -> tuple[Any, ...]:
    """Values for (add, undo, told, added): what was added is out of the collection again."""
    collected.take_out(key, added)
    return gr.Button(visible=True), gr.Button(visible=False), _told(key, "Taken out again."), []


def _told(key: object, words: str) -> str:
    count = len(collected.listed(key))
    sentences = (words, how_many(count), _WHERE if count else "")
    return f'<p role="status" style="margin:0">{" ".join(f"<span>{each}</span>" for each in sentences)}</p>'
