"""One step in parts: it is the step of training, its heat is the gradient, and the frozen player stays."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan.config import LOSSES, NetworkConfig, TrainConfig
from gan.datasets import Dataset, open_dataset
from gan.listening import weights_digest
from gan.losses import ADVERSARIAL
from gan.one_step import PARTS, Part, discriminator_turn, generator_turn, one_step
from gan.state import TrainState, new_state
from gan.steps import Batch, discriminator_step, draw_batch, generator_step, update_average
from gan.training import prepare

CPU = torch.device("cpu")
SMALL = NetworkConfig("compact", 28, 1, z_dim=8, width=8, classes=10)
CONFIG = TrainConfig(network=SMALL, steps=4, batch=8, at_once=False)
LESSON = replace(
    CONFIG, network=NetworkConfig("dcgan", 28, 1, z_dim=16), loss="bce", penalty="none", told=False
)
GROWING = replace(CONFIG, network=NetworkConfig("progressive", 28, 1, z_dim=8, width=8, classes=10))
EVERY_SCALE = replace(CONFIG, network=NetworkConfig("multiscale", 28, 1, z_dim=8, width=8, classes=10))
NAMING = replace(CONFIG, naming=0.5)
SPECTRAL = replace(CONFIG, network=replace(SMALL, spectral=True, dropout=0.3), augment=0.5, noise=0.3)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=300)


def begun(config: TrainConfig, dataset: Dataset) -> TrainState:
    state = new_state(config, CPU)
    prepare(state, dataset)
    return state


def everything(state: TrainState) -> list[Tensor]:
    players: tuple[nn.Module, ...] = (state.generator, state.discriminator, state.average)
    return [v.clone() for network in players for v in network.state_dict().values()] + [
        state.random.get_state()
    ]


def same(one: list[Tensor], two: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    "config",
    [CONFIG, LESSON, SPECTRAL, GROWING, EVERY_SCALE, NAMING],
    ids=["compact", "dcgan", "spectral", "growing", "every-scale", "naming"],
)
def test_a_step_that_is_looked_at_is_the_step_of_training(garments: Dataset, config: TrainConfig) -> None:
    looked, plain = begun(config, garments), begun(config, garments)
    torch.manual_seed(3)
    for _ in range(2):
        list(one_step(config, garments, looked))
    torch.manual_seed(3)
    for _ in range(2):
        batch = draw_batch(config, garments, plain)
        fake = plain.generator.presented(batch.code, batch.labels)
        discriminator_step(plain, batch, config, fake.detach())
        generator_step(plain, batch, config, fake)
        plain.images_seen += config.batch
        update_average(plain, config)
    if config is GROWING:  # whose scales are added in another order where somebody asks for a gradient
        pairs = zip(everything(looked), everything(plain), strict=True)
        assert all(torch.allclose(a.double(), b.double(), atol=1e-7) for a, b in pairs)
    else:
        assert same(everything(looked), everything(plain))
    assert looked.step == 2


def test_both_players_have_five_parts_and_one_alone_leaves_the_other(garments: Dataset) -> None:
    state = begun(CONFIG, garments)
    seen = [(part.turn.player, part.name) for part in one_step(CONFIG, garments, state)]
    assert seen == [(player, name) for player in ("discriminator", "generator") for name in PARTS]
    for who, other in (("discriminator", state.generator), ("generator", state.discriminator)):
        before = weights_digest(other)
        parts = list(one_step(CONFIG, garments, state, who))
        assert {part.turn.player for part in parts} == {who}
        assert weights_digest(other) == before
    more = replace(CONFIG, discriminator_steps=3)
    assert len(list(one_step(more, garments, state))) == 4 * len(PARTS)


def test_of_many_scales_the_largest_pictures_are_shown(garments: Dataset) -> None:
    for part in one_step(EVERY_SCALE, garments, begun(EVERY_SCALE, garments)):
        assert part.turn.fake.seen.shape[1:] == (1, 28, 28)
        assert part.turn.redrawn.shape[1:] == (1, 28, 28)
        assert part.turn.fake.pull is not None
        assert part.turn.fake.pull.shape[1:] == (1, 28, 28)


@pytest.mark.parametrize("config", [CONFIG, LESSON, SPECTRAL], ids=["compact", "dcgan", "spectral"])
def test_the_frozen_player_is_proved_unchanged_and_the_other_moved(
    garments: Dataset, config: TrainConfig
) -> None:
    state = begun(config, garments)
    for part in one_step(config, garments, state):
        turn = part.turn
        assert turn.proof.unchanged
        assert 0 < turn.moved < turn.size
        assert sum(layer.moved**2 for layer in turn.layers) == pytest.approx(turn.moved**2, rel=1e-4)
        learner = state.generator if turn.player == "generator" else state.discriminator
        assert sum(layer.weights for layer in turn.layers) == sum(p.numel() for p in learner.parameters())
    # Batch norm and spectral norm keep count of what they look at: that is said, and is not learning.
    assert turn.proof.counters == (config is not CONFIG)


def test_a_proof_would_see_a_change(garments: Dataset) -> None:
    state = begun(CONFIG, garments)
    before = weights_digest(state.discriminator)
    with torch.no_grad():
        next(state.discriminator.parameters())[0] += 1e-6
    assert weights_digest(state.discriminator) != before


def in_doubles(state: TrainState) -> TrainState:
    """A copy that calculates with 64 bits, so that finite differences tell something."""
    copied = deepcopy((state.generator, state.discriminator))
    return replace(state, generator=copied[0].double(), discriminator=copied[1].double())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_the_heat_is_the_gradient_by_finite_differences(garments: Dataset, loss: str, player: str) -> None:
    config = replace(CONFIG, loss=loss, penalty="none", network=replace(SMALL, classes=0), told=False)
    state = in_doubles(begun(config, garments))
    drawn = draw_batch(config, garments, state)
    batch = Batch(drawn.real.double(), drawn.code.double(), None)
    with torch.no_grad():
        fake = state.generator.draw(batch.code, None)
    judge = deepcopy(state.discriminator).requires_grad_(False)

    def loss_at(real: Tensor, fakes: Tensor) -> float:
        pair = ADVERSARIAL[loss]
        return float(getattr(pair, player)(judge(real), judge(fakes)))

    state.discriminator_optimiser.param_groups[0]["lr"] = 0.0
    if player == "discriminator":
        turn = discriminator_turn(config, batch, state, fake)
    else:
        turn = generator_turn(config, batch, state, state.generator.draw(batch.code, None))
    assert turn.result.loss == pytest.approx(loss_at(batch.real, fake), rel=1e-6)
    direction = torch.randn(fake.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    distance = 1e-7 * direction
    slope = (loss_at(batch.real, fake + distance) - loss_at(batch.real, fake - distance)) / 2e-7
    assert turn.fake.pull is not None
    assert float(-(turn.fake.pull * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-8)
    if player == "discriminator":
        assert turn.real is not None
        assert turn.real.pull is not None
        slope = (loss_at(batch.real + distance, fake) - loss_at(batch.real - distance, fake)) / 2e-7
        assert float(-(turn.real.pull * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-8)


BATCH_NORM = replace(CONFIG, network=replace(SMALL, batch_norm=True))
LAID_OUT = replace(CONFIG, network=replace(SMALL, components=8, halvings=0))


@pytest.mark.parametrize(
    ("config", "player", "changes"),
    [
        (CONFIG, "discriminator", {"penalty": "none"}),
        (BATCH_NORM, "discriminator", {"penalty": "none"}),
        (LAID_OUT, "generator", {"likeness": 30.0}),
    ],
    ids=["penalty", "penalty with batch norm", "likeness"],
)
def test_what_else_moves_the_weights_is_no_part_of_the_heat(
    garments: Dataset, config: TrainConfig, player: str, changes: dict[str, Any]
) -> None:
    turns = []
    for each in (config, replace(config, **changes)):
        turns.append(next(one_step(each, garments, begun(each, garments), player)).turn)
    first, second = turns
    assert first.fake.pull is not None
    assert second.fake.pull is not None
    torch.testing.assert_close(first.fake.pull, second.fake.pull)
    if first.real is not None:
        assert first.real.pull is not None
        assert second.real is not None
        torch.testing.assert_close(first.real.pull, second.real.pull)
    assert {turn.also for turn in turns} == {"", "likeness" if player == "generator" else "penalty"}
    assert first.gradient != second.gradient


def test_what_a_recipe_rewards_beside_the_game_is_told(garments: Dataset) -> None:
    state = begun(NAMING, garments)
    turns = {part.turn.player: part.turn.also for part in one_step(NAMING, garments, state)}
    assert turns == {"discriminator": "penalty and naming", "generator": ""}
    untold = replace(NAMING, penalty="none", network=replace(SMALL, classes=0), told=False)
    assert next(one_step(untold, garments, begun(untold, garments))).turn.also == ""


def test_scores_are_those_of_training_and_the_update_makes_the_learner_more_right(garments: Dataset) -> None:
    state = begun(CONFIG, garments)
    by_player: dict[str, Part] = {part.turn.player: part for part in one_step(CONFIG, garments, state)}
    judged, drawn = by_player["discriminator"].turn, by_player["generator"].turn
    assert judged.real is not None
    assert float(judged.real.scores.mean()) == pytest.approx(judged.result.real_score, abs=1e-6)
    assert float(judged.fake.scores.mean()) == pytest.approx(judged.result.fake_score, abs=1e-6)
    assert judged.fake.scores_after.mean() < judged.fake.scores.mean()
    assert drawn.fake.scores_after.mean() > drawn.fake.scores.mean()
    assert torch.equal(judged.drawn, drawn.drawn)
    assert not torch.equal(drawn.drawn, drawn.redrawn)


def test_a_discriminator_that_is_too_good_waits(garments: Dataset) -> None:
    config = replace(CONFIG, skip_below=50.0)
    state = begun(config, garments)
    turn = next(one_step(config, garments, state, "discriminator")).turn
    assert turn.result.skipped
    assert (turn.moved, turn.fake.pull, state.skipped) == (0.0, None, 1)
