"""Generators of others: a stack of transposed convolutions of any width and depth, as their files tell it.

Batch norm is already multiplied into the weights (`gan.foreign`), so each layer is a convolution with a bias
and an activation; after the last one comes tanh.
"""

from __future__ import annotations

from math import prod

from torch import nn

from gan.config import PLAN_ENTRY, NetworkConfig
from gan.errors import GanError
from gan.networks import dcgan
from gan.networks.parts import Discriminator, Generator, Reshape

MOST_PARAMETERS = 75_000_000


def layers_of(config: NetworkConfig) -> list[tuple[int, int, int, int, int]]:
    """(inputs, outputs, kernel, stride, padding) of each layer, checked to end in the config's pictures.

    Raises:
        GanError: when the plan is none, or ends in pictures of another size or with other channels.
    """
    plan = config.plan
    if not plan or len(plan) % PLAN_ENTRY or config.classes or config.attributes or config.components:
        raise GanError("This kind of network needs the plan of its layers, as a pulled checkpoint has it.")
    entries = [plan[i : i + PLAN_ENTRY] for i in range(0, len(plan), PLAN_ENTRY)]
    layers, inputs, side = [], config.z_dim, 1
    for outputs, kernel, stride, padding in entries:
        layers.append((inputs, outputs, kernel, stride, padding))
        inputs, side = outputs, side_after(side, kernel, stride, padding)
    if side != config.resolution or inputs != config.channels:
        raise GanError("The plan of this network's layers does not lead to its pictures.")
    if sum(prod((a, b, kernel, kernel)) for a, b, kernel, _, _ in layers) > MOST_PARAMETERS:
        raise GanError("This network is too large to be opened here.")
    return layers


def side_after(side: int, kernel: int, stride: int, padding: int) -> int:
    """Height and width after a transposed convolution of a square picture."""
    return (side - 1) * stride - 2 * padding + kernel


def generator(config: NetworkConfig) -> Generator:
    """The stack that `config.plan` describes. Raises GanError as `layers_of`."""
    parts: list[nn.Module] = []
    for inputs, outputs, kernel, stride, padding in layers_of(config):
        parts += [nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding), _activation(config.slope)]
    parts[-1] = nn.Tanh()
    return Generator(
        config, nn.Sequential(Reshape(config.z_dim, 1, 1), *parts[:2]), nn.Sequential(*parts[2:])
    )


def _activation(slope: float) -> nn.Module:
    return nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)


def discriminator(config: NetworkConfig) -> Discriminator:
    """The lesson's opponent for pictures of this size: what others share is a generator alone."""
    return dcgan.discriminator(config)
