"""A pair that plays at all scales at once: multi-scale gradients, Karnewar and Wang 2019 (arXiv 1903.06048).

The generator gives a picture at every size of its grid, and the discriminator looks at all of them, each
where its own grid has that size. So every layer of the generator hears at once what is wrong at its scale,
and coarse and fine pictures stay in agreement, without a schedule.

All pictures of one latent vector travel in one tensor, an atlas: the largest at the left, the others below
each other at its right. So noise, penalties and gradients meet the pictures of all scales.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from gan.config import NetworkConfig
from gan.networks.equalised import (
    EqualConv2d,
    EqualLinear,
    enlarged,
    grids,
    halved,
    looking,
    painting,
    projection_of,
    stem_of,
)
from gan.networks.parts import Discriminator, Generator


def pyramid(pictures: Tensor, scales: int) -> list[Tensor]:
    """Pictures `[N, C, H, W]` at so many scales, smallest first: each the means of 2x2 of the next."""
    found = [pictures]
    for _ in range(scales - 1):
        found.append(halved(found[-1]))
    return found[::-1]


def packed(scales: list[Tensor]) -> Tensor:
    """The atlas `[N, C, S, 3 S / 2]` of pictures of doubling sides, smallest first, the largest of side S."""
    *smaller, largest = scales
    side = largest.shape[-1]
    column = largest.new_zeros(*largest.shape[:3], side // 2)
    parts, rest = [], side
    for picture in reversed(smaller):
        rest -= picture.shape[-1]
        parts.append(nn.functional.pad(picture, (0, side // 2 - picture.shape[-1])))
    parts.append(column[:, :, :rest])
    return torch.cat([largest, torch.cat(parts, 2)], 3)


def unpacked(atlas: Tensor, scales: int) -> list[Tensor]:
    """The pictures of an atlas, smallest first."""
    side = atlas.shape[2]
    found, top, edge = [atlas[..., :side]], 0, side
    for _ in range(scales - 1):
        edge //= 2
        found.append(atlas[:, :, top : top + edge, side : side + edge])
        top += edge
    return found[::-1]


class ColoursAtEveryScale(nn.Module):
    """From the smallest grid to the pictures of all scales, smallest first, each in (-1, 1)."""

    def __init__(self, widths: list[int], channels: int) -> None:
        super().__init__()
        grow = [painting(widths[0], widths[0])]
        self.grow_by = nn.ModuleList([*grow, *(painting(a, b) for a, b in pairwise(widths))])
        self.colour = nn.ModuleList(EqualConv2d(b, channels, 1, gain=1.0) for b in widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        """`[N, widths[0], s, s]` to pictures `[N, C, s 2^l, s 2^l]`."""
        pictures = []
        for level, (grow_by, colour) in enumerate(zip(self.grow_by, self.colour, strict=True)):
            x = grow_by(enlarged(x, 2 * x.shape[-1]) if level else x)
            pictures.append(torch.tanh(colour(x)))
        return pictures


class MultiScaleGenerator(Generator):
    """Draws its largest picture, and presents those of all scales."""

    several_scales = True

    def draw(self, code: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures `[N, C, H, W]` of the largest scale."""
        return self.scales(code, labels)[-1]

    def presented(self, code: Tensor, labels: Tensor | None = None) -> Tensor:
        """An atlas of all scales."""
        return packed(self.scales(code, labels))

    def scales(self, code: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """The pictures of all scales, smallest first."""
        return self.body(self.stem(self._with_class(code, labels)))


class _Level(nn.Module):
    """A grid's own colours beside what came from the larger grid, to features of the smaller one, if any."""

    def __init__(self, channels: int, own: int, carried: int, outputs: int, smallest: bool = False) -> None:
        super().__init__()
        self.colour = looking(channels, own, 1)
        self.look = looking(own + carried, outputs) if smallest else looking(own + carried, outputs, 4, 2)

    def forward(self, picture: Tensor, carried: Tensor | None) -> Tensor:
        """A picture `[N, C, h, w]` and features `[N, carried, h, w]` to `[N, outputs, ...]`."""
        own = self.colour(picture)
        return self.look(own if carried is None else torch.cat([own, carried], 1))


class FeaturesOfEveryScale(nn.Sequential):
    """An atlas, or a picture whose smaller scales are made by averaging, to features of the smallest grid."""

    def __init__(self, widths: list[int], channels: int) -> None:
        finest, *coarser = reversed(widths)
        first = _Level(channels, finest, 0, coarser[0])
        outputs = [*coarser[1:], widths[0]]
        others = [
            _Level(channels, max(8, a // 2), a, b, smallest=level == len(coarser) - 1)
            for level, (a, b) in enumerate(zip(coarser, outputs, strict=True))
        ]
        super().__init__(first, *others)

    def forward(self, pictures: Tensor) -> Tensor:
        """`[N, C, S, 3 S / 2]` or `[N, C, S, S]` to `[N, features, s, s]`."""
        whole = pictures.shape[2] == pictures.shape[3]
        scales = pyramid(pictures, len(self)) if whole else unpacked(pictures, len(self))
        x: Tensor | None = None
        for level, picture in zip(self, reversed(scales), strict=True):
            x = level(picture, x)
        assert x is not None
        return x


class MultiScaleDiscriminator(Discriminator):
    """Judges a picture at all its scales."""

    def presented(self, real: Tensor) -> Tensor:
        """An atlas of real pictures, each scale the average of the next."""
        return packed(pyramid(real, len(self.features)))

    def changed(self, pictures: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
        """An atlas whose pictures are all changed alike: enlarged to one side, changed, and reduced again.

        One scale after the other, with the same random numbers, would move small pictures by whole pixels
        that are several of a large one.
        """
        scales = unpacked(pictures, len(self.features))
        side, channels = pictures.shape[2], pictures.shape[1]
        together = change(torch.cat([enlarged(picture, side) for picture in scales], 1))
        parts = together.split(channels, 1)
        return packed([pyramid(part, len(scales) - level)[0] for level, part in enumerate(parts)])


def generator(config: NetworkConfig) -> MultiScaleGenerator:
    """Linear to the smallest grid, then `ColoursAtEveryScale`."""
    sides, widths = grids(config, config.width)
    stem = stem_of(config, sides[0], widths[0])
    return MultiScaleGenerator(config, stem, ColoursAtEveryScale(widths, config.channels))


def discriminator(config: NetworkConfig) -> MultiScaleDiscriminator:
    """`FeaturesOfEveryScale`, one linear logit, and where it is told labels a projection."""
    sides, widths = grids(config, config.critic_width or config.width)
    size = widths[0] * sides[0] ** 2
    head = nn.Sequential(nn.Flatten(), EqualLinear(size, 1, gain=1.0))
    features = FeaturesOfEveryScale(widths, config.channels)
    return MultiScaleDiscriminator(features, head, projection_of(config, size), config.gain)
