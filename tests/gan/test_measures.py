from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan.measures import across, detail, down, presence, size


def square(left: int, top: int, side: int, canvas: int = 32, back: float = -1.0, channels: int = 3) -> Tensor:
    picture = torch.full((1, channels, canvas, canvas), back)
    picture[:, :, top : top + side, left : left + side] = -back
    return picture


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("back", [-1.0, 1.0])
def test_size_and_place_of_a_square_are_measured_on_any_ground(channels: int, back: float) -> None:
    picture = square(4, 16, 8, back=back, channels=channels)
    assert float(size(picture)) == pytest.approx(64 / 1024, abs=0.05)
    assert float(across(picture)) < 0.35
    assert float(down(picture)) > 0.55


def test_bigger_right_and_low_are_more() -> None:
    assert size(square(4, 4, 12)) > size(square(4, 4, 8))
    assert across(square(18, 4, 8)) > across(square(4, 4, 8))
    assert down(square(4, 18, 8)) > down(square(4, 4, 8))


def test_an_empty_picture_shows_nothing_and_has_its_middle_in_the_middle() -> None:
    empty = torch.zeros(2, 3, 16, 16)
    assert presence(empty).max() < 0.1
    torch.testing.assert_close(across(empty), torch.full((2,), 0.5))


def test_detail_is_the_mean_step_between_neighbours() -> None:
    stripes = torch.ones(1, 1, 8, 8)
    stripes[..., ::2] = -1
    assert float(detail(stripes)) == pytest.approx(0.5)
    assert float(detail(torch.ones(1, 1, 8, 8))) == 0
