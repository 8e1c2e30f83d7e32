"""What asks for networks: recognising those that others made, and whether weights are those of a config.

This package knows no networks, so who does is found by name when it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from checkpoints.store import Checkpoint

CONVERTER, OPENER = "gan.foreign", "gan.model"
SUFFIXES = (".safetensors", ".onnx")
NO_GENERATORS = ("discriminator", "critic", "netd", "training", "optim", "directions", "encoder")
PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")


@dataclass(frozen=True)
class Converted:
    """What `checkpoints.store.save` wants: config, tensors by file and name, and further files."""

    config: Mapping[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor]]
    documents: Mapping[str, Mapping[str, Any] | str | bytes]


def convert(folder: Path, title: str, licence: str | None) -> Converted:
    """The checkpoint that the weights in `folder` (safetensors or ONNX, perhaps a config.json) stand for.

    Raises:
        CheckpointError: when the network is none that is known, saying why.
    """
    converted: Converted = import_module(CONVERTER).converted(folder, title, licence)
    return converted


def check_networks(checkpoint: Checkpoint) -> None:
    """Whether a checkpoint's tensors have the names and shapes of the networks that its config means.

    Raises:
        CheckpointError: when they have not, so that Explore could not open it.
    """
    import_module(OPENER).check_networks(checkpoint)


def candidates(names: list[str]) -> list[str]:
    """Files of a repository that may hold a generator, the likeliest first: `generator` before all others."""
    found = [name for name in names if name.endswith(SUFFIXES) and "/" not in name and "\\" not in name]
    kept = [name for name in found if not any(word in name.lower() for word in NO_GENERATORS)]

    def unlikely(name: str) -> tuple[bool, bool, bool, str]:
        stem = name.lower()
        return ("gen" not in stem and "netg" not in stem, "model" not in stem, stem.endswith(".onnx"), stem)

    return sorted(kept, key=unlikely)
