from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from gan import rescue
from gan.config import ARCHITECTURES, LOSSES, PENALTIES, NetworkConfig, TrainConfig
from gan.datasets import Dataset, open_dataset, to_unit
from gan.errors import GanError
from gan.losses import ADVERSARIAL
from gan.state import TrainState, network_for, new_state
from gan.steps import (
    Batch,
    discriminator_step,
    draw_batch,
    generator_step,
    play,
    plays_at_once,
    probabilities,
    update_average,
)
from gan.training import preview, train

CPU = torch.device("cpu")
SMALL = NetworkConfig("compact", 28, 1, z_dim=8, width=8, classes=10)
CONFIG = TrainConfig(network=SMALL, seconds=0, steps=4, batch=8)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=2000)


def weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def parameters(network: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in network.parameters()]


def prepared(config: TrainConfig, dataset: Dataset) -> tuple[TrainState, Batch]:
    state = new_state(config, CPU)
    return state, draw_batch(config, dataset, state)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_each_step_changes_its_own_player_only(garments: Dataset, loss: str, penalty: str) -> None:
    config = replace(CONFIG, loss=loss, penalty=penalty)
    state, batch = prepared(config, garments)
    generator, discriminator = parameters(state.generator), weights(state.discriminator)

    result = discriminator_step(state, batch, config)
    assert all(map(torch.equal, generator, state.generator.parameters()))
    assert not same(discriminator, weights(state.discriminator))
    assert result.loss.shape == ()
    assert result.loss.isfinite()

    discriminator = weights(state.discriminator)
    generator_step(state, batch, config)
    assert same(discriminator, weights(state.discriminator))
    assert not any(map(torch.equal, generator, state.generator.parameters()))
    assert all(p.requires_grad for p in state.discriminator.parameters())


def gradients(network: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize("loss", [name for name, pair in ADVERSARIAL.items() if pair.steady])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("naming", [0.0, 2.0])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_one_look_gives_both_players_the_gradients_of_their_own_steps(
    garments: Dataset, loss: str, penalty: str, naming: float, batch_norm: bool
) -> None:
    network = replace(SMALL, batch_norm=batch_norm)
    config = replace(CONFIG, network=network, loss=loss, penalty=penalty, naming=naming)
    state, batch = prepared(config, garments)
    twin = deepcopy(state)
    twin.random = torch.Generator().manual_seed(0)
    twin.random.set_state(state.random.get_state())
    generator_step(twin, batch, config)
    expected = gradients(twin.generator)
    twin.generator.load_state_dict(state.generator.state_dict())
    alone = discriminator_step(twin, batch, config)

    assert plays_at_once(config)
    together, _ = play(state, batch, config)
    assert float(together.loss) == pytest.approx(float(alone.loss), rel=1e-5)
    for found, own in zip(gradients(state.generator), expected, strict=True):
        torch.testing.assert_close(found, own, rtol=1e-3, atol=1e-6)
    for found, own in zip(gradients(state.discriminator), gradients(twin.discriminator), strict=True):
        torch.testing.assert_close(found, own, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, loss="hinge"),
        replace(CONFIG, loss="least-squares"),
        replace(CONFIG, at_once=False),
        replace(CONFIG, loss="relativistic", smoothing=0.1),
    ],
)
def test_where_one_look_does_not_do_the_players_take_turns(garments: Dataset, config: TrainConfig) -> None:
    assert not plays_at_once(config)
    state, batch = prepared(config, garments)
    generator, discriminator = parameters(state.generator), weights(state.discriminator)
    play(state, batch, config)
    assert not same(discriminator, weights(state.discriminator))
    assert not any(map(torch.equal, generator, state.generator.parameters()))


def test_a_discriminator_that_is_rewarded_for_naming_learns_to(garments: Dataset) -> None:
    named = {}
    for naming in (0.0, 1.0):
        config = replace(CONFIG, naming=naming, steps=60, batch=32)
        state = new_state(config, CPU)
        list(train(config, garments, state))
        labels = garments.class_labels
        assert labels is not None
        with torch.no_grad():
            _, (scores,) = state.discriminator(to_unit(garments.images[:500]), labels[:500], named=True)
        named[naming] = float((scores.argmax(1) == labels[:500]).float().mean())
    assert named[1.0] > 0.6
    assert named[1.0] > named[0.0] + 0.2


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_two_steps_of_each_network(garments: Dataset, architecture: str) -> None:
    config = replace(CONFIG, network=replace(SMALL, architecture=architecture), steps=2)
    state = new_state(config, CPU)
    snapshots = list(train(config, garments, state))
    assert [s.step for s in snapshots] == [1, 2]
    assert state.images_seen == snapshots[-1].images_seen == 16
    assert snapshots[-1].progress == 1
    assert preview(state).shape == (32, 1, 28, 28)


def test_the_real_batch_comes_from_the_data_with_its_classes(garments: Dataset) -> None:
    _, batch = prepared(CONFIG, garments)
    assert batch.labels is not None
    everything, labels = to_unit(garments.images), garments.class_labels
    assert labels is not None
    for picture, label in zip(batch.real, batch.labels, strict=True):
        found = (everything == picture).flatten(1).all(1).nonzero()[:, 0]
        assert label in labels[found]


def test_half_of_a_mirrored_data_set_is_mirrored(garments: Dataset) -> None:
    config = replace(CONFIG, batch=400)
    one = replace(garments.first(1), mirror=True)
    _, batch = prepared(config, one)
    original = to_unit(one.images)
    plain = (batch.real == original).flatten(1).all(1)
    flipped = (batch.real == original.flip(3)).flatten(1).all(1)
    assert (plain | flipped).all()
    assert 140 < flipped.sum() < 260


def test_the_average_follows_its_half_life() -> None:
    config = replace(CONFIG, batch=8, average=40.0)
    state = new_state(config, CPU)
    state.images_seen = 10_000
    for parameter in state.generator.parameters():
        nn.init.ones_(parameter)
    for parameter in state.average.parameters():
        nn.init.zeros_(parameter)
    for _ in range(5):  # 40 pictures: one half-life
        update_average(state, config)
    assert all(torch.allclose(p, torch.tensor(0.5)) for p in state.average.parameters())


def test_a_young_average_is_nearly_the_generator() -> None:
    state = new_state(CONFIG, CPU)
    state.images_seen = CONFIG.batch
    with torch.no_grad():
        next(state.generator.parameters()).add_(1)
    update_average(state, CONFIG)
    difference = next(state.generator.parameters()) - next(state.average.parameters())
    assert difference.abs().max() < 0.01


def test_scores_of_a_relative_critic_ignore_a_common_shift() -> None:
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([1.0, -2.0])
    assert probabilities(real, fake, True) == probabilities(real + 70, fake + 70, True)
    real_score, fake_score = probabilities(real, fake, False)
    assert real_score == real.sigmoid().mean()
    assert fake_score == fake.sigmoid().mean()


@pytest.mark.parametrize("architecture", ["compact", "dcgan"])
def test_the_same_seed_gives_the_same_run(garments: Dataset, architecture: str) -> None:
    config = replace(CONFIG, network=replace(SMALL, architecture=architecture), steps=3)
    one, two = new_state(config, CPU), new_state(config, CPU)
    for state in (one, two):
        list(train(config, garments, state))
    assert same(weights(one.generator), weights(two.generator))
    other = new_state(replace(config, seed=1), CPU)
    assert not same(weights(new_state(config, CPU).generator), weights(other.generator))


def test_making_a_state_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    new_state(CONFIG, CPU)
    assert torch.equal(before, torch.random.get_rng_state())


def test_learning_rates_fall_to_their_share(garments: Dataset) -> None:
    config = replace(CONFIG, steps=50, batch=2, final_lr=0.1)
    state = new_state(config, CPU)
    rates = []
    for _ in train(config, garments, state, every=0.0):
        rates.append(state.generator_optimiser.param_groups[0]["lr"])
    assert rates[0] == config.generator_lr
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.1 * config.generator_lr, rel=0.05)


def test_closing_the_iterator_keeps_what_was_learned(garments: Dataset) -> None:
    state = new_state(CONFIG, CPU)
    run = train(CONFIG, garments, state, every=0.0)
    next(run)
    learned = weights(state.generator)
    run.close()
    assert same(learned, weights(state.generator))
    assert state.step == 1


def test_a_time_budget_ends_the_run(garments: Dataset) -> None:
    config = replace(CONFIG, steps=0, seconds=0.3)
    snapshots = list(train(config, garments, every=0.05))
    assert snapshots[-1].seconds >= 0.3
    assert snapshots[-1].seconds_left == 0
    assert [s.step for s in snapshots] == sorted({s.step for s in snapshots})


def test_a_run_that_diverges_says_so(garments: Dataset) -> None:
    config = replace(CONFIG, generator_lr=0.1, steps=4)
    state = new_state(config, CPU)
    with torch.no_grad():
        next(state.discriminator.parameters()).fill_(float("nan"))
    with pytest.raises(GanError, match="diverged"):
        list(train(config, garments, state))


def test_a_run_that_diverges_goes_back_to_a_good_state(
    garments: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescue, "KEEP_EVERY", 0.0)
    config = replace(CONFIG, steps=8)
    state = new_state(config, CPU)
    notes = []
    for snapshot in train(config, garments, state, every=0.0):
        notes.append(snapshot.note)
        if snapshot.step == 5 and not snapshot.note:
            with torch.no_grad():
                next(state.discriminator.parameters()).fill_(float("nan"))
    assert notes[:5] == [""] * 5
    assert set(notes[5:]) == {
        "The training diverged at step 6, so it went back to step 4 "
        "and goes on with 0.5 times the learning rates."
    }
    assert (state.step, state.calm) == (8, 0.5)
    for optimiser in (state.generator_optimiser, state.discriminator_optimiser):
        assert optimiser.param_groups[0]["lr"] < 0.5 * CONFIG.generator_lr
    for network in (state.generator, state.discriminator, state.average):
        assert all(value.isfinite().all() for value in network.state_dict().values())


def test_a_run_that_always_diverges_ends_in_its_last_good_state(
    garments: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescue, "KEEP_EVERY", 0.0)
    state = new_state(CONFIG, CPU)

    def watch() -> None:
        for snapshot in train(replace(CONFIG, steps=9), garments, state, every=0.0):
            if snapshot.step >= 3:
                with torch.no_grad():
                    next(state.generator.parameters()).fill_(float("nan"))

    with pytest.raises(GanError, match=r"diverged 4 times.*what was learned before is kept"):
        watch()
    assert state.step in (1, 2)
    assert all(value.isfinite().all() for value in state.average.state_dict().values())


@pytest.mark.parametrize(
    ("config", "count", "says"),
    [
        (CONFIG, 15, "15 pictures are too few"),
        (replace(CONFIG, network=replace(SMALL, resolution=32)), 100, "not those of the data set"),
        (replace(CONFIG, steps=0), 100, "time budget"),
    ],
)
def test_impossible_runs_are_refused(garments: Dataset, config: TrainConfig, count: int, says: str) -> None:
    with pytest.raises(GanError, match=says):
        next(train(config, garments.first(count), new_state(config, CPU)))


def classifier(dataset: Dataset) -> nn.Module:
    """A small classifier of garments: the yardstick for what a generator has learned."""
    labels = dataset.class_labels
    assert labels is not None
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
        optimiser = torch.optim.Adam(network.parameters(), 2e-3)
        for _ in range(150):
            index = torch.randint(len(dataset), (128,))
            loss = nn.functional.cross_entropy(network(to_unit(dataset.images[index])), labels[index])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network.requires_grad_(False)


def test_a_short_run_learns_to_draw_the_garment_it_is_told() -> None:
    """Share of generated garments that a classifier of real ones recognises: 0.1 by chance."""
    garments = open_dataset("fashion")
    network = network_for(garments, NetworkConfig("compact", z_dim=16, width=16, spectral=True))
    config = TrainConfig(
        network=network, seconds=0, steps=160, batch=32, loss="hinge", penalty="none",
        generator_lr=2e-3, discriminator_lr=2e-3, average=1000.0,
    )  # fmt: skip
    state, judge = new_state(config, CPU), classifier(garments)
    labels = torch.arange(200) % 10

    def recognised() -> float:
        answers = judge(preview(state, 200)).argmax(1)
        return float((answers == labels).float().mean())

    assert recognised() < 0.3
    list(train(config, garments, state))
    assert recognised() > 0.5
