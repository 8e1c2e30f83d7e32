"""When a network grows: the scale that it draws, and how far the newest one is faded in."""

from __future__ import annotations

from dataclasses import dataclass

# A doubling is counted in thousandths, as a whole number: saved and loaded, it is the same to the last bit.
DOUBLING = 1000


@dataclass(frozen=True)
class Growth:
    """How far a growing network is.

    Attributes:
        level: how often its smallest grid is doubled, 0 for the smallest scale.
        alpha: share of that level in the picture, in (0, 1]; the rest is the level below, enlarged.
        side: of that level's pictures, in pixels.
    """

    level: int
    alpha: float
    side: int


def growth_at(grown: int, smallest: int) -> Growth:
    """The growth after so many thousandths of a doubling of a picture that began with the side `smallest`."""
    level, rest = divmod(grown, DOUBLING)
    if rest:
        level += 1
    return Growth(level, rest / DOUBLING if rest else 1.0, smallest * 2**level)


def growth_text(side: int, alpha: float) -> str:
    """Such as "16 px" or "16 px, 40 % faded in"; empty for a network that does not grow (side 0)."""
    if not side:
        return ""
    return f"{side} px" if alpha == 1 else f"{side} px, {100 * alpha:.0f} % faded in"


def grown_after(progress: float, share: float, levels: int) -> int:
    """Thousandths of a doubling that a network of so many levels has grown when `progress` of a run is over.

    The first `share` of the run belongs to all levels but the last in equal parts. In the first half of its
    part a level learns alone, in the second half the next one is faded in on a straight line (Karras et al.
    2017, arXiv 1710.10196, where either takes 800,000 pictures).

    Args:
        progress: share of the budget that is used, 0..1.
        share: 0..1; at 0 everything is there from the first step on.
        levels: number of scales, 1 or more.
    """
    last = levels - 1
    if progress >= share:
        return last * DOUBLING
    level, part = divmod(progress / share * last, 1.0)
    return int(level) * DOUBLING + round(max(0.0, 2 * part - 1) * DOUBLING)
