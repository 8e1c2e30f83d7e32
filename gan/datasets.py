"""Any source of pictures as one `Dataset`: a uint8 tensor in memory, so that a batch is an index."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from checkpoints.store import home
from gan.errors import GanError

DATA = Path(__file__).resolve().parent.parent / "data"

FASHION_CLASSES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
FASHION_ATTRIBUTION = "Fashion-MNIST (c) 2017 Zalando SE, MIT licence."


@dataclass(frozen=True)
class Attribute:
    """One thing that a picture's label tells: its name and the names of its values."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """Pictures to learn from.

    Attributes:
        images: uint8 `[N, C, H, W]`.
        labels: int64 `[N, len(attributes)]`, one column an attribute.
        condition: the attribute that a generator may be told as its class, or None.
        mirror: whether a mirrored picture is as good as the original.
        note: what was dropped or changed on the way in, for the visitor; may be empty.
    """

    name: str
    title: str
    images: Tensor
    labels: Tensor
    attributes: tuple[Attribute, ...]
    licence: str
    attribution: str
    condition: str | None = None
    mirror: bool = False
    note: str = ""

    def __len__(self) -> int:
        return self.images.shape[0]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that a generator may be told; empty without a condition."""
        return next((a.values for a in self.attributes if a.name == self.condition), ())

    @property
    def attribute_sizes(self) -> tuple[int, ...]:
        """Number of values of each attribute, where a latent vector may choose among them; else empty."""
        return () if self.condition else tuple(len(attribute.values) for attribute in self.attributes)

    @property
    def own(self) -> bool:
        """Whether somebody has chosen these pictures, from files or from the Hub, and they did not ship."""
        return self.name == "own" or self.name.startswith("hub:")

    @property
    def labels_tell(self) -> str:
        """For which labels a recipe is wanted: `classes`, `attributes` or `nothing` (`gan.config.PRESETS`).

        For pictures of one's own nothing: their classes are told, too, but the recipe for classes was made
        for small grey garments.
        """
        if self.own:
            return "nothing"
        return "classes" if self.classes else "attributes" if self.attribute_sizes else "nothing"

    @property
    def class_labels(self) -> Tensor | None:
        """The condition's column of the labels, int64 `[N]`, or None."""
        names = [a.name for a in self.attributes]
        return self.labels[:, names.index(self.condition)] if self.condition in names else None

    def first(self, count: int) -> Dataset:
        """The data set cut to its first `count` pictures."""
        return replace(self, images=self.images[:count], labels=self.labels[:count])

    def last(self, count: int) -> Dataset:
        """The data set cut to its last `count` pictures."""
        return replace(self, images=self.images[-count:], labels=self.labels[-count:])


def to_unit(images: Tensor) -> Tensor:
    """uint8 0..255 to float32 [-1, 1], same shape: the only way into a network of this package."""
    return images.to(torch.float32).div_(127.5).sub_(1.0)


def to_bytes(pictures: Tensor) -> Tensor:
    """Float [-1, 1] (clamped) to uint8 0..255, same shape: the only way out."""
    return pictures.detach().float().clamp(-1, 1).add(1.0).mul(127.5).round().to(torch.uint8)


def _read_idx(path: Path, header: int) -> np.ndarray:
    with gzip.open(path) as stream:
        stream.read(header)
        return np.frombuffer(stream.read(), np.uint8).copy()


def _fashion_folder(embedded: bool) -> tuple[Path, str]:
    full = home() / "data" / "fashion-mnist"
    if embedded:
        return DATA / "fashion-mnist", "t10k"
    if (full / "train-images-idx3-ubyte.gz").is_file() and (full / "train-labels-idx1-ubyte.gz").is_file():
        return full, "train"
    return DATA / "fashion-mnist", "t10k"


@lru_cache(maxsize=2)
def fashion(embedded: bool = False) -> Dataset:
    """Fashion-MNIST, 28 px, grey, 10 classes: 60,000 pictures where found on disk, else the embedded 10,000.

    The full set is looked for as its original `train-*.gz` files in `data/fashion-mnist` below
    `checkpoints.home()`; with `embedded` it is not looked for. The two have no picture in common.
    Source: Xiao et al. 2017 (arXiv 1708.07747).
    """
    folder, part = _fashion_folder(embedded)
    images = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int64)
    return Dataset(
        name="fashion",
        title="Fashion-MNIST",
        images=torch.from_numpy(images),
        labels=torch.from_numpy(labels)[:, None],
        attributes=(Attribute("garment", FASHION_CLASSES),),
        licence="mit",
        attribution=FASHION_ATTRIBUTION,
        condition="garment",
    )


def real_examples(dataset: Dataset, count: int = 32) -> Tensor:
    """`count` real pictures to show beside generated ones, float `[count, C, H, W]` in [-1, 1].

    Evenly spread over the data set; with classes, the k-th picture is of class k modulo their number, which
    is the order of the previews. A small data set repeats itself.
    """
    labels = dataset.class_labels
    if labels is None:
        return to_unit(dataset.images[torch.arange(count) * len(dataset) // count])
    members = [(labels == k).nonzero()[:, 0] for k in range(len(dataset.classes))]
    members = [indices if len(indices) else torch.arange(len(dataset)) for indices in members]
    chosen = [members[i % len(members)] for i in range(count)]
    index = [int(indices[i // len(members) % len(indices)]) for i, indices in enumerate(chosen)]
    return to_unit(dataset.images[index])


def open_dataset(name: str, resolution: int | None = None, *, limit: int | None = None) -> Dataset:
    """A data set by name: `fashion` (28 px), `cats` (32, 64 or 128 px, default 64), or own pictures by path.

    Args:
        name: `fashion`, `cats`, the path of a folder or a zip file of pictures, or `hub:owner/name` for one
            on the Hub, `hub:owner/name#kind` for one kind of its pictures (32 or 64 px, default 64).
        resolution: height and width in pixels.
        limit: take at most so many pictures.

    Raises:
        GanError: on an unknown name, a resolution that the data set does not have, or unusable pictures.
    """
    from gan.cats import cats
    from gan.own_pictures import own_pictures

    if name == "fashion":
        if resolution not in (None, 28):
            raise GanError("Fashion-MNIST has 28 px; choose 28.")
        dataset = fashion()
    elif name == "cats":
        dataset = cats(resolution or 64, limit or 16_000)
    elif name.startswith("hub:"):
        from gan.hub_pictures import USUAL_PICTURES, hub_pictures

        dataset = hub_pictures(name, resolution or 64, most=limit or USUAL_PICTURES)
    elif Path(name).exists():
        dataset = own_pictures([name], resolution or 64, title=Path(name).stem[:60])
    else:
        raise GanError(
            f"There is no data set {name!r}; choose fashion, cats, a folder or zip of pictures, or "
            "hub:owner/name."
        )
    return dataset.first(limit) if limit else dataset
