"""What can still be changed in a finished picture without painting it again: colours, brightness, strength.

Colours are compared in OkLab (Ottosson 2020), where lightness and the two colour axes are nearly independent
of each other to the eye. Pictures are float `[1, 3, H, W]` in [0, 1], sRGB.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from style.recipe import Recipe

Matrix = Sequence[Sequence[float]]

# Linear sRGB to cone responses, and their cube roots to lightness, green-red and blue-yellow (Ottosson 2020).
_TO_CONES = ((0.4122214708, 0.5363325363, 0.0514459929),
             (0.2119034982, 0.6806995451, 0.1073969566),
             (0.0883024619, 0.2817188376, 0.6299787005))  # fmt: skip
_TO_LAB = ((0.2104542553, 0.7936177850, -0.0040720468),
           (1.9779984951, -2.4285922050, 0.4505937099),
           (0.0259040371, 0.7827717662, -0.8086757660))  # fmt: skip
# Keeps the map between colours finite where a picture has one colour alone; far below visible differences.
_FAINTEST_VARIANCE = 1e-6


def finish(painted: Tensor, photo: Tensor, painting: Tensor, recipe: Recipe) -> Tensor:
    """The painted picture with the recipe's colours, brightness and strength.

    Args:
        painted, photo: `[1, 3, H, W]` of the same size.
        painting: `[1, 3, h, w]`, of which only the colours count.
        recipe: `colours`, `brightness` and `strength` are used.

    Returns:
        `[1, 3, H, W]` in [0, 1]; `painted` itself where the recipe leaves all three as they are.
    """
    if (recipe.colours, recipe.brightness, recipe.strength) == ("painting", "painting", 1.0):
        return painted
    picture, original = to_oklab(painted), to_oklab(photo)
    if recipe.colours == "photo":
        picture = torch.cat([picture[:, :1], original[:, 1:]], 1)
    elif recipe.colours == "palette":
        picture = with_palette(original, to_oklab(painting))
    if recipe.brightness == "photo":
        picture = torch.cat([with_spread(picture[:, :1], original[:, :1]), picture[:, 1:]], 1)
    return torch.lerp(photo, to_rgb(picture), recipe.strength).clamp(0, 1)


def to_oklab(picture: Tensor) -> Tensor:
    """sRGB `[N, 3, H, W]` in [0, 1] to OkLab: L in [0, 1], a and b about -0.4..0.4."""
    linear = torch.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    return _mixed(_TO_LAB, _mixed(_TO_CONES, linear).clamp_min(0) ** (1 / 3))


def to_rgb(lab: Tensor) -> Tensor:
    """OkLab `[N, 3, H, W]` to sRGB, clipped to [0, 1]."""
    cones = _mixed(_inverse(_TO_LAB), lab) ** 3
    linear = _mixed(_inverse(_TO_CONES), cones).clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _mixed(matrix: Matrix, channels: Tensor) -> Tensor:
    return torch.einsum("dc,nchw->ndhw", torch.tensor(matrix).to(channels), channels)


def _inverse(matrix: Matrix) -> Matrix:
    return torch.linalg.inv(torch.tensor(matrix, dtype=torch.float64)).tolist()


def with_spread(values: Tensor, like: Tensor) -> Tensor:
    """`values` moved and stretched to the mean and deviation of `like`, both `[1, 1, H, W]`."""
    deviation = values.std().clamp_min(_FAINTEST_VARIANCE**0.5)
    return (values - values.mean()) * (like.std() / deviation) + like.mean()


def with_palette(picture: Tensor, other: Tensor) -> Tensor:
    """The picture's colours carried over to the mean and covariance of another's, both OkLab `[1, 3, ...]`.

    The linear map that moves colours least (Monge and Kantorovich; Pitié and Kokaram 2007):

        T = A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2,  A, B the two covariances
    """
    colours, wanted = (each.flatten(2)[0].double() for each in (picture, other))
    mean, wanted_mean = colours.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    root, inverse = _roots(_covariance(colours))
    middle, _ = _roots(root @ _covariance(wanted) @ root)
    moved = inverse @ middle @ inverse @ (colours - mean) + wanted_mean
    return moved.to(picture.dtype).view_as(picture)


def _covariance(colours: Tensor) -> Tensor:
    eye = torch.eye(len(colours), dtype=colours.dtype, device=colours.device)
    return torch.cov(colours, correction=0) + _FAINTEST_VARIANCE * eye


def _roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The square root of a symmetric positive matrix, and its inverse."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp_min(_FAINTEST_VARIANCE**2).sqrt()
    return vectors * roots @ vectors.T, vectors / roots @ vectors.T
