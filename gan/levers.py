"""The settings of a run that may change while it trains, and what has been changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from gan.config import NetworkConfig, TrainConfig, from_mapping, to_mapping
from gan.errors import GanError

# All others are built into the networks or belong to the pictures. Another seed begins anew.
LEVERS = (
    "seed", "generator_lr", "discriminator_lr", "beta1", "discriminator_steps", "loss", "penalty", "gamma",
    "skip_below", "smoothing", "noise", "dropout", "augment", "only_first", "batch", "average",
)  # fmt: skip
_OF_THE_NETWORK = ("dropout",)


@dataclass(frozen=True)
class Change:
    """One lever that was moved: in force after so many steps and seconds of training."""

    step: int
    seconds: float
    name: str
    old: float | str
    new: float | str


_LABELS = {
    "generator_lr": "generator learning rate",
    "discriminator_lr": "discriminator learning rate",
    "skip_below": "skip the discriminator below",
    "smoothing": "label smoothing",
    "noise": "instance noise",
    "gamma": "penalty strength (gamma)",
    "augment": "augmentation",
    "only_first": "number of pictures",
    "average": "averaging half-life",
    "final_lr": "learning rates at the end",
    "beta1": "momentum (beta 1)",
    "beta2": "second decay (beta 2)",
    "penalty_share": "share with penalty",
    "at_once": "both learn at once",
    "likeness": "likeness to real pictures",
    "naming": "naming real pictures",
    "anchored": "anchored to real pictures",
    "told": "tell what the labels say",
    "width": "generator width",
    "critic_width": "discriminator width",
    "z_dim": "length of z",
    "components": "principal components",
    "halvings": "halvings of the space",
    "gain": "output gain",
    "growth": "growing time",
    "frozen": "frozen layers",
    "spectral": "spectral normalisation",
    "batch_norm": "batch normalisation in the discriminator",
    "designed_norm": "batch normalisation as designed",
    "activation": "generator activation",
    "critic_activation": "discriminator activation",
    "output": "end of the generator",
}


def setting_label(name: str) -> str:
    """A setting's name in words, as the page shows it."""
    return _LABELS.get(name, name.replace("_", " "))


def value_text(name: str, value: float | str) -> str:
    """A lever's value, as the page shows it."""
    if isinstance(value, str):
        return value
    return "all" if name == "only_first" and not value else f"{value:.10g}"


def aim_text(name: str, value: float | str) -> str:
    """What will be done to a lever, as the page says it."""
    if name == "seed":
        return f"both networks begin anew (seed {value})"
    return f"{setting_label(name)} to {value_text(name, value)}"


def change_text(name: str, old: float | str, new: float | str) -> str:
    """What was done to a lever, as the page says it."""
    if name == "seed":
        return aim_text(name, new)
    return f"{setting_label(name)} {value_text(name, old)} → {value_text(name, new)}"


def lever_settings() -> list[Field[Any]]:
    """The levers as defined in `gan.config`, in their order."""
    known = {setting.name: setting for kind in (TrainConfig, NetworkConfig) for setting in fields(kind)}
    return [known[name] for name in LEVERS]


def value_of(config: TrainConfig, name: str) -> Any:
    """A setting's value in a config, of the run or of its network."""
    return getattr(config, name) if hasattr(config, name) else getattr(config.network, name)


def lever_values(config: TrainConfig) -> dict[str, Any]:
    """The levers' values in a config, by name."""
    return {name: value_of(config, name) for name in LEVERS}


def with_levers(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """`config` with some levers moved; the same object where nothing differs.

    Raises:
        GanError: when a name is no lever's, or a value is missing or outside its limits.
    """
    for name, value in values.items():
        if name not in LEVERS:
            raise GanError("This setting cannot be changed while a run trains; start a new run with it.")
        if value is None:
            raise GanError(f"The lever {setting_label(name)} is empty; fill it in.")
    plain = to_mapping(config)
    of_network = {name: value for name, value in values.items() if name in _OF_THE_NETWORK}
    of_run = {name: value for name, value in values.items() if name not in of_network}
    network = {**plain["network"], **of_network}
    changed = from_mapping(TrainConfig, {**plain, **of_run, "network": network})
    return config if changed == config else changed


def changes_between(before: TrainConfig, after: TrainConfig, step: int, seconds: float) -> tuple[Change, ...]:
    """The levers in which two configs differ."""
    old, new = lever_values(before), lever_values(after)
    return tuple(Change(step, seconds, n, old[n], new[n]) for n in LEVERS if old[n] != new[n])
