from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from style.finish import finish, to_oklab, to_rgb, with_palette
from style.recipe import Recipe


def picture(seed: int, height: int = 24, width: int = 32) -> Tensor:
    """Colours that vary smoothly and differ between seeds."""
    random = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 3, 4, generator=random)
    return torch.nn.functional.interpolate(small, size=(height, width), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        # From the author's article: white, and the primaries to three digits.
        ((1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (0.628, 0.225, 0.126)),
        ((0.0, 1.0, 0.0), (0.866, -0.234, 0.179)),
        ((0.0, 0.0, 1.0), (0.452, -0.032, -0.312)),
    ],
)
def test_known_colours(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    found = to_oklab(torch.tensor(rgb).view(1, 3, 1, 1))
    torch.testing.assert_close(found.flatten(), torch.tensor(lab), atol=1e-3, rtol=0)


@given(st.integers(0, 10_000))
def test_every_colour_comes_back(seed: int) -> None:
    colours = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(to_rgb(to_oklab(colours)), colours, atol=1e-3, rtol=0)


def test_as_painted_is_the_picture_itself() -> None:
    painted = picture(1)
    assert finish(painted, picture(2), picture(3), Recipe()) is painted


def test_the_photos_colours_stay_and_the_painted_lightness_too() -> None:
    painted, photo = picture(1) * 0.2 + 0.4, picture(2) * 0.2 + 0.4
    found = to_oklab(finish(painted, photo, picture(3), Recipe(colours="photo")))
    torch.testing.assert_close(found[:, :1], to_oklab(painted)[:, :1], atol=2e-3, rtol=0)
    torch.testing.assert_close(found[:, 1:], to_oklab(photo)[:, 1:], atol=2e-3, rtol=0)


def test_a_palette_has_the_paintings_mean_and_covariance() -> None:
    photo, painting = to_oklab(picture(2)), to_oklab(picture(3, 40, 20))
    found = with_palette(photo, painting).flatten(2)[0].double()
    wanted = painting.flatten(2)[0].double()
    torch.testing.assert_close(found.mean(1), wanted.mean(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.cov(found), torch.cov(wanted), atol=1e-4, rtol=0)


def test_a_palette_moves_colours_no_more_than_it_must() -> None:
    photo = to_oklab(picture(2))
    torch.testing.assert_close(with_palette(photo, photo), photo, atol=1e-5, rtol=0)


def test_a_palette_ignores_what_was_painted() -> None:
    one, two = (finish(picture(n), picture(2), picture(3), Recipe(colours="palette")) for n in (1, 5))
    assert torch.equal(one, two)


def test_brightness_is_the_photos() -> None:
    painted, photo = picture(1) * 0.3 + 0.1, picture(2) * 0.3 + 0.5
    found = to_oklab(finish(painted, photo, picture(3), Recipe(brightness="photo")))[:, 0]
    original = to_oklab(photo)[:, 0]
    assert float(found.mean()) == pytest.approx(float(original.mean()), abs=0.01)
    assert float(found.std()) == pytest.approx(float(original.std()), rel=0.1)


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_strength_goes_from_the_photo_to_the_painted_picture(strength: float) -> None:
    painted, photo = picture(1), picture(2)
    found = finish(painted, photo, picture(3), Recipe(strength=strength))
    expected = (1 - strength) * photo + strength * painted
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("colours", ["painting", "photo", "palette"])
@pytest.mark.parametrize("brightness", ["painting", "photo"])
@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_pictures_of_one_colour_stay_pictures(colours: str, brightness: str, flat: float) -> None:
    one_colour = torch.full((1, 3, 16, 16), flat)
    recipe = Recipe(colours=colours, brightness=brightness, strength=0.9)  # type: ignore[arg-type]
    for pictures in ((one_colour, picture(1), one_colour), (picture(1), one_colour, picture(2))):
        size = pictures[0].shape[-2:]
        photo = torch.nn.functional.interpolate(pictures[1], size=size)
        found = finish(pictures[0], photo, pictures[2], recipe)
        assert found.isfinite().all()
        assert 0 <= found.min() <= found.max() <= 1
