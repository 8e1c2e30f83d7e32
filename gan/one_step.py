"""One step of the game looked at part by part, on real pictures and with the step that training takes.

`gan.steps.discriminator_step` and `gan.steps.generator_step` are called as training calls them, and
`gan.listening` only listens. So what is shown is what is learned: a state that was looked at is bit for bit
the state that was not. Five parts for each player, after GAN Lab (Kahng et al. 2018, arXiv 1809.01587).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan.config import TrainConfig
from gan.datasets import Dataset
from gan.listening import Frozen, LayerMove, Look, Mover, Proof, listening, unobserved
from gan.losses import ADVERSARIAL
from gan.state import TrainState
from gan.steps import (
    Batch,
    StepResult,
    discriminator_step,
    draw_batch,
    generator_step,
    update_average,
    wants_likeness,
)

PLAYERS = ("discriminator", "generator")
PARTS = ("sample", "classify", "loss", "gradients", "update")
WHO = ("both", "discriminator", "generator")
SHOWN = 8


@dataclass(frozen=True, eq=False)
class Pictures:
    """Some pictures of a batch, `[K, C, H, W]`, as the discriminator saw them (augmented, with noise).

    Attributes:
        scores: how real they were found, `[K]` in (0, 1), as `gan.steps.probabilities` measures it.
        scores_after: the same question asked again after the update.
        pull: minus the gradient of the loss on the pictures, `[K, C, H, W]` in loss per unit of brightness:
            where it is above 0, a brighter place would lower the loss. None where nothing was learned.
    """

    seen: Tensor
    scores: Tensor
    scores_after: Tensor
    pull: Tensor | None


@dataclass(frozen=True)
class Scalars:
    """A `StepResult` as plain numbers."""

    loss: float
    real_score: float
    fake_score: float
    skipped: bool


@dataclass(frozen=True)
class Asked:
    """Mean scores of a batch before the update, and when the discriminator is asked again after it.

    In the generator's turn that is about its pictures as they are, neither augmented nor with noise.
    """

    real: float
    real_after: float
    fake: float
    fake_after: float


@dataclass(frozen=True, eq=False)
class Turn:
    """All that went through one player's step.

    Attributes:
        player: who learned, `discriminator` or `generator`.
        step: how many steps came before this one.
        real: None in the generator's turn.
        drawn, redrawn: what the generator makes of the same latent vectors before and after the update,
            `[K, C, H, W]` in [-1, 1].
        also: what else than the adversarial loss moved the weights: `penalty`, `naming`, both with an `and`
            between them, `likeness` or nothing.
        gradient: Euclidean norm of the gradient on the player's weights; 0 where it did not learn.
        moved, size: Euclidean norms of the update and of all weights before it.
    """

    player: str
    step: int
    batch: int
    result: Scalars
    learning_rate: float
    real: Pictures | None
    fake: Pictures
    drawn: Tensor
    redrawn: Tensor
    asked: Asked
    also: str
    gradient: float
    moved: float
    size: float
    layers: tuple[LayerMove, ...]
    proof: Proof


@dataclass(frozen=True, eq=False)
class Part:
    """One of the five parts of a turn; what belongs to later parts is not to be shown yet."""

    name: str
    turn: Turn

    @property
    def number(self) -> int:
        """Place of the part in its turn, from 0."""
        return PARTS.index(self.name)


def one_step(config: TrainConfig, dataset: Dataset, state: TrainState, who: str = "both") -> Iterator[Part]:
    """The parts of one step of training, in order; `state` is updated in place as training would.

    A turn is calculated when its first part is asked for. The players take turns here even where training
    lets them learn from one look (`gan.steps.joint_step`), so that each can be seen.

    Args:
        state: prepared for this data set (`gan.training.prepare`).
        who: `both`, or the player that learns alone.
    """
    if who != "generator":
        for _ in range(config.discriminator_steps - 1 if who == "both" else 0):
            yield from _told(discriminator_turn(config, draw_batch(config, dataset, state), state))
    batch = draw_batch(config, dataset, state)
    fake = state.generator.presented(batch.code, batch.labels)
    if who != "generator":
        yield from _told(discriminator_turn(config, batch, state, fake))
    if who != "discriminator":
        yield from _told(generator_turn(config, batch, state, fake))
    state.step += 1
    state.images_seen += config.batch
    update_average(state, config)


def _told(turn: Turn) -> Iterator[Part]:
    return (Part(name, turn) for name in PARTS)


def discriminator_turn(
    config: TrainConfig, batch: Batch, state: TrainState, fake: Tensor | None = None
) -> Turn:
    """`discriminator_step`, and what went through it; `fake` is what G drew, in its graph or not."""
    if fake is None:
        with torch.no_grad():
            fake = state.generator.presented(batch.code, batch.labels)
    drawn = fake.detach().clone().requires_grad_(True)
    watched = replace(batch, real=batch.real.detach().clone().requires_grad_(True))
    mover, frozen = Mover(state.discriminator, state.discriminator_optimiser), Frozen(state.generator)
    with listening(state.discriminator) as looks:
        result = discriminator_step(state, watched, config, drawn)
    state.skipped += result.skipped
    if len(looks) == 1:  # both kinds together
        looks = looks[0].halves()
    with unobserved(state.discriminator):
        after = [state.discriminator(look.pictures, batch.labels) for look in looks]
    relative = ADVERSARIAL[config.loss].relative
    real, fakes = _compared(looks[0].logits, looks[1].logits, relative)
    real_after, fakes_after = _compared(after[0], after[1], relative)
    shown = _shown(drawn)
    return Turn(
        player="discriminator",
        result=_plain(result),
        real=_pictures(looks[0], real, real_after),
        fake=_pictures(looks[1], fakes, fakes_after),
        drawn=shown,
        redrawn=shown,
        asked=_asked(real, real_after, fakes, fakes_after),
        also=" and ".join(_added(config, batch)),
        step=state.step,
        batch=len(batch.real),
        **mover.went(),
        proof=frozen.proof(),
    )


def _added(config: TrainConfig, batch: Batch) -> Iterator[str]:
    """What the recipe adds to the discriminator's adversarial loss."""
    if config.penalty != "none" and config.gamma:
        yield "penalty"
    if config.naming and batch.labels is not None:
        yield "naming"


def generator_turn(config: TrainConfig, batch: Batch, state: TrainState, fake: Tensor | None = None) -> Turn:
    """`generator_step`, and what went through it; `fake` is what G drew just now, in its graph."""
    fake = state.generator.presented(batch.code, batch.labels) if fake is None else fake
    mover, frozen = Mover(state.generator, state.generator_optimiser), Frozen(state.discriminator)
    with listening(state.discriminator) as looks:
        result = generator_step(state, batch, config, fake)
    proof = frozen.proof()
    real_logits = looks[-1].logits
    with unobserved(state.generator, state.discriminator):
        redrawn = state.generator.presented(batch.code, batch.labels)
        before = state.discriminator(fake.detach(), batch.labels)
        after = state.discriminator(redrawn, batch.labels)
    relative = ADVERSARIAL[config.loss].relative
    _, scores = _compared(real_logits, looks[0].logits, relative)
    real, scores_before = _compared(real_logits, before, relative)
    real_after, scores_after = _compared(real_logits, after, relative)
    return Turn(
        player="generator",
        result=_plain(result),
        real=None,
        fake=_pictures(looks[0], scores, scores_after),
        drawn=_shown(fake),
        redrawn=_shown(redrawn),
        asked=_asked(real, real_after, scores_before, scores_after),
        also="likeness" if wants_likeness(batch, config) else "",
        step=state.step,
        batch=len(batch.real),
        **mover.went(),
        proof=proof,
    )


def _asked(*scores: Tensor) -> Asked:
    return Asked(*(float(each.mean()) for each in scores))


def _plain(result: StepResult) -> Scalars:
    return Scalars(float(result.loss), float(result.real_score), float(result.fake_score), result.skipped)


def _compared(real_logits: Tensor, fake_logits: Tensor, relative: bool) -> tuple[Tensor, Tensor]:
    """Each picture's probability of being real, `[N]`; their means are those of `gan.steps.probabilities`."""
    real, fake = real_logits.detach(), fake_logits.detach()
    if relative:
        real, fake = real - fake.mean(), fake - real.mean()
    return real.sigmoid(), fake.sigmoid()


def _shown(pictures: Tensor) -> Tensor:
    """The first ones `[N, C, H, W]`; of an atlas (`gan.networks.multiscale`) its largest picture."""
    return pictures[:SHOWN, :, :, : pictures.shape[2]].detach().cpu().contiguous().clone()


def _scores(scores: Tensor) -> Tensor:
    return scores[:SHOWN].detach().cpu().contiguous().clone()


def _pictures(look: Look, scores: Tensor, scores_after: Tensor) -> Pictures:
    pull = None if look.gradient is None else _shown(-look.gradient)
    return Pictures(_shown(look.pictures), _scores(scores), _scores(scores_after), pull)
