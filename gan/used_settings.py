"""Which settings of a run have an effect: what its networks do not use is not offered, and not accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gan.config import LAID_OUT_ARCHITECTURES, OWN_ARCHITECTURES, TrainConfig
from gan.errors import GanError
from gan.levers import setting_label

TITLES = {
    "compact": "compact network",
    "swift": "swift network",
    "style": "style-based network",
    "progressive": "growing network",
    "multiscale": "network of all scales",
    "dcgan": "DCGAN",
    "mlp": "MLP",
}
# The only kinds of network that use a setting; all use what is not named here.
_ONLY_IN: dict[str, tuple[str, ...]] = {
    "width": OWN_ARCHITECTURES,
    "critic_width": OWN_ARCHITECTURES,
    "gain": OWN_ARCHITECTURES,
    "components": LAID_OUT_ARCHITECTURES,
    "halvings": LAID_OUT_ARCHITECTURES,
    "spectral": ("compact", "swift", "style"),
    "batch_norm": ("compact", "swift", "style", "mlp"),
    "designed_norm": ("compact", "swift", "dcgan", "mlp"),
    "activation": ("compact", "swift", "dcgan", "mlp"),
    "critic_activation": ("compact", "swift", "style", "dcgan", "mlp"),
    "output": ("compact", "swift", "dcgan", "mlp"),
    "initialisation": ("compact", "swift", "style", "mlp"),
    "upsampling": ("compact", "swift"),
    "growth": ("progressive",),
}
# What another setting, or what the pictures' labels tell, leaves without effect.
_ONLY_WHERE: dict[str, Callable[[TrainConfig], object]] = {
    "z_dim": lambda config: not config.network.components,
    "components": lambda config: not config.network.attributes,
    "halvings": lambda config: config.network.components,
    "anchored": lambda config: config.network.components,
    "likeness": lambda config: config.network.components or config.network.attributes,
    "naming": lambda config: config.network.classes or config.network.attributes,
    "gamma": lambda config: config.penalty != "none",
    "penalty_share": lambda config: config.penalty != "none",
}


def uses(config: TrainConfig, name: str) -> bool:
    """Whether a setting of the run or of its network changes anything in a run with this config.

    Args:
        config: with the network fitted to its pictures (`gan.state.fitted`).
    """
    where = _ONLY_WHERE.get(name)
    return suits(config.network.architecture, name) and (where is None or bool(where(config)))


def suits(architecture: str, name: str) -> bool:
    """Whether this kind of network uses a setting at all, whatever the others are."""
    return architecture in _ONLY_IN.get(name, (architecture,))


def check_used(config: TrainConfig, names: Iterable[str]) -> None:
    """Whether all these settings, which somebody asked for, have an effect.

    Raises:
        GanError: naming the first one that has none.
    """
    for name in names:
        if not uses(config, name):
            raise no_effect(config.network.architecture, name)


def no_effect(architecture: str, name: str) -> GanError:
    """What to say to somebody who asked for a setting in vain."""
    title = TITLES.get(architecture, f"{architecture} network")
    return GanError(f"In this run the {title} has no use for {setting_label(name)} ({name}); leave it away.")
