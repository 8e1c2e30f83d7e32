"""The encoder against a plain reading of its architecture."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from style.encoder import LAYERS, WEIGHTS, load_encoder, preprocess
from style.errors import StyleError
from style.machine import fastest_type

PICTURE = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))


def test_preprocessing_is_caffes() -> None:
    red = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1)
    assert torch.allclose(
        preprocess(red).flatten(), torch.tensor([127.5 - 103.939, -116.779, 255 - 123.68]), atol=1e-4
    )


def test_first_block_matches_plain_convolutions() -> None:
    weights = {name: tensor.float() for name, tensor in load_file(WEIGHTS).items()}
    hidden = F.relu(
        F.conv2d(preprocess(PICTURE), weights["conv1_1.weight"], weights["conv1_1.bias"], padding=1)
    )
    found = load_encoder().features(PICTURE, ["relu1_1", "relu2_1"])
    assert torch.allclose(found["relu1_1"], hidden, atol=1e-3)
    hidden = F.relu(F.conv2d(hidden, weights["conv1_2.weight"], weights["conv1_2.bias"], padding=1))
    hidden = F.max_pool2d(hidden, 2)
    hidden = F.relu(F.conv2d(hidden, weights["conv2_1.weight"], weights["conv2_1.bias"], padding=1))
    assert torch.allclose(found["relu2_1"], hidden, atol=1e-2)


def test_shapes_of_all_layers() -> None:
    found = load_encoder().features(PICTURE, LAYERS)
    channels = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}
    for layer, tensor in found.items():
        block = layer[4]
        shrink = 2 ** (int(block) - 1)
        assert tensor.shape == (1, channels[block], 40 // shrink, 56 // shrink)
        assert tensor.min() >= 0
        assert tensor.std() > 0
    assert set(found) == set(LAYERS)


def test_it_stops_at_the_deepest_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder()
    seen: list[str] = []
    convolve = encoder._convolve

    def count(hidden: torch.Tensor, name: str) -> torch.Tensor:
        seen.append(name)
        return convolve(hidden, name)

    monkeypatch.setattr(encoder, "_convolve", count)
    encoder.features(PICTURE, ["relu2_1"])
    assert seen == ["1_1", "1_2", "2_1"]


def test_padding_differs_at_the_border_alone() -> None:
    zeros = load_encoder("zeros").features(PICTURE, ["relu1_1"])["relu1_1"]
    replicate = load_encoder("replicate").features(PICTURE, ["relu1_1"])["relu1_1"]
    assert torch.allclose(zeros[..., 1:-1, 1:-1], replicate[..., 1:-1, 1:-1], atol=1e-3)
    assert (zeros - replicate)[..., 0, :].abs().max() > 1


def test_shared_frozen_and_differentiable() -> None:
    assert load_encoder("zeros") is load_encoder("zeros")
    picture = PICTURE.clone().requires_grad_()
    features = load_encoder().features(picture, ["relu1_2"])["relu1_2"]
    (gradient,) = torch.autograd.grad(features.mean(), picture)
    assert gradient.abs().max() > 0
    assert all(not tensor.requires_grad for tensor in load_encoder()._weights.values())


def test_half_precision_is_close() -> None:
    exact = load_encoder().features(PICTURE, ["relu3_1"])["relu3_1"]
    half = load_encoder("zeros", torch.bfloat16).features(PICTURE, ["relu3_1"])["relu3_1"].float()
    assert (half - exact).norm() / exact.norm() < 0.05
    assert fastest_type() in (torch.float32, torch.bfloat16)


def test_unknown_layer_is_refused() -> None:
    with pytest.raises(StyleError, match="relu9_9"):
        load_encoder().features(PICTURE, ["relu9_9"])


def test_whoever_loads_it_first_leaves_it_fit_for_painting() -> None:
    load_encoder.cache_clear()
    with torch.inference_mode():
        encoder = load_encoder()
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(encoder.features(picture, ["relu1_2"])["relu1_2"].sum(), picture)
    assert gradient.abs().sum() > 0
