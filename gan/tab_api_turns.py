"""What all endpoints about networks share: whose turn it is, and what a caller's values mean.

A picture's `state` is a JSON object such as `{"checkpoint": "cats", "seed": 5, "edits": [1.5]}`, the one that
Explore's links and files hold (`gan.explorer.ExplorerState`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from typing import Any, TypeVar

from checkpoints.errors import CheckpointError
from gan.errors import GanError
from gan.explorer import ExplorerState
from gan.model import Model, load_reference
from gan.tab_explore import one_thread
from style.errors import StyleError

MISTAKES = (GanError, CheckpointError, StyleError)
State = dict[str, Any]
Result = TypeVar("Result")
TURNS, LONG_TURNS = BoundedSemaphore(1), BoundedSemaphore(1)


def in_turn(function: Callable[..., Result], turns: BoundedSemaphore = TURNS) -> Callable[..., Result]:
    """One at a time, on one thread, so that the page's sliders stay quick."""

    @wraps(function)
    def waiting(*values: Any) -> Result:
        with one_thread(turns):
            return function(*values)

    return waiting


def read_state(state: object) -> tuple[Model, ExplorerState]:
    """The network of a state, and the state. Raises GanError or CheckpointError for what is none."""
    read = ExplorerState.from_json(state)
    return load_reference(read.reference), read


def model_of(checkpoint: object) -> Model:
    """The network of that name. Raises GanError or CheckpointError where there is none."""
    return load_reference(checkpoint if isinstance(checkpoint, str) else "")


def whole_number(value: object, low: int, high: int, what: str) -> int:
    """A caller's number. Raises GanError when it is none, or beyond its limits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise GanError(f"The {what} is a whole number from {low} to {high}.")
    return int(value)
