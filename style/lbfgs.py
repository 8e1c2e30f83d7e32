"""Limited-memory BFGS without line search, one evaluation a step.

Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 7.4 and 7.5. `torch.optim.LBFGS` begins
with a step of length 1 / ||g||_1, which for a picture is no step at all, and one evaluation in thirty or, at
the finest scale, in ten is too many to lose. Here the first step moves the picture by a chosen amount.
"""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

_LARGEST_STEP = 0.5


class LimitedMemoryBFGS:
    """Proposes steps for one variable from its gradients.

    Args:
        first_step: root mean square of the first change, in units of the variable.
        history: how many (step, gradient change) pairs the curvature is estimated from.
    """

    def __init__(self, *, first_step: float, history: int = 10) -> None:
        self._first_step = first_step
        self._pairs: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=history)
        self._last_gradient: Tensor | None = None
        self._last_step: Tensor | None = None

    @torch.no_grad()
    def propose(self, gradient: Tensor) -> Tensor:
        """Returns the step to add to the variable; `gradient` and the result have its shape."""
        if self._last_gradient is None or self._last_step is None:
            step = gradient * (-self._first_step / _rms(gradient))
        else:
            self._remember(self._last_step, gradient - self._last_gradient)
            step = -self._approximate(gradient)
            # A bad curvature estimate shows as a leap; far leaps are cut, near ones are L-BFGS at work.
            step = step * torch.clamp(_LARGEST_STEP / step.abs().max().clamp_min(1e-12), max=1.0)
        self._last_gradient, self._last_step = gradient.clone(), step
        return step

    def _remember(self, step: Tensor, change: Tensor) -> None:
        """Keeps the pair if the curvature along the step was positive, which BFGS needs."""
        product = (step * change).sum()
        if product > 1e-10 * (change.square().sum() * step.square().sum()).sqrt():
            self._pairs.append((step, change, 1.0 / product))

    def _approximate(self, gradient: Tensor) -> Tensor:
        """The two-loop recursion: inverse Hessian times gradient."""
        if not self._pairs:
            return gradient * (self._first_step / _rms(gradient))
        direction = gradient.clone()
        factors = []
        for step, change, inverse in reversed(self._pairs):
            factor = inverse * (step * direction).sum()
            direction.addcmul_(change, factor, value=-1)
            factors.append(factor)
        _, change, inverse = self._pairs[-1]
        direction /= inverse * change.square().sum()
        for (step, change, inverse), factor in zip(self._pairs, reversed(factors), strict=True):
            direction.addcmul_(step, factor - inverse * (change * direction).sum())
        return direction


def _rms(values: Tensor) -> Tensor:
    return values.square().mean().sqrt().clamp_min(1e-20)
