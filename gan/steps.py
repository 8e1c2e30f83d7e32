"""One step of the game: a batch, the update of each player alone, and of both from one look at the batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

import torch
from torch import Tensor

from gan.attributes import wishing
from gan.augmentation import augmented, noisy
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Dataset, to_unit
from gan.losses import ADVERSARIAL, AdversarialLoss, directional_penalty, likeness_loss, naming_loss
from gan.networks import Generator
from gan.state import TrainState

PENALTY_DISTANCE = 0.1
FAINTEST_GRADIENT = 1e-6


@dataclass(frozen=True)
class StepResult:
    """What one step tells: scalars (shape `[]`) still on the device, so that nobody waits for them.

    Attributes:
        skipped: whether nothing was learned, because the loss was below `config.skip_below`.
    """

    loss: Tensor
    real_score: Tensor
    fake_score: Tensor
    skipped: bool = False


@dataclass(frozen=True)
class Batch:
    """Real pictures `[N, C, H, W]` in [-1, 1], and what generated ones are to be drawn from.

    Attributes:
        real: as the players present pictures (`Generator.presented`).
        code: what the latent vectors stand for (`Generator.code`), `[N, ...]`.
        labels: classes `[N]` or attributes `[N, A]` of the real and of the generated pictures alike, or None.
    """

    real: Tensor
    code: Tensor
    labels: Tensor | None


def draw_batch(config: TrainConfig, dataset: Dataset, state: TrainState) -> Batch:
    """Random pictures (mirrored at random where the data set allows it), their labels, and z ~ N(0, I).

    Where z chooses attributes, it chooses those of the pictures; where the space is laid out, the codes are
    those of the pictures.
    """
    count = min(len(dataset), config.only_first or len(dataset))
    index = torch.randint(count, (config.batch,), generator=state.random)
    z = torch.randn(config.batch, config.network.z_dim, generator=state.random)
    real = to_unit(dataset.images[index])
    if dataset.mirror:
        flip = torch.rand(config.batch, generator=state.random) < 0.5
        real = torch.where(flip[:, None, None, None], real.flip(3), real)
    labels = known_labels(dataset, config)
    labels = None if labels is None else labels[index]
    if labels is not None and config.network.attributes:
        z = wishing(z, labels, config.network.attributes)
    labels = None if labels is None else labels.to(state.device)
    real = real.to(state.device, memory_format=torch.channels_last)
    layout = state.generator.layout
    anchored = 0 if layout is None else round(config.anchored * config.batch)
    codes = [] if layout is None else [layout.code(real[:anchored])]
    if anchored < config.batch:
        asked = None if labels is None else labels[anchored:]
        codes.append(state.generator.code(z[anchored:].to(state.device), asked))
    code = torch.cat(codes)
    return Batch(state.discriminator.presented(real), code, labels)


def known_labels(dataset: Dataset, config: TrainConfig) -> Tensor | None:
    """What the networks are told of every picture: classes `[N]`, attributes `[N, A]`, or None."""
    if config.network.attributes:
        return dataset.labels if dataset.attribute_sizes else None
    return dataset.class_labels if config.network.classes else None


def probabilities(real_logits: Tensor, fake_logits: Tensor, relative: bool) -> tuple[Tensor, Tensor]:
    """Mean D(x) and D(G(z)) as probabilities of being real.

    sigmoid(logit); where only differences of logits have a meaning (relativistic loss), each side is first
    measured against the mean of the other.
    """
    real, fake = real_logits.detach(), fake_logits.detach()
    if relative:
        real, fake = real - fake.mean(), fake - real.mean()
    return real.sigmoid().mean(), fake.sigmoid().mean()


def plays_at_once(config: TrainConfig) -> bool:
    """Whether both players learn from one look at a batch (`joint_step`), or in turn.

    Some losses give the discriminator nothing to learn from a picture that the generator still learns from;
    these need turns, unless the discriminator compares the pictures of a batch, whose gradients are taken one
    after the other anyway.
    """
    return config.at_once and (_one_gradient_serves_both(config) or _norms_batches(config.network))


def _one_gradient_serves_both(config: TrainConfig) -> bool:
    """Whether the generator's gradient on a picture is the discriminator's times a number."""
    loss_pair = ADVERSARIAL[config.loss]
    steady = loss_pair.steady and not (loss_pair.relative and config.smoothing)
    return steady and not _norms_batches(config.network)


def _norms_batches(network: NetworkConfig) -> bool:
    """Whether the discriminator compares the pictures of a batch: by batch norm, or by their deviation."""
    if network.architecture == "dcgan":
        return network.designed_norm
    return network.batch_norm or network.architecture == "progressive"


def play_round(config: TrainConfig, dataset: Dataset, state: TrainState) -> tuple[StepResult, StepResult]:
    """One step of the generator, and as many of the discriminator as the config asks for, each on its batch.

    Returns the last results of the discriminator and of the generator; skipped steps are counted.
    """
    for _ in range(config.discriminator_steps - 1):
        state.skipped += discriminator_step(state, draw_batch(config, dataset, state), config).skipped
    discriminator, generator = play(state, draw_batch(config, dataset, state), config)
    state.skipped += discriminator.skipped
    return discriminator, generator


def play(state: TrainState, batch: Batch, config: TrainConfig) -> tuple[StepResult, StepResult]:
    """One update of each player; returns the discriminator's result and the generator's."""
    if plays_at_once(config):
        return joint_step(state, batch, config)
    # Both turns look at the same pictures: a second drawing of them would cost a tenth of the step.
    fake = state.generator.presented(batch.code, batch.labels)
    return (
        discriminator_step(state, batch, config, fake.detach()),
        generator_step(state, batch, config, fake),
    )


def joint_step(state: TrainState, batch: Batch, config: TrainConfig) -> tuple[StepResult, StepResult]:
    """One update of both from a single pass of G and a single pass of D, up to a third cheaper than turns.

    Where D judges each picture alone, the gradients of both losses on a generated picture point along dD/dx:

        dL_D/dx = (dL_D/df) dD/dx,  dL_G/dx = (dL_G/df) dD/dx,  f = D(x)

    The second is the first times a number for each picture, and only the first is ever calculated. A D that
    compares the pictures of a batch is gone through backwards twice.
    """
    loss_pair = ADVERSARIAL[config.loss]
    fake = state.generator.presented(batch.code, batch.labels)
    seen = fake.detach().requires_grad_(True)
    state.discriminator_optimiser.zero_grad(set_to_none=True)
    real_logits, fake_logits, scores_of_real = _judge_both(state, batch, seen, config)
    loss = loss_pair.discriminator(real_logits, fake_logits, config.smoothing)
    skipped = _too_good(loss, config)
    pull: Tensor | None = None
    if not _one_gradient_serves_both(config):
        generator_loss = loss_pair.generator(real_logits.detach(), fake_logits)
        (pull,) = torch.autograd.grad(generator_loss, seen, retain_graph=True)
    named = _with_naming(loss, batch, scores_of_real, config)
    (loss if skipped else _with_penalty(named, state, batch, seen.detach(), config)).backward()
    if pull is None:
        generator_loss, ratio = _generators_share(loss_pair, real_logits.detach(), fake_logits.detach())
        assert seen.grad is not None
        pull = seen.grad * ratio[:, None, None, None]
    state.generator_optimiser.zero_grad(set_to_none=True)
    if wants_likeness(batch, config):
        (towards_real,) = torch.autograd.grad(_unlikeness(batch, seen, config), seen)
        pull = pull + config.likeness * towards_real
    fake.backward(pull)
    if not skipped:
        state.discriminator_optimiser.step()
    state.generator_optimiser.step()
    scores = probabilities(real_logits, fake_logits, loss_pair.relative)
    return StepResult(loss.detach(), *scores, skipped), StepResult(generator_loss.detach(), *scores)


def _too_good(loss: Tensor, config: TrainConfig) -> bool:
    """Whether the discriminator is to wait for the generator; only then does anybody wait for the loss."""
    return bool(config.skip_below) and float(loss.detach()) < config.skip_below


def wants_likeness(batch: Batch, config: TrainConfig) -> bool:
    """Whether a generated picture should also be like the real one that has its attributes or its code."""
    known = config.network.attributes and batch.labels is not None
    return bool(config.likeness and (known or config.network.components))


def _unlikeness(batch: Batch, fake: Tensor, config: TrainConfig) -> Tensor:
    """`likeness_loss` of the pictures that have a real one of their own beside them."""
    anchored = round(config.anchored * len(fake)) if config.network.components else len(fake)
    return likeness_loss(batch.real[:anchored], fake[:anchored])


def _generators_share(loss_pair: AdversarialLoss, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """The generator's loss, and (dL_G/df) / (dL_D/df) for every generated picture, `[N]`."""
    fake = fake.requires_grad_(True)
    (theirs,) = torch.autograd.grad(loss_pair.discriminator(real, fake), fake)
    loss = loss_pair.generator(real, fake)
    (own,) = torch.autograd.grad(loss, fake)
    # dL_D/df is positive: D always wants generated pictures lower.
    return loss.detach(), own / theirs.clamp_min(FAINTEST_GRADIENT / len(fake))


def discriminator_step(
    state: TrainState, batch: Batch, config: TrainConfig, fake: Tensor | None = None
) -> StepResult:
    """One update of D on real and generated pictures; G is only read, and only where `fake` is not given."""
    loss_pair = ADVERSARIAL[config.loss]
    if fake is None:
        with torch.no_grad():
            fake = state.generator.presented(batch.code, batch.labels)
    state.discriminator_optimiser.zero_grad(set_to_none=True)
    real_logits, fake_logits, scores_of_real = _judge_both(state, batch, fake, config)
    loss = loss_pair.discriminator(real_logits, fake_logits, config.smoothing)
    skipped = _too_good(loss, config)
    if not skipped:
        named = _with_naming(loss, batch, scores_of_real, config)
        _with_penalty(named, state, batch, fake, config).backward()
        state.discriminator_optimiser.step()
    scores = probabilities(real_logits, fake_logits, loss_pair.relative)
    return StepResult(loss.detach(), *scores, skipped)


def _judge_both(
    state: TrainState, batch: Batch, fake: Tensor, config: TrainConfig
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Logits of real and of generated pictures, and how the real ones are named."""
    if _norms_batches(config.network):
        # What compares the pictures of a batch expects each kind alone (the lesson's way).
        shown = _shown(state, batch.real, config)
        real_logits, scores = _judge(state, shown, batch.labels, config)
        return real_logits, state.discriminator(_shown(state, fake, config), batch.labels), scores
    labels = None if batch.labels is None else torch.cat([batch.labels, batch.labels])
    pictures = _shown(state, torch.cat([batch.real, fake]), config)
    logits, scores = _judge(state, pictures, labels, config)
    real_logits, fake_logits = logits.chunk(2)
    return real_logits, fake_logits, [each[: len(batch.real)] for each in scores]


def _judge(
    state: TrainState, pictures: Tensor, labels: Tensor | None, config: TrainConfig
) -> tuple[Tensor, list[Tensor]]:
    """Logits `[N]`, and where the discriminator learns to name pictures its scores (else none)."""
    if not config.naming or labels is None:
        return state.discriminator(pictures, labels), []
    return state.discriminator(pictures, labels, named=True)


def _with_naming(loss: Tensor, batch: Batch, scores: list[Tensor], config: TrainConfig) -> Tensor:
    """`loss` plus `config.naming` times what naming the real pictures costs."""
    if not scores or batch.labels is None:
        return loss
    return loss + config.naming * naming_loss(scores, batch.labels)


def _shown(state: TrainState, pictures: Tensor, config: TrainConfig) -> Tensor:
    """Pictures as the discriminator gets to see them."""
    shown = pictures
    if config.augment:
        change = partial(augmented, share=config.augment, random=state.random)
        shown = state.discriminator.changed(pictures, change)
    return noisy(shown, config.noise * (1 - state.progress), state.random) if config.noise else shown


def _with_penalty(loss: Tensor, state: TrainState, batch: Batch, fake: Tensor, config: TrainConfig) -> Tensor:
    """`loss` plus gamma / 2 times the gradient penalty, estimated on a part of the batch."""
    if config.penalty == "none" or not config.gamma:
        return loss
    count = max(1, round(config.penalty_share * len(batch.real)))
    kinds = [batch.real[:count], fake[:count]] if config.penalty == "r1+r2" else [batch.real[:count]]
    pictures = torch.cat(kinds)
    noise = torch.randn(pictures.shape, generator=state.random).to(pictures)
    shift = PENALTY_DISTANCE * noise.contiguous(memory_format=torch.channels_last)
    labels = None if batch.labels is None else torch.cat([batch.labels[:count]] * (2 * len(kinds)))
    both = torch.cat([pictures + shift, pictures - shift])
    ahead, behind = state.discriminator(both, labels, drop=False).chunk(2)
    penalty = len(kinds) * directional_penalty(ahead, behind, 2 * PENALTY_DISTANCE)
    return loss + config.gamma / 2 * penalty


def generator_step(
    state: TrainState, batch: Batch, config: TrainConfig, fake: Tensor | None = None
) -> StepResult:
    """One update of G through a frozen D; `fake` is what G drew with its present weights, with its graph."""
    loss_pair = ADVERSARIAL[config.loss]
    state.generator_optimiser.zero_grad(set_to_none=True)
    trained = [p for p in state.discriminator.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    if fake is None:
        fake = state.generator.presented(batch.code, batch.labels)
    fake_logits = state.discriminator(_shown(state, fake, config), batch.labels)
    real_logits = fake_logits
    if loss_pair.relative:
        with torch.no_grad():
            real_logits = state.discriminator(_shown(state, batch.real, config), batch.labels)
    loss = loss_pair.generator(real_logits, fake_logits)
    if wants_likeness(batch, config):
        (loss + config.likeness * _unlikeness(batch, fake, config)).backward()
    else:
        loss.backward()
    for parameter in trained:
        parameter.requires_grad_(True)
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
    pairs = list(zip(_numbers(state.average), _numbers(state.generator), strict=True))
    floating = [(ours, theirs) for ours, theirs in pairs if ours.is_floating_point()]
    torch._foreach_lerp_([ours for ours, _ in floating], [theirs for _, theirs in floating], weight)
    for ours, theirs in pairs:
        if not ours.is_floating_point():
            ours.copy_(theirs)


def _numbers(network: Generator) -> Iterator[Tensor]:
    """What learning changes; walking through it takes a third of the time of `state_dict`."""
    halves = (network.stem, network.body)
    return chain(*(half.parameters() for half in halves), *(half.buffers() for half in halves))
