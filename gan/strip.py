"""What a slider does, at a glance: pictures from its lower end to its upper end."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gan.codes import encode_direction
from gan.direction_files import Direction
from gan.direction_sets import all_directions
from gan.directions import directions_of
from gan.errors import GanError
from gan.explorer import ExplorerState, labels_for, latent
from gan.model import Model
from gan.own_directions import as_edit, with_edit

PICTURES = 5


def strip(model: Model, state: ExplorerState, direction: Direction, count: int = PICTURES) -> Tensor:
    """The state's picture with this one slider at evenly spaced places, all others as they are.

    Args:
        direction: one of `all_directions(model)`, one of the visitor's own, or any other.
        count: how many pictures, lowest first; for an odd number the middle one has the slider at 0.

    Returns:
        float `[count, C, H, W]` in [-1, 1].
    """
    places = torch.linspace(-direction.limit, direction.limit, count).tolist()
    z = torch.cat([latent(model, moved_to(model, state, direction, place)) for place in places])
    return model.draw(z, labels_for(model, state, count))


def moved_to(model: Model, state: ExplorerState, direction: Direction, amount: float) -> ExplorerState:
    """The state with one slider at `amount`: among its edits where the direction has a place there."""
    number = place_of(model, direction)
    if number is None:
        code = encode_direction(direction.vector)
        others = tuple(own for own in state.own if own.vector != code)
        return with_edit(replace(state, own=others[:7]), as_edit(direction, amount))
    edits = [*state.edits, *[0.0] * (number + 1 - len(state.edits))]
    edits[number] = amount
    return ExplorerState.from_json({**state.to_json(), "edits": edits})


def within_layers(
    model: Model, state: ExplorerState, direction: Direction, layers: tuple[int, int]
) -> ExplorerState:
    """The state with one slider moving only some layers, first and last (included), of those with styles.

    Raises:
        GanError: when the direction is none of `all_directions`: one of a visitor's own holds its layers.
    """
    number = place_of(model, direction)
    if number is None:
        raise GanError(f"{direction.name!r} has no range of layers; it moves those from which it was made.")
    others = {edit: between for edit, *between in state.layers}
    ranges = {str(edit): between for edit, between in {**others, number: [*layers]}.items()}
    return ExplorerState.from_json({**state.to_json(), "layers": ranges})


def place_of(model: Model, direction: Direction) -> int | None:
    """The direction's place among a state's edits, or None where it is not one of `all_directions`."""
    first = directions_of(model)
    known = first if any(direction is each for each in first) else all_directions(model)
    return next((i for i, each in enumerate(known) if each is direction), None)


def direction_by_name(model: Model, text: str) -> Direction:
    """A direction by its number (from 1, as `python -m gan directions` counts) or by its name.

    Raises:
        GanError: when there is no such direction.
    """
    known = all_directions(model)
    if text.isdecimal() and 1 <= int(text) <= len(known):
        return known[int(text) - 1]
    for direction in known:
        if direction.name.casefold() == text.strip().casefold():
            return direction
    raise GanError(f"{model.title} has no direction {text[:40]!r}; choose a number from 1 to {len(known)}.")
