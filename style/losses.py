"""The losses of style transfer as pure functions.

Gatys, Ecker and Bethge, "A Neural Algorithm of Artistic Style", 2015 (arXiv 1508.06576). Two families live
here. `content`, `gram_matrix`, `style` and `variation` are the lesson's formulas as it wrote them, sums and
means mixed, so its weights keep their meaning at its size alone. The `balanced_*` losses are ratios to what
has to be reached, so that one weight means the same for every picture, painting, layer and size.

F is a picture's features `[1, C, H, W]`, P the photo's, G a Gram matrix `[1, C, C]`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

# Keeps the ratios finite for pictures without any contrast; far below every real denominator.
_TINY = 1e-8
_EDGE_BLOCKS = (1, 2, 4)
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
# A difference of one step of 8 bits is no edge: a blank photo asks for nothing.
_FAINTEST_EDGE = 1 / 255


def content(features: Tensor, target: Tensor) -> Tensor:
    """Lesson: `1/2 * sum((F - P)^2)`, a sum over all of `[1, C, H, W]`; returns a scalar >= 0."""
    return 0.5 * (features - target).square().sum()


def gram_matrix(features: Tensor, shares: Tensor | None = None) -> Tensor:
    """Lesson: `G_cd = 1/(H W) * sum_ij F_cij F_dij`; with shares `sum_ij s_ij F_cij F_dij / sum_ij s_ij`.

    Args:
        features: `[N, C, H, W]`.
        shares: `[1, 1, H, W]` in [0, 1], how much each position counts (Gatys et al. 2017, arXiv 1611.07865);
            None counts all alike.

    Returns:
        `[N, C, C]`, symmetric and positive semi-definite, float32 or wider.
    """
    count, channels, height, width = features.shape
    flat = features.reshape(count, channels, height * width)
    if shares is None:
        return flat @ flat.transpose(1, 2) / (height * width)
    weights = shares.reshape(1, 1, height * width)
    return (flat * weights) @ flat.transpose(1, 2) / (weights.sum() + _TINY)


def style(grams: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Lesson: `1/L * sum_l mean_cd (G_l - G*_l)^2` with L the number of layers (4: hence its 1/4).

    Args:
        grams, targets: layer -> `[1, C, C]`, the same layers in both.

    Returns:
        Scalar >= 0.
    """
    losses = [(grams[layer] - target).square().mean() for layer, target in targets.items()]
    return torch.stack(losses).mean()


def variation(picture: Tensor) -> Tensor:
    """Lesson: `sum |x_i,j+1 - x_i,j| + sum |x_i+1,j - x_i,j|` (L1, a sum), x `[1, 3, H, W]` in [0, 1]."""
    across = picture[..., :, 1:] - picture[..., :, :-1]
    down = picture[..., 1:, :] - picture[..., :-1, :]
    return across.abs().sum() + down.abs().sum()


def balanced_content(features: Tensor, target: Tensor) -> Tensor:
    """`||F - P||^2 / ||P||^2`: 0 is the photo itself, 1 a picture without any features; scalar >= 0."""
    return (features - target).square().sum() / (target.square().sum() + _TINY)


def balanced_style(grams: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """`1/L * sum_l ||G_l - G*_l||_F^2 / ||G*_l||_F^2`; scalar >= 0.

    Without the denominators the layers differ by several powers of ten, and the first ones win.
    """
    losses = [
        (grams[layer] - target).square().sum() / (target.square().sum() + _TINY)
        for layer, target in targets.items()
    ]
    return torch.stack(losses).mean()


def balanced_variation(picture: Tensor) -> Tensor:
    """`mean over pixels of 1/3 (dx^2 + dy^2) + 1/12 (diagonals)`, the nine-point squared gradient.

    A mean of squares instead of a sum of magnitudes, so that it keeps its size when the picture grows; the
    two diagonals keep it from preferring upright edges. `picture` is `[1, 3, H, W]` in [0, 1]; returns a
    scalar in [0, 1].
    """
    across = picture[..., :, 1:] - picture[..., :, :-1]
    down = picture[..., 1:, :] - picture[..., :-1, :]
    falling = picture[..., 1:, 1:] - picture[..., :-1, :-1]
    rising = picture[..., 1:, :-1] - picture[..., :-1, 1:]
    straight = across.square().mean() + down.square().mean()
    diagonal = falling.square().mean() + rising.square().mean()
    return straight / 3 + diagonal / 12


def balanced_edges(picture: Tensor, photo: Tensor) -> Tensor:
    """`mean over p of ||D(x_p) - D(y_p)||^2 / ||D(y_p)||^2` with x_p the luma in blocks of p pixels.

    p is 1, 2 and 4.

    D is the Laplacian of four neighbours, so shades may differ while lines have to stay (Li et al. 2017,
    "Laplacian-Steered Neural Style Transfer", arXiv 1707.01253).

    Args:
        picture, photo: `[1, 3, H, W]` in [0, 1], at least 16 pixels a side.

    Returns:
        Scalar >= 0: 0 with the photo's edges, 1 without any.
    """
    ratios = []
    for block in _EDGE_BLOCKS:
        found, wanted = (_laplacian(F.avg_pool2d(_luma(each), block)) for each in (picture, photo))
        faintest = _FAINTEST_EDGE**2 * wanted.numel()
        ratios.append((found - wanted).square().sum() / (wanted.square().sum() + faintest))
    return torch.stack(ratios).mean()


def _luma(picture: Tensor) -> Tensor:
    return (picture * picture.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _laplacian(values: Tensor) -> Tensor:
    inner = values[..., 1:-1, 1:-1]
    across, down = (
        values[..., 1:-1, :-2] + values[..., 1:-1, 2:],
        values[..., :-2, 1:-1] + values[..., 2:, 1:-1],
    )
    return across + down - 4 * inner
