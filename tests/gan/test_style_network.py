"""The style-based network: its equations beside others that say the same, and how it trains and resumes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import conv2d

from checkpoints import store
from gan.checkpoint import load_run, save_run
from gan.config import NetworkConfig, TrainConfig, preset_config
from gan.datasets import open_dataset
from gan.latent import latents
from gan.networks import build_generator
from gan.networks.style import Centred, Normalised, StyledConvolution, StyledGenerator
from gan.state import fitted, new_state
from gan.training import train

TINY = NetworkConfig("style", 28, 1, 12, width=4)


@pytest.mark.parametrize(("kernel", "side"), [(3, 8), (1, 0)])
def test_scaling_activations_is_a_convolution_of_modulated_weights(kernel: int, side: int) -> None:
    torch.manual_seed(0)
    layer = StyledConvolution(5, 6, 7, kernel, side).double()
    x, w = torch.randn(4, 6, 8, 8).double(), torch.randn(4, 5).double()
    for picture, style, drawn in zip(x, w, layer(x, w), strict=True):
        scale = layer.style @ style + layer.style_bias
        weight = layer.weight * scale[None, :, None, None]
        if side:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = conv2d(picture[None], weight, layer.bias, padding=kernel // 2)[0]
        if side:
            expected += torch.einsum("om,mhw->ohw", layer.strength, layer.maps)
        torch.testing.assert_close(drawn, expected)


def test_a_demodulated_layer_keeps_the_spread_whatever_the_style() -> None:
    torch.manual_seed(1)
    layer = StyledConvolution(5, 32, 16, 3, 24)
    layer.requires_grad_(False).strength.zero_()
    x = torch.randn(8, 32, 24, 24)
    for size in (0.1, 1.0, 10.0):
        inside = layer(x, size * torch.randn(8, 5))[:, :, 1:-1, 1:-1]
        assert float(inside.std()) == pytest.approx(1.0, abs=0.1)


def test_free_numbers_get_one_length_and_what_is_told_stays() -> None:
    x = torch.randn(9, 10, dtype=torch.float64) * 5
    y = Normalised(3, 5)(x)
    torch.testing.assert_close(y[:, 3:8].square().mean(1), torch.ones(9).double(), atol=1e-6, rtol=0)
    assert torch.equal(y[:, :3], x[:, :3])
    assert torch.equal(y[:, 8:], x[:, 8:])
    torch.testing.assert_close(Normalised(3, 5)(7 * x)[:, 3:8], y[:, 3:8])


def test_w_is_centred_while_training_and_stays_where_it_was_put() -> None:
    torch.manual_seed(2)
    centred, middle = Centred(6), torch.tensor([3.0, -2, 0, 1, 5, -7])
    for _ in range(300):
        w = centred(4 * torch.randn(64, 6) + middle)
    torch.testing.assert_close(centred.mean, middle, atol=0.3, rtol=0)
    assert float(centred.spread) == pytest.approx(4, abs=0.2)
    assert w.std() == pytest.approx(1, abs=0.15)
    before = centred.mean.clone()
    assert torch.equal(centred.eval()(middle[None] + 400), (middle[None] + 400 - before) / centred.spread)
    assert torch.equal(centred.mean, before)


def test_styles_of_all_layers_draw_what_their_z_draws() -> None:
    network = build_generator(TINY).eval()
    assert isinstance(network, StyledGenerator)
    z = latents(range(3), 12)
    styles = network.point(z)
    assert styles.shape == (3, 12 * len(network.sides))
    torch.testing.assert_close(network(styles), network(z))
    torch.testing.assert_close(network.point(z, truncation=0.5), styles / 2)
    torch.testing.assert_close(network.point(styles, truncation=0.5), styles / 2)
    assert not torch.allclose(network(network.point(z, truncation=0)), network(z))


def test_every_layer_has_a_style_of_its_own_that_shows() -> None:
    torch.manual_seed(3)
    network = build_generator(TINY).eval()
    styles = network.point(latents([1], 12))
    drawn = network(styles)
    for layer in range(len(network.sides)):
        other = styles.clone()
        other[:, 12 * layer : 12 * (layer + 1)] += 1
        assert (network(other) - drawn).abs().max() > 1e-4


@pytest.mark.parametrize("data", ["fashion", "cats"])
def test_the_recipe_trains_for_two_steps_and_resumes_as_if_it_had_never_stopped(
    data: str, tmp_path: Path
) -> None:
    dataset = open_dataset(data, 32 if data == "cats" else None, limit=64)
    config = preset_config("style-based", dataset.labels_tell)
    network = NetworkConfig("style", z_dim=72, width=4, spectral=config.network.spectral)
    config = fitted(
        TrainConfig(**{**config.__dict__, "network": network, "seconds": 0, "steps": 4, "batch": 8}), dataset
    )
    whole, half = new_state(config), new_state(config)
    before = [parameter.clone() for parameter in whole.generator.parameters()]
    for _ in train(config, dataset, whole):
        pass
    moved = [bool((a != b).any()) for a, b in zip(before, whole.generator.parameters(), strict=True)]
    assert all(moved), "some of its numbers do not learn"
    run = train(config, dataset, half, every=0)
    while half.step < 2:
        next(run)
    run.close()
    saved = save_run(tmp_path / "run", config, half, dataset, "Styles")
    config, half = load_run(store.read(saved.folder))
    for _ in train(config, dataset, half):
        pass
    for ours, theirs in ((half.generator, whole.generator), (half.average, whole.average)):
        for name, value in ours.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name
