"""A run's course to a verdict in words, with its evidence and what to do about it: pure, and quick.

Each check looks at the course of late (`gan.course.Course`) and says its verdict or nothing; they are asked
in the order in which one trouble hides another. Thresholds were chosen on half of the recorded runs of
`tests/bench/runs` and tried on the other half (`python -m tests.bench.diagnosis`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gan.config import TrainConfig
from gan.course import DIVERGED, FEWEST_LOOKS, STILL_GAINING, Course, course_of, since_last_change
from gan.levers import aim_text
from gan.remedies import remedy_for
from gan.training import Snapshot

# A tenth of a real picture's variety is less than any healthy run has after its first steps.
COLLAPSED_SPREAD = 0.12
# A generator that never drew pictures so different has not begun yet.
BEGUN_SPREAD = 0.15
# Fewer than one pair in fifty wrong, at a loss that is a tenth of a guess's: nothing left to learn from.
SURE = 0.98
SURE_LOSS = 0.1
# A guess is right about half of the pairs, and a collapsed generator is often near that: fooled is less.
FOOLED = 0.4
BLIND_LOSS = 0.9
LEARNED = 0.15
# Between two looks, the same z becomes a picture as different as a third of two real ones are; or a fifth,
# when the distance of a usual look lies a seventh from where its trend says.
RESTLESS = 0.33
MOVING, SWINGING = 0.2, 0.15
# Chance is 0.05, and blurred pictures of few are a little nearer to one of them.
COPIED = 0.35
# What of the training pictures' scores only a network has that could name them.
KNOWN_BY_HEART = 0.7
COPIES_SPREAD = 0.35
COPIES_LEARNED = 0.5
# Half is chance; with 80 against 80 pictures, its standard deviation is 0.05.
FAVOURED = 0.6
# What was seen fewer times than these nobody knows by heart.
FEWEST_PASSES = 5
# Of fewer pictures than these copies came, as users of many projects report, after many passes.
FEW, MANY_PASSES = 100, 50
# Worse by so much than a discriminator that only guesses, without being fooled: it overshoots.
GROWN_LOSS = 3.0
# Two digits are shown of a distance; who reads that it changed must be able to see it there.
SMALLEST_SHOWN = 0.01
# Scores a hundred times as large as any that a game needs.
GROWN_ANSWERS = 100.0


@dataclass(frozen=True)
class Verdict:
    """What is the matter with a run, or that nothing is.

    Attributes:
        name: `mode collapse`, `memorising`, `healthy, improving`, ...; `too early to say` before there is a
            course.
        healthy: whether nothing has to be done about it.
        sentence: what it means.
        evidence: what was measured, one sentence each.
        remedy: what to do.
        levers: the part of the remedy that levers can do: name to value.
    """

    name: str
    healthy: bool
    sentence: str
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    levers: dict[str, float | str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def moves(self) -> str:
        """The levers to be moved, in words; empty where there are none."""
        return ", ".join(aim_text(name, value) for name, value in self.levers.items())


Check = Callable[[Course], tuple[str, ...] | None]

SENTENCES = {
    "divergence": "The numbers grow without end: the steps are too large for this game.",
    "memorising": (
        "The pictures are learned by heart: the discriminator accepts these and no others, so the generator "
        "can only repeat them."
    ),
    "discriminator too strong": (
        "The discriminator is never fooled and quite sure, so the generator is told nothing that it could "
        "learn from."
    ),
    "mode collapse": "The generator draws nearly the same picture for every latent vector.",
    "generator too strong": (
        "The discriminator cannot tell these pictures from real ones, though they are far from them: it does "
        "not keep up, so it has nothing to teach."
    ),
    "oscillation": (
        "The players run after each other: the pictures jump from look to look and do not get nearer to real "
        "ones."
    ),
    "too few pictures": (
        "The discriminator begins to know the training pictures, and takes other real ones for fakes: the "
        "way to learning by heart."
    ),
    "healthy, improving": "Nothing is wrong, and the pictures still get better: let it go on.",
    "healthy, done": "Nothing is wrong, and the pictures do not get much better any more: keep them.",
    "too early to say": "A verdict needs a few looks at the run, about one every few seconds.",
}
# What needs no name of its own beside its cause.
FOLLOWS = {
    "discriminator too strong": ("mode collapse",),
    "generator too strong": ("mode collapse",),
    "memorising": ("too few pictures", "discriminator too strong"),
    "too few pictures": ("discriminator too strong",),
}
HEALTHY = ("healthy, improving", "healthy, done", "too early to say")


def diagnose(history: Sequence[Snapshot], config: TrainConfig, trouble: str = "") -> list[Verdict]:
    """All that is the matter with a run, the main thing first; never empty.

    Args:
        history: its snapshots, first to last, some with signals (`gan.watching`).
        config: the settings in force; remedies are changes of these.
        trouble: why the run broke off, where it did.
    """
    course = course_of(history, config)
    if DIVERGED in trouble:
        return [_verdict("divergence", (trouble,), config, lost=True)]
    if course is None:
        return [_verdict("too early to say", _looks_so_far(history), config)]
    found = [(name, evidence) for name, check in CHECKS.items() if (evidence := check(course))]
    follows = FOLLOWS.get(found[0][0], ()) if found else ()
    found = [(name, evidence) for name, evidence in found if name not in follows]
    if not found:
        found = [_health(course)]
    lost = not course.rescues
    return [_verdict(name, evidence, config, lost) for name, evidence in found]


def as_text(verdict: Verdict) -> str:
    """The verdict for a terminal: one line, then evidence, remedy and levers, a line each."""
    lines = [f"Verdict: {verdict.name}. {verdict.sentence}", *(f"  {each}" for each in verdict.evidence)]
    lines += [f"  What to do: {verdict.remedy}"] if verdict.remedy else []
    lines += [f"  Levers: {verdict.moves()}."] if verdict.levers else []
    return "\n".join(lines)


def _verdict(name: str, evidence: tuple[str, ...], config: TrainConfig, lost: bool = False) -> Verdict:
    words, levers = remedy_for(name, config, lost)
    return Verdict(name, name in HEALTHY, SENTENCES[name], evidence, words, levers)


def _looks_so_far(history: Sequence[Snapshot]) -> tuple[str, ...]:
    looks = sum(snapshot.signals is not None for snapshot in since_last_change(history))
    since = "since a lever was moved" if any(snapshot.changes for snapshot in history) else "so far"
    return (f"{looks} of {FEWEST_LOOKS} looks {since}.",)


def _divergence(course: Course) -> tuple[str, ...] | None:
    if course.rescues:
        return (f"It diverged {_times(course.rescues)} of late and was set back to a good moment.",)
    if abs(course.loss) > GROWN_LOSS and course.told_apart > FOOLED:
        return (f"The discriminator's loss is {course.loss:,.0f} times what guessing would give.",)
    if course.answers > GROWN_ANSWERS:
        return (f"The generator's loss is {course.answers:,.0f} times what guessing would give.",)
    return None


def _memorising(course: Course) -> tuple[str, ...] | None:
    if course.favoured is not None and course.favoured >= KNOWN_BY_HEART and course.passes >= FEWEST_PASSES:
        return _favoured(course, course.favoured)
    varied = course.spread >= COPIES_SPREAD and course.learned >= COPIES_LEARNED
    if course.copies is None or not varied or course.copies < COPIED:
        return None
    return (
        f"{course.copies:.0%} of the generated pictures lie unusually near to one training picture; by "
        "chance it would be 5 %.",
        f"It learns from {course.pictures:,} pictures.",
    )


def _discriminator_too_strong(course: Course) -> tuple[str, ...] | None:
    if course.told_apart < SURE or course.loss > SURE_LOSS or course.gaining:
        return None
    return (
        _told_apart(course),
        f"Its loss is {max(0.0, course.loss):.0%} of what guessing would give.",
        _distance(course),
    )


def _mode_collapse(course: Course) -> tuple[str, ...] | None:
    if min(course.spread, course.live_spread) > COLLAPSED_SPREAD or _not_begun(course):
        return None
    seen = () if course.made is None else (f"A classifier sees {course.made} of {course.of} kinds in them.",)
    spread = min(course.spread, course.live_spread)
    return (
        f"Generated pictures differ from each other {spread:.0%} as much as real ones do.",
        *seen,
        _told_apart(course),
    )


def _not_begun(course: Course) -> bool:
    """Whether there never was any variety, which is how many runs begin, and no harm in the first half."""
    return course.widest <= BEGUN_SPREAD and course.progress < 0.5


def _generator_too_strong(course: Course) -> tuple[str, ...] | None:
    far = course.learned < LEARNED or course.distance > 1.5 * course.best + 0.05
    if course.told_apart > FOOLED or course.loss < BLIND_LOSS or not far:
        return None
    return (_told_apart(course), _distance(course))


def _oscillation(course: Course) -> tuple[str, ...] | None:
    """Restless without getting nearer; restless on the way to better pictures is how this game is played."""
    jumps = course.restless >= RESTLESS or (course.restless >= MOVING and course.swing >= SWINGING)
    if not jumps or course.gaining or not course.lost:
        return None
    return (
        f"From look to look the same latent vector changes {course.restless:.0%} as much as two real "
        "pictures differ.",
        f"The pictures have been nearer to real ones before: {max(0.0, course.best):.2f}.",
        _distance(course),
    )


def _too_few_pictures(course: Course) -> tuple[str, ...] | None:
    if course.favoured is not None and course.favoured >= FAVOURED and course.passes >= FEWEST_PASSES:
        return _favoured(course, course.favoured)
    if course.pictures >= FEW or course.passes < MANY_PASSES or course.told_apart < FOOLED:
        return None
    return (
        f"It learns from {course.pictures:,} pictures, and has seen each {course.passes:,.0f} times; below "
        f"{FEW} little but copies can come of it.",
        _told_apart(course),
    )


def _favoured(course: Course, share: float) -> tuple[str, ...]:
    return (
        f"In {share:.0%} of pairs the discriminator prefers a picture that it learns from to a "
        "real one that it never saw; without knowing them by heart it would be 50 %.",
        f"It learns from {course.pictures:,} pictures.",
    )


def _health(course: Course) -> tuple[str, tuple[str, ...]]:
    evidence = (
        f"Generated pictures differ from each other {course.spread:.0%} as much as real ones do.",
        _told_apart(course),
        _distance(course),
        f"From look to look the same latent vector changes {course.change:.0%} as much as two real pictures "
        f"differ; at its liveliest it was {course.liveliest:.0%}.",
    )
    improving = course.improving or _not_begun(course)
    return ("healthy, improving" if improving else "healthy, done"), evidence


def _told_apart(course: Course) -> str:
    return f"In {course.told_apart:.0%} of pairs the discriminator tells the real from the generated picture."


def _distance(course: Course) -> str:
    seen = abs(course.before - course.distance) >= SMALLEST_SHOWN
    if seen and course.gain > STILL_GAINING:
        # An estimate can fall below 0, which is shown as 0.
        trend = f"{min(1.0, course.gain):.0%} nearer than in the third before"
    elif seen and course.gain < -STILL_GAINING:
        trend = f"{-course.gain:.0%} farther than in the third before"
    else:
        trend = "no nearer than in the third before"
    return (
        f"The distance from real pictures is {max(0.0, course.distance):.2f}, {trend}; it began at "
        f"{course.begun:.2f}, and 0 is as good as real."
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


# The order matters: what is diverging or learned by heart is also restless or well told apart.
CHECKS: dict[str, Check] = {
    "divergence": _divergence,
    "memorising": _memorising,
    "too few pictures": _too_few_pictures,
    "discriminator too strong": _discriminator_too_strong,
    "generator too strong": _generator_too_strong,
    "mode collapse": _mode_collapse,
    "oscillation": _oscillation,
}
