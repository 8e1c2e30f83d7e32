from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image

from gan import training_film
from gan.errors import GanError
from gan.training_film import add_frame, forget_frames_after, frames_of
from gan.training_film import training_film as film_of


def grid(level: float) -> torch.Tensor:
    return torch.full((8, 3, 16, 16), level)


def test_frames_are_bounded_and_spread_over_the_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_film, "MOST_FRAMES", 16)
    for second in range(300):
        add_frame(tmp_path, grid(0), second + 1, second)
        assert len(frames_of(tmp_path)) <= 16
    steps = [frame.step for frame in frames_of(tmp_path)]
    assert len(steps) >= 8
    assert steps[0] == 1
    assert steps[-1] > 260
    gaps = [b - a for a, b in pairwise(steps)]
    assert max(gaps) <= 3 * min(gaps)


def test_a_film_shows_the_frames_in_order_with_their_steps(tmp_path: Path) -> None:
    with pytest.raises(GanError, match="no film yet"):
        film_of(tmp_path)
    for number, level in enumerate((-1.0, 0.0, 1.0)):
        add_frame(tmp_path, grid(level), 9 + 100 * number, 50 * number)
    (tmp_path / "frames" / "0000000500-00002000.webp").write_bytes(b"damaged")
    (tmp_path / "frames" / "other-x.webp").write_bytes(b"no frame")
    film = Image.open(io.BytesIO(film_of(tmp_path, ".gif")))
    assert film.n_frames == 3
    shown = []
    for number in range(3):
        film.seek(number)
        shown.append(film.convert("L").getpixel((320, 40)))
    assert shown == sorted(shown)
    assert shown[0] < 10
    assert shown[-1] > 245
    assert film.info["duration"] == training_film.AT_THE_END
    assert film_of(tmp_path, ".mp4")[4:8] == b"ftyp"
    with pytest.raises(GanError, match="gif"):
        film_of(tmp_path, ".avi")


def test_a_run_that_goes_on_from_a_checkpoint_forgets_the_lost_frames(tmp_path: Path) -> None:
    for step in (1, 50, 100):
        add_frame(tmp_path, grid(0), step, step)
    forget_frames_after(tmp_path, 50)
    assert [frame.step for frame in frames_of(tmp_path)] == [1, 50]
