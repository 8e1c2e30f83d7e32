from __future__ import annotations

import pytest
import torch

from gan.likeness import SEARCHED, distance, distances, features


def pictures(count: int, channels: int = 3, side: int = 64) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_distance_of_a_picture_from_itself_is_nothing_and_from_others_something() -> None:
    some = pictures(3)
    found = distances(some, some[1:2])
    assert float(found[1]) == pytest.approx(0, abs=1e-5)
    assert (found[[0, 2]] > 0.05).all()
    assert (found <= 1).all()


def test_it_is_one_minus_the_cosine_and_symmetric() -> None:
    a, b = (features(part, SEARCHED) for part in pictures(2).split(1))
    by_hand = torch.stack([1 - (x * y).sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True)]).mean(0)
    torch.testing.assert_close(distance(a, b), by_hand, atol=1e-4, rtol=0)
    torch.testing.assert_close(distance(a, b), distance(b, a))


def test_a_blurred_picture_is_nearer_than_another_one() -> None:
    smooth = torch.nn.functional.interpolate(pictures(2, side=8), size=64, mode="bicubic").clamp(-1, 1)
    blurred = torch.nn.functional.avg_pool2d(smooth, 3, 1, 1)
    near, far = distances(torch.cat([blurred[:1], smooth[1:]]), smooth[:1])
    assert near < far


def test_small_grey_pictures_are_taken_and_gradients_flow() -> None:
    grey = pictures(1, 1, 28).requires_grad_(True)
    distance(features(grey, SEARCHED), features(pictures(1, 1, 28).flip(3), SEARCHED)).sum().backward()
    assert grey.grad is not None
    assert grey.grad.abs().sum() > 0
