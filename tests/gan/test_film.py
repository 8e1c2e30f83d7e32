from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import av
import numpy as np
import pytest
import torch
from explorer_helpers import cats_in, fashion_in
from PIL import Image, ImageSequence

from gan.codes import encode_latent
from gan.errors import GanError
from gan.explorer import ExplorerState, render
from gan.film import film, film_pictures, morph_strip
from gan.latent import latents
from gan.model import Model, load, load_reference
from gan.walk import stops_at, walk_pictures


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return {"fashion": load_reference(fashion_in(home)), "cats": load_reference(cats_in(home))}


def favourites(model: Model) -> list[ExplorerState]:
    """Pictures with sliders, classes and a latent vector of their own."""
    return [
        ExplorerState(model.reference, 1, label=2),
        ExplorerState(model.reference, 5, label=2, edits=(2.0,)),
        ExplorerState(model.reference, 0, label=7, base=encode_latent(latents([3], 16)[0])),
    ]


@pytest.mark.parametrize("name", ["fashion", "cats"])
@pytest.mark.parametrize("closed", [True, False])
def test_a_film_passes_through_every_picture_whatever_made_it(
    name: str, closed: bool, models: dict[str, Model]
) -> None:
    model = models[name]
    stops = favourites(model)
    pictures = film_pictures(model, stops, 4, closed)
    assert len(pictures) == (12 if closed else 9)
    for frame, stop in zip((0, 4, 8), stops, strict=True):
        torch.testing.assert_close(pictures[frame], render(model, stop)[0], atol=1e-4, rtol=0)


def test_a_closed_film_returns_without_a_jerk_and_is_slow_at_its_stops(models: dict[str, Model]) -> None:
    pictures = film_pictures(models["fashion"], favourites(models["fashion"]), 12)
    steps = (pictures - pictures.roll(-1, 0)).abs().mean((1, 2, 3))
    assert float(steps[-1]) < float(steps.median())
    for stop in (0, 12, 24):
        assert float(steps[stop]) < float(steps[stop + 5])


def test_seeds_with_the_same_sliders_are_the_walk(models: dict[str, Model]) -> None:
    model = models["cats"]
    state = ExplorerState(model.reference, edits=(1.0,))
    found = film_pictures(model, stops_at(state, [1, 5]), 4)
    assert found.shape == walk_pictures(model, state, [1, 5], 4).shape
    torch.testing.assert_close(found[4], render(model, replace(state, seed=5))[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_films_decode_to_the_pictures_enlarged(suffix: str) -> None:
    slope = torch.linspace(-0.9, 0.9, 32).expand(3, 32, 32)
    pictures = torch.stack(
        [slope.roll(5 * i, 2) * torch.tensor([1, 0.5, -1])[:, None, None] for i in range(6)]
    )
    content = film(pictures, suffix, side=128, milliseconds=100)
    if suffix == ".mp4":
        with av.open(BytesIO(content)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    else:
        with Image.open(BytesIO(content)) as image:
            frames = [np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(image)]
    assert len(frames) == 6
    for frame, picture in zip(frames, pictures, strict=True):
        small = np.asarray(Image.fromarray(frame).resize((32, 32), Image.Resampling.BOX)).astype(float)
        wanted = (picture.permute(1, 2, 0).numpy() + 1) * 127.5
        assert np.abs(small - wanted).mean() < 12


def test_a_morph_begins_and_ends_with_its_pictures(models: dict[str, Model]) -> None:
    model = models["fashion"]
    start, _, end = favourites(model)
    strip = morph_strip(model, start, end, 5)
    assert strip.shape == (5, 1, 28, 28)
    torch.testing.assert_close(strip[:1], render(model, start), atol=1e-4, rtol=0)
    torch.testing.assert_close(strip[-1:], render(model, end), atol=1e-4, rtol=0)


def test_between_attributes_pictures_fade_instead_of_jumping() -> None:
    model = load("cats")
    start, end = ExplorerState("cats", 3, 0.7), ExplorerState("cats", 8, 0.7)
    strip = morph_strip(model, start, end, 9)
    torch.testing.assert_close(strip[:1], render(model, start), atol=1e-4, rtol=0)
    torch.testing.assert_close(strip[-1:], render(model, end), atol=1e-4, rtol=0)
    whole = float((strip[-1] - strip[0]).abs().mean())
    steps = (strip[1:] - strip[:-1]).abs().mean((1, 2, 3))
    assert float(steps.max()) < 0.25 * whole
    frames = film_pictures(model, [start, end], 8)
    torch.testing.assert_close(frames[4], (strip[4]), atol=0.05, rtol=0)


def test_mistakes_are_sentences(models: dict[str, Model]) -> None:
    model = models["cats"]
    one = ExplorerState(model.reference)
    for stops, frames in (([one], 4), ([one] * 13, 4), ([one, one], 121), ([one, one], 0)):
        with pytest.raises(GanError):
            film_pictures(model, stops, frames)
    with pytest.raises(GanError, match="different generators"):
        film_pictures(model, [one, ExplorerState("fashion")])
    with pytest.raises(GanError, match="different generators"):
        morph_strip(model, one, ExplorerState("fashion"))
    with pytest.raises(GanError, match="2 to 24"):
        morph_strip(model, one, one, 1)
    for suffix, side, count in ((".avi", 64, 2), (".mp4", 8, 2), (".mp4", 2000, 2), (".gif", 64, 241)):
        with pytest.raises(GanError):
            film(torch.zeros(count, 1, 28, 28), suffix, side)
