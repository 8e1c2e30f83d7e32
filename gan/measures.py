"""What can be measured of any picture, beyond its colours (`gan.effects`): where something is, how big it is.

All take pictures `[N, C, H, W]` in [-1, 1] and return `[N]`. What a picture shows is what differs from the
colour of its border.
"""

from __future__ import annotations

import torch
from torch import Tensor

DIFFERENT = 0.15
SHARPNESS = 40.0
FAINTEST = 1e-3


def presence(pictures: Tensor) -> Tensor:
    """How much each pixel belongs to what the picture shows: `[N, H, W]` in (0, 1).

    sigmoid(40 (|x - b| - 0.15)) with b the median colour of the border, and differences averaged over the
    channels in units of the value range.
    """
    border = torch.cat(
        [pictures[:, :, 0], pictures[:, :, -1], pictures[:, :, :, 0], pictures[:, :, :, -1]], dim=2
    )
    background = border.median(dim=2).values[:, :, None, None]
    difference = (pictures - background).abs().mean(1) / 2
    return torch.sigmoid(SHARPNESS * (difference - DIFFERENT))


def size(pictures: Tensor) -> Tensor:
    """Share of the picture that something covers, in (0, 1)."""
    return presence(pictures).mean((1, 2))


def across(pictures: Tensor) -> Tensor:
    """Where the middle of what is shown lies, 0 at the left border and 1 at the right one."""
    return _centre(presence(pictures).sum(1))


def down(pictures: Tensor) -> Tensor:
    """Where the middle of what is shown lies, 0 at the top and 1 at the bottom."""
    return _centre(presence(pictures).sum(2))


def _centre(mass: Tensor) -> Tensor:
    places = (torch.arange(mass.shape[1], device=mass.device) + 0.5) / mass.shape[1]
    return (mass * places).sum(1) / mass.sum(1).clamp_min(FAINTEST)


def detail(pictures: Tensor) -> Tensor:
    """Mean absolute difference between neighbouring pixels, in units of the value range."""
    right = (pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).abs().mean((1, 2, 3))
    below = (pictures[:, :, 1:] - pictures[:, :, :-1]).abs().mean((1, 2, 3))
    return (right + below) / 4
