"""The course of a run in a few numbers: what its snapshots and looks come to, of late and before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from statistics import median

from gan.config import TrainConfig
from gan.signals import Signals
from gan.training import Snapshot

# Fewer looks than these are no course: a median of three is the least that one odd look cannot turn.
FEWEST_LOOKS = 6
RECENT = 3
DIVERGED = "diverged"
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
        begun: the distance of the very first look.
        before: the distance in the third of the looks before the last one.
        best: the smallest median distance of any three looks in a row.
        loss: the discriminator's, as a share of what it is while it cannot tell the two kinds apart.
        rescues: how often the run diverged and was set back, since a lever was moved.
        finished: whether its budget is used.
    """

    pictures: int
    passes: float
    looks: int
    step: int
    spread: float
    live_spread: float
    distance: float
    begun: float
    before: float
    best: float
    change: float
    told_apart: float
    favoured: float | None
    copies: float | None
    made: int | None
    of: int | None
    loss: float
    rescues: int
    finished: bool

    @property
    def gain(self) -> float:
        """How much nearer to real pictures it came in the last third, as a share of the distance."""
        return (self.before - self.distance) / max(self.before, 1e-3)

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
    recent, former = signals[-third:], signals[-2 * third : -third] or signals[:RECENT]
    first = next(s.signals for s in history if s.signals is not None)
    losses = [snapshot.discriminator_loss for snapshot, _ in looks[-third:]]
    return Course(
        pictures=signals[-1].pictures,
        passes=part[-1].images_seen / max(1, signals[-1].pictures),
        looks=len(looks),
        step=part[-1].step,
        spread=_median(recent, lambda s: s.spread),
        live_spread=_median(recent, lambda s: s.live_spread),
        distance=_median(recent, lambda s: s.distance),
        begun=first.distance,
        before=_median(former, lambda s: s.distance),
        best=_best(signals),
        change=_median_known(recent, lambda s: s.change) or 0.0,
        told_apart=_median(recent, lambda s: s.told_apart),
        favoured=_median_known(recent, lambda s: s.favoured),
        copies=_median_known(recent, lambda s: s.copies),
        made=signals[-1].made,
        of=signals[-1].of,
        loss=median(losses) / UNDECIDED[config.loss],
        rescues=rescues(part) - rescues(part[:1]),
        finished=part[-1].progress >= 1,
    )


def _median(signals: Sequence[Signals], value: Callable[[Signals], float]) -> float:
    return median(map(value, signals))


def _median_known(signals: Sequence[Signals], value: Callable[[Signals], float | None]) -> float | None:
    known = [found for found in map(value, signals) if found is not None]
    return median(known) if known else None


def _best(signals: Sequence[Signals]) -> float:
    distances = [signal.distance for signal in signals]
    return min(median(distances[i : i + RECENT]) for i in range(len(distances) - RECENT + 1))
