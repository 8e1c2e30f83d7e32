from __future__ import annotations

import pytest
import torch

from gan.augmentation import augmented, share_for
from gan.datasets import open_dataset, to_unit


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("pictures", "share"), [(16, 1), (1_000, 1), (5_500, 0.5), (10_000, 0), (60_000, 0)])
def test_few_pictures_are_changed_more_often(pictures: int, share: float) -> None:
    assert share_for(pictures) == pytest.approx(share)


def test_share_zero_changes_nothing_and_share_half_about_half() -> None:
    pictures = to_unit(open_dataset("cats", 32, limit=200).images)
    assert augmented(pictures, 0.0, random()) is pictures
    changed = (augmented(pictures, 0.5, random()) != pictures).flatten(1).any(1)
    assert 70 < changed.sum() < 130
    assert (augmented(pictures, 1.0, random()) != pictures).flatten(1).any(1).all()


def test_every_picture_is_changed_in_its_own_way_and_none_is_mirrored() -> None:
    ramp = torch.linspace(-1, 1, 32).expand(50, 3, 32, 32)
    changed = augmented(ramp, 1.0, random())
    assert len({tuple(picture.flatten().tolist()) for picture in changed}) == 50
    # Brighter to the right before, and in no picture darker to the right afterwards.
    steps = changed[..., 1:] - changed[..., :-1]
    assert (steps.median(-1).values.flatten(1).median(1).values >= 0).all()


def test_the_same_random_state_gives_the_same_changes() -> None:
    pictures = torch.randn(4, 1, 28, 28)
    assert torch.equal(augmented(pictures, 1.0, random(3)), augmented(pictures, 1.0, random(3)))


def test_the_gradient_comes_through() -> None:
    pictures = torch.randn(2, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: augmented(x, 1.0, random(5)), (pictures,))
    augmented(pictures, 1.0, random(5)).sum().backward()
    assert pictures.grad is not None
    assert (pictures.grad != 0).float().mean() > 0.4


def test_a_hole_and_a_move_stay_within_the_picture() -> None:
    changed = augmented(torch.ones(64, 1, 32, 32), 1.0, random(1))
    assert changed.shape == (64, 1, 32, 32)
    empty = (changed == 0).flatten(1).float().mean(1)
    assert empty.max() <= 0.25 + 0.25
    assert empty.min() > 0
