"""A walk through the latent space: the pictures on a closed way through seeds, as the page plays it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gan.errors import GanError
from gan.explorer import ExplorerState, labels_for, latent
from gan.explorer_drawing import known_z
from gan.latent import ease
from gan.model import Model

MOST_SEEDS = 12
MOST_FRAMES = 240
FRAMES_BETWEEN = 16
SMALLEST_SIDE = 256
LARGEST_SIDE = 512
FRAME_MILLISECONDS = 70


def walk_pictures(
    model: Model, state: ExplorerState, seeds: Sequence[int], frames_between: int = FRAMES_BETWEEN
) -> Tensor:
    """The pictures of a closed, eased walk with all that the state's sliders say: `[N, C, H, W]` in [-1, 1].

    Between two values of an attribute, which have nothing between them, one picture fades into the other.

    Raises:
        GanError: with fewer than two or more than 12 seeds, or more than 240 frames altogether.
    """
    if not 2 <= len(seeds) <= MOST_SEEDS:
        raise GanError(f"A walk goes through 2 to {MOST_SEEDS} seeds, such as 1, 5, 9.")
    if not 1 <= frames_between <= MOST_FRAMES // len(seeds):
        raise GanError(f"Choose 1 to {MOST_FRAMES // len(seeds)} frames between {len(seeds)} seeds.")
    stops, shares = stops_at(state, seeds), ease(frames_between).tolist()
    ways = [
        (stop, end, share)
        for stop, end in zip(stops, [*stops[1:], stops[0]], strict=True)
        for share in shares
    ]
    frames = [between(start, end, share) for start, end, share in ways]
    if not model.config.attributes:
        return _drawn(model, frames)
    wished = {stop: wishes_of(model, stop) for stop in stops}
    first, last = (
        _drawn(model, [wishing(frame, wished[way[at]]) for frame, way in zip(frames, ways, strict=True)])
        for at in (0, 1)
    )
    return torch.lerp(first, last, torch.tensor([share for *_, share in ways])[:, None, None, None])


def stops_at(state: ExplorerState, seeds: Sequence[int]) -> list[ExplorerState]:
    """The state at other seeds, with the same sliders."""
    return [replace(state, seed=seed, base="", corners=()) for seed in seeds]


def between(start: ExplorerState, end: ExplorerState, share: float) -> ExplorerState:
    """The place between the seeds of two stops, from 0 at the first to 1 at the other."""
    return replace(start, corners=(start.seed, end.seed) * 2, place=(share, 0.0))


def wishes_of(model: Model, stop: ExplorerState) -> dict[int, float]:
    """The coordinates of z by which a stop chooses its attributes."""
    z = known_z(model, stop)
    return {} if z is None else dict(enumerate(z[0, : sum(model.config.attributes)].tolist()))


def wishing(state: ExplorerState, wishes: dict[int, float]) -> ExplorerState:
    """The state with the attributes of a stop; raw coordinates of its own count more."""
    return replace(state, raw=tuple(sorted({**wishes, **dict(state.raw)}.items())))


def _drawn(model: Model, states: Sequence[ExplorerState]) -> Tensor:
    points = torch.cat([latent(model, state) for state in states])
    return model.draw(points, labels_for(model, states[0], len(states)))
