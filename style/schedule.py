"""Which sizes a stylisation goes through, and how its time is shared out over them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from style.recipe import Recipe

COARSEST = 128
# The instant picture has large shapes and colours right: what is left to do is done where the strokes are.
COARSEST_AFTER_INSTANT = 512
# A scale with fewer steps is not worth the jump; the first one needs as many as it takes to time them.
FEWEST_STEPS = 4
_TIMED_STEPS = 2


def scales_up_to(size: int, coarsest: int = COARSEST) -> list[int]:
    """Returns the longer sides of the pyramid: `size`, its half, and so on down to `coarsest` or just above.

    Octaves, not the usual steps of sqrt 2: every new scale costs some steps until it is as good as the one
    before, and a minute on a processor has no steps to spare.
    """
    scales = [size]
    while scales[0] // 2 >= coarsest:
        scales.insert(0, scales[0] // 2)
    return scales


class Clock:
    """Shares the time budget out over the scales and says how much is done and left.

    A step costs as much as the picture has pixels. Every scale gets time in proportion to its longer side, so
    the number of steps halves when the size doubles. A scale that would get too few steps, by the pace that
    was measured, is left out, and so are all finer ones: the scale before has their time.
    """

    def __init__(self, recipe: Recipe, scales: Sequence[int]) -> None:
        self._fixed = recipe.steps
        self._seconds = float(recipe.seconds)
        weights = [scale**2 if self._fixed else scale for scale in scales]
        total = sum(weights)
        self._ends = [sum(weights[: index + 1]) / total for index in range(len(weights))]
        self._shares = [weight / total for weight in weights]
        self._began = self._scale_began = time.monotonic()
        self._index = 0
        self._pace = 0.0
        self._last = len(scales) - 1
        self._scales = list(scales)
        self.steps = 0

    @property
    def is_start(self) -> bool:
        """Whether the work is at its first scale."""
        return self._index == 0

    def enter(self, index: int) -> bool:
        """Begins a scale; returns False if there is no time for it. There always is for the first."""
        if index and not self._fixed and not self._fits(index):
            return False
        if index:
            self._pace = self._pace_at(index)
        self._index = index
        self._scale_began = time.monotonic()
        self.steps = self._fixed or (FEWEST_STEPS if index else _TIMED_STEPS)
        return True

    def _pace_at(self, index: int) -> float:
        """Seconds that a step of another scale will take, as far as is known."""
        return self._pace * (self._scales[index] / self._scales[self._index]) ** 2

    def _fits(self, index: int) -> bool:
        begins = max(time.monotonic() - self._began, self._seconds * self._ends[index - 1])
        return self._seconds * self._ends[index] - begins >= FEWEST_STEPS * self._pace_at(index)

    def _room(self) -> float:
        is_finest = self._index == self._last or not self._fits(self._index + 1)
        end = 1.0 if is_finest else self._ends[self._index]
        return self._began + self._seconds * end - time.monotonic()

    def tick(self, step: int) -> None:
        """Notes that `step` steps of this scale are done and plans the rest of it by the measured pace."""
        self._pace = (time.monotonic() - self._scale_began) / step
        if not self._fixed and step >= _TIMED_STEPS:
            fewest = FEWEST_STEPS if self._index else _TIMED_STEPS
            self.steps = max(fewest, step + int(self._room() / max(self._pace, 1e-6)))

    def tell(self, step: int) -> tuple[float, float, float]:
        """Returns progress 0..1, seconds elapsed and seconds left."""
        elapsed = time.monotonic() - self._began
        if self._index == self._last and step >= self.steps:
            return self.end()
        if self._fixed:
            share = self._shares[self._index]
            progress = self._ends[self._index] - share * (1 - step / self.steps)
            # Before the first step nobody knows how long one takes.
            left = elapsed / progress * (1 - progress) if progress else self._seconds
            return progress, elapsed, left
        left = max(self._seconds - elapsed, self._pace * (self.steps - step))
        return elapsed / (elapsed + left), elapsed, left

    def end(self) -> tuple[float, float, float]:
        """What `tell` returns when all is done."""
        return 1.0, time.monotonic() - self._began, 0.0
