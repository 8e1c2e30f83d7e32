"""Everything about generative adversarial networks: load and sample, train, explore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan.config import TrainConfig
    from gan.datasets import Dataset, open_dataset
    from gan.errors import GanError
    from gan.model import Model, load
    from gan.training import train

__all__ = ["Dataset", "GanError", "Model", "TrainConfig", "load", "open_dataset", "train"]

_HOMES = {
    "Dataset": "gan.datasets",
    "GanError": "gan.errors",
    "Model": "gan.model",
    "TrainConfig": "gan.config",
    "load": "gan.model",
    "open_dataset": "gan.datasets",
    "train": "gan.training",
}


def __getattr__(name: str) -> Any:
    """Import torch only when something of this package is used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gan' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
