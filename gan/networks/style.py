"""A small style-based pair: z becomes a style w, and a style for each layer draws the picture.

Generator: a mapping network turns z into w, whose mean over all z is moved to 0 and whose spread to 1; the
picture grows from a learned constant by convolutions whose inputs are scaled, channel by channel, by numbers
that each layer makes of its w. After Karras et al. 2019 (arXiv 1812.04948) and 2020 (arXiv 1912.04958), from
their equations. In the place of noise each layer adds maps that it has learned, so that a seed means one
picture. Colours are skips as in `compact`.
Discriminator: that of the compact pair.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu

from gan.config import NetworkConfig
from gan.networks import compact
from gan.networks.parts import Generator

MAPPING_LAYERS = 3
# How much of each batch the running mean and spread of w take over.
MOMENTUM = 0.01
# Learned maps of each layer, in the place of the paper's one map of noise.
MAPS = 8
FAINTEST = 1e-8
# LeakyReLU halves the second moment of what it gets; this keeps it at 1.
GAIN = sqrt(2 / (1 + 0.2**2))

discriminator = compact.discriminator


class Normalised(nn.Module):
    """Free coordinates to a root mean square of 1: x / sqrt(mean x^2); what z was told stays as it is.

    Args:
        told: how many coordinates at the front stand for attributes.
        free: how many after them are free. Those behind, a class, stay as they are, too.
    """

    def __init__(self, told: int, free: int) -> None:
        super().__init__()
        self.told, self.free = told, free

    def forward(self, x: Tensor) -> Tensor:
        free = x[:, self.told : self.told + self.free]
        free = free * torch.rsqrt(free.square().mean(1, keepdim=True) + FAINTEST)
        return torch.cat([x[:, : self.told], free, x[:, self.told + self.free :]], 1)


class Centred(nn.Module):
    """w `[N, z_dim]` with its mean over all z moved to 0 and its mean variance to 1.

    w' = (w - mean) / spread, both running averages over the training's batches; they are used while training,
    too, so that pictures of a batch do not depend on each other. Truncation is then psi w'.
    """

    mean: Tensor
    spread: Tensor
    batches: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def forward(self, w: Tensor) -> Tensor:
        if self.training:
            self.follow(w.detach())
        # A step that changes the buffers must not change what an earlier step's gradient needs.
        return (w - self.mean.clone()) / self.spread.clone()

    @torch.no_grad()
    def follow(self, w: Tensor) -> None:
        """Let the running averages take in a batch `[N, z_dim]`."""
        self.batches += 1
        weight = (1 / self.batches.float()).clamp_min(MOMENTUM)
        self.mean.lerp_(w.mean(0), weight)
        now = (w - self.mean).square().mean().sqrt().clamp_min(1e-3)
        self.spread.lerp_(now, weight)


class Constant(nn.Module):
    """The learned start, the same for every picture: `[N, width, side, side]`."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.randn(1, width, side, side))

    def forward(self, w: Tensor) -> Tensor:
        """For as many pictures as there are w `[N, z_dim]`."""
        return self.values.expand(w.shape[0], -1, -1, -1)


class StyledConvolution(nn.Module):
    """A convolution whose input channels are scaled by a style, and whose output is brought back to scale.

    With s = A w + b, one number for each input channel i, the weights of a picture would be s_i k_oi; scaling
    its activations instead gives the same without a convolution of its own for every picture:

        y_o = sum_i k_oi * (s_i x_i) / sqrt(sum_i s_i^2 sum_taps k_oi^2 + 1e-8) + bias_o

    The root is the demodulation of Karras et al. 2020: the spread of y_o for x of variance 1. A layer that
    makes colours (`side` 0) does without it, and without maps of the grid's size, whose sum is added to y:

        y_o + sum_m strength_om map_m
    """

    def __init__(self, w_dim: int, inputs: int, outputs: int, kernel: int, side: int = 0) -> None:
        super().__init__()
        self.side = side
        # Demodulated weights have no scale of their own: how large they begin says how fast they turn.
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel) * (0.1 if side else 0.02))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.style = nn.Parameter(torch.randn(inputs, w_dim) / sqrt(w_dim))
        self.style_bias = nn.Parameter(torch.ones(inputs))
        if side:
            self.maps = nn.Parameter(torch.randn(MAPS, side, side) * 0.3)
            self.strength = nn.Parameter(torch.randn(outputs, MAPS) * 0.1)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """`[N, outputs, H, W]` from x `[N, inputs, H, W]` and w `[N, w_dim]`."""
        scale = w @ self.style.T + self.style_bias
        y = conv2d(x * scale[:, :, None, None], self.weight, padding=self.weight.shape[-1] // 2)
        return self._demodulated(y, scale) if self.side else y + self.bias[:, None, None]

    def _demodulated(self, y: Tensor, scale: Tensor) -> Tensor:
        power = scale.square() @ self.weight.square().sum((2, 3)).T
        drawn = (self.strength @ self.maps.flatten(1)).unflatten(1, (self.side, self.side))
        return y * torch.rsqrt(power + FAINTEST)[:, :, None, None] + (drawn + self.bias[:, None, None])


def _bent(x: Tensor) -> Tensor:
    return leaky_relu(x, 0.2) * GAIN


def _twice(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Synthesis(nn.Module):
    """Styles to a picture `[N, C, H, W]` in (-1, 1): one w for all layers `[N, w_dim]`, or each its own."""

    def __init__(self, w_dim: int, side: int, widths: list[int], channels: int) -> None:
        super().__init__()
        sides = [side * 2**level for level in range(len(widths))]
        self.sides = (side, *sides)
        self.constant = Constant(widths[0], side)
        self.start = StyledConvolution(w_dim, widths[0], widths[0], 3, side)
        self.grow = nn.ModuleList(
            StyledConvolution(w_dim, a, b, 3, grid)
            for (a, b), grid in zip(pairwise(widths), sides, strict=False)
        )
        self.colour = nn.ModuleList(StyledConvolution(w_dim, b, channels, 1) for b in widths[1:])
        self.finish = StyledConvolution(w_dim, widths[-1], widths[-1], 3, sides[-1])
        self.detail = StyledConvolution(w_dim, widths[-1], channels, 3)

    def forward(self, w: Tensor) -> Tensor:
        """Pictures from w `[N, w_dim]` or `[N, layers, w_dim]`; the grid of each layer is in `sides`."""
        layers = [w] * len(self.sides) if w.ndim == 2 else list(w.unbind(1))
        x = _bent(self.start(self.constant(layers[0]), layers[0]))
        picture: Tensor | None = None
        for grow, colour, style in zip(self.grow, self.colour, layers[1:-1], strict=True):
            x = _bent(grow(x, style))
            added = colour(x, style) if picture is None else picture + colour(x, style)
            x, picture = _twice(x), _twice(added)
        assert picture is not None
        return torch.tanh(picture + self.detail(_bent(self.finish(x, layers[-1])), layers[-1]))


class StyledGenerator(Generator):
    """A generator whose `stem` is the mapping z -> w and whose `body` draws from one w a layer.

    Besides z `[N, z_dim]` it takes the styles of all layers side by side, `[N, layers * z_dim]`, as `point`
    gives them; then the class is in them already.
    """

    def __init__(self, config: NetworkConfig, stem: nn.Module, body: Synthesis) -> None:
        super().__init__(config, stem, body)
        self.sides = body.sides

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures `[N, C, H, W]` from z `[N, z_dim]` and labels `[N]`, or from styles."""
        if z.shape[1] == self.z_dim:
            return super().forward(z, labels)
        return self.body(z.reshape(-1, len(self.sides), self.z_dim))

    def point(self, z: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """The styles `[N, layers * z_dim]` that z stands for, psi w in each layer: w has the mean 0."""
        if z.shape[1] != self.z_dim:
            return z * truncation
        return self.first_layer(z, labels).repeat(1, len(self.sides)) * truncation


def _mapping(config: NetworkConfig) -> nn.Sequential:
    told, size = sum(config.attributes), config.z_dim
    layers: list[nn.Module] = [Normalised(told, size - told)]
    for level in range(MAPPING_LAYERS):
        layers.append(nn.Linear(size + config.classes if level == 0 else size, size))
        if level < MAPPING_LAYERS - 1:
            layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, Centred(size))


def generator(config: NetworkConfig) -> StyledGenerator:
    """Mapping network of three layers, then `Synthesis` from 4x4 (7x7 for 28 px) to the picture."""
    base, widths = compact.widths_of(config, config.width)
    return StyledGenerator(config, _mapping(config), Synthesis(config.z_dim, base, widths, config.channels))
