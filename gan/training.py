"""Training as an iterator: `train` yields snapshots, and whoever consumes it decides when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from math import cos, pi

import torch
from torch import Tensor, nn

from gan.attributes import chosen
from gan.config import NetworkConfig, TrainConfig
from gan.crew import ALONE, Crew
from gan.datasets import Dataset
from gan.errors import GanError
from gan.latent import latents
from gan.layout import lay_out
from gan.levers import Change, changes_between
from gan.networks import Generator
from gan.rescue import Lifeline, begin_anew, is_sound
from gan.signals import Signals
from gan.state import TrainState, fits, fitted, new_state
from gan.steps import StepResult, play_round, update_average

PREVIEW_COUNT = 32
FEWEST_PICTURES = 16


@dataclass(frozen=True)
class Snapshot:
    """What a training run tells at one moment; losses and scores are means since the last one.

    Attributes:
        real_score, fake_score: D(x) and D(G(z)) as probabilities in (0, 1), see `probabilities`.
        generator_gradient, discriminator_gradient: Euclidean norms of the last step's gradients.
        progress: share of the budget that is used, 0..1.
        images_per_second: over the time since the last snapshot.
        seconds_left: estimate; 0 when the run is over.
        note: what happened to the run that its owner should know; may be empty.
        skipped: steps so far in which the discriminator was too good to learn.
        changes: settings that were changed since the last snapshot.
        side, alpha: of the pictures that a growing network draws now, see `gan.growth.Growth`; else 0 and 1.
        signals: what a look at both players told (`gan.watching`), now and then.
    """

    step: int
    images_seen: int
    seconds: float
    discriminator_loss: float
    generator_loss: float
    real_score: float
    fake_score: float
    generator_gradient: float
    discriminator_gradient: float
    images_per_second: float
    progress: float
    seconds_left: float
    note: str = ""
    skipped: int = 0
    changes: tuple[Change, ...] = ()
    side: int = 0
    alpha: float = 1.0
    signals: Signals | None = None


def _progress(state: TrainState, config: TrainConfig) -> float:
    by_steps = state.step / config.steps if config.steps else 0.0
    by_time = state.seconds / config.seconds if config.seconds else 0.0
    return min(1.0, max(by_steps, by_time))


def _set_optimisers(state: TrainState, config: TrainConfig, progress: float) -> None:
    """Momentum, and learning rates: cosine from the full rate to `final_lr` of it over the run."""
    share = state.calm * (config.final_lr + (1 - config.final_lr) * (1 + cos(pi * progress)) / 2)
    for optimiser, lr in (
        (state.generator_optimiser, config.generator_lr),
        (state.discriminator_optimiser, config.discriminator_lr),
    ):
        for group in optimiser.param_groups:
            group["lr"], group["betas"] = lr * share, (config.beta1, config.beta2)


def _gradient_norm(network: nn.Module) -> Tensor:
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return torch.stack([g.norm() for g in gradients]).norm() if gradients else torch.zeros(())


@dataclass
class _Recorder:
    """Sums the steps' scalars on the device and turns them into a snapshot when one is due."""

    started: float
    images_before: int
    seconds_before: float
    steps: int = 0
    sums: list[Tensor] = field(default_factory=list)
    changes: tuple[Change, ...] = ()

    def add(self, discriminator: StepResult, generator: StepResult) -> None:
        values = [discriminator.loss, generator.loss, discriminator.real_score, discriminator.fake_score]
        stacked = torch.stack(values)
        self.sums = [self.sums[0] + stacked] if self.sums else [stacked]
        self.steps += 1

    def means(self) -> list[float]:
        """Means of both losses (D, G) and both scores (real, fake)."""
        return (self.sums[0] / self.steps).tolist()

    def snapshot(self, state: TrainState, config: TrainConfig, note: str) -> Snapshot:
        d_loss, g_loss, real, fake = self.means()
        speed = (state.images_seen - self.images_before) / max(1e-9, time.perf_counter() - self.started)
        progress = _progress(state, config)
        left = state.seconds * (1 - progress) / progress if progress else 0.0
        growth = state.generator.growth
        return Snapshot(
            step=state.step,
            images_seen=state.images_seen,
            seconds=state.seconds,
            discriminator_loss=d_loss,
            generator_loss=g_loss,
            real_score=real,
            fake_score=fake,
            generator_gradient=float(_gradient_norm(state.generator)),
            discriminator_gradient=float(_gradient_norm(state.discriminator)),
            images_per_second=speed,
            progress=progress,
            seconds_left=left,
            note=note,
            skipped=state.skipped,
            changes=self.changes,
            side=growth.side if growth else 0,
            alpha=growth.alpha if growth else 1.0,
        )


def train(
    config: TrainConfig,
    dataset: Dataset,
    state: TrainState | None = None,
    *,
    every: float = 1.0,
    due: Callable[[int], bool] | None = None,
    levers: Callable[[TrainConfig], TrainConfig] | None = None,
    fresh: Callable[[TrainConfig], TrainState] = new_state,
    crew: Crew = ALONE,
) -> Iterator[Snapshot]:
    """Train until the budget is used or the iterator is closed; `state` (updated in place) holds the result.

    Args:
        config: what to do.
        dataset: pictures to learn from.
        state: a fresh state (`new_state`) or the one of an earlier run; its network must fit the data set.
            Without one the network is fitted to the data set, and the result is only watched.
        every: seconds between snapshots; the first step and the last one always give one.
        due: asked after every step, with the number of steps, whether a snapshot is due, instead of `every`.
        levers: asked before every step for the config that is in force from now on, given the present one.
        fresh: makes the state with which both players begin anew when `levers` asks for another seed.
        crew: the processes that train this run together; each has joined it with its state.

    Raises:
        GanError: when the data set is too small or does not fit the network, or the training diverges again
            and again (`gan.rescue`).
    """
    if state is None:
        config = fitted(config, dataset)
        state = new_state(config)
    _check(config, dataset)
    prepare(state, dataset)
    state.discriminator.leave_out(config.network.dropout)
    recorder, lifeline, note = _recorder(state), Lifeline(state), ""
    while (progress := _progress(state, config)) < 1.0:
        step_started = time.perf_counter()
        if levers is not None and (wanted := levers(config)) is not config:
            recorder.changes += changes_between(config, wanted, state.step, state.seconds)
            if wanted.seed != config.seed:
                begin_anew(state, fresh(wanted))
                recorder, lifeline, note = _recorder(state, recorder.changes), Lifeline(state), ""
            config = wanted
            state.discriminator.leave_out(config.network.dropout)
        state.progress = progress
        # Laying out the space may use more of a short run than the smallest scale is given.
        grown = progress if state.step else 0.0
        state.generator.grow(grown, config.growth)
        state.discriminator.grow(grown, config.growth)
        _set_optimisers(state, config, progress)
        with crew.drawing(state) or nullcontext():
            recorder.add(*play_round(crew.share(config), dataset, state))
        state.step += 1
        state.images_seen += config.batch
        update_average(state, config)
        state.seconds += crew.agreed(time.perf_counter() - step_started)
        over = _progress(state, config) >= 1.0
        waited = state.seconds - recorder.seconds_before >= every if due is None else due(state.step)
        if not (over or state.step == 1 or waited):
            continue
        if crew.all_say(is_sound(state, *recorder.means()[:2])):
            lifeline.keep(state)
            yield recorder.snapshot(state, config, note)
            unsaid: tuple[Change, ...] = ()
        else:
            note, unsaid = lifeline.back(state), recorder.changes
        recorder = _recorder(state, unsaid)


def _recorder(state: TrainState, changes: tuple[Change, ...] = ()) -> _Recorder:
    return _Recorder(time.perf_counter(), state.images_seen, state.seconds, changes=changes)


def prepare(state: TrainState, dataset: Dataset) -> None:
    """Both players ready to learn, in a latent space that is laid out if it is meant to be."""
    state.generator.train()
    state.discriminator.train()
    layout = state.generator.layout
    if layout is not None and not layout.laid_out:
        started = time.perf_counter()
        lay_out(layout, dataset.images, dataset.class_labels if state.generator.classes else None)
        state.seconds += time.perf_counter() - started


def _check(config: TrainConfig, dataset: Dataset) -> None:
    if len(dataset) < FEWEST_PICTURES:
        raise GanError(
            f"{len(dataset)} pictures are too few to learn from: use {FEWEST_PICTURES} or more, better 1,000."
        )
    if not fits(dataset, config):
        raise GanError("The network's size, colours, classes or attributes are not those of the data set.")
    if not config.seconds and not config.steps:
        raise GanError("Give the training a time budget in seconds or a number of steps.")


def preview_latents(
    network: NetworkConfig | Generator, count: int = PREVIEW_COUNT
) -> tuple[Tensor, Tensor | None]:
    """The same z `[count, z_dim]` for every preview (seeds 0, 1, ...), and what they stand for.

    That is a class `[count]`, all in turn, or the attributes `[count, A]` that z chooses, or None.
    """
    z = latents(range(count), network.z_dim)
    if network.attributes:
        return z, chosen(z, network.attributes)
    return z, torch.arange(count) % network.classes if network.classes else None


@torch.inference_mode()
def preview(state: TrainState, count: int = PREVIEW_COUNT) -> Tensor:
    """Pictures of the averaged generator at the fixed latent vectors, float `[count, C, H, W]`."""
    network = state.average.eval()
    z, labels = preview_latents(network, count)
    return network(z.to(state.device), None if labels is None else labels.to(state.device)).cpu()
