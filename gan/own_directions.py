"""Directions that a visitor makes: "this slider opens the eyes". Named, kept, pushed with the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from checkpoints import store
from gan.codes import decode_direction, encode_direction
from gan.direction_files import MOST_DIRECTIONS, Direction, kept_in, save_directions
from gan.direction_sets import kept_directions, of_one_length
from gan.directions import directions_of
from gan.errors import GanError
from gan.explorer import OWN_LIMIT, ExplorerState, OwnEdit, edit_shift, latent, own_name
from gan.model import Model
from gan.styles import fits_generator, narrowed

MOST_KEPT = 20


def from_two(model: Model, start: ExplorerState, end: ExplorerState, name: str) -> OwnEdit:
    """The direction from one picture to another: z(end) - z(start), of length 1.

    Raises:
        GanError: when the two are the same picture or the name is empty.
    """
    return _own(model, latent(model, end)[0] - latent(model, start)[0], name)


def from_sliders(model: Model, state: ExplorerState, name: str) -> OwnEdit:
    """The direction in which all sliders together have moved the picture.

    Raises:
        GanError: when no slider was moved or the name is empty.
    """
    shift = edit_shift(model, state)
    if not shift.any():
        raise GanError("Move at least one slider first; your own slider will do the same as all of them.")
    return _own(model, shift, name)


def _own(model: Model, step: Tensor, name: str) -> OwnEdit:
    return OwnEdit(own_name(name), encode_direction(narrowed(step, model.config.z_dim)))


def as_direction(edit: OwnEdit) -> Direction:
    """The edit's direction, method `saved`; its vector is exactly the one that the state's text holds."""
    return Direction(edit.name, "saved", decode_direction(edit.vector), OWN_LIMIT)


def as_edit(direction: Direction, amount: float = 0.0) -> OwnEdit:
    """Any direction as one that a state can hold, such as one from a pulled checkpoint's folder."""
    return OwnEdit(own_name(direction.name), encode_direction(direction.vector), amount)


def with_edit(state: ExplorerState, edit: OwnEdit) -> ExplorerState:
    """The state with this own direction at this amount; one of the same vector is replaced."""
    others = tuple(own for own in state.own if own.vector != edit.vector)
    return ExplorerState.from_json(replace(state, own=(*others, edit)).to_json())


def keep(model: Model, edits: Sequence[OwnEdit]) -> None:
    """Write directions into the folder of a checkpoint trained here, so that a push takes them along.

    The first ten are written too, as they are, so that permanent links keep their meaning. One of the same
    name is replaced. `kept_directions` finds them there.

    Raises:
        GanError: when the checkpoint is not one of this machine's runs, belongs to another length of z, or
            would hold more than 20.
    """
    if not model.reference.startswith("runs/"):
        raise GanError("Directions are kept with checkpoints that were trained here; train or continue one.")
    found = {direction.name: direction for direction in kept_directions(model)}
    for edit in edits:
        direction = as_direction(edit)
        if not fits_generator(model, direction.vector):
            raise GanError(f"{edit.name!r} was made for another generator; it does not fit this one.")
        found[direction.name] = direction
    if len(found) > MOST_KEPT:
        raise GanError(f"A checkpoint keeps at most {MOST_KEPT} directions of your own.")
    first = directions_of(model)
    assert len(first) + MOST_KEPT <= MOST_DIRECTIONS
    kept = [*first, *found.values()]
    further = of_one_length(model, kept_in(model).further)
    save_directions(store.find(model.reference).folder, of_one_length(model, kept), further)
