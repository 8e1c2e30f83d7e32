"""The signs of a run's health: a handful of numbers from features, scores and answers, each a pure function.

Throughout, features are float `[N, F]` of one extractor, and every number is a ratio or a share, so that it
means the same for every data set, loss and network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHANCE = 0.05
LEAST_SHARE = 0.2
FAINTEST = 1e-12


@dataclass(frozen=True)
class Signals:
    """What a look at both players tells, beside the curves; None where it cannot be known.

    Attributes:
        pictures: how many the run learns from.
        spread: see `spread`; of pictures of the same class where the generator is told one.
        live_spread: the same of the generator as it is this moment, before it is averaged.
        distance: see `energy_distance`; of the averaged generator, which is what visitors see.
        change: how much the generator's pictures of the same z have changed since the last look (`change`).
        told_apart: share of pairs of a real and a generated picture in which the discriminator finds the
            real one more real (`ranked_higher`): 1 it is never fooled, 0.5 it is guessing.
        favoured: the same for training pictures against real ones that nobody learns from: 0.5 it knows none
            by heart, 1 it knows them all.
        copies: share of generated pictures that lie unusually near to one training picture (`copies`).
        outside: share of pixels below -1 or above 1, which no picture has.
        made, of: how many kinds of things a classifier sees in the pictures, of how many in real ones.
        variety: how evenly these kinds appear, as a share of how evenly they do in real ones (`entropy`).
        kinds: how many generated and how many real pictures the classifier finds to be of each kind: a pair
            for each value of each attribute.
        nearest: the previews that lie nearest to one training picture, with that picture's number
            (`most_copied`).
    """

    pictures: int
    spread: float
    live_spread: float
    distance: float
    change: float | None
    told_apart: float
    favoured: float | None
    copies: float | None
    outside: float
    made: int | None
    of: int | None
    variety: float | None
    kinds: tuple[tuple[tuple[int, int], ...], ...] | None = None
    nearest: tuple[tuple[int, int], ...] | None = None


def signals_from(values: Any) -> Signals | None:
    """The signals in one line of `metrics.jsonl`, or None where there are none that can be read."""
    try:
        known = isinstance(values, Mapping)
        return Signals(**{name: _as_tuples(value) for name, value in values.items()}) if known else None
    except TypeError:
        return None


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # By x.x + y.y - 2 x.y, which is quick, and in float64 keeps the digits that matter.
    return torch.cdist(x.double(), y.double(), compute_mode="use_mm_for_euclid_dist")


def _mean_among(x: Tensor) -> float:
    """E |x - x'| over pairs of different rows."""
    return float(_distances(x, x).sum() / max(1, len(x) * (len(x) - 1)))


def spread(
    real: Tensor, fake: Tensor, real_groups: Tensor | None = None, fake_groups: Tensor | None = None
) -> float:
    """E |f - f'| / E |r - r'|: how different generated pictures are from each other, as real ones go.

    0 when all are the same picture, about 1 when they differ as real ones do. With groups (`[N]`, `[M]`), the
    mean ratio over the groups, so that ten classes of one picture each are no variety.
    """
    if real_groups is None or fake_groups is None:
        return _mean_among(fake) / max(FAINTEST, _mean_among(real))
    ratios = []
    for group in fake_groups.unique():
        ours, theirs = fake[fake_groups == group], real[real_groups == group]
        if len(ours) > 1 and len(theirs) > 1:
            ratios.append(_mean_among(ours) / max(FAINTEST, _mean_among(theirs)))
    return sum(ratios) / len(ratios) if ratios else spread(real, fake)


def energy_distance(real: Tensor, fake: Tensor) -> float:
    """(2 E |r - f| - E |f - f'| - E |r - r'|) / E |r - r'|: 0 between pictures of the same kind, about 1 and
    more between strangers. Unbiased, so it may be a bit below 0. Szekely and Rizzo 2013, in units of how much
    real pictures differ.
    """
    among = _mean_among(real)
    across = float(_distances(real, fake).mean())
    return (2 * across - _mean_among(fake) - among) / max(FAINTEST, among)


def change(before: Tensor, after: Tensor, real: Tensor) -> float:
    """E |f(z) - f'(z)| / E |r - r'|, the same z before and after: 1 when they have become other pictures."""
    moved = (after.double() - before.double()).norm(dim=1).mean()
    return float(moved) / max(FAINTEST, _mean_among(real))


def ranked_higher(first: Tensor, second: Tensor) -> float:
    """P(a > b) + P(a = b) / 2 over all pairs of scores a `[N]` and b `[M]`: the area under the curve."""
    difference = first[:, None] - second[None, :]
    return float((difference > 0).double().mean() + (difference == 0).double().mean() / 2)


def nearness(pictures: Tensor, training: Tensor, own: bool = False) -> Tensor:
    """Distance to the nearest training picture over that to the second nearest, `[N]` in [0, 1].

    About 1 between many, 0 on one of them. With `own`, each picture is itself one of `training`, in the same
    row, and does not count. The ratio is that of Yoon et al. 2023 (ICML workshop, diffusion models).
    """
    distance = _distances(pictures, training)
    if own:
        distance.fill_diagonal_(float("inf"))
    nearest = distance.topk(2, dim=1, largest=False).values
    return (nearest[:, 0] / nearest[:, 1].clamp_min(FAINTEST)).float()


def copy_limit(training: Tensor, chance: float = CHANCE) -> float:
    """The `nearness` that only `chance` of the training pictures have to another one, the limit of a copy.

    Calibrated by real pictures as in Meehan et al. 2020 (arXiv 2004.05675).
    """
    return float(torch.quantile(nearness(training, training, own=True), chance))


def copies(fake: Tensor, training: Tensor, limit: float) -> float:
    """Share of fakes nearer to one training picture, as `nearness` goes, than `limit` (`copy_limit`): about
    its `chance` when nothing is learned by heart, 1 when all is.
    """
    return float((nearness(fake, training) < limit).double().mean())


def most_copied(pictures: Tensor, training: Tensor, most: int) -> tuple[tuple[int, int], ...]:
    """The rows of up to `most` pictures that are nearest to one training picture, as `nearness` goes, nearest
    first, each with the row of that training picture.
    """
    rows = nearness(pictures, training).argsort()[:most]
    theirs = _distances(pictures[rows], training).argmin(1)
    return tuple(zip(rows.tolist(), theirs.tolist(), strict=True))


def counted(real: Tensor, fake: Tensor, values: int) -> tuple[tuple[int, int], ...]:
    """How many fakes and how many real ones are of each of `values` kinds, by answers int64 `[N]`, `[M]`."""
    ours, theirs = (torch.bincount(answers, minlength=values).tolist() for answers in (fake, real))
    return tuple(zip(ours, theirs, strict=True))


def entropy(answers: Tensor, values: int) -> float:
    """-sum p log p of the shares p of each of `values` kinds among int64 `[N]`; 0 when all are one kind."""
    share = torch.bincount(answers, minlength=values).double() / max(1, len(answers))
    return float(torch.special.entr(share).sum())


def kinds_made(real: Sequence[Tensor], fake: Sequence[Tensor], counts: Sequence[int]) -> tuple[int, int]:
    """How many kinds of things appear among generated pictures at least a fifth as often as among real ones,
    and how many among real ones; over all attributes, whose answers `[N]` come one tensor each.
    """
    made = of = 0
    for theirs, ours, count in zip(real, fake, counts, strict=True):
        wanted = torch.bincount(theirs, minlength=count) / max(1, len(theirs))
        got = torch.bincount(ours, minlength=count) / max(1, len(ours))
        of += int((wanted > 0.5 / count).sum())
        made += int(((wanted > 0.5 / count) & (got > 0) & (got >= LEAST_SHARE * wanted)).sum())
    return made, of
