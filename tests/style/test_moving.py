from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from style.errors import StyleError
from style.film import Film, check_film
from style.iterate import Iterate
from style.moving import MEDIA_TYPES, SUFFIXES, film

TIMES = [70] * 7 + [500]


def moving_square(count: int = 8, size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    """A red square that moves to the right over a blue gradient."""
    frames = []
    for i in range(count):
        pixels = np.full((size[1], size[0], 3), 110, np.uint8)
        pixels[..., 2] = np.linspace(60, 200, size[0])[None]
        pixels[12:36, 4 + 4 * i : 20 + 4 * i] = (220, 40, 40)
        frames.append(Image.fromarray(pixels))
    return frames


def decoded(content: bytes, suffix: str) -> tuple[list[np.ndarray], list[float]]:
    """Frames and the seconds that each of them is shown."""
    if suffix == ".mp4":
        with av.open(BytesIO(content)) as container:
            found = list(container.decode(video=0))
            pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in found]
            times = [float(frame.duration * frame.time_base) for frame in found]
        return pictures, times
    with Image.open(BytesIO(content)) as image:
        frames = [
            (np.asarray(f.convert("RGB")).astype(int), f.info["duration"])
            for f in ImageSequence.Iterator(image)
        ]
        assert image.info["loop"] == 0
    return [pixels for pixels, _ in frames], [milliseconds / 1000 for _, milliseconds in frames]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_frame_comes_back_in_its_order_and_for_its_time(suffix: str) -> None:
    frames = moving_square()
    pictures, times = decoded(film(frames, suffix, TIMES), suffix)
    assert len(pictures) == 8
    np.testing.assert_allclose(times, [t / 1000 for t in TIMES], atol=0.011)
    for picture, frame in zip(pictures, frames, strict=True):
        assert np.abs(picture - np.asarray(frame)).mean() < 6
    columns = [np.nonzero((p[..., 0] > 160) & (p[..., 1] < 90))[1].mean() for p in pictures]
    np.testing.assert_allclose(np.diff(columns), 4, atol=0.7)


def test_an_mp4_is_what_browsers_play_and_can_start_before_it_has_arrived() -> None:
    content = film(moving_square(), ".mp4", 70)
    with av.open(BytesIO(content)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    assert content.index(b"moov") < content.index(b"mdat")
    assert MEDIA_TYPES[".mp4"] == "video/mp4"


def test_colours_of_an_mp4_are_not_shifted() -> None:
    flat = [Image.new("RGB", (32, 32), colour) for colour in ("#c03020", "#20a050", "#2040c0", "#ffffff")]
    pictures, _ = decoded(film(flat, ".mp4", 100), ".mp4")
    for picture, frame in zip(pictures, flat, strict=True):
        assert np.abs(picture - np.asarray(frame)).max() <= 6


def test_an_odd_side_loses_a_pixel_in_an_mp4() -> None:
    pictures, _ = decoded(film(moving_square(size=(65, 47)), ".mp4", 50), ".mp4")
    assert pictures[0].shape == (46, 64, 3)


@pytest.mark.parametrize(
    ("frames", "suffix", "times"),
    [
        ([], ".gif", 70),
        (moving_square(2), ".avi", 70),
        ([*moving_square(1), Image.new("RGB", (8, 8))], ".mp4", 70),
        (moving_square(2), ".gif", [70]),
        (moving_square(2), ".webp", 0),
        ([Image.new("RGB", (1, 9))], ".mp4", 70),
    ],
)
def test_what_is_no_film_is_a_sentence(
    frames: list[Image.Image], suffix: str, times: int | list[int]
) -> None:
    with pytest.raises(StyleError):
        film(frames, suffix, times)


def test_the_film_of_a_painting_can_be_an_mp4_that_rests_at_the_end(tmp_path: Path) -> None:
    import torch

    painting = Film(side=64)
    for share in (0.2, 0.5, 0.8):
        painting.add(_iterate(torch.full((1, 3, 48, 64), share)))
    painting.write(tmp_path / "film.mp4")
    pictures, times = decoded((tmp_path / "film.mp4").read_bytes(), ".mp4")
    assert [round(float(p.mean()) / 255, 1) for p in pictures] == [0.2, 0.5, 0.8]
    np.testing.assert_allclose(times, [0.12, 0.12, 2.0], atol=0.01)
    with pytest.raises(StyleError, match="must end in"):
        check_film(tmp_path / "film.avi")


def _iterate(picture: object) -> Iterate:
    from dataclasses import fields

    values = {field.name: None for field in fields(Iterate)}
    return Iterate(**{**values, "picture": picture})  # type: ignore[arg-type]
