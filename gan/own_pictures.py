"""Pictures of the visitor's own, as files, a folder or a zip, made into a data set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan.datasets import Dataset
from gan.errors import GanError
from gan.training import FEWEST_PICTURES
from style.errors import StyleError
from style.images import Picture, read_archive, read_picture

RESOLUTIONS = (32, 64)
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
EXAMPLES_SHOWN = 3


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


def square(picture: Picture, side: int) -> Tensor:
    """The picture's centre as uint8 `[3, side, side]`: cropped to a square, alpha onto white, antialiased."""
    width, height = picture.size
    short = min(width, height)
    left, top = (width - short) // 2, (height - short) // 2
    box = (left, top, left + short, top + short)
    image = Image.fromarray(picture.rgb).crop(box)
    if picture.alpha is not None:
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=Image.fromarray(picture.alpha).crop(box))
        image = paper
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


def read_pictures(
    sources: Iterable[str | Path], side: int = 64, *, limits: Limits = DEFAULT_LIMITS
) -> tuple[Tensor, Tally]:
    """Pictures from files, folders and zips, none of which is trusted.

    Args:
        sources: paths of pictures, folders (searched with their sub-folders) and zip files.
        side: height and width of the result in pixels. A picture whose shorter side is under half of it is
            left out, since nothing but blur would be learned from it.
        limits: when reached, the rest is left out.

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
    tally, kept, pixels = Tally(), [], 0
    try:
        for name, picture in _from_sources(paths):
            if isinstance(picture, StyleError):
                tally.drop("was not readable", name, str(picture))
            elif tally.used >= limits.pictures or pixels > limits.pixels:
                tally.enough = True
                break
            elif min(picture.size) < side // 2:
                tally.drop("was too small", name)
            else:
                pixels += picture.size[0] * picture.size[1]
                kept.append(square(picture, side))
                tally.used += 1
    except StyleError as error:
        raise GanError(str(error)) from error
    if tally.used < FEWEST_PICTURES:
        raise GanError(_too_few(tally))
    return torch.stack(kept), tally


def _too_few(tally: Tally) -> str:
    found = f"Only {tally.used} of these pictures can be used" if tally.used else "None of this can be used"
    return " ".join(
        [f"{found}; add at least {FEWEST_PICTURES}, better 500 or more of one kind.", *tally.examples]
    )


def own_pictures(
    sources: Iterable[str | Path], resolution: int = 64, *, mirror: bool = False, title: str = "Own pictures"
) -> Dataset:
    """A colour data set from files, folders and zips; its `note` tells what was left out.

    Args:
        resolution: 32 or 64 px.
        mirror: whether a mirrored picture is as good (faces from the front: yes; digits and text: no).

    Raises:
        GanError: as `read_pictures`, and on another resolution.
    """
    if resolution not in RESOLUTIONS:
        raise GanError("Own pictures are learned at 32 or 64 px; choose one of these.")
    images, tally = read_pictures(sources, resolution)
    return _dataset(images, title, mirror, tally.full_text())


def _dataset(images: Tensor, title: str, mirror: bool, note: str) -> Dataset:
    return Dataset(
        name="own",
        title=title,
        images=images,
        labels=torch.zeros(len(images), 0, dtype=torch.int64),
        attributes=(),
        licence="other",
        attribution="Pictures chosen by whoever trained this; their rights stay with their makers.",
        mirror=mirror,
        note=note,
    )


def reduced(images: Tensor, side: int) -> Tensor:
    """uint8 `[N, C, H, W]` at `side` px by averaging whole blocks; `side` must divide H."""
    factor = images.shape[-1] // side
    if factor == 1:
        return images
    parts = [avg_pool2d(chunk.float(), factor).round_().to(torch.uint8) for chunk in images.split(256)]
    return torch.cat(parts)


def save_pictures(folder: Path, dataset: Dataset) -> None:
    """Write the data set as `data.safetensors` and `data.json` into `folder`."""
    save_file({"images": dataset.images.contiguous()}, folder / "data.safetensors")
    document = {"title": dataset.title, "mirror": dataset.mirror, "note": dataset.note}
    (folder / "data.json").write_text(json.dumps(document), encoding="utf-8")


def load_pictures(folder: Path) -> Dataset:
    """The data set that `save_pictures` wrote.

    Raises:
        GanError: when it is missing or damaged.
    """
    try:
        images = load_file(folder / "data.safetensors")["images"]
        document: Mapping[str, Any] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        title, mirror, note = str(document["title"]), bool(document["mirror"]), str(document["note"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise GanError("The pictures of this run are missing or damaged; please send them again.") from error
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise GanError("The pictures of this run are damaged; please send them again.")
    return _dataset(images, title, mirror, note)
