"""A trained generator ready to draw, and its discriminator ready to judge; loaded once, shared read-only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.config import NetworkConfig, from_mapping
from gan.datasets import Attribute, to_bytes
from gan.errors import GanError
from gan.latent import latents
from gan.networks import Discriminator, Generator, build_discriminator, build_generator

BATCH = 64
GENERATOR = "generator.safetensors"
DISCRIMINATOR = "discriminator.safetensors"


@dataclass(frozen=True)
class Opinion:
    """What the discriminator thinks of one picture.

    Attributes:
        logit: its raw output; only comparisons have a meaning.
        above_generated: share of this generator's own pictures that it finds less convincing, 0..1.
        above_real: share of real pictures that it finds less convincing, 0..1.
    """

    logit: float
    above_generated: float
    above_real: float


@dataclass(frozen=True, eq=False)
class Model:
    """A checkpoint's networks in evaluation mode; a key of caches by its identity.

    Attributes:
        classes: names of the classes that the generator can be told; empty when it has none.
        attributes: what z chooses among (`gan.attributes`); empty when the generator was told nothing.
        discriminator: None where the checkpoint does not hold it.
        critic: the discriminator's logits on real and generated pictures, ascending, as quantiles.
    """

    reference: str
    title: str
    config: NetworkConfig
    generator: Generator
    discriminator: Discriminator | None
    classes: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    critic: Mapping[str, tuple[float, ...]]
    document: Mapping[str, Any]

    @torch.inference_mode()
    def draw(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures `[N, C, H, W]` clamped to [-1, 1] from z `[N, z_dim]` and labels `[N]` (default 0).

        Where layers have styles, it also takes points `[N, size]`.
        """
        if self.config.classes and labels is None:
            labels = torch.zeros(len(z), dtype=torch.int64)
        parts = [
            self.generator(z[i : i + BATCH], None if labels is None else labels[i : i + BATCH])
            for i in range(0, len(z), BATCH)
        ]
        return torch.cat(parts).float().clamp(-1, 1)

    @torch.inference_mode()
    def point(self, z: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """z `[N, z_dim]`, truncated, as the point `[N, size]` that `draw` takes; see `gan.styles`."""
        if self.config.classes and labels is None:
            labels = torch.zeros(len(z), dtype=torch.int64)
        return self.generator.point(z, labels, truncation)

    def sample(
        self, seeds: Iterable[int], truncation: float = 1.0, label: int | None = None
    ) -> np.ndarray[Any, Any]:
        """Pictures by seed, uint8 `[N, H, W, C]`.

        Args:
            seeds: whole numbers in 0..2^32-1; the same seed is the same picture everywhere.
            truncation: z, or w where there is one, is multiplied by it; below 1 more typical, above stranger.
            label: class of all pictures; None walks through the classes in turn.

        Raises:
            GanError: on a seed or a class out of range.
        """
        seeds = list(seeds)
        if not seeds or any(not 0 <= seed < 2**32 for seed in seeds):
            raise GanError("Give at least one seed; seeds are whole numbers from 0 to 4294967295.")
        labels = self._labels(len(seeds), label)
        pictures = self.draw(self.point(latents(seeds, self.config.z_dim), labels, truncation), labels)
        return to_bytes(pictures).permute(0, 2, 3, 1).numpy()

    def _labels(self, count: int, label: int | None) -> Tensor | None:
        if not self.config.classes:
            return None
        if label is None:
            return torch.arange(count) % self.config.classes
        if not 0 <= label < self.config.classes:
            raise GanError(f"This generator has the classes 0 to {self.config.classes - 1}.")
        return torch.full((count,), label, dtype=torch.int64)

    @torch.inference_mode()
    def opinion(self, pictures: Tensor, labels: Tensor | None = None) -> list[Opinion]:
        """The discriminator's opinion of pictures `[N, C, H, W]` in [-1, 1]; empty where there is none."""
        if self.discriminator is None:
            return []
        if self.config.classes and labels is None:
            labels = torch.zeros(len(pictures), dtype=torch.int64)
        logits = self.discriminator(pictures, labels).tolist()
        generated, real = (np.array(self.critic.get(kind, ())) for kind in ("generated", "real"))
        return [Opinion(x, _share_below(generated, x), _share_below(real, x)) for x in logits]


def _share_below(quantiles: np.ndarray[Any, Any], value: float) -> float:
    if len(quantiles) < 2:
        return 0.5
    return float(np.interp(value, quantiles, np.linspace(0, 1, len(quantiles))))


def load(name: str) -> Model:
    """A model by shipped name, folder, or `user/repository` on the Hub.

    Raises:
        GanError: when the checkpoint does not hold the network that its config describes.
        CheckpointError: when there is no such checkpoint or it cannot be read.
    """
    return load_checkpoint(store.find_anywhere(name))


def load_reference(reference: str) -> Model:
    """A model by a reference that comes from the page (see `checkpoints.store.find`), kept for the next call.

    Raises: as `load`.
    """
    checkpoint = store.find(reference)
    changed = max(file.stat().st_mtime_ns for file in checkpoint.folder.iterdir())
    return _cached(reference, changed)


@lru_cache(maxsize=8)
def _cached(reference: str, changed: int) -> Model:
    return load_checkpoint(store.find(reference))


def load_checkpoint(checkpoint: store.Checkpoint) -> Model:
    """The model that a validated checkpoint folder holds. Raises GanError as `load`."""
    if checkpoint.kind != "gan":
        raise GanError(f"{checkpoint.title} is not a GAN; choose another checkpoint.")
    config = from_mapping(NetworkConfig, checkpoint.config.get("network", {}))
    generator = build_generator(config)
    load_tensors(generator, checkpoint.tensors(GENERATOR), "generator")
    discriminator = None
    if checkpoint.has(DISCRIMINATOR):
        discriminator = build_discriminator(config)
        load_tensors(discriminator, checkpoint.tensors(DISCRIMINATOR), "discriminator")
        discriminator.eval().requires_grad_(False)
    data = checkpoint.config.get("data")
    return Model(
        reference=checkpoint.reference,
        title=checkpoint.title,
        config=config,
        generator=generator.eval().requires_grad_(False),
        discriminator=discriminator,
        classes=_class_names(config, data if isinstance(data, Mapping) else {}),
        attributes=_attributes(config, data if isinstance(data, Mapping) else {}),
        critic=_critic(checkpoint.config.get("critic")),
        document=checkpoint.config,
    )


def check_networks(checkpoint: store.Checkpoint) -> None:
    """Whether the checkpoint can be opened. Raises CheckpointError saying what is the matter."""
    try:
        load_checkpoint(checkpoint)
    except GanError as error:
        raise CheckpointError(f"{checkpoint.title} cannot be opened, so it was not kept. {error}") from None


def _class_names(config: NetworkConfig, data: Mapping[str, Any]) -> tuple[str, ...]:
    names = data.get("classes")
    if isinstance(names, list) and len(names) == config.classes:
        return tuple(str(name)[:60] for name in names)
    return tuple(f"class {i}" for i in range(config.classes))


def _attributes(config: NetworkConfig, data: Mapping[str, Any]) -> tuple[Attribute, ...]:
    """The attributes with the checkpoint's names for them, where it has as many as it should."""
    given = data.get("attributes")
    given = given if isinstance(given, list) and len(given) == len(config.attributes) else []
    found = []
    for number, size in enumerate(config.attributes):
        entry = given[number] if given and isinstance(given[number], Mapping) else {}
        name, values = entry.get("name", f"attribute {number}"), entry.get("values")
        if not isinstance(values, list) or len(values) != size:
            values = [f"{name} {value}" for value in range(size)]
        found.append(Attribute(str(name)[:60], tuple(str(value)[:60] for value in values)))
    return tuple(found)


def _critic(value: Any) -> dict[str, tuple[float, ...]]:
    if not isinstance(value, Mapping):
        return {}
    kept = {}
    for kind in ("generated", "real"):
        numbers = value.get(kind)
        if isinstance(numbers, list) and all(isinstance(x, (int, float)) for x in numbers):
            kept[kind] = tuple(sorted(float(x) for x in numbers[:1000]))
    return kept


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name starts with `prefix`, without it."""
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def load_tensors(network: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """Copy `tensors` into `network` after checking that names and shapes are exactly the network's.

    Raises:
        GanError: naming the first tensor that is missing, unknown or of another shape.
    """
    expected = network.state_dict()
    for name, value in expected.items():
        if name not in tensors:
            raise GanError(f"This checkpoint's {what} lacks {name}; it was made for another network.")
        if tensors[name].shape != value.shape:
            found, wanted = list(tensors[name].shape), list(value.shape)
            raise GanError(f"This checkpoint's {what} has {name} as {found} where the network has {wanted}.")
    unknown = sorted(set(tensors) - set(expected))
    if unknown:
        raise GanError(f"This checkpoint's {what} has {unknown[0][:80]}, which the network does not know.")
    network.load_state_dict({name: tensors[name].to(value.dtype) for name, value in expected.items()})


__all__ = ["CheckpointError", "Model", "Opinion", "load", "load_checkpoint", "load_reference", "load_tensors"]
