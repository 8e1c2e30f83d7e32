"""A plane between four seeds: bilinear on the sphere, so that every place in it looks like a picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan.latent import latents, slerp


def plane(corners: Sequence[int], place: tuple[float, float], z_dim: int) -> Tensor:
    """z `[1, z_dim]` at a place of the plane: `slerp` along the upper and the lower edge, then between these.

    A walk from seed to seed is the plane of (a, b, a, b), of which only the edge counts.

    Args:
        corners: seeds at (0, 0), (1, 0), (0, 1) and (1, 1).
        place: x to the right and y downwards, each in 0..1.
    """
    stops = latents(corners, z_dim)
    x, y = (torch.tensor([share], dtype=torch.float64) for share in place)
    upper, lower = slerp(stops[0], stops[1], x)[0], slerp(stops[2], stops[3], x)[0]
    return slerp(upper, lower, y)
