"""Statistics of features: what each map promises, against closed forms and against each other."""

from __future__ import annotations

import pytest
import torch

from style.match import MATCHINGS, Gaussian, Map, blend, gaussian, match


def cloud(seed: int, channels: int = 5, side: int = 40) -> torch.Tensor:
    """Correlated features `[1, C, side, side]`."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.eye(channels) * 2 + torch.randn(channels, channels, generator=generator) / 2
    mixing = mixing.double()
    points = torch.randn(1, channels, side, side, generator=generator, dtype=torch.float64)
    return torch.einsum("dc,nchw->ndhw", mixing, points) + mixing[:, 0].view(1, -1, 1, 1)


def test_statistics_are_those_of_numpy() -> None:
    features = cloud(0)
    found = gaussian(features)
    flat = features[0].flatten(1)
    assert torch.allclose(found.mean, flat.mean(1))
    assert torch.allclose(found.covariance, torch.cov(flat, correction=0))
    half = torch.zeros(1, 1, 40, 40, dtype=torch.float64)
    half[..., :20] = 1
    alone = gaussian(features[..., :20])
    weighted = gaussian(features, half)
    assert torch.allclose(weighted.mean, alone.mean)
    assert torch.allclose(weighted.covariance, alone.covariance)


@pytest.mark.parametrize("matching", MATCHINGS)
def test_the_target_s_mean_and_variances_are_reached(matching: str) -> None:
    features, wanted = cloud(1), gaussian(cloud(2))
    moved = gaussian(match(gaussian(features), wanted, matching)(features))  # type: ignore[arg-type]
    assert torch.allclose(moved.mean, wanted.mean)
    assert torch.allclose(moved.covariance.diagonal(), wanted.covariance.diagonal(), rtol=0.05)
    whole = torch.allclose(
        moved.covariance, wanted.covariance, atol=0.05 * float(wanted.covariance.abs().max())
    )
    assert whole == (matching != "adain")


def test_transport_moves_least() -> None:
    features, wanted = cloud(3), gaussian(cloud(4))
    source = gaussian(features)
    by = {
        m: float((match(source, wanted, m)(features) - features).square().mean())
        for m in ("whitening", "transport")
    }
    assert by["transport"] < by["whitening"]
    matrix = match(source, wanted).matrix
    assert torch.allclose(matrix, matrix.T, atol=1e-8)
    assert torch.linalg.eigvalsh(matrix).min() > 0


def test_mixtures_lie_between_their_ends() -> None:
    features = cloud(5)
    source = gaussian(features)
    maps = [match(source, gaussian(cloud(seed))) for seed in (6, 7)]
    assert torch.allclose(blend(maps, (1.0, 0.0))(features), maps[0](features))
    middle = blend(maps, (0.5, 0.5))(features)
    assert torch.allclose(middle, (maps[0](features) + maps[1](features)) / 2)


def test_a_flat_picture_stays_finite() -> None:
    flat = torch.ones(1, 4, 8, 8)
    for matching in MATCHINGS:
        moved = match(gaussian(flat), gaussian(cloud(8, 4).float()), matching)(flat)
        assert torch.isfinite(moved).all()
    identity = Map(torch.eye(4), torch.zeros(4), torch.zeros(4))
    assert torch.equal(identity(flat), flat)
    assert isinstance(gaussian(flat), Gaussian)
