"""Brush strokes for the quiet areas of a photo, taken from the painting itself.

A network that only moves statistics leaves a clear sky clear: where the photo has no detail, there is nothing
to move. So before it is encoded the photo gets the painting's palette and, where it is quiet, the painting's
own fine detail, laid out anew in overlapping patches of like colour (after Efros and Freeman, "Image
Quilting", 2001, with blending in place of cuts).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from style.finish import to_oklab, to_rgb, with_palette
from style.recipe import Recipe

# Length of a patch as share of the picture's longer side.
_PATCH = 1 / 8
# How much chance decides between patches of like colour, in units of OkLab.
_CHANCE = 0.05
_TINY = 1e-6


def underpaint(
    photo: Tensor,
    paintings: Sequence[Tensor],
    recipe: Recipe,
    weights: Sequence[float] = (1.0,),
    shares: Tensor | None = None,
) -> Tensor:
    """The photo in the paintings' palettes with their brush strokes where the photo is quiet.

    Args:
        photo: `[1, 3, H, W]` in [0, 1].
        paintings: each `[1, 3, h, w]` in [0, 1], as large as its strokes are to look.
        recipe: `strokes` is their contrast, 0 for none, 1 for the painting's; `seed` one of many layouts.
        weights: how much each painting counts, sum 1.
        shares: `[P, 1, H, W]`, the same at each position; None if it is everywhere as the weights say.

    Returns:
        `[1, 3, H, W]` in [0, 1].
    """
    counts = torch.tensor(weights).view(-1, 1, 1, 1) if shares is None else shares
    counts = counts.to(photo)
    lab = to_oklab(photo)
    based = [to_rgb(with_palette(lab, to_oklab(painting))) for painting in paintings]
    mixed = sum((count * base for count, base in zip(counts, based, strict=True)), torch.zeros_like(photo))
    if recipe.strokes == 0:
        return mixed.clamp(0, 1)
    strokes = torch.zeros_like(photo)
    for count, base, painting in zip(counts, based, paintings, strict=True):
        strokes += count * quilt(base, painting, recipe.seed)
    # Strokes of several paintings do not agree, so their squares add up.
    strokes /= counts.square().sum(0, keepdim=True).sqrt().clamp_min(_TINY)
    return (mixed + recipe.strokes * quietness(photo) * strokes).clamp(0, 1)


def quietness(photo: Tensor) -> Tensor:
    """`1 / (1 + 2 e / mean e)` with e the squared gradient nearby: near 1 in a sky, near 0 in fur.

    `photo` is `[1, 3, H, W]`; returns `[1, 1, H, W]` in [0, 1].
    """
    luma = photo.mean(1, keepdim=True)
    across = F.pad(luma.diff(dim=3), (0, 1, 0, 0))
    down = F.pad(luma.diff(dim=2), (0, 0, 0, 1))
    radius = max(1, round(max(photo.shape[-2:]) / 100))
    energy = _blurred(across.square() + down.square(), 2 * radius).clamp_min(0)
    return 1 / (1 + 2 * energy / (energy.mean() + _TINY))


def quilt(picture: Tensor, painting: Tensor, seed: int) -> Tensor:
    """The painting's fine detail, about zero, in patches that lie where the picture has like colours.

    Returns:
        `[1, 3, H, W]` for a picture `[1, 3, H, W]` and a painting `[1, 3, h, w]`.
    """
    height, width = picture.shape[-2:]
    half = max(2, round(max(height, width) * _PATCH / 2))
    half = min(half, min(painting.shape[-2:]) // 2)
    side = 2 * half
    padded = F.pad(picture, (half, half + side, half, half + side), mode="replicate")
    wanted = to_oklab(F.avg_pool2d(padded, side, stride=half))[0]
    step = max(1, half // 4)
    offered = to_oklab(F.avg_pool2d(painting, side, stride=step))[0]
    chosen = _nearest(wanted.flatten(1), offered.flatten(1), seed).view(wanted.shape[1:])
    detail = painting - _blurred(painting, half)
    window = torch.hann_window(side + 1, dtype=picture.dtype, device=picture.device)[1:]
    window = window[:, None] * window[None, :]
    sheet, power = torch.zeros_like(padded), torch.zeros_like(padded[:, :1])
    for row, line in enumerate(chosen.tolist()):
        for column, number in enumerate(line):
            top, left = (step * place for place in divmod(number, offered.shape[2]))
            here = (..., slice(row * half, row * half + side), slice(column * half, column * half + side))
            sheet[here] += window * detail[..., top : top + side, left : left + side]
            power[here] += window.square()
    # Patches do not agree, so their squares add up, and by that the contrast of the painting is kept.
    sheet = sheet / power.sqrt().clamp_min(_TINY)
    return sheet[..., half : half + height, half : half + width]


def _nearest(wanted: Tensor, offered: Tensor, seed: int) -> Tensor:
    """For each wanted colour `[3, n]` the number of one of the offered `[3, m]` that is like it, `[n]`."""
    apart = torch.cdist(wanted.T, offered.T)
    generator = torch.Generator().manual_seed(seed)
    chance = torch.rand(apart.shape, generator=generator).to(apart)
    return (apart + _CHANCE * chance).argmin(1)


def _blurred(picture: Tensor, side: int) -> Tensor:
    """The picture without detail finer than about `side` pixels."""
    side = max(1, min(side, *picture.shape[-2:]))
    small = F.avg_pool2d(picture, side, ceil_mode=True, count_include_pad=False)
    return F.interpolate(small, size=picture.shape[-2:], mode="bicubic", align_corners=False)
