"""The lesson's first GAN: fully connected layers only (microsoft/AI-For-Beginners, GANPyTorch)."""

from __future__ import annotations

from torch import nn

from gan.config import NetworkConfig
from gan.networks.parts import Discriminator, Generator, Reshape, ending, rectifier

GENERATOR_WIDTHS = (256, 512, 1024)
DISCRIMINATOR_WIDTHS = (512, 256)


def _hidden(inputs: int, outputs: int, config: NetworkConfig) -> nn.Sequential:
    norm = [nn.BatchNorm1d(outputs, momentum=0.2)] if config.designed_norm else []
    return nn.Sequential(nn.Linear(inputs, outputs), *norm, rectifier(config.activation))


def generator(config: NetworkConfig) -> Generator:
    """z -> 256 -> 512 -> 1024 -> pixels, batch norm and LeakyReLU between, tanh at the end."""
    first, *rest = GENERATOR_WIDTHS
    pixels = config.channels * config.resolution**2
    layers: list[nn.Module] = [
        _hidden(a, b, config) for a, b in zip(GENERATOR_WIDTHS[:-1], rest, strict=True)
    ]  # fmt: skip
    layers += [nn.Linear(rest[-1], pixels), ending(config)]
    layers += [Reshape(config.channels, config.resolution, config.resolution)]
    stem = _hidden(config.z_dim + config.classes, first, config)
    return Generator(config, stem, nn.Sequential(*layers))


def discriminator(config: NetworkConfig) -> Discriminator:
    """pixels -> 512 -> 256 -> logit, LeakyReLU between."""
    pixels = config.channels * config.resolution**2
    first, second = DISCRIMINATOR_WIDTHS
    features = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, first),
        rectifier(config.critic_activation),
        nn.Linear(first, second),
        *([nn.BatchNorm1d(second)] if config.batch_norm else []),
        rectifier(config.critic_activation),
    )
    projection = nn.Embedding(config.classes, second) if config.classes else None
    return Discriminator(features, nn.Linear(second, 1), projection)
