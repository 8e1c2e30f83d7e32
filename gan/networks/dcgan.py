"""The lesson's DCGAN, layer for layer at 28 px (microsoft/AI-For-Beginners, GANPyTorch).

At 32 and 64 px, where the lesson has no network, it keeps the same rules (batch norm, ReLU and LeakyReLU,
N(0, 0.02), strided convolutions of 4x4) with as many layers as the size asks for, after Radford et al. 2015
(arXiv 1511.06434).
"""

from __future__ import annotations

from itertools import pairwise
from math import log2

from torch import nn

from gan.config import NetworkConfig
from gan.networks.parts import Discriminator, Generator, Reshape, ending, initialise_normal, rectifier

WIDTHS = (256, 128, 64)


def _up(
    config: NetworkConfig, inputs: int, outputs: int, kernel: int, stride: int, padding: int
) -> list[nn.Module]:
    norm = [nn.BatchNorm2d(outputs)] if config.designed_norm else []
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=not norm)
    return [convolution, *norm, rectifier(config.activation, designed="relu")]


def _down(config: NetworkConfig, inputs: int, outputs: int, first: bool = False) -> list[nn.Module]:
    norm = [nn.BatchNorm2d(outputs)] if config.designed_norm and not first else []
    convolution = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not (norm or first))
    return [convolution, *norm, rectifier(config.critic_activation)]


def _doublings(config: NetworkConfig) -> int:
    return int(log2(config.resolution // 4))


def generator(config: NetworkConfig) -> Generator:
    """Transposed convolutions: 3, 7, 15, 28 px in the lesson; 4, 8, ... px at powers of two; tanh."""
    inputs = config.z_dim + config.classes
    first, second, third = WIDTHS
    if config.resolution == 28:
        stem = nn.Sequential(Reshape(inputs, 1, 1), *_up(config, inputs, first, 3, 2, 0))
        last = nn.ConvTranspose2d(third, config.channels, 3, 2, 2, output_padding=1, bias=False)
        layers = [*_up(config, first, second, 3, 2, 0), *_up(config, second, third, 3, 2, 0)]
    else:
        widths = [max(32, first >> level) for level in range(_doublings(config))]
        stem = nn.Sequential(Reshape(inputs, 1, 1), *_up(config, inputs, widths[0], 4, 1, 0))
        layers = [part for a, b in pairwise(widths) for part in _up(config, a, b, 4, 2, 1)]
        last = nn.ConvTranspose2d(widths[-1], config.channels, 4, 2, 1, bias=False)
    network = Generator(config, stem, nn.Sequential(*layers, last, ending(config)))
    initialise_normal(network)
    return network


def discriminator(config: NetworkConfig) -> Discriminator:
    """Strided 4x4 convolutions, batch norm from the second: 14, 7, 3, 1 px in the lesson."""
    if config.resolution == 28:
        widths, head_stride, head_padding, last_side = list(reversed(WIDTHS)), 2, 1, 3
    else:
        widths = [max(32, WIDTHS[0] >> level) for level in reversed(range(_doublings(config)))]
        head_stride, head_padding, last_side = 1, 0, 4
    layers = _down(config, config.channels, widths[0], first=True)
    for a, b in pairwise(widths):
        layers += _down(config, a, b)
    head = nn.Conv2d(widths[-1], 1, 4, head_stride, head_padding, bias=False)
    projection = nn.Embedding(config.classes, widths[-1] * last_side**2) if config.classes else None
    network = Discriminator(nn.Sequential(*layers), head, projection)
    initialise_normal(network)
    return network
