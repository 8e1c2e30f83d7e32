"""What the values of the Train tab's form mean, and whether they can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, fields, replace
from typing import Any

from gan.config import PRESETS, NetworkConfig, TrainConfig, from_mapping, to_mapping
from gan.datasets import FASHION_CLASSES
from gan.errors import GanError
from gan.own_pictures import RESOLUTIONS
from gan.runs import Request

DATA_TITLES = {"cats": "Cats", "fashion": "Fashion-MNIST", "own": "Own pictures"}
MOST_MINUTES = 10
_NETWORK_SETTINGS = ("z_dim", "width")
_NOT_IN_THE_FORM = ("network", "seconds", "steps")


def form_settings() -> list[Field[Any]]:
    """The settings that the form offers, as defined in `gan.config`, in the form's order."""
    training = [f for f in fields(TrainConfig) if f.name not in _NOT_IN_THE_FORM]
    return training + [f for f in fields(NetworkConfig) if f.name in _NETWORK_SETTINGS]


def setting_values(config: TrainConfig) -> list[Any]:
    """The values of `form_settings` in a config."""
    flat = {**to_mapping(config.network), **to_mapping(config)}
    return [flat[setting.name] for setting in form_settings()]


def network_of(data: str, resolution: int, network: NetworkConfig) -> NetworkConfig:
    """`network` with the sizes that the chosen pictures ask for."""
    if data == "fashion":
        return replace(network, resolution=28, channels=1, classes=len(FASHION_CLASSES))
    return replace(network, resolution=int(resolution), channels=3, classes=0)


def request_from_form(
    data: str, resolution: int, preset: str, minutes: float, settings: Sequence[Any], threads: int = 1
) -> Request:
    """The run that a form asks for; nothing that comes from a page is trusted.

    Args:
        settings: values in the order of `form_settings`.

    Raises:
        GanError: naming the first value that is missing or outside its limits.
    """
    if data not in DATA_TITLES or preset not in PRESETS or resolution not in RESOLUTIONS:
        raise GanError("Choose pictures, a resolution and a network first.")
    chosen = PRESETS[preset]
    minutes = min(MOST_MINUTES, max(1, round(minutes or 1)))
    values = {f.name: value for f, value in zip(form_settings(), settings, strict=True)}
    for name, value in values.items():
        if value is None:
            raise GanError(f"The setting {name.replace('_', ' ')} under Advanced is empty; fill it in.")
    sizes = {name: values.pop(name) for name in _NETWORK_SETTINGS}
    network = {**to_mapping(network_of(data, resolution, chosen.network)), **sizes}
    config = from_mapping(TrainConfig, {**values, "seconds": 60.0 * minutes, "network": network})
    changed = setting_values(config) != setting_values(chosen)
    return Request(
        data=data,
        resolution=config.network.resolution,
        title=f"{DATA_TITLES[data]}, {preset}, {minutes} min",
        preset=f"{preset}, changed" if changed else preset,
        config=config,
        threads=threads,
    )
