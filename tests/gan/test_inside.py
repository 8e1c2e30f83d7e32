from __future__ import annotations

from pathlib import Path

import pytest
import torch
from explorer_helpers import cats_in, fashion_in

from gan.config import ARCHITECTURES, NetworkConfig
from gan.errors import GanError
from gan.inside import (
    activations,
    compare,
    discriminator_layers,
    generator_layers,
    generator_maps,
    maps_sheet,
)
from gan.latent import latents
from gan.model import Model, load, load_reference
from gan.networks import build_discriminator, build_generator
from gan.networks.parts import count_parameters


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    home: Path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return {
            "small": load_reference(fashion_in(home)),
            "other": load_reference(cats_in(home)),
            "cats": load("cats"),
            "fashion": load("fashion"),
        }


@pytest.mark.parametrize("name", ["small", "other", "cats", "fashion"])
def test_all_parameters_are_in_a_layer_and_the_last_layer_gives_the_picture(
    name: str, models: dict[str, Model]
) -> None:
    model = models[name]
    layers = generator_layers(model)
    assert sum(layer.parameters for layer in layers) == count_parameters(model.generator)
    assert layers[-1].shape[-1] == model.config.resolution
    critic = discriminator_layers(model)
    assert model.discriminator is not None
    assert sum(layer.parameters for layer in critic) == count_parameters(model.discriminator)
    assert all(layer.kind and not layer.kind.startswith("Parametrized") for layer in (*layers, *critic))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_can_be_looked_into(architecture: str) -> None:
    config = NetworkConfig(architecture=architecture, resolution=32, z_dim=12, width=8)
    generator, critic = build_generator(config).eval(), build_discriminator(config).eval()
    found = activations(generator, latents([1], 12), None)
    assert {maps.layer.does != "" for maps in found} == {True}
    assert activations(critic, torch.zeros(1, 3, 32, 32), None)


def test_maps_are_what_passes_through_the_layers(models: dict[str, Model]) -> None:
    model = models["small"]
    z = latents([3], 16)
    labels = torch.tensor([4])
    maps = list(generator_maps(model, z, labels))
    assert [m.layer.shape for m in maps] == [tuple(m.activations.shape) for m in maps]
    with torch.inference_mode():
        stem = model.generator.first_layer(z, labels)
    torch.testing.assert_close(
        next(m for m in maps if m.layer.name == "stem.3").activations.flatten(), stem[0]
    )


def test_nothing_stays_hooked_to_the_shared_network(models: dict[str, Model]) -> None:
    model = models["small"]
    list(generator_maps(model, latents([3], 16)))
    assert not any(module._forward_hooks for module in model.generator.modules())


def test_a_sheet_shows_each_channel_from_its_least_to_its_most(models: dict[str, Model]) -> None:
    maps = next(generator_maps(models["cats"], latents([3], 72)))
    sheet = maps_sheet(maps)
    assert sheet.shape == (64, 1, 4, 4)
    torch.testing.assert_close(sheet.amin((1, 2, 3)), torch.full((64,), -1.0))
    assert float(sheet.max()) <= 1
    flat = activations(models["cats"].generator, latents([3], 72), None)[0]
    with pytest.raises(GanError, match="no grid"):
        maps_sheet(flat)


def test_one_picture_at_a_time(models: dict[str, Model]) -> None:
    with pytest.raises(GanError, match="one picture"):
        activations(models["other"].generator, latents([1, 2], 16), None)


def test_two_checkpoints_are_compared_at_the_same_seeds(models: dict[str, Model]) -> None:
    same = compare(models["other"], models["other"], [1, 2])
    assert not same.difference.any()
    assert same.same_latent
    mixed = compare(models["small"], models["other"], [1, 2, 3])
    assert mixed.first.shape == mixed.second.shape == (3, 3, 32, 32)
    assert (mixed.difference > 0).all()
    sheet = mixed.sheet()
    assert torch.equal(sheet[0], mixed.first[0])
    assert torch.equal(sheet[1], mixed.second[0])
