"""What the Stylise tab shows: well-formed, bounded, and harmless whatever the text."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import pytest
import torch
from PIL import Image

from style import view
from style.iterate import Iterate, Losses


def iterate(share: float, losses: Losses, size: tuple[int, int] = (40, 60)) -> Iterate:
    picture = torch.full((1, 3, *size), 0.5)
    return Iterate(256, 3, 10, losses, picture, True, share, 4.0, 33.0)


def points(figure: str) -> list[list[tuple[float, float]]]:
    """The coordinates of every curve of the figure."""
    svg = ElementTree.fromstring(figure[: figure.index("</svg>") + 6])
    lines = [element.attrib["points"] for element in svg if element.tag == "polyline"]
    return [[tuple(map(float, pair.split(","))) for pair in line.split()] for line in lines]  # type: ignore[misc]


def test_a_curve_falls_where_its_loss_falls_and_stays_in_the_figure() -> None:
    curves = view.Curves()
    for step in range(11):
        curves.add(iterate(step / 10, Losses(10.0**-step, 1.0, 0.0, 0.0, 1.0)))
    content, style = points(curves.render())
    heights = [y for _, y in content]
    assert heights == sorted(heights)
    assert heights[0] < heights[-1]
    assert len({y for _, y in style}) == 1
    assert all(0 <= x <= 360 and 0 <= y <= 132 for x, y in content + style)
    assert [x for x, _ in content] == sorted(x for x, _ in content)


def test_a_long_run_keeps_few_points_and_its_ends() -> None:
    curves = view.Curves()
    for step in range(1001):
        curves.add(iterate(step / 1000, Losses(1.0, 1.0, 1.0, 0.0, 3.0)))
    (line, *_) = points(curves.render())
    assert 60 < len(line) <= 241
    assert line[0][0] < 40
    assert line[-1][0] > 340


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.3, "nearly done"),
        (4.2, "about 4 seconds left"),
        (43, "about 45 seconds left"),
        (130, "about 2 minutes left"),
    ],
)
def test_time_left_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert view.time_left(seconds) == words


def test_the_live_picture_is_the_iterate_and_never_large() -> None:
    shown = view.live(iterate(0.5, Losses(1, 1, 1, 0, 3), (900, 1200)))
    content = base64.b64decode(re.search(r"base64,([^\"]+)", shown).group(1))  # type: ignore[union-attr]
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (640, 480)
        assert abs(image.convert("L").getpixel((320, 240)) - 128) < 3  # type: ignore[operator]


def test_progress_says_where_it_is() -> None:
    shown = view.progress(iterate(0.25, Losses(1, 1, 1, 0, 3)))
    assert 'aria-valuenow="25"' in shown
    assert "about 35 seconds left · 256 pixels, step 3 of about 10" in shown


def test_texts_are_escaped_and_no_text_shows_nothing() -> None:
    assert view.message("") == ""
    assert "<script" not in view.message("<script>alert(1)</script>")
    assert "<b" not in view.progress_bar(0.5, "<b>")
