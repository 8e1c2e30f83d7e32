"""Pictures of the visitor's own, as files, a folder or a zip, made into a data set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan.datasets import Attribute, Dataset
from gan.errors import GanError
from gan.training import FEWEST_PICTURES
from style.errors import StyleError
from style.images import Picture, read_archive, read_picture

RESOLUTIONS = (32, 64)
FITS = ("centre", "whole")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
EXAMPLES_SHOWN = 3
OWN_ATTRIBUTION = "Pictures chosen by whoever trained this; their rights stay with their makers."
LUMA = (0.299, 0.587, 0.114)
_SAVED_TEXTS = ("name", "title", "note", "licence", "attribution")


@dataclass(frozen=True)
class Limits:
    """How much is read before the rest is left out; the defaults suit a machine that serves strangers."""

    pictures: int = 10_000
    pixels: int = 4_000_000_000
    file_bytes: int = 1 << 30


DEFAULT_LIMITS = Limits()


@dataclass
class Tally:
    """What became of the pictures that were looked at."""

    used: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    enough: bool = False

    def drop(self, kind: str, name: str, reason: str = "") -> None:
        """Count a picture that is left out, and keep the first few reasons to tell."""
        self.dropped[kind] += 1
        if reason and len(self.examples) < EXAMPLES_SHOWN:
            self.examples.append(f"{Path(name).name[:60]}: {reason}")

    def sentence(self) -> str:
        """For instance: 38 of 41 pictures used; 2 were not readable, 1 was too small."""
        total = self.used + sum(self.dropped.values())
        parts = [f"{count} {_was(count, kind)}" for kind, count in self.dropped.items()]
        if self.enough:
            parts.append("the rest was left out because this is the most that is read")
        summary = f"{self.used} of {total} pictures used"
        return f"{summary}; {', '.join(parts)}." if parts else f"{summary}."

    def full_text(self) -> str:
        """The sentence and the first few reasons."""
        return " ".join([self.sentence(), *self.examples])


def _was(count: int, kind: str) -> str:
    return kind.replace("was", "were", 1) if count > 1 else kind


def square(picture: Picture, side: int, fit: str = "centre") -> Tensor:
    """The picture as uint8 `[3, side, side]`, alpha onto white, antialiased.

    Args:
        fit: `centre` cuts a square out of the middle, `whole` adds white borders to the shorter sides.
    """
    width, height = picture.size
    edge = max(width, height) if fit == "whole" else min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    image = Image.new("RGB", (edge, edge), "white")
    mask = None if picture.alpha is None else Image.fromarray(picture.alpha)
    image.paste(Image.fromarray(picture.rgb), (-left, -top), mask)
    image = image.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _from_sources(sources: Iterable[Path]) -> Iterator[tuple[str, Picture | StyleError]]:
    """Every picture of files, folders and zips, decoded one at a time, or why it cannot be used."""
    for source in sources:
        if source.is_dir():
            files = (f for f in sorted(source.rglob("*")) if f.suffix.lower() in SUFFIXES and f.is_file())
            yield from _from_sources(files)
        elif source.suffix.lower() == ".zip":
            yield from read_archive(source)
        else:
            try:
                yield source.name, read_picture(source)
            except StyleError as error:
                yield source.name, error


def _check_bytes(sources: Sequence[Path], limits: Limits) -> None:
    total = sum(source.stat().st_size for source in sources if source.is_file())
    if total > limits.file_bytes:
        raise GanError(
            f"These files hold more than {limits.file_bytes >> 20} MB; please send fewer pictures."
        )


class Collector:
    """Takes pictures one at a time until there are enough, makes them squares, and counts what it leaves out.

    Args:
        side: height and width of the result in pixels.
        fit: see `square`.
        limits: when reached, no more is taken.
        smallest: a picture whose shorter side is below it is left out; by default half of `side`, since
            nothing but blur would be learned from less.
    """

    def __init__(
        self, side: int, fit: str = "centre", limits: Limits = DEFAULT_LIMITS, smallest: int | None = None
    ) -> None:
        if fit not in FITS:
            raise GanError(f"Choose how pictures become squares: {' or '.join(FITS)}.")
        self.tally = Tally()
        self._side, self._fit, self._limits = side, fit, limits
        self._smallest = side // 2 if smallest is None else smallest
        self._kept: list[Tensor] = []
        self._pixels = 0

    def add(self, name: str, picture: Picture | StyleError) -> bool:
        """Take one more picture, or count why it cannot be used; False where it was one too many."""
        if isinstance(picture, StyleError):
            self.tally.drop("was not readable", name, str(picture))
        elif self.tally.used >= self._limits.pictures or self._pixels > self._limits.pixels:
            self.tally.enough = True
            return False
        elif min(picture.size) < self._smallest:
            self.tally.drop("was too small", name)
        else:
            self._pixels += picture.size[0] * picture.size[1]
            self._kept.append(square(picture, self._side, self._fit))
            self.tally.used += 1
        return True

    def examples(self, count: int) -> Tensor:
        """The pictures taken last, uint8 `[up to count, 3, side, side]`."""
        return torch.stack(self._kept[-count:])

    def pictures(self) -> Tensor:
        """All that was taken, uint8 `[N, 3, side, side]`. Raises GanError where that is too few."""
        if self.tally.used < FEWEST_PICTURES:
            raise GanError(_too_few(self.tally))
        return torch.stack(self._kept)


def read_pictures(
    sources: Iterable[str | Path], side: int = 64, *, fit: str = "centre", limits: Limits = DEFAULT_LIMITS
) -> tuple[Tensor, Tally]:
    """Pictures from files, folders and zips, none of which is trusted.

    Args:
        sources: paths of pictures, folders (searched with their sub-folders) and zip files.
        side, fit, limits: see `Collector`.

    Returns:
        uint8 `[N, 3, side, side]`, and what was left out and why.

    Raises:
        GanError: when a path does not exist, a zip cannot be opened, or fewer than `FEWEST_PICTURES` remain.
    """
    paths = [Path(source) for source in sources]
    for path in paths:
        if not path.exists():
            raise GanError(f"There is no file or folder {path.name!r}; please check the name.")
    _check_bytes(paths, limits)
    collector = Collector(side, fit, limits)
    try:
        for name, picture in _from_sources(paths):
            if not collector.add(name, picture):
                break
    except StyleError as error:
        raise GanError(str(error)) from error
    return collector.pictures(), collector.tally


def _too_few(tally: Tally) -> str:
    found = f"Only {tally.used} of these pictures can be used" if tally.used else "None of this can be used"
    return " ".join(
        [f"{found}; add at least {FEWEST_PICTURES}, better 500 or more of one kind.", *tally.examples]
    )


def own_pictures(
    sources: Iterable[str | Path],
    resolution: int = 64,
    *,
    mirror: bool = False,
    fit: str = "centre",
    grey: bool = False,
    title: str = "Own pictures",
) -> Dataset:
    """A data set from files, folders and zips; its `note` tells what was left out.

    Args:
        resolution: 32 or 64 px.
        mirror: whether a mirrored picture is as good (faces from the front: yes; digits and text: no).
        fit: how pictures become squares, see `square`.
        grey: without colours, which are then not to be learned either.

    Raises:
        GanError: as `read_pictures`, and on another resolution.
    """
    check_resolution(resolution)
    images, tally = read_pictures(sources, resolution, fit=fit)
    dataset = as_dataset(images, title=title, mirror=mirror, note=tally.full_text())
    return in_grey(dataset) if grey else dataset


def check_resolution(resolution: int) -> None:
    """Raises GanError for a resolution that own pictures do not come in."""
    if resolution not in RESOLUTIONS:
        raise GanError("Own pictures are learned at 32 or 64 px; choose one of these.")


def as_dataset(
    images: Tensor,
    title: str,
    *,
    mirror: bool = False,
    note: str = "",
    name: str = "own",
    licence: str = "other",
    attribution: str = OWN_ATTRIBUTION,
) -> Dataset:
    """Pictures uint8 `[N, C, side, side]` of which nothing is known but where they come from."""
    return Dataset(
        name=name,
        title=title,
        images=images,
        labels=torch.zeros(len(images), 0, dtype=torch.int64),
        attributes=(),
        licence=licence,
        attribution=attribution,
        mirror=mirror,
        note=note,
    )


def in_grey(dataset: Dataset) -> Dataset:
    """The data set in one channel, `[N, 1, H, W]`: luma by ITU-R BT.601, as Pillow's."""
    weights = torch.tensor(LUMA)[:, None, None]
    parts = [
        (part * weights).sum(1, keepdim=True).round().to(torch.uint8) for part in dataset.images.split(256)
    ]
    return replace(dataset, images=torch.cat(parts))


def reduced(images: Tensor, side: int) -> Tensor:
    """uint8 `[N, C, H, W]` at `side` px by averaging whole blocks; `side` must divide H."""
    factor = images.shape[-1] // side
    if factor == 1:
        return images
    parts = [avg_pool2d(chunk.float(), factor).round_().to(torch.uint8) for chunk in images.split(256)]
    return torch.cat(parts)


def save_pictures(folder: Path, dataset: Dataset) -> None:
    """Write the data set as `data.safetensors` and `data.json` into `folder`."""
    tensors = {"images": dataset.images.contiguous(), "labels": dataset.labels.contiguous()}
    save_file(tensors, folder / "data.safetensors")
    document = {key: getattr(dataset, key) for key in (*_SAVED_TEXTS, "mirror", "condition")}
    document["attributes"] = [asdict(attribute) for attribute in dataset.attributes]
    (folder / "data.json").write_text(json.dumps(document), encoding="utf-8")


def load_pictures(folder: Path) -> Dataset:
    """The data set that `save_pictures` wrote.

    Raises:
        GanError: when it is missing or damaged.
    """
    try:
        tensors = load_file(folder / "data.safetensors")
        images = tensors["images"]
        document: Mapping[str, Any] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        texts = {key: str(document[key]) for key in _SAVED_TEXTS if key in document}
        dataset = as_dataset(images, mirror=bool(document["mirror"]), **texts)
        if document.get("condition"):
            dataset = replace(
                dataset,
                labels=tensors["labels"],
                attributes=tuple(Attribute(a["name"], tuple(a["values"])) for a in document["attributes"]),
                condition=str(document["condition"]),
            )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise GanError("The pictures of this run are missing or damaged; please send them again.") from error
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise GanError("The pictures of this run are damaged; please send them again.")
    return dataset
