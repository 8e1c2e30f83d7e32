"""The state of a training run: both players, their optimisers, the average, and how far they are."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import nn
from torch.optim import Adam

from gan.config import LAID_OUT_ARCHITECTURES, OWN_ARCHITECTURES, NetworkConfig, TrainConfig
from gan.datasets import Dataset
from gan.networks import Discriminator, Generator, build_discriminator, build_generator

Network = TypeVar("Network", bound=nn.Module)
SMALLEST_PART = 8


@dataclass
class TrainState:
    """Everything a run needs to go on: both players, the average, both optimisers, progress, random state.

    Attributes:
        calm: both learning rates are multiplied by it; halved each time the run diverges (`gan.rescue`).
        skipped: steps in which the discriminator was too good to learn (`TrainConfig.skip_below`).
        progress: share of the budget that was used when the present step began, for what fades.
    """

    generator: Generator
    discriminator: Discriminator
    average: Generator
    generator_optimiser: Adam
    discriminator_optimiser: Adam
    random: torch.Generator
    device: torch.device
    step: int = 0
    images_seen: int = 0
    seconds: float = 0.0
    calm: float = 1.0
    skipped: int = 0
    progress: float = 0.0


def default_device() -> torch.device:
    """CUDA where present, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def network_for(dataset: Dataset, network: NetworkConfig, told: bool = True) -> NetworkConfig:
    """`network` with the size and colours of the data set, and with its classes or attributes where `told`.

    A latent vector that chooses among attributes has at least one coordinate for each of their values. A
    space is laid out only in so many parts that each has enough pictures.
    """
    _, channels, _, side = dataset.images.shape
    sized = replace(network, resolution=side, channels=channels)
    told_of = labelled(sized, len(dataset.classes), dataset.attribute_sizes, told)
    return with_room(told_of, len(dataset))


def labelled(
    network: NetworkConfig, classes: int, attributes: tuple[int, ...], told: bool = True
) -> NetworkConfig:
    """`network` for pictures of so many classes and such attributes, of which it hears where it is `told`.

    Its space is laid out only where no attributes say already what z means.
    """
    sizes = attributes if told and network.architecture in OWN_ARCHITECTURES else ()
    components = 0 if sizes or network.architecture not in LAID_OUT_ARCHITECTURES else network.components
    halvings = network.halvings if components else 0
    z_dim = components + halvings if components else max(network.z_dim, sum(sizes))
    return replace(
        network,
        classes=classes if told else 0,
        attributes=sizes,
        z_dim=z_dim,
        components=components,
        halvings=halvings,
    )


def with_room(network: NetworkConfig, pictures: int) -> NetworkConfig:
    """`network` with its space laid out in no more components and parts than so many pictures can fill."""
    if not network.components:
        return network
    parts = max(1, pictures // (SMALLEST_PART * max(1, network.classes)))
    components = min(network.components, pictures // 2)
    halvings = min(network.halvings, parts.bit_length() - 1)
    return replace(network, components=components, halvings=halvings, z_dim=components + halvings)


def fits(dataset: Dataset, config: TrainConfig) -> bool:
    """Whether the config's network can learn from the data set.

    One that chooses attributes, from an earlier run, may also go on with pictures of which nothing is known.
    """
    network = config.network
    expected = network_for(dataset, network, config.told)
    expected = replace(
        expected, components=network.components, halvings=network.halvings, z_dim=network.z_dim
    )
    unknown = config.network.attributes and not expected.attributes and not expected.classes
    return config.network == (
        replace(expected, attributes=config.network.attributes) if unknown else expected
    )


def fitted(config: TrainConfig, dataset: Dataset) -> TrainConfig:
    """`config` with its network fitted to the data set (`network_for`)."""
    return replace(config, network=network_for(dataset, config.network, config.told))


def new_state(config: TrainConfig, device: torch.device | None = None) -> TrainState:
    """Both players freshly initialised from `config.seed`, with their optimisers."""
    device = device or default_device()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = _placed(build_generator(config.network), device)
        discriminator = _placed(build_discriminator(config.network), device)
    _freeze(discriminator, config.frozen)
    average = deepcopy(generator).requires_grad_(False)
    average.layout = generator.layout
    return TrainState(
        generator=generator,
        discriminator=discriminator,
        average=average,
        generator_optimiser=_optimiser(generator, config.generator_lr, config),
        discriminator_optimiser=_optimiser(discriminator, config.discriminator_lr, config),
        random=torch.Generator().manual_seed(config.seed),
        device=device,
    )


def _freeze(discriminator: Discriminator, layers: int) -> None:
    """The first layers, which see edges and colours, do not learn (Mo et al. 2020, arXiv 2002.10964)."""
    weighted = [m for m in discriminator.features if next(m.parameters(), None) is not None]
    for layer in weighted[:layers]:
        layer.requires_grad_(False)


def _placed(network: Network, device: torch.device) -> Network:
    """On the device, with weights in the layout that its convolutions are fastest in."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _optimiser(network: nn.Module, lr: float, config: TrainConfig) -> Adam:
    betas = (config.beta1, config.beta2)
    learning = [p for p in network.parameters() if p.requires_grad]
    return Adam(learning, lr=lr, betas=betas, weight_decay=config.weight_decay, fused=True)
