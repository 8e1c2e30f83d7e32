"""What the page asks of a generator besides its picture: more directions, children, films, files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan.errors import GanError
from gan.explorer import MOST_OWN, ExplorerState, OwnEdit, further_entries, kept_entries
from gan.model import load_reference
from gan.own_directions import keep

Answer = dict[str, Any]


def explore_directions(question: Any) -> Answer:
    """The directions after the first ten, in the order in which a state's edits count through them."""
    return {"directions": further_entries(load_reference(ExplorerState.from_json(question).reference))}


def explore_keep(question: Any) -> Answer:
    """Keep own directions with a checkpoint that was trained here; answers all that it has now."""
    model = load_reference(ExplorerState.from_json({"checkpoint": _of(question, "checkpoint")}).reference)
    edits = _of(question, "own")
    if not isinstance(edits, list) or not 1 <= len(edits) <= MOST_OWN:
        raise GanError(f"Keep 1 to {MOST_OWN} sliders of your own at a time.")
    keep(model, [OwnEdit.from_json(edit) for edit in edits])
    return {"kept": kept_entries(model)}


def _of(question: Any, key: str) -> Any:
    return question.get(key) if isinstance(question, Mapping) else None
