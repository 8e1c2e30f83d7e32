"""A direction, and the file of a checkpoint's folder that keeps some of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from checkpoints import store
from checkpoints.errors import CheckpointError
from checkpoints.weights import digest
from gan.model import GENERATOR, Model

FILE = "directions.safetensors"
METHODS = ("pca", "closed-form", "supervised", "saved")
LIMIT = 4.0
MOST_DIRECTIONS = 96
MOST_LAYERS = 16


@dataclass(frozen=True, eq=False)
class Direction:
    """A way to go in the latent space.

    Attributes:
        name: what the visitor reads, such as `Direction 1 · brighter`.
        method: `pca`, `closed-form`, `supervised` or `saved`.
        vector: float32 `[z_dim]` in z or w, or `[size]` in all styles (`gan.styles`), length 1.
        limit: the slider runs from -limit to +limit, in standard deviations of z along the vector.
    """

    name: str
    method: str
    vector: Tensor
    limit: float = LIMIT


@dataclass(frozen=True, eq=False)
class Kept:
    """What a checkpoint's folder keeps.

    Attributes:
        first: the ones that a page shows first, in the order of a state's edits.
        further: those that come after them there; empty where the file does not hold them for these weights.
        visitors: what visitors saved.
    """

    first: tuple[Direction, ...] = ()
    further: tuple[Direction, ...] = ()
    visitors: tuple[Direction, ...] = ()


def kept_in(model: Model) -> Kept:
    """The directions in the checkpoint's folder; empty where there are none that fit this generator."""
    try:
        checkpoint = store.find(model.reference)
    except CheckpointError:
        return Kept()
    z_dim = model.config.z_dim
    sizes = (z_dim, z_dim * max(1, len(model.generator.sides)))
    return _kept_in(checkpoint, sizes) if checkpoint.config == model.document else Kept()


def saved_directions(model: Model) -> tuple[Direction, ...]:
    """Those of `kept_in` that a page shows with the checkpoint: the first ones and the visitors'."""
    kept = kept_in(model)
    return kept.first + kept.visitors


def visitors_directions(folder: Path | str, z_dim: int) -> tuple[Direction, ...]:
    """What visitors saved with the checkpoint in a folder; empty where there is none, or of another z."""
    try:
        return _kept_in(store.read(folder), range(z_dim, MOST_LAYERS * z_dim + 1, z_dim)).visitors
    except CheckpointError:
        return ()


def _kept_in(checkpoint: store.Checkpoint, sizes: Collection[int]) -> Kept:
    try:
        if not checkpoint.has(FILE):
            return Kept()
        vectors = checkpoint.tensors(FILE).get("vectors")
        with safe_open(checkpoint.path(FILE), framework="pt") as file:
            told = file.metadata() or {}
        described = json.loads(told.get("directions", "[]"))
        first = int(told.get("first", MOST_DIRECTIONS))
        # A file from before there were further ones names no weights; links count on its first ones.
        right = told.get("weights") in (None, digest(checkpoint.path(GENERATOR)))
    except (CheckpointError, SafetensorError, OSError, ValueError):
        return Kept()
    found = _checked(vectors, described, sizes)
    own = tuple(direction for direction in found if direction.method == "saved")
    others = tuple(direction for direction in found if direction.method != "saved") if right else ()
    return Kept(others[: max(0, first)], others[max(0, first) :], own)


def _checked(vectors: Tensor | None, described: object, sizes: Collection[int]) -> tuple[Direction, ...]:
    """Directions from a file that anyone may have written; empty unless everything about it is right."""
    if (
        vectors is None
        or vectors.ndim != 2
        or vectors.shape[1] not in sizes
        or not 1 <= len(vectors) <= MOST_DIRECTIONS
    ):
        return ()
    vectors = vectors.float()
    lengths = vectors.norm(dim=1, keepdim=True)
    if not isinstance(described, list) or len(described) != len(vectors) or not torch.isfinite(vectors).all():
        return ()
    if (lengths < 1e-3).any():
        return ()
    found = []
    for entry, vector in zip(described, vectors / lengths, strict=True):
        entry = entry if isinstance(entry, dict) else {}
        name, method, limit = entry.get("name"), entry.get("method"), entry.get("limit")
        if not isinstance(name, str) or method not in METHODS or not isinstance(limit, (int, float)):
            return ()
        found.append(Direction(name[:60], str(method), vector, min(20.0, max(0.5, float(limit)))))
    return tuple(found)


def save_directions(folder: Path, directions: Sequence[Direction], further: Sequence[Direction] = ()) -> Path:
    """Write directions into a checkpoint's folder, so that opening it does not have to find them.

    Args:
        directions: the first ones, and visitors' own of the method `saved`.
        further: those that follow the first ones in a state's edits. With them the weights' digest is
            written: they count only as long as the folder holds these weights.
    """
    first = [direction for direction in directions if direction.method != "saved"]
    written = [*first, *further, *(direction for direction in directions if direction.method == "saved")]
    described = [{"name": d.name, "method": d.method, "limit": d.limit} for d in written]
    told = {"directions": json.dumps(described)}
    if further:
        told |= {"first": str(len(first)), "weights": digest(folder / GENERATOR)}
    vectors = torch.stack([d.vector for d in written]).contiguous()
    path, unfinished = folder / FILE, folder / f".{FILE}.part"
    save_file({"vectors": vectors}, unfinished, metadata=told)
    unfinished.replace(path)
    return path
