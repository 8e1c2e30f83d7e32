"""Training as an iterator: `train` yields snapshots, and whoever consumes it decides when to stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import cos, pi
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Adam

from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Dataset, to_unit
from gan.errors import GanError
from gan.latent import latents
from gan.losses import ADVERSARIAL, directional_penalty
from gan.networks import Discriminator, Generator, build_discriminator, build_generator

PREVIEW_COUNT = 32
PENALTY_DISTANCE = 0.02
FEWEST_PICTURES = 16

Network = TypeVar("Network", bound=nn.Module)


def default_device() -> torch.device:
    """CUDA where present, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass
class TrainState:
    """Everything a run needs to go on: both players, the average, both optimisers, progress, random state."""

    generator: Generator
    discriminator: Discriminator
    average: Generator
    generator_optimiser: Adam
    discriminator_optimiser: Adam
    random: torch.Generator
    device: torch.device
    step: int = 0
    images_seen: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class StepResult:
    """What one step tells: scalars (shape `[]`) still on the device, so that nobody waits for them."""

    loss: Tensor
    real_score: Tensor
    fake_score: Tensor


@dataclass(frozen=True)
class Snapshot:
    """What a training run tells at one moment; losses and scores are means since the last one.

    Attributes:
        real_score, fake_score: D(x) and D(G(z)) as probabilities in (0, 1), see `probabilities`.
        generator_gradient, discriminator_gradient: Euclidean norms of the last step's gradients.
        progress: share of the budget that is used, 0..1.
        images_per_second: over the time since the last snapshot.
        seconds_left: estimate; 0 when the run is over.
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


@dataclass(frozen=True)
class Batch:
    """Real pictures `[N, C, H, W]` in [-1, 1], latent vectors `[N, z_dim]`, classes `[N]` or None."""

    real: Tensor
    z: Tensor
    labels: Tensor | None


def network_for(dataset: Dataset, network: NetworkConfig) -> NetworkConfig:
    """`network` with the size, colours and classes of the data set."""
    _, channels, _, side = dataset.images.shape
    return replace(network, resolution=side, channels=channels, classes=len(dataset.classes))


def fitted(config: TrainConfig, dataset: Dataset) -> TrainConfig:
    """`config` with its network fitted to the data set (`network_for`)."""
    return replace(config, network=network_for(dataset, config.network))


def new_state(config: TrainConfig, device: torch.device | None = None) -> TrainState:
    """Both players freshly initialised from `config.seed`, with their optimisers."""
    device = device or default_device()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = _placed(build_generator(config.network), device)
        discriminator = _placed(build_discriminator(config.network), device)
    average = deepcopy(generator).requires_grad_(False)
    return TrainState(
        generator=generator,
        discriminator=discriminator,
        average=average,
        generator_optimiser=_optimiser(generator, config.generator_lr, config),
        discriminator_optimiser=_optimiser(discriminator, config.discriminator_lr, config),
        random=torch.Generator().manual_seed(config.seed),
        device=device,
    )


def _placed(network: Network, device: torch.device) -> Network:
    """On the device, with weights in the layout that its convolutions are fastest in."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _optimiser(network: nn.Module, lr: float, config: TrainConfig) -> Adam:
    betas = (config.beta1, config.beta2)
    return Adam(network.parameters(), lr=lr, betas=betas, weight_decay=config.weight_decay, fused=True)


def draw_batch(config: TrainConfig, dataset: Dataset, state: TrainState) -> Batch:
    """Random pictures (mirrored at random where the data set allows it), their classes, and z ~ N(0, I)."""
    index = torch.randint(len(dataset), (config.batch,), generator=state.random)
    z = torch.randn(config.batch, config.network.z_dim, generator=state.random)
    real = to_unit(dataset.images[index])
    if dataset.mirror:
        flip = torch.rand(config.batch, generator=state.random) < 0.5
        real = torch.where(flip[:, None, None, None], real.flip(3), real)
    classes = dataset.class_labels if config.network.classes else None
    labels = None if classes is None else classes[index].to(state.device)
    real = real.to(state.device, memory_format=torch.channels_last)
    return Batch(real, z.to(state.device), labels)


def probabilities(real_logits: Tensor, fake_logits: Tensor, relative: bool) -> tuple[Tensor, Tensor]:
    """Mean D(x) and D(G(z)) as probabilities of being real.

    sigmoid(logit); where only differences of logits have a meaning (relativistic loss), each side is first
    measured against the mean of the other.
    """
    real, fake = real_logits.detach(), fake_logits.detach()
    if relative:
        real, fake = real - fake.mean(), fake - real.mean()
    return real.sigmoid().mean(), fake.sigmoid().mean()


def discriminator_step(state: TrainState, batch: Batch, config: TrainConfig) -> StepResult:
    """One update of D on real and generated pictures; G is only read."""
    loss_pair = ADVERSARIAL[config.loss]
    with torch.no_grad():
        fake = state.generator(batch.z, batch.labels)
    state.discriminator_optimiser.zero_grad(set_to_none=True)
    real_logits, fake_logits, penalty = _judge_both(state, batch, fake, config)
    loss = loss_pair.discriminator(real_logits, fake_logits)
    (loss if penalty is None else loss + config.gamma / 2 * penalty).backward()
    state.discriminator_optimiser.step()
    return StepResult(loss.detach(), *probabilities(real_logits, fake_logits, loss_pair.relative))


def _judge_both(
    state: TrainState, batch: Batch, fake: Tensor, config: TrainConfig
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Logits of real and of generated pictures, and the penalty asked for.

    Batch norm in D expects each kind alone (the lesson's way). Without it all pictures share one pass.
    """
    labels = batch.labels
    if config.network.architecture == "dcgan" and config.penalty == "none":
        return state.discriminator(batch.real, labels), state.discriminator(fake, labels), None
    pictures = torch.cat([batch.real, fake])
    both = None if labels is None else torch.cat([labels, labels])
    if config.penalty == "none":
        real_logits, fake_logits = state.discriminator(pictures, both).chunk(2)
        return real_logits, fake_logits, None
    checked = pictures if config.penalty == "r1+r2" else batch.real
    noise = torch.randn(checked.shape, generator=state.random).to(checked)
    shifted = checked + PENALTY_DISTANCE * noise
    shifted_labels = both if config.penalty == "r1+r2" else labels
    everything = torch.cat([pictures, shifted])
    all_labels = None if both is None or shifted_labels is None else torch.cat([both, shifted_labels])
    logits = state.discriminator(everything, all_labels)
    plain, moved = logits[: len(pictures)], logits[len(pictures) :]
    real_logits, fake_logits = plain.chunk(2)
    kinds = len(checked) // len(batch.real)
    penalty = kinds * directional_penalty(plain[: len(checked)], moved, PENALTY_DISTANCE)
    return real_logits, fake_logits, penalty


def generator_step(state: TrainState, batch: Batch, config: TrainConfig) -> StepResult:
    """One update of G through a frozen D, and of the averaged generator."""
    loss_pair = ADVERSARIAL[config.loss]
    state.generator_optimiser.zero_grad(set_to_none=True)
    state.discriminator.requires_grad_(False)
    fake_logits = state.discriminator(state.generator(batch.z, batch.labels), batch.labels)
    real_logits = fake_logits
    if loss_pair.relative:
        with torch.no_grad():
            real_logits = state.discriminator(batch.real, batch.labels)
    loss = loss_pair.generator(real_logits, fake_logits)
    loss.backward()
    state.discriminator.requires_grad_(True)
    state.generator_optimiser.step()
    return StepResult(loss.detach(), *probabilities(real_logits, fake_logits, loss_pair.relative))


@torch.no_grad()
def update_average(state: TrainState, config: TrainConfig) -> None:
    """average <- b average + (1 - b) generator, b = 0.5^(batch / half-life); counters are copied.

    The half-life is `config.average` pictures, but at most 5 % of those seen, so that a young average forgets
    the first steps (ramp as in Karras et al. 2020, arXiv 2006.06676).
    """
    half_life = max(1.0, min(config.average, 0.05 * state.images_seen))
    weight = 1 - 0.5 ** (config.batch / half_life)
    theirs = state.average.state_dict()
    for name, value in state.generator.state_dict().items():
        if value.is_floating_point():
            theirs[name].lerp_(value, weight)
        else:
            theirs[name].copy_(value)


def _progress(state: TrainState, config: TrainConfig) -> float:
    by_steps = state.step / config.steps if config.steps else 0.0
    by_time = state.seconds / config.seconds if config.seconds else 0.0
    return min(1.0, max(by_steps, by_time))


def _set_learning_rates(state: TrainState, config: TrainConfig, progress: float) -> None:
    """Cosine from the full rate to `final_lr` of it over the run."""
    share = config.final_lr + (1 - config.final_lr) * (1 + cos(pi * progress)) / 2
    for optimiser, lr in (
        (state.generator_optimiser, config.generator_lr),
        (state.discriminator_optimiser, config.discriminator_lr),
    ):
        for group in optimiser.param_groups:
            group["lr"] = lr * share


def _gradient_norm(network: nn.Module) -> Tensor:
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return torch.stack([g.norm() for g in gradients]).norm() if gradients else torch.zeros(())


@dataclass
class _Recorder:
    """Sums the steps' scalars on the device and turns them into a snapshot when one is due."""

    started: float
    images_before: int
    steps: int = 0
    sums: list[Tensor] = field(default_factory=list)

    def add(self, discriminator: StepResult, generator: StepResult) -> None:
        values = [discriminator.loss, generator.loss, discriminator.real_score, discriminator.fake_score]
        stacked = torch.stack(values)
        self.sums = [self.sums[0] + stacked] if self.sums else [stacked]
        self.steps += 1

    def snapshot(self, state: TrainState, config: TrainConfig) -> Snapshot:
        d_loss, g_loss, real, fake = (self.sums[0] / self.steps).tolist()
        if not all(abs(value) < 1e6 for value in (d_loss, g_loss)):
            raise GanError("The training diverged: its loss is no longer a number. Lower the learning rates.")
        speed = (state.images_seen - self.images_before) / max(1e-9, time.perf_counter() - self.started)
        progress = _progress(state, config)
        left = state.seconds * (1 - progress) / progress if progress else 0.0
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
        )


def train(
    config: TrainConfig, dataset: Dataset, state: TrainState | None = None, *, every: float = 1.0
) -> Iterator[Snapshot]:
    """Train until the budget is used or the iterator is closed; `state` (updated in place) holds the result.

    Args:
        config: what to do.
        dataset: pictures to learn from.
        state: a fresh state (`new_state`) or the one of an earlier run; its network must fit the data set.
            Without one the network is fitted to the data set, and the result is only watched.
        every: seconds between snapshots; the first step and the last one always give one.

    Raises:
        GanError: when the data set is too small or does not fit the network, or the training diverges.
    """
    if state is None:
        config = fitted(config, dataset)
        state = new_state(config)
    _check(config, dataset)
    state.generator.train()
    state.discriminator.train()
    recorder = _Recorder(time.perf_counter(), state.images_seen)
    while (progress := _progress(state, config)) < 1.0:
        step_started = time.perf_counter()
        _set_learning_rates(state, config, progress)
        batch = draw_batch(config, dataset, state)
        discriminator_result = discriminator_step(state, batch, config)
        generator_result = generator_step(state, batch, config)
        state.step += 1
        state.images_seen += config.batch
        update_average(state, config)
        recorder.add(discriminator_result, generator_result)
        now = time.perf_counter()
        state.seconds += now - step_started
        over = _progress(state, config) >= 1.0
        if over or state.step == 1 or now - recorder.started >= every:
            yield recorder.snapshot(state, config)
            recorder = _Recorder(time.perf_counter(), state.images_seen)


def _check(config: TrainConfig, dataset: Dataset) -> None:
    if len(dataset) < FEWEST_PICTURES:
        raise GanError(
            f"{len(dataset)} pictures are too few to learn from: use {FEWEST_PICTURES} or more, better 1,000."
        )
    if network_for(dataset, config.network) != config.network:
        raise GanError("The network's size, colours or classes are not those of the data set.")
    if not config.seconds and not config.steps:
        raise GanError("Give the training a time budget in seconds or a number of steps.")


def preview_latents(
    network: NetworkConfig | Generator, count: int = PREVIEW_COUNT
) -> tuple[Tensor, Tensor | None]:
    """The same z `[count, z_dim]` for every preview (seeds 0, 1, ...), and classes `[count]` or None."""
    labels = torch.arange(count) % network.classes if network.classes else None
    return latents(range(count), network.z_dim), labels


@torch.inference_mode()
def preview(state: TrainState, count: int = PREVIEW_COUNT) -> Tensor:
    """Pictures of the averaged generator at the fixed latent vectors, float `[count, C, H, W]`."""
    network = state.average.eval()
    z, labels = preview_latents(network, count)
    return network(z.to(state.device), None if labels is None else labels.to(state.device)).cpu()
