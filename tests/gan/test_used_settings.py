"""What a kind of network uses: the table says the same as the networks themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from torch import nn

from gan.__main__ import main
from gan.config import ARCHITECTURES, PRESETS, NetworkConfig, TrainConfig, from_mapping, to_mapping
from gan.errors import GanError
from gan.networks import build_discriminator, build_generator
from gan.state import labelled
from gan.tab_train_events import settings_offered
from gan.train_form import form_settings, settings_used
from gan.used_settings import check_used, uses
from gan.versus import changed

# Another value than the usual one, for all that a network is built with.
OTHERS: dict[str, Any] = {
    "width": 8, "critic_width": 4, "gain": 3.0, "spectral": True, "batch_norm": True, "designed_norm": False,
    "activation": {"dcgan": "leaky-relu"}, "critic_activation": "relu", "output": "linear", "dropout": 0.5,
    "initialisation": "normal", "upsampling": "transposed",
}  # fmt: skip


def behaviour(config: NetworkConfig) -> list[torch.Tensor]:
    """What both networks, from the same random numbers, are and say."""
    torch.manual_seed(5)
    generator, discriminator = build_generator(config).train(), build_discriminator(config).train()
    pictures = torch.randn(4, config.channels, 28, 28)
    networks: tuple[nn.Module, ...] = (generator, discriminator)
    weights = [value.clone() for network in networks for value in network.parameters()]
    torch.manual_seed(6)
    return [*weights, 9 * generator(9 * torch.randn(4, 8)).detach(), discriminator(pictures).detach()]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", OTHERS)
def test_a_setting_has_an_effect_exactly_where_it_is_said_to_have_one(architecture: str, name: str) -> None:
    usual = NetworkConfig(architecture, 28, 1, z_dim=8, width=16)
    other = OTHERS[name]
    if isinstance(other, dict):
        other = other.get(architecture, "relu")
    before, after = behaviour(usual), behaviour(replace(usual, **{name: other}))
    same = len(before) == len(after) and all(
        a.shape == b.shape and torch.equal(a, b) for a, b in zip(before, after, strict=True)
    )
    assert uses(TrainConfig(network=usual), name) != same


def test_labels_penalty_and_a_laid_out_space_leave_others_without_effect() -> None:
    told = labelled(NetworkConfig(z_dim=8), 0, (2, 3))
    config = TrainConfig(network=told)
    assert uses(config, "naming")
    assert uses(config, "z_dim")
    assert not uses(config, "components")
    laid_out = replace(config, network=NetworkConfig(components=8, halvings=2, z_dim=10), penalty="none")
    assert [uses(laid_out, name) for name in ("halvings", "anchored", "likeness")] == [True] * 3
    assert [uses(laid_out, name) for name in ("z_dim", "naming", "gamma", "penalty_share")] == [False] * 4
    with pytest.raises(GanError, match="gamma"):
        check_used(laid_out, ["batch", "gamma"])


def test_the_form_offers_what_the_recipe_uses() -> None:
    mlp = settings_used("fashion", "lesson-mlp", told=False, components=0, penalty="none")
    assert set(mlp) == {setting.name for setting in form_settings()}
    hidden = {name for name, used in mlp.items() if not used}
    assert {"width", "spectral", "upsampling", "growth", "gamma", "frozen", "stop_at_copies"} <= hidden
    shown = {"batch_norm", "designed_norm", "activation", "dropout", "told", "z_dim", "steps", "seed"}
    assert shown.isdisjoint(hidden)
    beginning = settings_used("own", "from-a-checkpoint", told=True, components=64, penalty="r1")
    assert not {name for name, used in beginning.items() if used} & {"width", "dropout", "output", "told"}
    assert beginning["frozen"]
    assert beginning["stop_at_copies"]
    offered = settings_offered("cats", "in-a-minute", True, 0, "r1")
    assert offered.startswith("<style>#")
    assert "#train-components" in offered
    assert "#train-output" not in offered
    for wrong in (("cats", "huge", True, 0, "r1"), ("cats", "in-a-minute", True, "x", "r1")):
        assert settings_offered(*wrong) == gr.skip()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("data", ["cats", "fashion", "own", "hub"])
def test_every_recipe_offers_something_for_all_pictures(data: str, preset: str) -> None:
    used = settings_used(data, preset, told=True, components=0, penalty="r1+r2")
    assert used["generator_lr"]
    assert used["gamma"]


def test_a_flag_without_effect_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["train", "--data", "fashion", "--preset", "lesson-mlp", "--steps", "1"]
    assert main([*asked, "--upsampling", "transposed", "--out", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err.endswith("the MLP has no use for it; leave --upsampling away.\n")


def test_two_runs_do_not_differ_in_what_has_no_effect() -> None:
    config = TrainConfig(network=NetworkConfig("mlp", 28, 1, z_dim=8))
    with pytest.raises(GanError, match="MLP has no use for upsampling"):
        changed(config, "upsampling", "transposed", "classes")
    assert changed(config, "output", "linear", "classes").network.output == "linear"


def test_a_config_from_before_the_switches_is_what_it_was() -> None:
    document = to_mapping(TrainConfig())
    for name in ("designed_norm", "activation", "critic_activation", "output"):
        document["network"].pop(name)
    assert from_mapping(TrainConfig, document) == TrainConfig()
