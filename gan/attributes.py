"""A latent vector that chooses among known attributes: each of its first coordinates is a wish for one value.

Where a data set says what is in every picture, such as the body and the hat of a cat, the generator may be
told so (conditioning, Mirza and Osindero 2014, arXiv 1411.1784) and yet be drawn from by a latent vector
alone: with attributes of n_1, n_2, ... values, the first n_1 coordinates of z are the wishes for the values
of the first attribute, the next n_2 those of the second, and so on; the strongest wish is granted. Since
z ~ N(0, I), all values are equally common and independent. Coordinates that are left over are free.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softmax

SHARPNESS = 20.0


def granted(z: Tensor, sizes: Sequence[int]) -> Tensor:
    """How much of each value the generator is told: softmax(20 wishes) over each attribute.

    Nearly one-hot, and yet smooth, so that a slider between two values morphs instead of jumping.

    Args:
        z: `[N, z_dim]`.
        sizes: number of values of each attribute; their sum is at most z_dim.

    Returns:
        `[N, z_dim]` in [0, 1] for the attributes; free coordinates as they are.
    """
    *wishes, free = torch.split(z, [*sizes, z.shape[1] - sum(sizes)], dim=1)
    return torch.cat([*(softmax(SHARPNESS * wish, dim=1) for wish in wishes), free], dim=1)


def chosen(z: Tensor, sizes: Sequence[int]) -> Tensor:
    """The value of each attribute with the strongest wish, int64 `[N, len(sizes)]`."""
    wishes = torch.split(z[:, : sum(sizes)], list(sizes), dim=1)
    return torch.stack([wish.argmax(dim=1) for wish in wishes], dim=1)


def wishing(z: Tensor, labels: Tensor, sizes: Sequence[int]) -> Tensor:
    """z, same shape, with the strongest wish of each attribute exchanged with that for the labelled value.

    The result is distributed like N(0, I) given that it chooses the labels.

    Args:
        z: `[N, z_dim]`.
        labels: int64 `[N, len(sizes)]`.
    """
    z, rows, start = z.clone(), torch.arange(len(z), device=z.device), 0
    strongest = chosen(z, sizes)
    for column, size in enumerate(sizes):
        now, wanted = start + strongest[:, column], start + labels[:, column]
        z[rows, now], z[rows, wanted] = z[rows, wanted], z[rows, now]
        start += size
    return z
