"""What both networks of several scales are made of, after Karras et al. 2017 (arXiv 1710.10196)."""

from __future__ import annotations

from math import log2, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan.config import NetworkConfig
from gan.networks.parts import AttributeEmbedding, Reshape, stem_inputs

SLOPE = 0.2
# Keeps the variance of what passes through a leaky rectifier (He et al. 2015, arXiv 1502.01852).
GAIN = sqrt(2 / (1 + SLOPE**2))
LARGEST_GROUP = 4
STEADINESS = 0.02
FAINTEST = 1e-8


class EqualConv2d(nn.Conv2d):
    """A convolution of stored weights ~ N(0, 1) that are multiplied by gain / sqrt(fan-in) when it works.

    Equalised learning rate: Adam's steps have the length of the learning rate, so a layer whose weights are
    small by nature would learn faster than others if they were stored small.
    """

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1, gain: float = GAIN) -> None:
        super().__init__(inputs, outputs, side, stride, (side - 1) // 2)
        self.scale = gain / sqrt(inputs * side**2)
        nn.init.normal_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H, W]`."""
        return self._conv_forward(x, self.weight * self.scale, self.bias)


class EqualLinear(nn.Linear):
    """A linear layer with an equalised learning rate, see `EqualConv2d`."""

    def __init__(self, inputs: int, outputs: int, gain: float = GAIN) -> None:
        super().__init__(inputs, outputs)
        self.scale = gain / sqrt(inputs)
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs]` to `[N, outputs]`."""
        return functional.linear(x, self.weight * self.scale, self.bias)


class EqualEmbedding(nn.Embedding):
    """A vector for every class, with an equalised learning rate, see `EqualConv2d`."""

    def forward(self, labels: Tensor) -> Tensor:
        """`[...]` (int64) to `[..., features]`."""
        return super().forward(labels) / sqrt(self.embedding_dim)


class PixelNorm(nn.Module):
    """x / sqrt(mean_c x_c^2): at each place all channels together get the length sqrt(C)."""

    def forward(self, x: Tensor) -> Tensor:
        """`[N, C, ...]` to the same shape."""
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + FAINTEST)


class MinibatchDeviation(nn.Module):
    """Adds a channel that says how much the pictures of a group differ, so that sameness gives fakes away.

    The standard deviation over a group of at most four neighbours in the batch, averaged over channels and
    places. Outside of training a picture is judged alone, and gets what was usual in training.
    """

    usual: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("usual", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """`[N, C, H, W]` to `[N, C + 1, H, W]`."""
        if not self.training:
            channel = self.usual.expand(x.shape[0], 1, *x.shape[2:])
            return torch.cat([x, channel], 1)
        each, mean = self.deviations(x)
        self.usual.lerp_(mean.detach(), STEADINESS)
        return torch.cat([x, each[:, None, None, None].expand(-1, 1, *x.shape[2:])], 1)

    def deviations(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of the group of each picture, `[N]`, and their mean."""
        count = len(x)
        group = next(size for size in range(LARGEST_GROUP, 0, -1) if count % size == 0)
        grouped = x.reshape(count // group, group, -1)
        # The square root of a variance of exactly 0 would have no gradient.
        deviation = (grouped.var(1, correction=0) + FAINTEST).sqrt().mean(1)
        return deviation.repeat_interleave(group), deviation.mean()


def painting(inputs: int, outputs: int) -> nn.Sequential:
    """A generator's layer on a grid: 3x3 convolution, leaky rectifier, pixel norm."""
    return nn.Sequential(EqualConv2d(inputs, outputs, 3), nn.LeakyReLU(SLOPE, inplace=True), PixelNorm())


def looking(inputs: int, outputs: int, side: int = 3, stride: int = 1) -> nn.Sequential:
    """A discriminator's layer: a convolution with a leaky rectifier.

    With side 4 and stride 2 it halves the grid by itself, for half of what a 3x3 convolution and the means of
    four would cost.
    """
    return nn.Sequential(EqualConv2d(inputs, outputs, side, stride), nn.LeakyReLU(SLOPE, inplace=True))


def grids(config: NetworkConfig, width: int) -> tuple[list[int], list[int]]:
    """Sides and channels of all grids, from the smallest (4x4, or 7x7 for 28 px) to the picture's own."""
    base = 7 if config.resolution == 28 else 4
    doublings = int(log2(config.resolution // base))
    sides = [base * 2**level for level in range(doublings + 1)]
    inner = [width * min(8, 2 ** (doublings - 1 - level)) for level in range(doublings)]
    return sides, [*inner, max(8, width // 2)]


def stem_of(config: NetworkConfig, side: int, channels: int) -> nn.Sequential:
    """Linear to the smallest grid, `[N, channels, side, side]`."""
    return nn.Sequential(
        EqualLinear(stem_inputs(config), channels * side**2),
        Reshape(channels, side, side),
        nn.LeakyReLU(SLOPE, inplace=True),
        PixelNorm(),
    )


def projection_of(config: NetworkConfig, features: int) -> nn.Module | None:
    """What a discriminator that is told labels multiplies so many features with, see `Discriminator`."""
    if config.attributes:
        projection = AttributeEmbedding(config.attributes, features)
        projection.values = EqualEmbedding(sum(config.attributes), features)
        return projection
    return EqualEmbedding(config.classes, features) if config.classes else None


def enlarged(x: Tensor, side: int) -> Tensor:
    """A grid `[N, C, h, w]` at a multiple of its side, every pixel a square of its colour."""
    return x if x.shape[-1] == side else functional.interpolate(x, size=(side, side), mode="nearest")


def halved(x: Tensor) -> Tensor:
    """A grid `[N, C, 2h, 2w]` at half its side, by means of four: `[N, C, h, w]`."""
    return functional.avg_pool2d(x, 2)
