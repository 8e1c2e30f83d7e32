"""A small convolutional pair that learns in minutes on two cores.

Generator: 3x3 convolutions on a grid that doubles by bilinear interpolation, and at every size a 1x1
convolution to colour whose result is enlarged and added up (skips to colour as in Karras et al. 2020, arXiv
1912.04958). Smooth areas then cost nothing to learn, and no speckle of transposed convolutions is left.
Discriminator: strided 4x4 convolutions, by default without norm layers, because a norm couples the pictures
of a batch and would break the penalty on each one's gradient.
"""

from __future__ import annotations

from itertools import pairwise
from math import log2

from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.parametrizations import spectral_norm

from gan.config import NetworkConfig
from gan.networks.parts import (
    AttributeEmbedding,
    Discriminator,
    Generator,
    Reshape,
    ending,
    rectifier,
    stem_inputs,
    told_vectors,
)


def widths_of(config: NetworkConfig, width: int) -> tuple[int, list[int]]:
    """Side of the smallest grid, and the channels of every grid from the smallest to the picture's own."""
    base = 7 if config.resolution == 28 else 4
    doublings = int(log2(config.resolution // base))
    inner = [width * min(8, 2 ** (doublings - 1 - level)) for level in range(doublings)]
    return base, [*inner, max(8, width // 2)]


def _convolution(inputs: int, outputs: int, config: NetworkConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, 1, 1, bias=not config.designed_norm),
        *([nn.BatchNorm2d(outputs)] if config.designed_norm else []),
        rectifier(config.activation),
    )


def _twice(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class ColourSkips(nn.Module):
    """From the smallest grid `[N, widths[0], s, s]` to a picture `[N, C, s 2^k, s 2^k]`."""

    def __init__(self, widths: list[int], config: NetworkConfig) -> None:
        super().__init__()
        channels = config.channels
        self.grow = nn.ModuleList(_convolution(a, b, config) for a, b in pairwise(widths))
        self.colour = nn.ModuleList(nn.Conv2d(b, channels, 1) for b in widths[1:])
        self.finish = _convolution(widths[-1], widths[-1], config)
        self.detail = nn.Conv2d(widths[-1], channels, 3, 1, 1)
        for layer in (*self.colour, self.detail):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        # Colours are always enlarged smoothly; what they are made of may be enlarged by convolutions.
        by_convolution = config.upsampling == "transposed"
        kinds = [nn.ConvTranspose2d(b, b, 4, 2, 1) for b in widths[1:]] if by_convolution else []
        self.enlarge = nn.ModuleList(kinds)
        self.end = ending(config)

    def forward(self, x: Tensor) -> Tensor:
        picture: Tensor | None = None
        for level, (grow, colour) in enumerate(zip(self.grow, self.colour, strict=True)):
            x = grow(x)
            added = colour(x) if picture is None else picture + colour(x)
            x, picture = self.enlarge[level](x) if self.enlarge else _twice(x), _twice(added)
        assert picture is not None
        return self.end(picture + self.detail(self.finish(x)))


def generator(config: NetworkConfig) -> Generator:
    """Linear to the smallest grid (4x4, or 7x7 for 28 px), then `ColourSkips`."""
    base, widths = widths_of(config, config.width)
    stem = nn.Sequential(
        nn.Linear(stem_inputs(config), widths[0] * base * base),
        Reshape(widths[0], base, base),
        *([nn.BatchNorm2d(widths[0])] if config.designed_norm else []),
        rectifier(config.activation),
    )
    return Generator(config, stem, ColourSkips(widths, config))


def discriminator(config: NetworkConfig) -> Discriminator:
    """Strided 4x4 convolutions down to the smallest grid, one linear logit."""
    base, widths = widths_of(config, config.critic_width or config.width)
    widths = [config.channels, *reversed(widths[:-1])]
    constrain = spectral_norm if config.spectral else lambda module: module
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers.append(constrain(nn.Conv2d(a, b, 4, 2, 1)))
        if config.batch_norm and len(layers) > 1:  # the first sees the pictures as they are
            layers.append(nn.BatchNorm2d(b))
        layers.append(rectifier(config.critic_activation))
    size = widths[-1] * base * base
    head = nn.Sequential(nn.Flatten(), constrain(nn.Linear(size, 1)))
    projection: nn.Module | None = constrain(told_vectors(config.classes, size)) if config.classes else None
    if config.attributes:
        projection = AttributeEmbedding(config.attributes, size)
        constrain(projection.values)
    return Discriminator(nn.Sequential(*layers), head, projection, config.gain)
