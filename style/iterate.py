"""What a stylisation tells at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Losses:
    """The losses without their weights, and `total`, their weighted sum, which is minimised.

    The lesson does not know `edges`.
    """

    content: float
    style: float
    variation: float
    edges: float
    total: float


@dataclass(frozen=True, eq=False)
class Iterate:
    """A snapshot of the work, made about once a second.

    Attributes:
        scale: longer side of the picture at this moment, in pixels.
        step: steps done at this scale; `steps` is how many are planned for it, by the speed measured so far.
        losses: at this step; None of an instant picture, which minimises nothing.
        picture: float32 `[1, 3, H, W]` in [0, 1], on the CPU: the one with the lowest objective at this scale
            so far, but the current one in the lesson at the notebook's pace.
        is_best: whether this very step has the lowest objective at this scale so far.
        progress: 0..1 of the whole work; 1 in the last iterate alone.
        seconds_elapsed, seconds_left: since the start, and estimated until the end.
        enlarged_from: scale at which the picture was painted, if there was no time for its own; else 0.
    """

    scale: int
    step: int
    steps: int
    losses: Losses | None
    picture: Tensor
    is_best: bool
    progress: float
    seconds_elapsed: float
    seconds_left: float
    enlarged_from: int = 0
