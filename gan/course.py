"""The course of a run in a few numbers: what its snapshots and looks come to, of late and before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log
from statistics import median

from gan.config import TrainConfig
from gan.signals import Signals
from gan.training import Snapshot

# Fewer looks than these are no course: a median of three is the least that one odd look cannot turn.
FEWEST_LOOKS = 6
RECENT = 3
DIVERGED = "diverged"
# Losing a twentieth of the distance in a third of the run can still be seen.
STILL_GAINING = 0.05
# About half of the movement that there was: a ratio, because looks lie as far apart as the machine is slow.
SETTLED = 0.53
WORTH_WAITING = 1 / 15
LOST = 1.15
# What the discriminator's loss is while it cannot tell the two kinds apart (`gan.losses`).
UNDECIDED = {
    "bce": log(2.0), "relativistic": log(2.0), "hinge": 2.0, "soft-hinge": 2.6265, "least-squares": 0.25,
}  # fmt: skip


@dataclass(frozen=True)
class Course:
    """What `gan.diagnosis` decides by; medians over the last third of the looks since a lever was moved.

    Attributes:
        pictures: how many the run learns from.
        passes: how often it has seen each.
        looks: how many looks there were since a lever was moved last.
        step: the last one.
        spread, live_spread, distance, change, told_apart, favoured, copies, made, of: `gan.signals.Signals`.
        widest: the largest median spread of any three looks in a row, of either generator.
        begun: the distance of the very first look.
        before: the distance in the third of the looks before, by the trend of both thirds (`trend`).
        swing: how far a usual look of both thirds lies from that trend, as a share of the distance.
        best, best_before: the smallest median distance of any three looks in a row, and that before the last
            third.
        restless: the change over the last two thirds.
        liveliest: the largest median change of any three looks in a row.
        loss: the discriminator's, as a share of what it is while it cannot tell the two kinds apart.
        answers: the size of the generator's loss, in the same unit: how large the scores have become.
        rescues: how often the run diverged and was set back, since a lever was moved.
        progress: share of its budget that is used.
    """

    pictures: int
    passes: float
    looks: int
    step: int
    spread: float
    live_spread: float
    distance: float
    widest: float
    begun: float
    before: float
    swing: float
    best: float
    best_before: float
    change: float
    restless: float
    liveliest: float
    told_apart: float
    favoured: float | None
    copies: float | None
    made: int | None
    of: int | None
    loss: float
    answers: float
    rescues: int
    progress: float

    @property
    def gain(self) -> float:
        """How much nearer to real pictures it came in the last third, as a share of the distance."""
        return (self.before - self.distance) / max(self.before, 1e-3)

    @property
    def gaining(self) -> bool:
        """Whether it came so much nearer that it can be seen, and farther than the looks jump anyway."""
        return self.gain > max(STILL_GAINING, self.swing)

    @property
    def settled(self) -> bool:
        """Whether the pictures hardly move any more, as this run's own pictures go."""
        return self.change < SETTLED * self.liveliest

    @property
    def to_come(self) -> float:
        """The gain that another third would bring, if it shrinks as the pictures' movement has shrunk."""
        return self.gain * min(1.0, self.change / max(self.liveliest, 1e-3))

    @property
    def improving(self) -> bool:
        """Whether waiting is worth it: by the trend, or still moving and lately nearer than ever."""
        return self.to_come > WORTH_WAITING or (not self.settled and self.best < self.best_before)

    @property
    def lost(self) -> bool:
        """Whether the pictures have been clearly nearer before than they are now."""
        return self.distance > LOST * self.best

    @property
    def learned(self) -> float:
        """How much of the distance at the very beginning is gone."""
        return 1 - self.distance / max(self.begun, 1e-3)


def rescues(history: Sequence[Snapshot]) -> int:
    """How often the run diverged and was set back (`gan.rescue` says so in the next snapshot's note)."""
    notes = [snapshot.note for snapshot in history if DIVERGED in snapshot.note]
    return len(set(notes))


def since_last_change(history: Sequence[Snapshot]) -> Sequence[Snapshot]:
    """The part of the run in which no lever was moved any more."""
    changed = [number for number, snapshot in enumerate(history) if snapshot.changes]
    return history[changed[-1] :] if changed else history


def course_of(history: Sequence[Snapshot], config: TrainConfig) -> Course | None:
    """The course of a run, or None while there is none: too few looks since its start or the last change."""
    part = since_last_change(history)
    looks = [(snapshot, snapshot.signals) for snapshot in part if snapshot.signals is not None]
    if len(looks) < FEWEST_LOOKS:
        return None
    signals = [signal for _, signal in looks]
    third = max(RECENT, len(looks) // 3)
    recent = signals[-third:]
    first = next(s.signals for s in history if s.signals is not None)
    losses = [snapshot.discriminator_loss for snapshot, _ in looks[-third:]]
    answers = [abs(snapshot.generator_loss) for snapshot, _ in looks[-third:]]
    distances = [signal.distance for signal in signals]
    distance = median(distances[-third:])
    return Course(
        pictures=signals[-1].pictures,
        passes=_passes(history, signals[-1].pictures),
        looks=len(looks),
        step=part[-1].step,
        spread=_median(recent, lambda s: s.spread),
        live_spread=_median(recent, lambda s: s.live_spread),
        distance=distance,
        widest=max(_in_a_row([max(s.spread, s.live_spread) for s in signals])),
        begun=first.distance,
        before=distance - third * trend(distances[-2 * third :]),
        swing=swing(distances[-2 * third :]) / max(distance, 1e-3),
        best=min(_in_a_row(distances)),
        best_before=min(_in_a_row(distances[:-third]), default=first.distance),
        change=_median_known(recent, lambda s: s.change) or 0.0,
        restless=_median_known(signals[-2 * third :], lambda s: s.change) or 0.0,
        liveliest=max(_in_a_row([s.change for s in signals if s.change is not None]), default=0.0),
        told_apart=_median(recent, lambda s: s.told_apart),
        favoured=_median_known(recent, lambda s: s.favoured),
        copies=_median_known(recent, lambda s: s.copies),
        made=signals[-1].made,
        of=signals[-1].of,
        loss=median(losses) / UNDECIDED[config.loss],
        answers=median(answers) / UNDECIDED[config.loss],
        rescues=rescues(part) - rescues(part[:1]),
        progress=part[-1].progress,
    )


def trend(values: Sequence[float]) -> float:
    """The slope of a line through values that follow each other, by the median of the slopes of all pairs.

    A third of the values may be odd and it stays: Theil 1950, Sen 1968.
    """
    slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(values), 2)]
    return median(slopes) if slopes else 0.0


def swing(values: Sequence[float]) -> float:
    """The median distance of values that follow each other from the line of their `trend`."""
    slope = trend(values)
    level = [value - slope * number for number, value in enumerate(values)]
    middle = median(level)
    return median(abs(value - middle) for value in level)


def _passes(history: Sequence[Snapshot], pictures: int) -> float:
    """How often each of the pictures was seen of late, since the run learns from so many."""
    others = [s.images_seen for s in history if s.signals is not None and s.signals.pictures != pictures]
    return (history[-1].images_seen - max(others, default=0)) / max(1, pictures)


def _median(signals: Sequence[Signals], value: Callable[[Signals], float]) -> float:
    return median(map(value, signals))


def _median_known(signals: Sequence[Signals], value: Callable[[Signals], float | None]) -> float | None:
    known = [found for found in map(value, signals) if found is not None]
    return median(known) if known else None


def _in_a_row(values: Sequence[float]) -> list[float]:
    """The medians of every three values in a row."""
    return [median(values[i : i + RECENT]) for i in range(len(values) - RECENT + 1)]
