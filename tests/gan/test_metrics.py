"""The measures against slow references, known answers and the traps they are meant to see."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gan import metrics


def normal(count: int, features: int, seed: int) -> Tensor:
    return torch.randn(count, features, generator=torch.Generator().manual_seed(seed))


def slow_frechet(real: Tensor, fake: Tensor) -> float:
    """By the eigenvalues of the unsymmetric product, another way to the trace of the root."""
    real, fake = real.double(), fake.double()
    covariances = torch.cov(real.T), torch.cov(fake.T)
    eigenvalues = torch.linalg.eigvals(covariances[0] @ covariances[1]).real.clamp_min(0)
    distance = (real.mean(0) - fake.mean(0)).square().sum()
    return float(distance + sum(c.trace() for c in covariances) - 2 * eigenvalues.sqrt().sum())


def test_frechet_distance_agrees_with_another_way_to_it() -> None:
    real, fake = normal(200, 6, 0), 1.5 * normal(150, 6, 1) @ normal(6, 6, 2) + 0.3
    assert metrics.frechet_distance(real, fake) == pytest.approx(slow_frechet(real, fake), rel=1e-8)


def test_frechet_distance_of_a_shift_is_its_square_and_of_itself_nothing() -> None:
    real = normal(100, 4, 0)
    shift = torch.tensor([3.0, 0.0, -4.0, 0.0])
    assert metrics.frechet_distance(real, real) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(real, real + shift) == pytest.approx(25, rel=1e-5)


def test_frechet_distance_of_known_gaussians() -> None:
    # Scaling by 2 leaves the mean at 0 and doubles every standard deviation: sum of (s - 2 s)^2.
    real = normal(400, 3, 5)
    real = real - real.mean(0)
    assert metrics.frechet_distance(real, 2 * real) == pytest.approx(float(real.var(0).sum()), rel=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 5))
def test_frechet_distance_is_symmetric_and_does_not_mind_turning_the_space(seed: int, features: int) -> None:
    real, fake = normal(30, features, seed), normal(40, features, seed + 1) + 1
    turn = torch.linalg.qr(normal(features, features, seed + 2)).Q
    there = metrics.frechet_distance(real, fake)
    assert there == pytest.approx(metrics.frechet_distance(fake, real), rel=1e-6, abs=1e-6)
    assert there == pytest.approx(metrics.frechet_distance(real @ turn, fake @ turn), rel=1e-3, abs=1e-3)


def test_kernel_distance_agrees_with_loops() -> None:
    real, fake = normal(7, 3, 0).double(), normal(5, 3, 1).double() + 0.5

    def kernel(x: Tensor, y: Tensor) -> float:
        return float((x @ y / 3 + 1) ** 3)

    def among(x: Tensor) -> float:
        pairs = [(i, j) for i in range(len(x)) for j in range(len(x)) if i != j]
        return sum(kernel(x[i], x[j]) for i, j in pairs) / len(pairs)

    cross = sum(kernel(x, y) for x in real for y in fake) / 35
    expected = among(real) + among(fake) - 2 * cross
    assert metrics.kernel_distance(real, fake) == pytest.approx(expected, rel=1e-10)


def test_kernel_distance_of_equal_distributions_is_around_nothing() -> None:
    values = [metrics.kernel_distance(normal(100, 4, 2 * i), normal(100, 4, 2 * i + 1)) for i in range(20)]
    assert min(values) < 0 < max(values)
    assert metrics.kernel_distance(normal(100, 4, 0), normal(100, 4, 1) + 1) > 5 * max(values)


def slow_manifold(real: Tensor, fake: Tensor, k: int) -> metrics.Manifold:
    def radius(points: Tensor, i: int) -> float:
        others = sorted(float((points[i] - points[j]).norm()) for j in range(len(points)) if j != i)
        return others[k - 1]

    real_radius = [radius(real, i) for i in range(len(real))]
    fake_radius = [radius(fake, i) for i in range(len(fake))]
    distance = [[float((r - f).norm()) for f in fake] for r in real]
    reals, fakes = range(len(real)), range(len(fake))
    in_real = [sum(distance[i][j] <= real_radius[i] for i in reals) for j in fakes]
    return metrics.Manifold(
        precision=sum(count > 0 for count in in_real) / len(fake),
        recall=sum(any(distance[i][j] <= fake_radius[j] for j in fakes) for i in reals) / len(real),
        density=sum(in_real) / (k * len(fake)),
        coverage=sum(any(distance[i][j] <= real_radius[i] for j in fakes) for i in reals) / len(real),
    )


@pytest.mark.parametrize("chunk", [4, 2048])
def test_the_manifold_agrees_with_loops(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "CHUNK", chunk)
    real, fake = normal(30, 3, 0), normal(25, 3, 1) + 0.4
    found, expected = metrics.manifold(real, fake, 3), slow_manifold(real, fake, 3)
    for name in ("precision", "recall", "density", "coverage"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-6), name


def test_one_picture_repeated_covers_next_to_nothing_although_it_is_precise() -> None:
    real = normal(300, 8, 0)
    found = metrics.manifold(real, real[:1].repeat(300, 1))
    assert found.precision == 1
    assert found.coverage < 0.05
    assert found.recall < 0.05


def test_half_of_the_modes_missing_halves_coverage() -> None:
    modes = torch.tensor([[0.0, 0.0], [50.0, 0.0]])
    real = normal(400, 2, 0) + modes.repeat_interleave(200, 0)
    fake = normal(400, 2, 1) + modes[:1]
    assert metrics.manifold(real, fake).coverage == pytest.approx(0.5, abs=0.03)


def test_nearest_distances_and_copies() -> None:
    training, held_out, new = normal(500, 6, 0), normal(400, 6, 1), normal(400, 6, 2)
    nearest = metrics.nearest_distances(held_out, training)
    loops = [min(float((h - t).norm()) for t in training) for h in held_out[:5]]
    assert nearest[:5].tolist() == pytest.approx(loops, rel=1e-4)
    assert metrics.copies(metrics.nearest_distances(new, training), nearest) == pytest.approx(0.05, abs=0.04)
    assert metrics.copies(metrics.nearest_distances(training[:100] + 1e-4, training), nearest) == 1.0


def test_shares_and_values_made() -> None:
    values = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, 1, 3])
    assert metrics.shares(values, 4) == pytest.approx([0.3, 0.6, 0, 0.1])
    assert metrics.values_made(values, 4) == 3
    assert metrics.values_made(values, 4, least=0.5) == 2


@pytest.mark.parametrize("measure", [metrics.frechet_distance, metrics.kernel_distance, metrics.manifold])
def test_too_few_pictures_are_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match="at least"):
        measure(normal(1, 3, 0), normal(9, 3, 1))
