from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gan.errors import GanError
from gan.latent import latents, parse_seeds, slerp, truncate, walk


def test_a_seed_is_numpys_randomstate_whatever_its_neighbours() -> None:
    z = latents([7, 4_294_967_295, 0], 5)
    assert z.shape == (3, 5)
    assert z.dtype == torch.float32
    expected = np.random.RandomState(4_294_967_295).randn(5)
    np.testing.assert_allclose(z[1].numpy(), expected, rtol=1e-6)
    assert torch.equal(latents([0], 5)[0], z[2])


def test_truncation_scales_towards_the_mean() -> None:
    z = latents([1, 2], 8)
    assert torch.equal(truncate(z, 0.0), torch.zeros(2, 8))
    assert torch.allclose(truncate(z, 0.5).norm(dim=1), z.norm(dim=1) / 2)


def by_the_equation(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Shoemake's formula on unit vectors, with the lengths interpolated: the reference for `slerp`."""
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    ua, ub = a / length_a, b / length_b
    theta = np.arccos(np.clip(ua @ ub, -1, 1))
    direction = (np.sin((1 - t) * theta) * ua + np.sin(t * theta) * ub) / np.sin(theta)
    return ((1 - t) * length_a + t * length_b) * direction


@pytest.mark.parametrize("t", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_slerp_is_shoemakes_equation(t: float) -> None:
    a, b = latents([3, 4], 12).double()
    found = slerp(a, b, torch.tensor([t], dtype=torch.float64))[0]
    np.testing.assert_allclose(found.numpy(), by_the_equation(a.numpy(), b.numpy(), t), atol=1e-12)


vectors = st.lists(st.floats(-3, 3), min_size=4, max_size=4).map(
    lambda x: torch.tensor(x, dtype=torch.float64)
)


@settings(deadline=None)
@given(vectors, vectors)
def test_slerp_starts_and_ends_where_it_should_and_never_breaks(a: Tensor, b: Tensor) -> None:
    way = slerp(a, b, torch.tensor([0.0, 0.3, 1.0]))
    assert torch.isfinite(way).all()
    torch.testing.assert_close(way[0], a, atol=1e-5, rtol=1e-5)
    if a.norm() > 1e-3 and b.norm() > 1e-3 and (a / a.norm() + b / b.norm()).norm() > 1e-2:
        torch.testing.assert_close(way[2], b, atol=1e-5, rtol=1e-5)


def test_between_opposite_vectors_slerp_goes_round_and_not_through_zero() -> None:
    a = latents([5], 16)[0].double()
    way = slerp(a, -a, torch.linspace(0, 1, 9))
    torch.testing.assert_close(way.norm(dim=1), a.norm().expand(9))
    torch.testing.assert_close(way[-1], -a)
    assert abs(float(way[4] @ a)) < 1e-9


def test_slerp_of_equal_directions_is_a_straight_line() -> None:
    a = latents([5], 6)[0].double()
    torch.testing.assert_close(slerp(a, 3 * a, torch.tensor([0.5]))[0], 2 * a)


def test_a_closed_walk_visits_every_seed_and_loops_without_a_repeated_frame() -> None:
    way = walk([1, 5, 9], 16, 8)
    stops = latents([1, 5, 9], 16)
    assert way.shape == (24, 16)
    torch.testing.assert_close(way[::8], stops)
    steps = (torch.roll(way, -1, 0) - way).norm(dim=1)
    assert (steps > 0).all()
    # Eased: the step away from a seed is shorter than the one half-way to the next.
    assert (steps[::8] < steps[4::8]).all()
    assert steps[-1] < steps[-4]


def test_an_open_walk_ends_at_its_last_seed() -> None:
    way = walk([1, 5, 9], 16, 4, closed=False)
    assert way.shape == (9, 16)
    torch.testing.assert_close(way[-1], latents([9], 16)[0])


def test_a_walk_needs_two_seeds() -> None:
    with pytest.raises(GanError, match="two seeds"):
        walk([1], 8, 4)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("5", [5]),
        ("1,5,9", [1, 5, 9]),
        ("1, 5 ;9", [1, 5, 9]),
        ("0-3", [0, 1, 2, 3]),
        ("0,4-6", [0, 4, 5, 6]),
    ],
)
def test_seeds_from_text(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text, 10) == seeds


@pytest.mark.parametrize("text", ["", " , ", "x", "-1", "5-", "1.5", "9-3", "4294967296", "9" * 11, "0-10"])
def test_what_is_no_list_of_seeds_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(GanError):
        parse_seeds(text, 10)
