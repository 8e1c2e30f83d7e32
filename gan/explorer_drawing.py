"""From the explorer's state to a picture: its latent vector, its neighbours, the discriminator's opinion."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from numpy.random import RandomState
from torch import Tensor

from gan.attributes import chosen
from gan.codes import decode_direction, decode_latent
from gan.direction_files import Direction
from gan.direction_sets import all_directions
from gan.directions import directions_of
from gan.explorer_state import DECIMALS, ExplorerState
from gan.latent import latents, truncate
from gan.model import Model, Opinion
from gan.plane import plane
from gan.styles import size_of, step_along

MOST_NEIGHBOURS = 16
NEIGHBOUR_STEP = 2.0


def base_latent(state: ExplorerState, z_dim: int) -> Tensor:
    """Where the state starts, `[1, z_dim]`: a place between seeds, its own latent vector, or its seed's."""
    if state.corners:
        return plane(state.corners, state.place, z_dim)
    if state.base:
        z = decode_latent(state.base)
        if len(z) == z_dim:
            return z[None]
    return latents([state.seed], z_dim)


def latent_of(state: ExplorerState, directions: Sequence[Direction], z_dim: int) -> Tensor:
    """z `[1, z_dim]` = truncation z(seed) + sum edit_k direction_k; raw coordinates then replace theirs.

    A place between seeds or the state's `base` replaces the seed's z, and `own` edits are added.
    """
    z = truncate(base_latent(state, z_dim), state.truncation) + _shift(state, directions, z_dim)
    return _with_raw(z, state)


def _with_raw(z: Tensor, state: ExplorerState) -> Tensor:
    for index, value in state.raw:
        if index < z.shape[1]:
            z[0, index] = value
    return z


def _point(model: Model, state: ExplorerState, directions: Sequence[Direction]) -> Tensor:
    """The state's point: truncation and edits come after the mapping network where there is one."""
    z_dim, layers = model.config.z_dim, len(model.generator.sides)
    if not layers:
        return latent_of(state, directions, z_dim)
    return _start(model, state) + _shift(state, directions, z_dim, layers)


def _start(model: Model, state: ExplorerState) -> Tensor:
    """The styles `[1, size]` of a state's picture before its sliders are moved."""
    styles = own_styles(model, state)
    if styles is not None:
        return styles * state.truncation
    z = known_z(model, state)
    assert z is not None
    with torch.inference_mode():
        return model.generator.point(z, labels_for(model, state, 1), state.truncation)


def own_styles(model: Model, state: ExplorerState) -> Tensor | None:
    """The styles `[1, size]` that the state holds as its `base`; None where it starts from a z."""
    if state.corners or not state.base or not model.generator.sides:
        return None
    styles = decode_latent(state.base)
    return styles[None] if len(styles) == size_of(model) else None


def known_z(model: Model, state: ExplorerState) -> Tensor | None:
    """z `[1, z_dim]` before the mapping network, with raw coordinates; None where only styles are known.

    Without a mapping network it is the state's whole point, sliders and all.
    """
    if not model.generator.sides:
        return latent(model, state)
    if own_styles(model, state) is not None:
        return None
    return _with_raw(base_latent(state, model.config.z_dim), state)


def _shift(state: ExplorerState, directions: Sequence[Direction], z_dim: int, layers: int = 0) -> Tensor:
    """What all sliders add, `[z_dim]`, or `[layers * z_dim]` where each layer has a style."""
    ranges = {edit: (first, last) for edit, first, last in state.layers}
    shift = torch.zeros(z_dim * max(1, layers))
    for number, (amount, direction) in enumerate(zip(state.edits, directions, strict=False)):
        amount = min(direction.limit, max(-direction.limit, amount))
        shift += amount * step_along(direction.vector, z_dim, layers, ranges.get(number))
    for edit in state.own:
        shift += edit.amount * step_along(decode_direction(edit.vector), z_dim, layers)
    return shift


def directions_for(model: Model, state: ExplorerState) -> tuple[Direction, ...]:
    """The directions that the state's edits count through; no more are looked for than it takes."""
    if not state.edits:
        return ()
    first = directions_of(model)
    return first if len(state.edits) <= len(first) else all_directions(model)


def edit_shift(model: Model, state: ExplorerState) -> Tensor:
    """What the sliders add to every point, `[size]`. Looks for directions only when one was moved."""
    z_dim, layers = model.config.z_dim, len(model.generator.sides)
    return _shift(state, directions_for(model, state), z_dim, layers)


def labels_for(model: Model, state: ExplorerState, count: int) -> Tensor | None:
    """The state's class `count` times, int64 `[count]`, or None for a generator without classes."""
    if not model.config.classes:
        return None
    return torch.full((count,), min(state.label, model.config.classes - 1), dtype=torch.int64)


def latent(model: Model, state: ExplorerState) -> Tensor:
    """The state's point for this model: z `[1, z_dim]` or, with styles, all of them (`gan.styles`)."""
    return _point(model, state, directions_for(model, state))


def page_latent(model: Model, state: ExplorerState) -> list[float]:
    """The state's z as numbers that the page shows, to 0.01; zeros where only its styles are known."""
    z = known_z(model, state)
    z = torch.zeros(1, model.config.z_dim) if z is None else z
    return [round(value, DECIMALS) for value in z[0].tolist()]


def render(model: Model, state: ExplorerState) -> Tensor:
    """The state's picture, float `[1, C, H, W]` in [-1, 1]."""
    return model.draw(latent(model, state), labels_for(model, state, 1))


def neighbours(model: Model, state: ExplorerState, count: int = 8) -> list[tuple[ExplorerState, Tensor]]:
    """States near this one with their pictures `[C, H, W]`: the same distance away, each somewhere else.

    A neighbour is the state with other direction edits, so a link to it is short and exact. The way to each
    is a random combination of the directions, drawn from the state itself: a state always has the same ones.
    """
    directions = directions_of(model)
    if not directions:
        return []
    if len(state.edits) > len(directions):
        directions = all_directions(model)
    random = RandomState(zlib.crc32(json.dumps(replace(state, mode="").to_json()).encode()))
    count = min(count, MOST_NEIGHBOURS)
    steps = random.randn(count, len(directions))
    steps *= NEIGHBOUR_STEP / (steps**2).sum(1, keepdims=True) ** 0.5
    edits = [*state.edits, *[0.0] * len(directions)][: len(directions)]
    near = [replace(state, edits=_moved(edits, step, directions)) for step in steps]
    z = torch.cat([_point(model, each, directions) for each in near])
    pictures = model.draw(z, labels_for(model, state, count))
    return list(zip(near, pictures, strict=True))


def _moved(
    edits: Sequence[float], step: Sequence[float], directions: Sequence[Direction]
) -> tuple[float, ...]:
    """The edits after a step, to 0.1, a step that would leave a slider's range taken the other way."""
    moved = []
    for edit, change, direction in zip(edits, step, directions, strict=True):
        there = edit + change if abs(edit + change) <= direction.limit else edit - change
        moved.append(round(float(min(direction.limit, max(-direction.limit, there))), 1) + 0.0)
    return tuple(moved)


def critic_labels(model: Model, state: ExplorerState) -> Tensor | None:
    """What the discriminator is told of the state's picture: its class `[1]` or its attributes `[1, A]`.

    Nothing of a picture whose styles were mixed: nobody knows which attributes it shows.
    """
    if model.config.attributes:
        z = known_z(model, state)
        return None if z is None else chosen(z, model.config.attributes)
    return labels_for(model, state, 1)


def opinion_of(model: Model, state: ExplorerState, picture: Tensor) -> Opinion | None:
    """The discriminator's opinion of a picture `[1, C, H, W]`; None where the checkpoint holds none."""
    opinions = model.opinion(picture, critic_labels(model, state))
    return opinions[0] if opinions else None


def opinion_sentence(model: Model, opinion: Opinion | None) -> str:
    """The opinion in words; it is a comparison, because a logit alone has no meaning."""
    if opinion is None:
        return "This checkpoint came without its discriminator, so there is no opinion on the picture."
    if not model.critic.get("generated") or not model.critic.get("real"):
        return f"The discriminator gives this picture a score of {opinion.logit:.2f}."
    generated, real = round(100 * opinion.above_generated), round(100 * opinion.above_real)
    return (
        f"The discriminator finds this picture more convincing than {generated} % of this generator's "
        f"pictures and {real} % of the real ones."
    )


def opinion_json(model: Model, state: ExplorerState, picture: Tensor) -> dict[str, Any]:
    """The opinion for the page: `sentence`, and the shares `generated` and `real` (0..1) or None."""
    opinion = opinion_of(model, state, picture)
    known = opinion is not None and bool(model.critic.get("generated")) and bool(model.critic.get("real"))
    return {
        "sentence": opinion_sentence(model, opinion),
        "generated": opinion.above_generated if opinion and known else None,
        "real": opinion.above_real if opinion and known else None,
    }
