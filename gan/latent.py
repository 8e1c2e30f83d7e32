"""The latent space: seeds, truncation, and ways from one seed to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from gan.errors import GanError

HIGHEST_SEED = 2**32 - 1
PARALLEL = 1e-6


def latents(seeds: Iterable[int], z_dim: int) -> Tensor:
    """float32 `[N, z_dim]`: one row a seed, `RandomState(seed).randn(z_dim)` as in the StyleGAN family."""
    rows = [np.random.RandomState(seed).randn(z_dim) for seed in seeds]
    return torch.from_numpy(np.stack(rows)).to(torch.float32)


def truncate(z: Tensor, truncation: float) -> Tensor:
    """psi z, same shape: towards the middle of N(0, I) for psi < 1 (more typical), away from it for psi > 1.

    Generators with a mapping network truncate w around its mean (`Generator.point`); others draw from z,
    whose mean is 0.
    """
    return z * truncation


def slerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Spherical interpolation, so that the points between two latent vectors are as long as these are.

    With theta the angle between the directions of `start` and `end`, and `side` the unit vector at right
    angles to `start` in the plane of the two:

        slerp(t) = r(t) [sin((1 - t) theta) start/|start| + sin(t theta) end/|end|] / sin(theta)
                 = r(t) [cos(t theta) start/|start| + sin(t theta) side]
        r(t) = (1 - t) |start| + t |end|

    Shoemake 1985; for latent spaces White 2016 (arXiv 1609.04468). Where theta is 0 the way is the straight
    line; where it is pi (opposite vectors) every half circle is a shortest way, and the one through a fixed
    direction at right angles is taken.

    Args:
        start, end: `[z_dim]`.
        t: `[T]`, 0 at `start`, 1 at `end`.

    Returns:
        `[T, z_dim]` in the type of `start`, calculated in float64.
    """
    a, b, share = start.double(), end.double(), t.double()[:, None]
    length_a, length_b = a.norm(), b.norm()
    if min(length_a, length_b) < PARALLEL:
        return torch.lerp(a, b, share).to(start.dtype)
    a, b = a / length_a, b / length_b
    length = (1 - share) * length_a + share * length_b
    cosine = (a @ b).clamp(-1, 1)
    if cosine > 1 - PARALLEL:
        between = torch.lerp(a, b, share)
        return (length * between / between.norm(dim=1, keepdim=True)).to(start.dtype)
    theta = torch.arccos(cosine)
    side = _right_angle(a) if cosine < -1 + PARALLEL else b - cosine * a
    side = side / side.norm()
    return (length * (torch.cos(share * theta) * a + torch.sin(share * theta) * side)).to(start.dtype)


def _right_angle(unit: Tensor) -> Tensor:
    """A unit vector at right angles to `unit` `[z_dim]`: the axis that it has least of, made orthogonal."""
    axis = torch.zeros_like(unit)
    axis[unit.abs().argmin()] = 1
    side = axis - (axis @ unit) * unit
    return side / side.norm()


def walk(seeds: Sequence[int], z_dim: int, frames_between: int, closed: bool = True) -> Tensor:
    """A way through the latent vectors of all seeds, slow at each seed and quick between two.

    Each leg is `slerp` at the eased times t = s^2 (3 - 2 s), s = 0, 1/frames, ...: smoothstep, whose speed
    is 0 at both ends. A closed walk ends one frame before the first seed, so it loops without a jerk.

    Args:
        frames_between: frames from one seed (included) to the next (not included).

    Returns:
        float32 `[len(seeds) * frames_between, z_dim]`, or for an open walk
        `[(len(seeds) - 1) * frames_between + 1, z_dim]`.

    Raises:
        GanError: with fewer than two seeds or less than one frame a leg.
    """
    if len(seeds) < 2:
        raise GanError("A walk needs at least two seeds, such as 1,5,9, and a frame for each leg.")
    return eased_walk(latents(seeds, z_dim), frames_between, closed)


def eased_walk(stops: Tensor, frames_between: int, closed: bool = True) -> Tensor:
    """The same through any latent vectors `[K, z_dim]`, K at least 2. Raises GanError as `walk`."""
    if len(stops) < 2 or frames_between < 1:
        raise GanError("A walk needs at least two stops and a frame for each leg.")
    eased = ease(frames_between)
    ends = torch.roll(stops, -1, dims=0) if closed else stops[1:]
    legs = [slerp(start, end, eased) for start, end in zip(stops, ends, strict=False)]
    return torch.cat(legs if closed else [*legs, stops[-1:]])


def ease(frames: int) -> Tensor:
    """t = s^2 (3 - 2 s) at s = 0, 1/frames, ..., float64 `[frames]`: smoothstep, at rest at both ends."""
    s = torch.arange(frames, dtype=torch.float64) / frames
    return s * s * (3 - 2 * s)


def parse_seeds(text: str, most: int) -> list[int]:
    """Seeds from text such as `1,5,9` or `0-63` or `0,1,4-6`.

    Raises:
        GanError: when the text is something else, a seed is above 2^32 - 1, or there are more than `most`.
    """
    seeds: list[int] = []
    for part in filter(None, text.replace(" ", ",").replace(";", ",").split(",")):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or max(len(first), len(last)) > 10:
            raise GanError(f"{part[:40]!r} is not a seed; write numbers such as 1,5,9 or a range like 0-63.")
        low, high = int(first), int(last or first)
        if high > HIGHEST_SEED or low > high:
            raise GanError(f"Seeds lie between 0 and {HIGHEST_SEED}, and ranges run upwards, like 0-63.")
        if len(seeds) + high - low + 1 > most:
            raise GanError(f"That is more than {most} seeds; ask for fewer.")
        seeds += range(low, high + 1)
    if not seeds:
        raise GanError("Give at least one seed, such as 5 or 1,5,9 or 0-63.")
    return seeds
