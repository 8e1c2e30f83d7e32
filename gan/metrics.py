"""How good generated pictures are: pure functions of features, named after what they measure.

Throughout, `real` and `fake` are features of real and of generated pictures, float `[N, F]` and `[M, F]`,
from the same extractor. Numbers of different extractors, or of different N, do not compare: put the same
number of other real pictures in the place of `fake` and read every value beside that floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NEIGHBOURS = 5
CHUNK = 2048


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Frechet distance between Gaussians that have the features' means and covariances; in [0, inf).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2), the trace of the root by the symmetric C1^1/2 C2 C1^1/2. Biased
    upwards for small N. Dowson and Landau 1982; for generators Heusel et al. 2017 (arXiv 1706.08500), whose
    name FID belongs to Inception's features and is not used here.

    Raises:
        ValueError: with fewer than two pictures on a side.
    """
    _check_count(real, fake, 2)
    mean_real, covariance_real = _moments(real)
    mean_fake, covariance_fake = _moments(fake)
    root = _square_root(covariance_real)
    eigenvalues = torch.linalg.eigvalsh(root @ covariance_fake @ root)
    cross = eigenvalues.clamp_min(0).sqrt().sum()
    distance = (mean_real - mean_fake).square().sum()
    return float((distance + covariance_real.trace() + covariance_fake.trace() - 2 * cross).clamp_min(0))


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    features = features.double()
    return features.mean(0), torch.atleast_2d(torch.cov(features.T))


def _square_root(matrix: Tensor) -> Tensor:
    """Of a symmetric positive semi-definite matrix; rounding below zero counts as zero."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ (values.clamp_min(0).sqrt()[:, None] * vectors.T)


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """Squared maximum mean discrepancy with the kernel (x.y / F + 1)^3; unbiased, so it may be a bit below 0.

    E k(x, x') + E k(y, y') - 2 E k(x, y) over pairs of different pictures. Binkowski et al. 2018
    (arXiv 1801.01401).

    Raises:
        ValueError: with fewer than two pictures on a side.
    """
    _check_count(real, fake, 2)
    real, fake = real.double(), fake.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def among(x: Tensor) -> Tensor:
        values = kernel(x, x)
        return (values.sum() - values.trace()) / (len(x) * (len(x) - 1))

    return float(among(real) + among(fake) - 2 * kernel(real, fake).mean())


@dataclass(frozen=True)
class Manifold:
    """How two sets of features lie in each other.

    Attributes:
        precision: share of fakes inside the ball of some real one; high also for noise when one real picture
            lies far out, so never a headline. In [0, 1].
        recall: share of reals inside the ball of some fake. In [0, 1].
        density: mean number of real balls that hold a fake, over k; may exceed 1.
        coverage: share of real balls that hold a fake; what collapse lowers first. In [0, 1].
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: Tensor, fake: Tensor, neighbours: int = NEIGHBOURS) -> Manifold:
    """Precision and recall of Kynkaanniemi et al. 2019 (arXiv 1904.06991), density and coverage of Naeem et
    al. 2020 (arXiv 2002.09797). A picture's ball reaches to its k-th nearest neighbour of its own kind.

    Raises:
        ValueError: unless both sides have more than `neighbours` pictures.
    """
    _check_count(real, fake, neighbours + 1)
    real, fake = real.float(), fake.float()
    real_radius, fake_radius = _radii(real, neighbours), _radii(fake, neighbours)
    in_real, in_fake = torch.zeros(len(fake)), torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for start in range(0, len(fake), CHUNK):
        part = slice(start, start + CHUNK)
        distance = _distances(real, fake[part])
        inside = distance <= real_radius[:, None]
        in_real[part] = inside.sum(0).float()
        covered |= inside.any(1)
        in_fake |= (distance <= fake_radius[None, part]).any(1)
    return Manifold(
        precision=float((in_real > 0).float().mean()),
        recall=float(in_fake.float().mean()),
        density=float(in_real.mean() / neighbours),
        coverage=float(covered.float().mean()),
    )


def _radii(features: Tensor, neighbours: int) -> Tensor:
    """Distance of each picture to its k-th nearest neighbour among the others, `[N]`."""
    parts = []
    for start in range(0, len(features), CHUNK):
        distance = _distances(features[start : start + CHUNK], features)
        rows = torch.arange(len(distance))
        distance[rows, start + rows] = float("inf")
        parts.append(distance.kthvalue(neighbours, dim=1).values)
    return torch.cat(parts)


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # By x.x + y.y - 2 x.y, which is quick, but in float32 loses all digits where pictures nearly coincide.
    return torch.cdist(x.double(), y.double(), compute_mode="use_mm_for_euclid_dist").float()


def nearest_distances(pictures: Tensor, training: Tensor) -> Tensor:
    """Distance of each of `pictures` `[N, F]` to the nearest of `training` `[M, F]`, in features: `[N]`."""
    nearest = torch.full((len(pictures),), float("inf"))
    for start in range(0, len(training), CHUNK):
        nearest = torch.minimum(nearest, _distances(pictures, training[start : start + CHUNK]).amin(1))
    return nearest


def copies(fake_nearest: Tensor, held_out_nearest: Tensor, chance: float = 0.05) -> float:
    """Share of fakes that lie nearer to a training picture than all but `chance` of held-out real ones.

    A generator that has memorised nothing gives about `chance`. Idea: Meehan et al. 2020 (arXiv 2004.05675).

    Args:
        fake_nearest, held_out_nearest: what `nearest_distances` gave for each, `[N]` and `[M]`.
    """
    limit = torch.quantile(held_out_nearest.float(), chance)
    return float((fake_nearest < limit).float().mean())


def shares(values: Tensor, count: int) -> list[float]:
    """Share of each of the `count` classes among int64 `values` `[N]`; they add up to 1."""
    return (torch.bincount(values, minlength=count)[:count] / max(1, len(values))).tolist()


def values_made(values: Tensor, count: int, least: float = 0.2) -> int:
    """How many of `count` equally common classes appear at least `least` times as often as they should."""
    return sum(share >= least / count for share in shares(values, count))


def _check_count(real: Tensor, fake: Tensor, least: int) -> None:
    if min(len(real), len(fake)) < least:
        raise ValueError(f"this measure wants at least {least} pictures on each side")
