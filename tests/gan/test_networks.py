from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from gan.config import ARCHITECTURES, OWN_ARCHITECTURES, RESOLUTIONS, NetworkConfig
from gan.networks import build_discriminator, build_generator
from gan.networks.parts import count_parameters

LESSON_SIZE = NetworkConfig(resolution=28, channels=1, z_dim=100)


def test_the_dcgan_has_the_lessons_parameters() -> None:
    config = replace(LESSON_SIZE, architecture="dcgan")
    assert count_parameters(build_generator(config)) == 600_512
    assert count_parameters(build_discriminator(config)) == 661_248


def test_the_mlp_has_the_lessons_parameters() -> None:
    config = replace(LESSON_SIZE, architecture="mlp")
    linear_g = [(100, 256), (256, 512), (512, 1024), (1024, 784)]
    norms = 2 * (256 + 512 + 1024)
    expected = sum(a * b + b for a, b in linear_g) + norms
    assert count_parameters(build_generator(config)) == expected == 1_489_936
    linear_d = [(784, 512), (512, 256), (256, 1)]
    assert count_parameters(build_discriminator(config)) == sum(a * b + b for a, b in linear_d) == 533_505


def sides(network: nn.Module, *inputs: torch.Tensor) -> Iterator[int]:
    """Side lengths after each convolution."""
    found: list[int] = []
    for part in network.modules():
        if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
            part.register_forward_hook(lambda _, __, output: found.append(output.shape[-1]))
    network(*inputs)
    yield from found


def test_the_dcgan_grows_and_shrinks_as_in_the_lesson() -> None:
    config = replace(LESSON_SIZE, architecture="dcgan")
    assert list(sides(build_generator(config), torch.randn(2, 100))) == [3, 7, 15, 28]
    assert list(sides(build_discriminator(config), torch.randn(2, 1, 28, 28))) == [14, 7, 3, 1]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize(("channels", "classes"), [(1, 10), (3, 0)])
def test_shapes(architecture: str, resolution: int, channels: int, classes: int) -> None:
    config = NetworkConfig(architecture, resolution, channels, z_dim=12, width=8, classes=classes)
    labels = torch.tensor([0, 1, 1]) if classes else None
    pictures = build_generator(config)(torch.randn(3, 12), labels)
    assert pictures.shape == (3, channels, resolution, resolution)
    assert pictures.abs().max() <= 1
    logits = build_discriminator(config)(pictures, labels)
    assert logits.shape == (3,)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_class_changes_picture_and_logit(architecture: str) -> None:
    config = NetworkConfig(architecture, 28, 1, z_dim=8, width=8, classes=3)
    generator, discriminator = build_generator(config).eval(), build_discriminator(config).eval()
    z = torch.randn(1, 8).expand(2, -1)
    with torch.no_grad():
        pictures = generator(z, torch.tensor([0, 2]))
        logits = discriminator(pictures[:1].expand(2, -1, -1, -1), torch.tensor([0, 2]))
    assert not torch.equal(pictures[0], pictures[1])
    assert logits[0] != logits[1]


@pytest.mark.parametrize("architecture", OWN_ARCHITECTURES)
@pytest.mark.parametrize("told", [{"classes": 3}, {"attributes": (2, 4)}])
def test_what_a_discriminator_names_is_what_its_labels_add(architecture: str, told: dict[str, Any]) -> None:
    network = build_discriminator(
        NetworkConfig(architecture, 28, 1, z_dim=8, width=8, gain=2.0, **told)
    ).eval()
    pictures = torch.randn(3, 1, 28, 28)
    sizes = told.get("attributes", (3,))
    with torch.no_grad():
        zeros = torch.zeros(3, len(sizes), dtype=torch.int64)
        logits, scores = network(pictures, zeros.squeeze(1), named=True)
        assert [tuple(s.shape) for s in scores] == [(3, size) for size in sizes]
        for column, size in enumerate(sizes):
            for value in range(size):
                labels = zeros.clone()
                labels[:, column] = value
                added = network(pictures, labels.squeeze(1)) - logits
                torch.testing.assert_close(added, scores[column][:, value] - scores[column][:, 0])


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_a_conditional_network_asks_for_its_class(build: type) -> None:
    config = NetworkConfig("compact", 28, 1, z_dim=8, width=8, classes=3)
    inputs = torch.randn(2, 8) if build is build_generator else torch.randn(2, 1, 28, 28)
    with pytest.raises(ValueError, match="class"):
        build(config)(inputs)


def test_the_compact_discriminator_judges_each_picture_alone() -> None:
    discriminator = build_discriminator(NetworkConfig("compact", 32, 3, width=8))
    pictures = torch.randn(4, 3, 32, 32)
    together = discriminator(pictures)
    alone = torch.cat([discriminator(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, alone)


def test_spectral_normalisation_bounds_every_layer() -> None:
    config = NetworkConfig("compact", 28, 1, width=8, spectral=True)
    discriminator = build_discriminator(config).train()
    for _ in range(30):
        discriminator(torch.randn(2, 1, 28, 28))
    layers = [p for p in discriminator.modules() if isinstance(p, (nn.Conv2d, nn.Linear))]
    norms = [torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() for layer in layers]
    assert norms == pytest.approx([1.0] * len(layers), rel=0.02)


def test_the_dcgan_starts_from_narrow_normal_weights() -> None:
    weights = [p.weight for p in build_generator(LESSON_SIZE_DCGAN).modules() if hasattr(p, "weight")]
    convolutions = [w for w in weights if w.ndim == 4]
    assert all(w.std().item() == pytest.approx(0.02, rel=0.2) for w in convolutions if w.numel() > 1000)


LESSON_SIZE_DCGAN = replace(LESSON_SIZE, architecture="dcgan")


def kinds_of(network: nn.Module) -> set[str]:
    """The kinds of all its parts."""
    return {type(part).__name__ for part in network.modules()}


@pytest.mark.parametrize("architecture", ["compact", "swift", "dcgan", "mlp"])
def test_norm_activation_and_end_can_be_switched(architecture: str) -> None:
    designed = NetworkConfig(architecture, 28, 1, z_dim=8, width=8)
    other = {"leaky-relu": "relu", "relu": "leaky-relu"}["relu" if architecture == "dcgan" else "leaky-relu"]
    switched = replace(
        designed, designed_norm=False, activation=other, critic_activation="relu", output="linear"
    )
    norms, rectifiers = {"BatchNorm1d", "BatchNorm2d"}, {"relu": "ReLU", "leaky-relu": "LeakyReLU"}
    before, after = kinds_of(build_generator(designed)), kinds_of(build_generator(switched))
    assert before & norms
    assert not after & norms
    assert after & set(rectifiers.values()) == {rectifiers[other]}
    assert before & set(rectifiers.values()) == set(rectifiers.values()) - {rectifiers[other]}
    judge = build_discriminator(switched)
    assert kinds_of(judge) & (norms | set(rectifiers.values())) == {"ReLU"}
    generator = build_generator(switched)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(20)
    pictures = generator(torch.randn(4, 8))
    assert pictures.abs().max() > 1
    assert judge(pictures).shape == (4,)


def test_the_mlps_discriminator_can_compare_the_pictures_of_a_batch() -> None:
    config = NetworkConfig("mlp", 28, 1, z_dim=8)
    assert "BatchNorm1d" not in kinds_of(build_discriminator(config))
    judge = build_discriminator(replace(config, batch_norm=True))
    pictures = torch.randn(4, 1, 28, 28)
    assert not torch.allclose(judge(pictures)[:2], judge(pictures[:2]))
