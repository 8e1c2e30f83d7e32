from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from style.images import read_picture, to_tensor
from style.optimise import stylise
from style.recipe import Recipe
from style.scores import Scores, score

PICTURES = Path(__file__).resolve().parents[2] / "data" / "pictures"


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return to_tensor(read_picture(PICTURES / "photos" / "cat.jpg"), 128)


@pytest.fixture(scope="module")
def painting() -> Tensor:
    return to_tensor(read_picture(PICTURES / "styles" / "starry_night.jpg"), 128)


def test_the_photo_the_painting_and_a_grey_card_stand_at_the_ends(photo: Tensor, painting: Tensor) -> None:
    unpainted = score(photo, photo, [painting])
    assert unpainted.structure == pytest.approx(1, abs=1e-4)
    assert unpainted.texture == pytest.approx(0, abs=1e-4)
    assert score(torch.full_like(photo, 0.5), photo, [painting]).structure == pytest.approx(0, abs=1e-4)
    same_size = to_tensor(read_picture(PICTURES / "styles" / "starry_night.jpg"), 128)
    assert (
        score(same_size, photo[..., : same_size.shape[-2], : same_size.shape[-1]], [painting]).texture > 0.99
    )


def test_painting_gains_texture_and_loses_structure(photo: Tensor, painting: Tensor) -> None:
    *_, last = stylise(photo, [painting], Recipe(size=128, steps=20))
    found = score(last.picture, photo, [painting])
    assert 0.3 < found.texture <= 1
    assert 0.1 < found.structure < 0.95


def test_size_hardly_matters(photo: Tensor, painting: Tensor) -> None:
    large = to_tensor(read_picture(PICTURES / "photos" / "cat.jpg"), 700)
    assert score(large, large, [painting]).structure == pytest.approx(1, abs=1e-4)


def test_nothing_is_less_than_nothing_in_words() -> None:
    assert Scores(-0.5, 0.923).words == "92 % of the painting's texture, 0 % of the photo's structure"
    flat = torch.full((1, 3, 32, 32), 0.5)
    found = score(flat, flat, [flat])
    assert all(value == value for value in (found.structure, found.texture))
