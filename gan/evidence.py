"""What a verdict can be seen by: what kinds of things a run draws, and pictures that it may know by heart,
beside those that they may be copies of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gan.cats import cat_labels, cats_attributes, render_cats
from gan.datasets import Attribute, fashion
from gan.run_files import Request

COLUMNS = 8
SHIPPED = {"fashion": lambda: fashion().attributes, "cats": cats_attributes}


@dataclass(frozen=True)
class Kinds:
    """Which share of generated pictures and of real ones shows each value of an attribute."""

    attribute: Attribute
    made: tuple[float, ...]
    real: tuple[float, ...]


def kinds_of(data: str, counts: Sequence[Sequence[Sequence[int]]] | None) -> list[Kinds]:
    """The shares of all kinds, from what `gan.signals.Signals.kinds` counted; nothing for own pictures."""
    found = []
    for attribute, pairs in zip(SHIPPED.get(data, tuple)(), counts or (), strict=False):
        made, real = zip(*pairs, strict=True)
        found.append(Kinds(attribute, _shares(made), _shares(real)))
    return found


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    total = max(1, sum(counts))
    return tuple(count / total for count in counts)


def copies_beside(
    folder: Path, request: Request, nearest: Sequence[Sequence[int]] | None
) -> Image.Image | None:
    """Pictures of the run's preview, and below each the training picture that is nearest to it.

    Args:
        nearest: rows of the preview and of the data set, see `gan.signals.Signals.nearest`.

    Returns:
        None where nothing was compared, or the pictures are not there (any more).
    """
    if not nearest:
        return None
    try:
        with Image.open(folder / "preview.png") as preview:
            side = preview.width // COLUMNS
            sheet = Image.new("RGB", (side * len(nearest), 2 * side), "white")
            training = _training_pictures(folder, request, [picture for _, picture in nearest])
            for column, ((row, _), real) in enumerate(zip(nearest, training, strict=True)):
                left, top = row % COLUMNS * side, row // COLUMNS * side
                sheet.paste(preview.crop((left, top, left + side, top + side)), (column * side, 0))
                shown = Image.fromarray(real.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy())
                sheet.paste(shown.resize((side, side)), (column * side, side))
    except (OSError, IndexError, KeyError, ValueError, SafetensorError):
        return None
    return sheet


def _training_pictures(folder: Path, request: Request, rows: Sequence[int]) -> Tensor:
    """uint8 `[len(rows), C, H, W]`; only these are read or rendered."""
    if request.data == "fashion":
        return fashion().images[list(rows)]
    if request.data == "cats":
        return render_cats(cat_labels(max(rows) + 1)[list(rows)], request.resolution)
    with safe_open(folder / "data.safetensors", "pt") as saved:
        images = saved.get_slice("images")
        return torch.cat([images[row : row + 1] for row in rows])
