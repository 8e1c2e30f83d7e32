"""A pair that begins with pictures of 4x4 pixels and grows: Karras et al. 2017 (arXiv 1710.10196).

Coarse pictures have few pixels, so their game is easy and quick; each doubling adds a layer to both players
and is faded in, so that nothing that was learned is upset. Equalised learning rate, pixel norm and minibatch
standard deviation as in the paper; one convolution a grid where it has two, and small widths, for two cores.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan.config import NetworkConfig
from gan.growth import Growth, grown_after, growth_at
from gan.networks.equalised import (
    EqualConv2d,
    EqualLinear,
    MinibatchDeviation,
    enlarged,
    grids,
    halved,
    looking,
    painting,
    projection_of,
    stem_of,
)
from gan.networks.parts import Discriminator, Generator

# Thousandths of a doubling in one step: a scale is faded in over 20 steps at least.
FASTEST = 50


class _Growing(nn.Module):
    """Remembers how far it has grown among its buffers, so that a saved run goes on where it was."""

    grown: Tensor

    def remember_growth(self, sides: list[int]) -> None:
        """Begin with the first of these sides."""
        self.sides = sides
        # A whole number: the averaged generator copies it instead of averaging.
        self.register_buffer("grown", torch.zeros((), dtype=torch.int64))

    def grow(self, progress: float, share: float) -> None:
        """Grow as `grown_after` says, but not by leaps where a shorter run goes on, and never smaller."""
        wanted = grown_after(progress, share, len(self.sides))
        self.grown.clamp_(min=min(wanted, int(self.grown) + FASTEST) if share else wanted)

    @property
    def growth(self) -> Growth:
        """The present level and how far it is faded in."""
        return growth_at(int(self.grown), self.sides[0])


class GrowingColours(_Growing):
    """From the smallest grid `[N, widths[0], s, s]` to a picture `[N, C, s 2^l, s 2^l]` of level l.

    While a level is faded in, the picture is alpha times its own and 1 - alpha times the enlarged one of the
    level below.
    """

    def __init__(self, sides: list[int], widths: list[int], channels: int) -> None:
        super().__init__()
        grow = [painting(widths[0], widths[0])]
        self.grow_by = nn.ModuleList([*grow, *(painting(a, b) for a, b in pairwise(widths))])
        self.colour = nn.ModuleList(EqualConv2d(b, channels, 1, gain=1.0) for b in widths)
        self.remember_growth(sides)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in (-1, 1)."""
        growth, below = self.growth, x
        for level in range(growth.level + 1):
            below = x
            x = self.grow_by[level](enlarged(x, 2 * x.shape[-1]) if level else x)
        picture = torch.tanh(self.colour[growth.level](x))
        if growth.alpha == 1:
            return picture
        before = torch.tanh(self.colour[growth.level - 1](below))
        return torch.lerp(enlarged(before, picture.shape[-1]), picture, growth.alpha)


class ProgressiveGenerator(Generator):
    """Draws at its full size always, and presents the pixels that it has grown."""

    body: GrowingColours
    several_scales = True

    def __init__(self, config: NetworkConfig, stem: nn.Module, body: GrowingColours) -> None:
        super().__init__(config, stem, body)
        self.side = config.resolution

    def draw(self, code: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures `[N, C, H, W]` of the present scale, each pixel enlarged to a square."""
        return enlarged(super().draw(code, labels), self.side)

    def presented(self, code: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures `[N, C, s, s]` of the present scale."""
        return super().draw(code, labels)

    def scales(self, code: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """The pictures of the present scale alone: those below it are left behind."""
        return [self.presented(code, labels)]

    def grow(self, progress: float, share: float) -> None:
        self.body.grow(progress, share)

    @property
    def growth(self) -> Growth:
        return self.body.growth


class _Level(nn.Module):
    """One level of the discriminator: colours to features of its grid, and features to those of the next."""

    def __init__(self, channels: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.colour = looking(channels, inputs, 1)
        self.halve = looking(inputs, outputs, 4, 2)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, 2h, 2w]` to `[N, outputs, h, w]`."""
        return self.halve(x)


class GrowingFeatures(nn.Sequential, _Growing):
    """Pictures to features of the smallest grid, beginning at the present level; the finest one comes first.

    Pictures larger than that are reduced first, and the fade is that of `GrowingColours`.
    """

    def __init__(self, sides: list[int], widths: list[int], channels: int) -> None:
        finest_first = [_Level(channels, b, a) for a, b in reversed(list(pairwise(widths)))]
        first = looking(channels, widths[0], 1)
        last = looking(widths[0] + 1, widths[0])
        super().__init__(*finest_first, first, MinibatchDeviation(), last)
        self.levels = len(finest_first)
        self.remember_growth(sides)

    def forward(self, pictures: Tensor) -> Tensor:
        """`[N, C, H, W]` to `[N, features, s, s]`."""
        growth = self.growth
        if pictures.shape[-1] > growth.side:
            pictures = self.reduced(pictures)
        x = self._colour(growth.level, pictures)
        for level in range(growth.level, 0, -1):
            x = self[self.levels - level](x)
            if level == growth.level and growth.alpha < 1:
                x = torch.lerp(self._colour(level - 1, halved(pictures)), x, growth.alpha)
        for layer in list(self)[self.levels + 1 :]:
            x = layer(x)
        return x

    def _colour(self, level: int, pictures: Tensor) -> Tensor:
        layer = self[self.levels - level]
        return layer.colour(pictures) if isinstance(layer, _Level) else layer(pictures)

    def reduced(self, pictures: Tensor) -> Tensor:
        """Full pictures `[N, C, H, W]` at the present scale, blended as the generated ones are."""
        growth = self.growth
        while pictures.shape[-1] > growth.side:
            pictures = halved(pictures)
        if growth.alpha == 1:
            return pictures
        return torch.lerp(enlarged(halved(pictures), pictures.shape[-1]), pictures, growth.alpha)


class ProgressiveDiscriminator(Discriminator):
    """Judges pictures at the scale that it has grown to."""

    features: GrowingFeatures

    def presented(self, real: Tensor) -> Tensor:
        """Real pictures `[N, C, s, s]` at the present scale; while it is faded in, they are, too."""
        return self.features.reduced(real)

    def grow(self, progress: float, share: float) -> None:
        self.features.grow(progress, share)


def generator(config: NetworkConfig) -> ProgressiveGenerator:
    """Linear to the smallest grid, then `GrowingColours`; as built it draws the smallest scale."""
    sides, widths = grids(config, config.width)
    stem = stem_of(config, sides[0], widths[0])
    return ProgressiveGenerator(config, stem, GrowingColours(sides, widths, config.channels))


def discriminator(config: NetworkConfig) -> ProgressiveDiscriminator:
    """`GrowingFeatures`, one linear logit, and where it is told labels a projection."""
    sides, widths = grids(config, config.critic_width or config.width)
    size = widths[0] * sides[0] ** 2
    head = nn.Sequential(nn.Flatten(), EqualLinear(size, 1, gain=1.0))
    features = GrowingFeatures(sides, widths, config.channels)
    return ProgressiveDiscriminator(features, head, projection_of(config, size), config.gain)
