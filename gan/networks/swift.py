"""The pair for a first picture within seconds: as few layers as there can be, and none at full resolution.

Generator: bilinear doubling and 3x3 convolutions up to half the picture's side, then one convolution to the
four sub-pixels of every place (Shi et al. 2016, arXiv 1609.05158). A convolution on half the side costs a
quarter, and at this size a step is mostly overhead, so every layer that is left out counts.
Discriminator: that of the compact pair.
"""

from __future__ import annotations

from itertools import pairwise
from math import log2

from torch import nn

from gan.config import NetworkConfig
from gan.networks import compact
from gan.networks.parts import Generator, Reshape, ending, rectifier, stem_inputs

discriminator = compact.discriminator


def _up(inputs: int, outputs: int, config: NetworkConfig) -> list[nn.Module]:
    bias = not config.designed_norm
    if config.upsampling == "transposed":
        doubled: list[nn.Module] = [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)]
    else:
        doubled = [
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=bias),
        ]
    norm = [nn.BatchNorm2d(outputs)] if config.designed_norm else []
    return [*doubled, *norm, rectifier(config.activation)]


def generator(config: NetworkConfig) -> Generator:
    """Linear to the smallest grid (4x4, or 7x7 for 28 px), doublings to half the side, sub-pixels, tanh."""
    base = 7 if config.resolution == 28 else 4
    doublings = int(log2(config.resolution // 2 // base))
    widths = [config.width * 2 ** (doublings - level) for level in range(doublings + 1)]
    stem = nn.Sequential(
        nn.Linear(stem_inputs(config), widths[0] * base * base),
        Reshape(widths[0], base, base),
        *([nn.BatchNorm2d(widths[0])] if config.designed_norm else []),
        rectifier(config.activation),
    )
    layers = [part for a, b in pairwise(widths) for part in _up(a, b, config)]
    end = [nn.Conv2d(widths[-1], 4 * config.channels, 3, 1, 1), nn.PixelShuffle(2), ending(config)]
    return Generator(config, stem, nn.Sequential(*layers, *end))
