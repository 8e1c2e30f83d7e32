"""Looks at a run while it trains, and adds what it sees to the snapshots: `gan.signals`, measured.

Nothing here changes the run: the same weights come out, whether somebody looks or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from gan.cats import cats
from gan.classifier import SHIPPED, Judge, shipped_judge
from gan.datasets import Dataset, fashion, to_unit
from gan.signals import (
    Signals,
    change,
    copies,
    copy_limit,
    counted,
    energy_distance,
    entropy,
    kinds_made,
    most_copied,
    ranked_higher,
    spread,
)
from gan.state import TrainState
from gan.training import PREVIEW_COUNT, Snapshot, preview_latents

SAMPLES = 80
REFERENCE = 240
# More than these cannot be learned by heart in the minutes that a run takes here.
MOST_TO_COMPARE = 2000
FEWEST_TO_COMPARE = 8
FEWEST_HELD_OUT = 16
FEWEST_TO_SPLIT = 80
HELD_OUT_SHARE = 10
HELD_OUT_CATS = 4099
LOOK_EVERY = 1.0
LOOK_SHARE = 0.03
# The first ones come sooner, so that the first verdict does: at the latest within the first half of a run.
EARLY_LOOKS, EARLY_SHARE, EARLY_PROGRESS = 6, 0.1, 1 / 12
POOLED = 8
COPIES_SHOWN = 8


def split(dataset: Dataset) -> tuple[Dataset, Dataset | None]:
    """What to learn from, and real pictures that nobody learns from, or None.

    Of a visitor's own pictures, where they are 80 or more, one in ten (at most 80) is kept back. Of those
    that ship there are others anyway, unless the run learns from all.
    """
    if dataset.name == "cats":
        return dataset, cats(dataset.images.shape[-1], SAMPLES, seed=HELD_OUT_CATS)
    if dataset.name == "fashion":
        unused = len(fashion()) - len(dataset)
        return dataset, fashion().last(unused).first(SAMPLES) if unused >= FEWEST_HELD_OUT else None
    if len(dataset) < FEWEST_TO_SPLIT:
        return dataset, None
    kept = min(SAMPLES, len(dataset) // HELD_OUT_SHARE)
    return dataset.first(len(dataset) - kept), dataset.last(kept)


@dataclass(frozen=True, eq=False)
class Eye:
    """How pictures `[N, C, H, W]` in [-1, 1] become features: by a classifier that ships for the data, else
    as pixels of an 8x8 picture.
    """

    judge: Judge | None

    @torch.inference_mode()
    def features(self, pictures: Tensor) -> Tensor:
        """Float `[N, F]`."""
        if self.judge is None:
            return adaptive_avg_pool2d(pictures, POOLED).flatten(1)
        side = self.judge.resolution
        if pictures.shape[-1] != side:
            pictures = interpolate(pictures, size=side, mode="bilinear")
        return self.judge.network.features(pictures.clamp(-1, 1))

    def answers(self, features: Tensor) -> list[Tensor]:
        """What the classifier sees, int64 `[N]` for each attribute; nothing without one."""
        if self.judge is None:
            return []
        return [answer.argmax(1) for answer in self.judge.probabilities(features)]

    @property
    def counts(self) -> list[int]:
        """Values of each attribute."""
        return [] if self.judge is None else [len(a.values) for a in self.judge.attributes]


def eye_for(dataset: Dataset) -> Eye:
    """The eye that suits the data."""
    if dataset.name in SHIPPED and dataset.attributes:
        return Eye(shipped_judge(dataset.name))
    return Eye(None)


def _spaced(dataset: Dataset, count: int) -> Tensor:
    """Indices spread evenly over the data set."""
    return torch.linspace(0, len(dataset) - 1, min(count, len(dataset))).long().unique()


class Watch:
    """Looks at the players of one run; remembers real pictures, and what it saw last.

    Args:
        dataset, held_out: see `split`.
        only_first: asked before every look from how many of the pictures the run learns now, 0 for all.
    """

    def __init__(
        self, dataset: Dataset, held_out: Dataset | None, only_first: Callable[[], int] = lambda: 0
    ) -> None:
        self._dataset, self._held_out, self._eye = dataset, held_out, eye_for(dataset)
        self._only_first = only_first
        index = _spaced(dataset, REFERENCE)
        self._real_classes = None if dataset.class_labels is None else dataset.class_labels[index]
        self._real = self._eye.features(to_unit(dataset.images[index]))
        self._real_answers = self._eye.answers(self._real)
        self._before: Tensor | None = None
        self._asked: tuple[Tensor, Tensor | None] | None = None
        self._learn_from(only_first())

    def _learn_from(self, only_first: int) -> None:
        """Remember which pictures the discriminator may know, and compare with these from now on."""
        learned = self._dataset.first(only_first or len(self._dataset))
        shown = _spaced(learned, SAMPLES)
        self._shown = replace(learned, images=learned.images[shown], labels=learned.labels[shown])
        self._learned, self._archive = len(learned), None
        if FEWEST_TO_COMPARE <= len(learned) <= MOST_TO_COMPARE:
            self._archive = self._eye.features(to_unit(learned.images))
            self._copy_limit = copy_limit(self._archive)

    @torch.inference_mode()
    def look(self, state: TrainState) -> Signals:
        """Measure the signals now."""
        wanted = self._only_first()
        if min(wanted or len(self._dataset), len(self._dataset)) != self._learned:
            self._learn_from(wanted)
        if self._asked is None:
            self._asked = preview_latents(state.generator, SAMPLES)
        z, labels = self._asked
        classes = labels if state.generator.classes else None
        drawn = _drawn(state.average, z, labels, state)
        live = _drawn(state.generator, z, labels, state)
        fake, live_features = self._eye.features(drawn), self._eye.features(live)
        changed = None if self._before is None else change(self._before, live_features, self._real)
        self._before = live_features
        told_apart, favoured = self._scores(state, live, labels)
        return Signals(
            pictures=self._learned,
            spread=self._spread(fake, classes),
            live_spread=self._spread(live_features, classes),
            distance=energy_distance(self._real, fake),
            change=changed,
            told_apart=told_apart,
            favoured=favoured,
            copies=None if self._archive is None else copies(fake, self._archive, self._copy_limit),
            outside=float((live.abs() > 1).double().mean()),
            nearest=self._nearest(fake),
            **self._kinds(fake),
        )

    def _spread(self, fake: Tensor, classes: Tensor | None) -> float:
        return spread(self._real, fake, self._real_classes if classes is not None else None, classes)

    def _nearest(self, fake: Tensor) -> tuple[tuple[int, int], ...] | None:
        """Of those pictures that the preview shows."""
        if self._archive is None:
            return None
        return most_copied(fake[:PREVIEW_COUNT], self._archive, COPIES_SHOWN)

    def _kinds(self, fake: Tensor) -> dict[str, Any]:
        answers = self._eye.answers(fake)
        if not answers:
            return {"made": None, "of": None, "variety": None}
        made, of = kinds_made(self._real_answers, answers, self._eye.counts)
        ours, theirs = (
            sum(entropy(answer, count) for answer, count in zip(each, self._eye.counts, strict=True))
            for each in (answers, self._real_answers)
        )
        kinds = map(counted, self._real_answers, answers, self._eye.counts)
        return {"made": made, "of": of, "variety": ours / max(theirs, 1e-9), "kinds": tuple(kinds)}

    def _scores(self, state: TrainState, live: Tensor, labels: Tensor | None) -> tuple[float, float | None]:
        """Real against generated, and pictures that were learned from against others."""
        training = _judged(state, to_unit(self._shown.images), _labels(self._shown, state))
        told_apart = ranked_higher(training, _judged(state, live, labels))
        if self._held_out is None:
            return told_apart, None
        others = _judged(state, to_unit(self._held_out.images), _labels(self._held_out, state))
        return told_apart, ranked_higher(training, others)


def _labels(dataset: Dataset, state: TrainState) -> Tensor | None:
    """What the players are told of these pictures."""
    if state.generator.attributes:
        return dataset.labels if dataset.attribute_sizes else None
    return dataset.class_labels if state.generator.classes else None


def _quiet(network: nn.Module) -> bool:
    """Into the mode in which a look changes nothing; returns the mode before."""
    was = network.training
    network.eval()
    return was


def _drawn(network: Any, z: Tensor, labels: Tensor | None, state: TrainState) -> Tensor:
    was = _quiet(network)
    pictures: Tensor = network(z.to(state.device), None if labels is None else labels.to(state.device))
    network.train(was)
    return pictures.cpu()


def _judged(state: TrainState, pictures: Tensor, labels: Tensor | None) -> Tensor:
    was = _quiet(state.discriminator)
    labels = None if labels is None else labels.to(state.device)
    scores = state.discriminator(pictures.to(state.device), labels, drop=False)
    state.discriminator.train(was)
    return scores.float().cpu()


def watched(
    snapshots: Iterable[Snapshot],
    state: TrainState,
    watch: Watch,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Snapshot]:
    """The snapshots of a run, with signals about once a second, for about 3 % of the time.

    The first and the last snapshot always have them.
    """
    due, looks, begun = 0.0, 0, None
    for snapshot in snapshots:
        started = clock()
        begun = snapshot.progress if begun is None else begun
        late = looks < EARLY_LOOKS and snapshot.progress - begun >= looks * EARLY_PROGRESS
        if started < due and snapshot.progress < 1.0 and not late:
            yield snapshot
            continue
        seen = replace(snapshot, signals=watch.look(state))
        now = clock()
        looks += 1
        share = EARLY_SHARE if looks < EARLY_LOOKS else LOOK_SHARE
        due = now + max(LOOK_EVERY, (now - started) / share)
        yield seen
