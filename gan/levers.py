"""The settings of a run that may change while it trains, and what has been changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from gan.config import TrainConfig, from_mapping, to_mapping
from gan.errors import GanError

# In the order in which the page shows them. All others are part of the networks or of the game's rules.
LEVERS = (
    "generator_lr", "discriminator_lr", "discriminator_steps", "skip_below", "smoothing", "noise", "gamma",
    "augment", "only_first", "batch", "average",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One lever that was moved: in force after so many steps and seconds of training."""

    step: int
    seconds: float
    name: str
    old: float
    new: float


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
    "batch_norm": "batch normalisation",
}


def setting_label(name: str) -> str:
    """A setting's name in words, as the page shows it."""
    return _LABELS.get(name, name.replace("_", " "))


def value_text(name: str, value: float) -> str:
    """A lever's value, as the page shows it."""
    return "all" if name == "only_first" and not value else f"{value:g}"


def lever_settings() -> list[Field[Any]]:
    """The levers as defined in `gan.config`, in their order."""
    known = {setting.name: setting for setting in fields(TrainConfig)}
    return [known[name] for name in LEVERS]


def lever_values(config: TrainConfig) -> dict[str, Any]:
    """The levers' values in a config, by name."""
    return {name: getattr(config, name) for name in LEVERS}


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
    changed = from_mapping(TrainConfig, {**to_mapping(config), **values})
    return config if changed == config else changed


def changes_between(before: TrainConfig, after: TrainConfig, step: int, seconds: float) -> tuple[Change, ...]:
    """The levers in which two configs differ."""
    old, new = lever_values(before), lever_values(after)
    return tuple(Change(step, seconds, n, old[n], new[n]) for n in LEVERS if old[n] != new[n])
