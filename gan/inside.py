"""A look inside a network: its layers with shapes and parameters, and what each makes of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan.errors import GanError
from gan.model import Model
from gan.networks.parts import count_parameters

MOST_MAPS = 64
WORDS = {
    "Linear": "connects everything with everything",
    "Conv2d": "looks at each place and its neighbours",
    "ConvTranspose2d": "paints each place onto a finer grid",
    "BatchNorm2d": "brings every channel to the same scale",
    "BatchNorm1d": "brings every number to the same scale",
    "LeakyReLU": "keeps what is above 0, and a fifth of what is below",
    "ReLU": "keeps what is above 0",
    "Identity": "leaves everything as it is",
    "Tanh": "bends everything into -1 to 1",
    "Upsample": "doubles the grid, smoothly",
    "PixelShuffle": "turns four channels into four pixels",
    "Reshape": "folds numbers into a grid",
    "Flatten": "unfolds a grid into numbers",
    "Embedding": "looks up the numbers of a class",
    "Normalised": "brings the free numbers to one length",
    "Centred": "moves the middle of all styles to 0",
    "Constant": "is where every picture begins: a learned grid",
    "StyledConvolution": "looks at each place and its neighbours, in the style of its layer",
    "EqualLinear": "connects everything with everything",
    "EqualConv2d": "looks at each place and its neighbours",
    "PixelNorm": "brings every place to the same length",
    "MinibatchDeviation": "adds how much the pictures of a group differ",
    "Layout": "finds the code that lies at an address",
}


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes:
        name: its place in the network, such as `body.grow.0.0`.
        kind: what it is, such as `Conv2d`; `does` says it in plain words (may be empty).
        shape: what it gives for one picture, without the batch, such as (64, 8, 8).
        parameters: how many numbers it has learned.
    """

    name: str
    kind: str
    does: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, eq=False)
class Maps:
    """What a layer gives for one picture: the layer and its activations `[C, H, W]`."""

    layer: Layer
    activations: Tensor


def generator_layers(model: Model) -> tuple[Layer, ...]:
    """The generator's layers in the order in which a latent vector passes through them."""
    return tuple(maps.layer for maps in _through_generator(model, torch.zeros(1, model.config.z_dim)))


def discriminator_layers(model: Model) -> tuple[Layer, ...]:
    """The discriminator's; empty where the checkpoint holds none."""
    if model.discriminator is None:
        return ()
    side = model.config.resolution
    picture = torch.zeros(1, model.config.channels, side, side)
    labels = torch.zeros(1, dtype=torch.int64) if model.config.classes else None
    if model.config.attributes:
        labels = torch.zeros(1, len(model.config.attributes), dtype=torch.int64)
    return tuple(maps.layer for maps in activations(model.discriminator, picture, labels))


def generator_maps(model: Model, z: Tensor, labels: Tensor | None = None) -> Iterator[Maps]:
    """What each layer on a grid makes of one latent vector `[1, z_dim]`, first layer first.

    Layers without a grid (numbers only) are left out.
    """
    return (maps for maps in _through_generator(model, z, labels) if len(maps.layer.shape) == 3)


def _through_generator(model: Model, z: Tensor, labels: Tensor | None = None) -> list[Maps]:
    if model.config.classes and labels is None:
        labels = torch.zeros(len(z), dtype=torch.int64)
    return activations(model.generator, z, labels)


@torch.inference_mode()
def activations(network: nn.Module, inputs: Tensor, labels: Tensor | None) -> list[Maps]:
    """Every layer's output for a batch of one, in the order in which they work, by forward hooks.

    Raises:
        GanError: when more than one picture is asked for.
    """
    if len(inputs) != 1:
        raise GanError("Look at one picture at a time.")
    # Everybody draws with the same network, and a hook would see their pictures, too.
    network, found = deepcopy(network), list[Maps]()

    def keep(name: str, module: nn.Module) -> None:
        def hook(_: nn.Module, given: object, output: Tensor) -> None:
            kind = type(module).__name__
            kind = kind.removeprefix("Parametrized")
            shape = tuple(output.shape[1:])
            layer = Layer(name, kind, WORDS.get(kind, ""), shape, count_parameters(module))
            # A later layer may work in place on the same memory.
            found.append(Maps(layer, output[0].clone()))

        hooks.append(module.register_forward_hook(hook))

    hooks: list[torch.utils.hooks.RemovableHandle] = []
    try:
        for name, module in network.named_modules():
            if _is_a_layer(name, module):
                keep(name, module)
        network(inputs, labels)
    finally:
        for handle in hooks:
            handle.remove()
    return found


def _is_a_layer(name: str, module: nn.Module) -> bool:
    if "parametrizations" in name:
        return False
    children = [child for child, _ in module.named_children() if child != "parametrizations"]
    return not children


def maps_sheet(maps: Maps) -> Tensor:
    """A layer's first 64 channels, each from its least (black) to its most: `[K, 1, H, W]` in [-1, 1].

    `gan.pictures.grid_image` lays them out.
    """
    channels = maps.activations[:MOST_MAPS]
    if channels.ndim != 3:
        raise GanError(f"{maps.layer.name} has no grid to look at; choose a layer with a height and a width.")
    low, high = channels.amin((1, 2), keepdim=True), channels.amax((1, 2), keepdim=True)
    return ((channels - low) / (high - low).clamp_min(1e-8) * 2 - 1)[:, None]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two generators at the same seeds.

    Attributes:
        first, second: pictures `[N, C, H, W]` in [-1, 1], at the larger side of the two and in its colours.
        difference: mean absolute difference of each pair, in [0, 1] of the value range, `[N]`.
        same_latent: whether z means the same length to both; else the seeds have nothing in common but their
            number.
    """

    first: Tensor
    second: Tensor
    difference: Tensor
    same_latent: bool

    def sheet(self) -> Tensor:
        """The pairs in turn, `[2 N, C, H, W]`."""
        return torch.stack([self.first, self.second], 1).flatten(0, 1)


def compare(first: Model, second: Model, seeds: Sequence[int], truncation: float = 1.0) -> Comparison:
    """Draw the same seeds with two checkpoints, such as before and after more training."""
    one, other = (
        torch.from_numpy(model.sample(seeds, truncation)).permute(0, 3, 1, 2).float() / 127.5 - 1
        for model in (first, second)
    )
    return beside(one, other, first.config.z_dim == second.config.z_dim)


def beside(first: Tensor, second: Tensor, same_latent: bool) -> Comparison:
    """Two generators' pictures `[N, C, H, W]` in [-1, 1], of any sizes and colours, made comparable."""
    side, colours = (max(first.shape[i], second.shape[i]) for i in (-1, 1))
    one, other = (
        nn.functional.interpolate(p, size=side, mode="bilinear", align_corners=False)
        .clamp(-1, 1)
        .expand(-1, colours, -1, -1)
        for p in (first, second)
    )
    return Comparison(one, other, (one - other).abs().mean((1, 2, 3)) / 2, same_latent)
