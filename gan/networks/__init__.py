"""The networks: one file an architecture, all behind `build_generator` and `build_discriminator`."""

from __future__ import annotations

from gan.config import EQUALISED, NetworkConfig
from gan.networks import compact, dcgan, mlp, multiscale, progressive, style, swift, transposed
from gan.networks.parts import Discriminator, Generator, initialise_normal

_BUILDERS = {
    "mlp": mlp,
    "dcgan": dcgan,
    "compact": compact,
    "swift": swift,
    "style": style,
    "progressive": progressive,
    "multiscale": multiscale,
    "transposed": transposed,
}

# Those whose weights begin as their design says; it leaves no choice.
OWN_START = (*EQUALISED, "dcgan")


def build_generator(config: NetworkConfig) -> Generator:
    """A freshly initialised generator: z `[N, z_dim]` and labels `[N]` to pictures `[N, C, H, W]`."""
    network = _BUILDERS[config.architecture].generator(config)
    if config.initialisation == "normal" and config.architecture not in OWN_START:
        initialise_normal(network)
    return network


def build_discriminator(config: NetworkConfig) -> Discriminator:
    """A freshly initialised discriminator: pictures `[N, C, H, W]` and labels `[N]` to logits `[N]`."""
    network = _BUILDERS[config.architecture].discriminator(config)
    if config.initialisation == "normal" and config.architecture not in OWN_START:
        initialise_normal(network)
    network.leave_out(config.dropout)
    return network


__all__ = ["Discriminator", "Generator", "build_discriminator", "build_generator"]
