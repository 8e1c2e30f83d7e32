"""When a run diverges it goes back to its last good state and goes on with half the learning rates.

A run whose numbers have grown for long has no good state left; it can only begin anew.
"""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import nn

from gan.errors import GanError
from gan.state import TrainState

MOST_RESCUES = 3
KEEP_EVERY = 5.0
CALMER = 0.5
LARGEST_LOSS = 1e6


@dataclass(frozen=True)
class _Moment:
    """A copy of everything in a state that learning changes."""

    step: int
    images_seen: int
    parts: tuple[dict[str, Any], ...]


def _parts(state: TrainState) -> tuple[Any, ...]:
    return (
        state.generator,
        state.discriminator,
        state.average,
        state.generator_optimiser,
        state.discriminator_optimiser,
    )


def is_sound(state: TrainState, *losses: float) -> bool:
    """Whether losses and weights are still numbers, and losses of a size that a game can have."""
    networks: tuple[nn.Module, ...] = (state.generator, state.discriminator, state.average)
    # The layout of a latent space is large, and no step changes it.
    return all(abs(loss) < LARGEST_LOSS for loss in losses) and all(
        bool(value.isfinite().all())
        for network in networks
        for name, value in network.state_dict().items()
        if not name.startswith("layout.")
    )


class Lifeline:
    """Remembers good states of a run, and brings it back to one."""

    def __init__(self, state: TrainState) -> None:
        # Two, because the newest may have been taken when the trouble had begun and was not to be seen yet.
        self._moments = deque([_moment(state)], maxlen=2)
        self._kept_at = state.seconds
        self._rescues = 0

    def keep(self, state: TrainState) -> None:
        """Remember the state, which is sound, unless the last one that was remembered is quite new."""
        if state.seconds - self._kept_at >= KEEP_EVERY:
            self._moments.append(_moment(state))
            self._kept_at = state.seconds

    def back(self, state: TrainState) -> str:
        """Bring the state back to the older remembered moment, with lower learning rates; says so.

        The random state goes on, so that the same way is not taken again.

        Raises:
            GanError: when this did not help several times; the state is a good one nevertheless.
        """
        diverged_at, moment = state.step, self._moments[0]
        for part, values in zip(_parts(state), moment.parts, strict=True):
            part.load_state_dict(deepcopy(values))
        state.step, state.images_seen = moment.step, moment.images_seen
        state.calm *= CALMER
        self._moments = deque([moment], maxlen=2)
        self._kept_at = state.seconds
        self._rescues += 1
        if self._rescues > MOST_RESCUES:
            raise GanError(
                f"The training diverged {self._rescues} times, at last at step {diverged_at:,}. Lower the "
                "learning rates or choose another recipe; what was learned before is kept."
            )
        return (
            f"The training diverged at step {diverged_at:,}, so it went back to step {moment.step:,} and "
            f"goes on with {state.calm:g} times the learning rates."
        )


def begin_anew(state: TrainState, fresh: TrainState) -> None:
    """Give a run the players, average and optimisers of a fresh state in the place of its own.

    Its clock and its counts go on, and a latent space that is laid out stays as it is.
    """
    if state.generator.layout is not None and fresh.generator.layout is not None:
        fresh.generator.layout.load_state_dict(state.generator.layout.state_dict())
    for part, begun in zip(_parts(state), _parts(fresh), strict=True):
        part.load_state_dict(begun.state_dict())
    state.random.set_state(fresh.random.get_state())
    state.calm = 1.0


def _moment(state: TrainState) -> _Moment:
    parts = tuple(deepcopy(part.state_dict()) for part in _parts(state))
    return _Moment(state.step, state.images_seen, parts)
