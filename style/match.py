"""Moves the statistics of one picture's features to those of another in closed form.

Features of a layer are taken as a cloud of points, one for each position, and the cloud as a Gaussian with
mean mu and covariance S. All maps here are linear, `x -> T (x - mu) + mu*`, with

    adain       T = diag(S*)^1/2 diag(S)^-1/2                    (Huang and Belongie 2017, arXiv 1703.06868)
    whitening   T = S*^1/2 S^-1/2                                 (Li et al. 2017, arXiv 1705.08086)
    transport   T = S^-1/2 (S^1/2 S* S^1/2)^1/2 S^-1/2            (Monge and Kantorovich; Mroueh 2019)

Transport reaches the same covariance as whitening and colouring, but moves the points least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Matching = Literal["adain", "whitening", "transport"]
MATCHINGS: tuple[Matching, ...] = ("adain", "whitening", "transport")
# Share of the mean variance that is added to every variance: directions that a picture hardly has are not
# blown up into noise.
_FAINTEST_SHARE = 1e-3
_TINY = 1e-8


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Mean `[C]` and covariance `[C, C]` of features."""

    mean: Tensor
    covariance: Tensor


@dataclass(frozen=True, eq=False)
class Map:
    """`x -> matrix (x - before) + after`: matrix `[C, C]`, both means `[C]`."""

    matrix: Tensor
    before: Tensor
    after: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Moves features `[1, C, H, W]`; a 1x1 convolution."""
        shift = self.after - self.matrix @ self.before
        weight = self.matrix[:, :, None, None]
        return torch.nn.functional.conv2d(features, weight.to(features), shift.to(features))


def gaussian(features: Tensor, weights: Tensor | None = None) -> Gaussian:
    """The statistics of features `[N, C, H, W]`, all N taken together.

    Args:
        features: activations of one picture, or of N pieces of one.
        weights: `[N, 1, H, W]`, at least 0, how much each position counts; None counts all alike.
    """
    # In the layout that is quickest for convolutions this is a view.
    points = features.permute(0, 2, 3, 1).flatten(0, 2)
    if weights is None:
        mean = points.mean(0)
        centred = points - mean
        return Gaussian(mean, centred.T @ centred / len(points))
    shares = weights.reshape(-1, 1) / weights.sum().clamp_min(_TINY)
    mean = (points * shares).sum(0)
    centred = (points - mean) * shares.sqrt()
    return Gaussian(mean, centred.T @ centred)


def match(source: Gaussian, target: Gaussian, matching: Matching = "transport") -> Map:
    """The map that gives features with the source's statistics those of the target."""
    if matching == "adain":
        return Map(_stretch(source, target), source.mean, target.mean)
    root, inverse = _roots(_steady(source.covariance))
    wanted = _steady(target.covariance)
    if matching == "whitening":
        return Map(_roots(wanted)[0] @ inverse, source.mean, target.mean)
    middle, _ = _roots(root @ wanted @ root)
    return Map(inverse @ middle @ inverse, source.mean, target.mean)


def blend(maps: Sequence[Map], weights: Sequence[float]) -> Map:
    """One map for a mix of targets by weights of sum 1; all maps start from the same source."""
    counts = torch.tensor(weights).to(maps[0].matrix)
    matrix = torch.einsum("p,pdc->dc", counts, torch.stack([each.matrix for each in maps]))
    after = torch.einsum("p,pc->c", counts, torch.stack([each.after for each in maps]))
    return Map(matrix, maps[0].before, after)


def _stretch(source: Gaussian, target: Gaussian) -> Tensor:
    variance, wanted = (each.covariance.diagonal() for each in (source, target))
    return torch.diag((wanted / (variance + _FAINTEST_SHARE * variance.mean() + _TINY)).sqrt())


def _steady(covariance: Tensor) -> Tensor:
    share = _FAINTEST_SHARE * covariance.diagonal().mean() + _TINY
    return covariance + share * torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)


def _roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The square root of a symmetric positive matrix `[C, C]`, and its inverse."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp_min(_TINY**2).sqrt()
    return vectors * roots @ vectors.T, vectors / roots @ vectors.T
