from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from explorer_helpers import cats_in, styled_cats_in
from PIL import Image, ImageSequence

from gan.errors import GanError
from gan.explorer import ExplorerState, render
from gan.film import film
from gan.model import Model, load, load_reference
from gan.walk import stops_at, walk_pictures


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return load_reference(cats_in(home))


def test_a_walk_passes_through_the_pictures_of_its_seeds(model: Model) -> None:
    state = ExplorerState(model.reference, truncation=0.7)
    pictures = walk_pictures(model, state, [1, 5, 9], 4)
    assert pictures.shape == (12, 3, 32, 32)
    for frame, seed in ((0, 1), (4, 5), (8, 9)):
        expected = render(model, ExplorerState(model.reference, seed, truncation=0.7))[0]
        torch.testing.assert_close(pictures[frame], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("architecture", ["wishes", "styles"])
def test_a_walk_keeps_what_was_chosen_and_fades_between_the_rest(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    model = load("cats") if architecture == "wishes" else load_reference(styled_cats_in(tmp_path, told=True))
    state = ExplorerState(model.reference, 7, 0.7, edits=(1.0,), raw=((3, 4.0),))
    pictures = walk_pictures(model, state, [1, 5], 8)
    for frame, stop in zip((0, 8), stops_at(state, [1, 5]), strict=True):
        torch.testing.assert_close(pictures[frame], render(model, stop)[0], atol=1e-4, rtol=0)
    whole = float((pictures[8] - pictures[0]).abs().mean())
    steps = (pictures[1:9] - pictures[:8]).abs().mean((1, 2, 3))
    assert float(steps.max()) < 0.4 * whole


@pytest.mark.parametrize(("seeds", "frames"), [([1], 4), (list(range(13)), 4), ([1, 2], 121), ([1, 2], 0)])
def test_walks_that_are_too_short_or_too_long_are_refused(
    model: Model, seeds: list[int], frames: int
) -> None:
    with pytest.raises(GanError):
        walk_pictures(model, ExplorerState(model.reference), seeds, frames)


def moving_square(frames: int) -> torch.Tensor:
    """A red square that moves over a grey gradient, `[frames, 3, 32, 32]`."""
    pictures = torch.linspace(-0.5, 0.5, 32).expand(frames, 3, 32, 32).clone()
    for i in range(frames):
        pictures[i, 0, 8:16, i : i + 8] = 1.0
        pictures[i, 1:, 8:16, i : i + 8] = -1.0
    return pictures


def test_the_gif_loops_for_ever_and_shows_every_frame_enlarged() -> None:
    content = film(moving_square(10), ".gif", milliseconds=70)
    image = Image.open(BytesIO(content))
    assert image.info["loop"] == 0
    frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(image)]
    assert len(frames) == 10
    assert frames[0].shape == (256, 256, 3)
    assert image.info["duration"] == 70
    red = [(f[..., 0] > 200) & (f[..., 1] < 60) for f in frames]
    columns = [np.nonzero(mask)[1].mean() for mask in red]
    np.testing.assert_allclose(np.diff(columns), 8, atol=1.5)


def test_what_stands_still_in_a_gif_does_not_flicker() -> None:
    frames = [
        np.asarray(frame.convert("RGB")).astype(int)
        for frame in ImageSequence.Iterator(Image.open(BytesIO(film(moving_square(10), ".gif"))))
    ]
    below = np.stack(frames)[:, 160:]
    assert (below == below[0]).all()
    gradient = np.asarray(Image.open(BytesIO(film(moving_square(10), ".gif"))).convert("RGB")).astype(int)[
        200
    ]
    assert np.abs(np.diff(gradient[:, 0])).max() <= 8


def test_grey_pictures_become_a_gif_too() -> None:
    image = Image.open(BytesIO(film(torch.linspace(-1, 1, 28).expand(3, 1, 28, 28), ".gif", side=280)))
    assert image.size == (280, 280)


@pytest.mark.parametrize("side", [8, 2000])
def test_a_gifs_side_has_limits(side: int) -> None:
    with pytest.raises(GanError, match="side"):
        film(moving_square(2), ".gif", side)


def test_a_gifs_length_has_a_limit() -> None:
    with pytest.raises(GanError, match="frames"):
        film(torch.zeros(241, 1, 28, 28), ".gif")


def test_writing_a_gif_leaves_no_trace_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    film(moving_square(2), ".gif")
    assert list(tmp_path.iterdir()) == []
