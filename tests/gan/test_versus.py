"""Two runs side by side: the first is the run alone, the second differs in one thing and sees the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gan import steps
from gan.config import NetworkConfig, TrainConfig, preset_config, to_mapping
from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.state import TrainState, fitted, new_state
from gan.training import preview, train
from gan.versus import Difference, changeable, changed, differences, suggestions, versus

SMALL = NetworkConfig("swift", 28, 1, z_dim=8, width=4, classes=10)
CONFIG = TrainConfig(network=SMALL, seconds=0, steps=7, batch=4)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=300)


def everything(state: TrainState) -> list[Tensor]:
    players = (state.generator, state.discriminator, state.average)
    numbers = [value.clone() for network in players for value in network.state_dict().values()]
    return [*numbers, state.random.get_state()]


def same(one: TrainState, two: TrainState) -> bool:
    return all(torch.equal(a, b) for a, b in zip(everything(one), everything(two), strict=True))


def both(first: TrainConfig, second: TrainConfig) -> tuple[TrainState, TrainState]:
    return new_state(first), new_state(second)


def test_each_run_of_a_pair_is_the_run_alone_where_only_a_rate_differs(garments: Dataset) -> None:
    other = changed(CONFIG, "discriminator_lr", "0.01", "classes")
    states = both(CONFIG, other)
    pairs = list(versus(CONFIG, other, garments, states))
    for config, state in zip((CONFIG, other), states, strict=True):
        alone = new_state(config)
        list(train(config, garments, alone))
        assert same(alone, state)
    assert not same(*states)
    assert [pair.a.step for pair in pairs] == [pair.b.step for pair in pairs]
    assert pairs[0].a.step == 1
    assert (pairs[-1].a.step, pairs[-1].b.progress) == (7, 1.0)


@pytest.mark.parametrize(("name", "value"), [("noise", "0.5"), ("penalty", "none"), ("augment", "0.9")])
def test_the_second_meets_the_pictures_of_the_first_whatever_it_does_with_them(
    garments: Dataset, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    met: dict[str, list[Tensor]] = {"a": [], "b": []}
    other = changed(CONFIG, name, value, "classes")
    states = both(CONFIG, other)
    draw = steps.draw_batch

    def noted(config: TrainConfig, dataset: Dataset, state: TrainState) -> steps.Batch:
        batch = draw(config, dataset, state)
        met["a" if state is states[0] else "b"].append(
            torch.cat([batch.real.flatten(), batch.code.flatten()])
        )
        return batch

    monkeypatch.setattr(steps, "draw_batch", noted)
    list(versus(CONFIG, other, garments, states))
    assert len(met["a"]) == 7
    assert all(torch.equal(a, b) for a, b in zip(met["a"], met["b"], strict=True))
    alone = new_state(CONFIG)
    list(train(CONFIG, garments, alone))
    assert same(alone, states[0]), "the first goes its way as if it were alone"


def test_other_networks_are_compared_at_the_same_latent_vectors(garments: Dataset) -> None:
    first = fitted(replace(preset_config("lesson-mlp", "classes"), batch=8, steps=2, seconds=0), garments)
    second = fitted(changed(first, "preset", "lesson-dcgan", "classes"), garments)
    second = replace(second, batch=8)
    assert (first.network.architecture, second.network.architecture) == ("mlp", "dcgan")
    assert (second.steps, second.seed) == (2, first.seed)
    states = both(first, second)
    *_, last = versus(first, second, garments, states)
    assert (last.a.step, last.b.step) == (2, 2)
    assert preview(states[0]).shape == preview(states[1]).shape


def test_a_time_budget_ends_both_at_the_same_step(garments: Dataset) -> None:
    config = replace(CONFIG, seconds=1.0, steps=0)
    other = replace(config, gamma=9.0)
    states = both(config, other)
    *_, last = versus(config, other, garments, states, pace=0.1)
    assert last.a.step == last.b.step > 1
    assert abs(last.a.progress - last.b.progress) < 0.5


def test_closing_the_pair_stops_both(garments: Dataset) -> None:
    states = both(CONFIG, CONFIG)
    pairs = versus(CONFIG, replace(CONFIG, gamma=0.0), garments, states)
    next(pairs)
    pairs.close()  # type: ignore[attr-defined]
    assert (states[0].step, states[1].step) == (1, 1)


def test_who_could_not_go_on_is_said(garments: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = replace(CONFIG, generator_lr=0.1, steps=0, seconds=30)
    states = both(CONFIG, wild)
    with torch.no_grad():
        next(states[1].generator.parameters()).fill_(float("nan"))
    with pytest.raises(GanError, match="Run B could not go on"):
        list(versus(replace(CONFIG, steps=50), wild, garments, states))


def test_one_thing_is_changed_as_it_is_typed() -> None:
    assert changed(CONFIG, "discriminator_steps", "3", "classes").discriminator_steps == 3
    assert changed(CONFIG, "told", "no", "classes").told is False
    assert changed(CONFIG, "spectral", "yes", "classes").network.spectral is True
    assert changed(CONFIG, "architecture", "mlp", "classes").network.architecture == "mlp"
    assert changed(CONFIG, "seed", "5", "classes").seed == 5
    for name, value, words in (
        ("gamma", "2", "be the same"),
        ("gamma", "a lot", "should be like"),
        ("gamma", "-1", "between"),
        ("told", "perhaps", "yes or no"),
        ("loss", "smile", "must be one of"),
        ("discriminator_steps", "2.5", "should be like"),
        ("seconds", "5", "no setting 'seconds'"),
        ("preset", "from-a-checkpoint", "Choose one of the recipes"),
    ):
        with pytest.raises(GanError, match=words):
            changed(CONFIG, name, value, "classes")


def test_what_differs_is_said_and_every_suggestion_is_allowed() -> None:
    other = changed(CONFIG, "penalty", "none", "classes")
    assert differences(to_mapping(CONFIG), to_mapping(other)) == [Difference("penalty", "r1+r2", "none")]
    for name in ("preset", *changeable()):
        if name in ("components", "halvings", "z_dim"):
            continue
        for value in suggestions(CONFIG, name):
            assert changed(CONFIG, name, value, "classes") != CONFIG
    assert suggestions(CONFIG, "discriminator_lr") == ["0.0001", "0.0005", "0.002", "0.01"]
