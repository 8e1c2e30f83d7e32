"""Random changes of pictures on their way to the discriminator, so that it cannot learn a few by heart.

The same kinds of changes meet real and generated pictures, in both players' updates, and all of them let the
gradient through: Zhao et al. 2020, differentiable augmentation (arXiv 2006.10738). Nothing is mirrored,
because text and one-sided things would suffer.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

FURTHEST_MOVE = 1 / 8
CUT_SIDE = 1 / 2
FEW_PICTURES = 1_000
MANY_PICTURES = 10_000


def share_for(pictures: int) -> float:
    """Share of pictures to change: all up to 1,000 of them, none from 10,000 on, on a line in between."""
    return min(1.0, max(0.0, (MANY_PICTURES - pictures) / (MANY_PICTURES - FEW_PICTURES)))


def augmented(pictures: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Each picture `[N, C, H, W]` is changed in colour, place and by a hole with probability `share`."""
    if not share:
        return pictures
    changed = _with_hole(_moved(_recoloured(pictures, random), random), random)
    these = torch.rand(len(pictures), 1, 1, 1, generator=random).to(pictures.device) < share
    return torch.where(these, changed, pictures)


def noisy(pictures: Tensor, deviation: float, random: torch.Generator) -> Tensor:
    """x + s e with e ~ N(0, I) and s = `deviation`, for pictures `[N, C, H, W]` in [-1, 1].

    Instance noise: real and generated pictures then overlap, so that the discriminator cannot be quite sure
    (Sonderby et al. 2016, arXiv 1610.04490). It is meant to fade as the run goes on.
    """
    if not deviation:
        return pictures
    return pictures + deviation * torch.randn(pictures.shape, generator=random).to(pictures)


def _uniform(pictures: Tensor, low: float, high: float, random: torch.Generator) -> Tensor:
    values = torch.rand(len(pictures), 1, 1, 1, generator=random) * (high - low) + low
    return values.to(pictures.device, pictures.dtype)


def _recoloured(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Brightness by -0.5 to 0.5, saturation times 0 to 2, contrast times 0.5 to 1.5."""
    pictures = pictures + _uniform(pictures, -0.5, 0.5, random)
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + (pictures - grey) * _uniform(pictures, 0, 2, random)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return mean + (pictures - mean) * _uniform(pictures, 0.5, 1.5, random)


def _moved(pictures: Tensor, random: torch.Generator) -> Tensor:
    """By up to an eighth of the side in both ways; what comes in from outside is 0, a middle grey."""
    side = pictures.shape[-1]
    most = max(1, round(side * FURTHEST_MOVE))
    shifts = torch.randint(0, 2 * most + 1, (len(pictures), 2), generator=random).to(pictures.device)
    padded = pad(pictures, (most, most, most, most))
    along = torch.arange(side, device=pictures.device)
    rows, columns = (shifts[:, axis, None] + along for axis in (0, 1))
    number = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _with_hole(pictures: Tensor, random: torch.Generator) -> Tensor:
    """A square of half the side, its middle anywhere in the picture, becomes 0."""
    side = pictures.shape[-1]
    half = round(side * CUT_SIDE) // 2
    middles = torch.randint(0, side, (len(pictures), 2), generator=random).to(pictures.device)
    along = torch.arange(side, device=pictures.device)
    rows, columns = ((along - middles[:, axis, None]).abs() < half for axis in (0, 1))
    return pictures * ~(rows[:, :, None] & columns[:, None, :])[:, None]
