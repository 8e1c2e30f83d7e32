"""The instant mode through its public door: strokes, mixtures, regions, sizes and odd pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from style import Recipe, StyleError, instant, stylise
from style.brush import KEEP, PAINTINGS, read_brush
from style.images import Picture, read_picture, to_tensor
from style.regions import Regions, painting_weights
from style.scores import score
from style.strokes import quietness, quilt, underpaint

PICTURES = Path(__file__).parents[2] / "data" / "pictures"


@pytest.fixture(scope="module")
def photo() -> Picture:
    return read_picture(PICTURES / "photos" / "red_panda.jpg")


@pytest.fixture(scope="module")
def paintings() -> list[Picture]:
    return [read_picture(PICTURES / "styles" / f"{name}.jpg") for name in ("great_wave", "scream")]


def test_it_has_the_painting_s_texture_and_still_shows_the_photo(
    photo: Picture, paintings: list[Picture]
) -> None:
    for painting in paintings:
        painted = instant(photo, [painting], size=256)
        assert painted.shape == (1, 3, 144, 256)
        found = score(painted, to_tensor(photo, 256), [to_tensor(painting, 256)])
        assert found.texture > 0.5
        assert found.structure > 0.1


def test_strength_is_a_way_from_the_photo(photo: Picture, paintings: list[Picture]) -> None:
    original = to_tensor(photo, 128)
    assert torch.allclose(instant(photo, paintings[:1], size=128, strength=0.0), original)
    half, full = (instant(photo, paintings[:1], size=128, strength=strength) for strength in (0.5, 1.0))
    assert torch.allclose(half, (original + full) / 2, atol=1e-6)


def test_the_same_settings_give_the_same_picture(photo: Picture, paintings: list[Picture]) -> None:
    first, again = (instant(photo, paintings, size=128, weights=(0.3, 0.7)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, instant(photo, paintings, size=128, weights=(0.3, 0.7), seed=1))


def test_more_strokes_fill_a_clear_sky(paintings: list[Picture]) -> None:
    sky = torch.full((1, 3, 96, 96), 0.6)
    sky[:, 2] = 0.9
    spread = [
        float(instant(sky, paintings[:1], size=128, strokes=amount).std(dim=(2, 3)).mean())
        for amount in (0.0, 0.5, 1.0)
    ]
    assert spread[0] < spread[1] < spread[2]


def test_each_painting_acts_in_its_own_region(photo: Picture, paintings: list[Picture]) -> None:
    left = torch.zeros(1, 1, 40, 40)
    left[..., :20] = 1
    mixed = instant(photo, paintings, size=128, regions=Regions((left, 1 - left)))
    alone = [instant(photo, [painting], size=128) for painting in paintings]
    for columns, own, other in ((slice(0, 44), 0, 1), (slice(84, 128), 1, 0)):
        near, far = ((mixed - alone[which])[..., columns].abs().mean() for which in (own, other))
        assert near < far


@pytest.mark.parametrize("mode", ["instant", "studio"])
def test_what_is_kept_is_the_photo_and_a_mask_may_have_any_size(
    photo: Picture, paintings: list[Picture], mode: str
) -> None:
    keep = torch.zeros(1, 1, 7, 33)
    keep[..., 17:] = 1
    recipe = Recipe(mode=mode, size=128, steps=2)  # type: ignore[arg-type]
    *_, last = stylise(photo, paintings[:1], recipe, regions=Regions(keep=keep))
    apart = (last.picture - to_tensor(photo, 128)).abs()
    assert apart[..., 76:].max() < 1e-5
    assert apart[..., :54].mean() > 0.02


def test_regions_guide_the_studio_too(photo: Picture, paintings: list[Picture]) -> None:
    left = torch.zeros(1, 1, 40, 40)
    left[..., :20] = 1
    recipe = Recipe(size=128, steps=8, start="photo", style_weight=100)
    *_, parted = stylise(photo, paintings, recipe, regions=Regions((left, 1 - left)))
    *_, swapped = stylise(photo, paintings, recipe, regions=Regions((1 - left, left)))
    assert (parted.picture - swapped.picture).abs().mean() > 0.02


def test_weights_are_shares(photo: Picture, paintings: list[Picture]) -> None:
    assert painting_weights((), 2) == (0.5, 0.5)
    assert painting_weights((1.0, 3.0), 2) == (0.25, 0.75)
    for weights, count, word in (((0.0, 0.0), 2, "above 0"), ((1.0,), 2, "weights"), ((), 5, "At most 4")):
        with pytest.raises(StyleError, match=word):
            painting_weights(weights, count)
    mask = torch.ones(1, 1, 4, 4)
    with pytest.raises(StyleError, match="masks"):
        list(stylise(photo, paintings, regions=Regions((mask,))))
    with pytest.raises(StyleError, match="mask"):
        Regions(keep=torch.ones(4, 4))
    with pytest.raises(StyleError, match="painting"):
        instant(photo, [])


def picture(rgb: np.ndarray, alpha: np.ndarray | None = None) -> Picture:
    return Picture(rgb=rgb.astype(np.uint8), alpha=alpha, note="")


@pytest.mark.parametrize("mode", ["instant", "studio"])
@pytest.mark.parametrize("kind", ["long", "black", "grey", "same", "odd"])
def test_odd_pictures_end_in_a_picture(photo: Picture, mode: str, kind: str) -> None:
    noise = np.random.RandomState(0).randint(0, 255, (20, 3000, 3))
    grey = np.repeat(np.random.RandomState(1).randint(0, 255, (64, 64, 1)), 3, 2)
    pairs = {
        "long": (picture(noise), photo),
        "black": (picture(np.zeros((60, 60, 3)), np.zeros((60, 60), np.uint8)), photo),
        "grey": (photo, picture(grey)),
        "same": (photo, photo),
        "odd": (picture(noise[:, :173].repeat(5, 0)[:99]), photo),
    }
    content, style = pairs[kind]
    recipe = Recipe(mode=mode, size=128, steps=2)  # type: ignore[arg-type]
    *_, last = stylise(content, [style], recipe)
    assert torch.isfinite(last.picture).all()
    assert max(last.picture.shape[-2:]) == 128
    assert 0 <= last.picture.min() <= last.picture.max() <= 1


def test_a_single_pixel_gets_a_sentence(photo: Picture) -> None:
    pixel = picture(np.zeros((1, 1, 3)))
    for pair in ((pixel, photo), (photo, pixel)):
        with pytest.raises(StyleError, match="at least 16 pixels"):
            instant(pair[0], [pair[1]])


def test_underpainting_adds_detail_where_it_is_quiet(photo: Picture, paintings: list[Picture]) -> None:
    original, painting = to_tensor(photo, 160), to_tensor(paintings[0], 160)
    quiet = quietness(original)
    assert 0 <= quiet.min() <= quiet.max() <= 1
    plain, rich = (underpaint(original, [painting], Recipe(strokes=amount)) for amount in (0.0, 1.0))
    change = (rich - plain).abs().mean(1, keepdim=True)
    assert change[quiet > 0.8].mean() > 2 * change[quiet < 0.2].mean()
    detail = quilt(plain, painting, 0)
    assert detail.shape == plain.shape
    assert abs(float(detail.mean())) < 0.02
    assert not torch.equal(detail, quilt(plain, painting, 1))


def test_the_brush_says_where_each_painting_acts() -> None:
    layer = np.zeros((10, 30, 4), np.uint8)
    for nothing in (None, layer):
        assert read_brush(nothing, [0]).paintings == ()
        assert read_brush(nothing, [0]).keep is None
    layer[:, :10] = (*PAINTINGS[1], 153)
    layer[:, 20:] = (*KEEP, 153)
    regions = read_brush(layer, [0, 1])
    first, second = regions.paintings
    assert first is not None
    assert second is not None
    assert regions.keep is not None
    assert (second[0, 0, 0] > 0).nonzero().flatten().tolist() == list(range(10))
    assert torch.equal(first, 1 - second)
    assert (regions.keep[0, 0, 0] > 0).nonzero().flatten().tolist() == list(range(20, 30))
    assert read_brush(layer, [0]).paintings == ()
