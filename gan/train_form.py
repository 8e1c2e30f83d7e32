"""What the values of the Train tab's form mean, and whether they can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, fields, replace
from typing import Any

from gan.cats import cats_attribute_sizes
from gan.config import (
    FROM_A_CHECKPOINT,
    PRESETS,
    NetworkConfig,
    TrainConfig,
    from_mapping,
    preset_config,
    to_mapping,
)
from gan.datasets import FASHION_CLASSES, fashion
from gan.errors import GanError
from gan.levers import setting_label
from gan.own_pictures import RESOLUTIONS
from gan.run_files import Request
from gan.state import labelled, with_room
from gan.used_settings import uses

DATA_TITLES = {"cats": "Cats", "fashion": "Fashion-MNIST", "own": "Own pictures", "hub": "From the Hub"}
OWN = ("own", "hub")
MOST_MINUTES = 10
_NETWORK_SETTINGS = (
    "z_dim", "components", "halvings", "width", "critic_width", "gain", "spectral", "batch_norm",
    "designed_norm", "activation", "critic_activation", "output", "dropout", "initialisation", "upsampling",
)  # fmt: skip
SETTING_GROUPS: dict[str, tuple[str, ...]] = {
    "How fast they learn": (
        "steps", "batch", "generator_lr", "discriminator_lr", "final_lr", "beta1", "beta2", "weight_decay",
        "average",
    ),
    "The game": (
        "loss", "penalty", "gamma", "penalty_share", "discriminator_steps", "skip_below", "smoothing",
        "at_once",
    ),
    "What they get to see": (
        "likeness", "naming", "anchored", "noise", "augment", "only_first", "told", "stop_at_copies",
    ),
    "The networks": (
        "width", "critic_width", "z_dim", "components", "halvings", "gain", "dropout", "initialisation",
        "upsampling", "activation", "critic_activation", "output", "growth", "frozen", "seed", "spectral",
        "batch_norm", "designed_norm",
    ),
}  # fmt: skip
_NOT_IN_THE_FORM = ("network", "seconds", "only_first")


def form_settings() -> list[Field[Any]]:
    """The settings that the form offers, as defined in `gan.config`, in the form's order."""
    training = [f for f in fields(TrainConfig) if f.name not in _NOT_IN_THE_FORM]
    return training + [f for f in fields(NetworkConfig) if f.name in _NETWORK_SETTINGS]


def setting_values(config: TrainConfig) -> list[Any]:
    """The values of `form_settings` in a config."""
    flat = {**to_mapping(config.network), **to_mapping(config)}
    return [flat[setting.name] for setting in form_settings()]


def labels_tell(data: str) -> str:
    """What the labels of the form's data tell (see `gan.config.PRESETS`)."""
    return {"fashion": "classes", "cats": "attributes"}.get(data, "nothing")


def network_of(data: str, resolution: int, config: TrainConfig, classes: int = 0) -> NetworkConfig:
    """The config's network with the sizes, and where it is told them the labels, of the chosen pictures.

    Args:
        classes: of the visitor's own pictures.
    """
    if data == "fashion":
        sized = replace(config.network, resolution=28, channels=1)
        return with_room(labelled(sized, len(FASHION_CLASSES), (), config.told), len(fashion()))
    sized = replace(config.network, resolution=int(resolution), channels=3)
    return labelled(sized, classes, cats_attribute_sizes() if data == "cats" else (), config.told)


def settings_used(data: str, preset: str, told: bool, components: int, penalty: str) -> dict[str, bool]:
    """Whether each of `form_settings` has an effect in a run of this recipe with these pictures.

    Args:
        told, components, penalty: settings that leave others without effect, as they are chosen now.

    Raises:
        GanError: when there is no such recipe.
    """
    chosen = preset_config(preset, labels_tell(data))
    begins = preset == FROM_A_CHECKPOINT
    network = replace(chosen.network, components=components)
    config = replace(chosen, told=told, penalty=penalty, network=network)
    labels = network_of(data, RESOLUTIONS[0], replace(config, told=True))
    config = replace(config, network=network_of(data, RESOLUTIONS[0], config))
    of_pictures = {
        "told": bool(labels.classes or labels.attributes), "stop_at_copies": data in OWN, "frozen": begins,
    }  # fmt: skip
    return {
        setting.name: of_pictures.get(setting.name, uses(config, setting.name))
        and not (begins and setting.name in _NETWORK_SETTINGS)
        for setting in form_settings()
    }


def request_from_form(
    data: str,
    resolution: int,
    preset: str,
    minutes: float,
    settings: Sequence[Any],
    threads: int = 1,
    start_from: str = "",
    classes: int = 0,
) -> Request:
    """The run that a form asks for; nothing that comes from a page is trusted.

    Args:
        settings: values in the order of `form_settings`.
        start_from: reference of the checkpoint to begin with, where the preset asks for one.
        classes: of the visitor's own pictures, 0 where these are not known.

    Raises:
        GanError: naming the first value that is missing or outside its limits.
    """
    if data not in DATA_TITLES or preset not in PRESETS or resolution not in RESOLUTIONS:
        raise GanError("Choose pictures, a resolution and a recipe first.")
    if preset == FROM_A_CHECKPOINT and not (isinstance(start_from, str) and start_from):
        raise GanError("Choose the checkpoint to begin with.")
    chosen = preset_config(preset, labels_tell(data))
    minutes = min(MOST_MINUTES, max(1, round(minutes or 1)))
    values = {f.name: value for f, value in zip(form_settings(), settings, strict=True)}
    for name, value in values.items():
        if value is None:
            raise GanError(f"The setting {setting_label(name)} under Advanced is empty; fill it in.")
    sizes = {name: values.pop(name) for name in _NETWORK_SETTINGS}
    network = from_mapping(NetworkConfig, {**to_mapping(chosen.network), **sizes})
    plain = {**to_mapping(chosen), **values, "seconds": 60.0 * minutes, "network": network}
    config = from_mapping(TrainConfig, plain)
    # A budget is no part of the recipe; nor is how much own pictures are augmented: that is their number's.
    compared = replace(config, steps=chosen.steps)
    compared = replace(compared, augment=chosen.augment) if data in OWN else compared
    changed = setting_values(compared) != setting_values(chosen)
    config = replace(config, network=network_of(data, resolution, config, classes))
    return Request(
        data="own" if data in OWN else data,
        resolution=config.network.resolution,
        title=f"{DATA_TITLES[data]}, {preset.replace('-', ' ')}, {_budget(minutes, config.steps)}",
        preset=f"{preset}, changed" if changed else preset,
        config=config,
        threads=threads,
        start_from=start_from if preset == FROM_A_CHECKPOINT else "",
    )


def _budget(minutes: int, steps: int) -> str:
    return f"{steps:,} steps" if steps else f"{minutes} min"
