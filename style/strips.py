"""Cuts a large picture into horizontal strips that are encoded one by one, so that memory is bounded.

A strip is encoded together with a rim of rows above and below that is wider than any output of the encoder
looks. So the features of its inner rows are exactly those of the whole picture, and no seam can appear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

# Rows that the encoder halves three times on the way to block 4, and to spare.
ALIGNMENT = 16
# relu4_2 looks 41 rows far: 2 in block 1, then 2 x 2, 3 x 4 and 2 x 8 rows, and 7 for poolings.
RIM = 48
# About 1.9 GB in one piece.
LARGEST_WHOLE = 680_000


@dataclass(frozen=True)
class Strip:
    """Rows `top` to `bottom` of a picture, encoded with those from `outer_top` to `outer_bottom`."""

    top: int
    bottom: int
    outer_top: int
    outer_bottom: int
    is_last: bool

    def outer(self, picture: Tensor) -> Tensor:
        """The strip of `[N, C, H, W]` with its rim."""
        return picture[..., self.outer_top : self.outer_bottom, :]

    def crop(self, features: Tensor, stride: int) -> Tensor:
        """The inner rows of the outer strip's features, which lie `stride` rows of the picture apart."""
        first = (self.top - self.outer_top) // stride
        rows = None if self.is_last else first + (self.bottom - self.top) // stride
        return features[..., first:rows, :]

    def part(self, whole: Tensor, stride: int) -> Tensor:
        """The same rows of features of the whole picture."""
        return whole[..., self.top // stride : None if self.is_last else self.bottom // stride, :]


def strips_of(size: Sequence[int], largest: int = LARGEST_WHOLE) -> list[Strip]:
    """Strips of about equal height, with their rim about half of `largest` pixels at most; one if all fits.

    Args:
        size: height and width of the picture.
    """
    height, width = size
    if height * width <= largest:
        return [Strip(0, height, 0, height, True)]
    rows = max(ALIGNMENT, largest // 2 // width - 2 * RIM)
    count = -(-height // rows)
    rows = -(-height // (count * ALIGNMENT)) * ALIGNMENT
    tops = list(range(0, height, rows))
    # A last strip of a few rows would be too small for the encoder.
    if len(tops) > 1 and height - tops[-1] < ALIGNMENT:
        tops.pop()
    bottoms = [*tops[1:], height]
    return [
        Strip(top, bottom, max(0, top - RIM), min(height, bottom + RIM), bottom == height)
        for top, bottom in zip(tops, bottoms, strict=True)
    ]
