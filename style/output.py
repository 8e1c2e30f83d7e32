"""Writes a stylised picture with its recipe inside."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from style.errors import StyleError
from style.finish import finish
from style.images import Picture, to_image, to_tensor
from style.lesson import square
from style.recipe import Recipe

RECIPE_KEY = "latent-atelier-recipe"
PALETTE_SIDE = 128
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def check_destination(path: Path) -> None:
    """Raises StyleError if no picture can be written there, before a minute is spent on making one."""
    if path.suffix.lower() not in SUFFIXES:
        raise StyleError(f"The output {path.name!r} must end in one of {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise StyleError(f"The folder {str(path.parent)!r} does not exist; please make it first.")
    if path.is_dir():
        raise StyleError(f"The output {str(path)!r} is a folder; please name a file.")


def finished_image(
    painted: Tensor, photo: Picture, paintings: Sequence[Picture], recipe: Recipe
) -> Image.Image:
    """Returns the painted picture `[1, 3, H, W]`, finished, and transparent where the photo is."""
    alpha = photo.alpha
    if alpha is not None and recipe.mode == "lesson":
        alpha = _middle_square(alpha)
    original = photo_like(painted, photo, recipe)
    return to_image(finish(painted, original, _palette(paintings), recipe), alpha)


def photo_like(painted: Tensor, photo: Picture, recipe: Recipe) -> Tensor:
    """The photo at the painted picture's size, cut as its recipe cuts it, `[1, 3, H, W]` in [0, 1]."""
    if recipe.mode == "lesson":
        return square(to_tensor(photo))
    return to_tensor(photo, max(painted.shape[-2:]))


def _palette(paintings: Sequence[Picture]) -> Tensor:
    """A few thousand of each painting's colours side by side, `[1, 3, h, w]`."""
    small = [to_tensor(painting, PALETTE_SIDE).flatten(2) for painting in paintings]
    # As many of each, so that a long painting counts no more than a square one.
    count = min(colours.shape[2] for colours in small)
    chosen = [c[:, :, torch.linspace(0, c.shape[2] - 1, count).long()] for c in small]
    return torch.cat(chosen, 2)[:, :, None]


def save(path: Path, painted: Tensor, photo: Picture, paintings: Sequence[Picture], recipe: Recipe) -> None:
    """Writes the picture in the format of the path's suffix; PNG keeps transparency and the recipe.

    The file appears whole or not at all.

    Raises:
        StyleError: if it cannot be written.
    """
    check_destination(path)
    image = finished_image(painted, photo, paintings, recipe)
    options: dict[str, Any] = {}
    if path.suffix.lower() == ".png":
        information = PngInfo()
        information.add_text(RECIPE_KEY, recipe.to_json())
        options["pnginfo"] = information
    else:
        options["quality"] = 95
        if path.suffix.lower() != ".webp":
            image = image.convert("RGB")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".style-") as folder:
            unfinished = Path(folder) / path.name
            image.save(unfinished, **options)
            os.replace(unfinished, path)
    except OSError as error:
        raise StyleError(
            f"The picture cannot be written to {str(path.parent)!r}: {error.strerror}."
        ) from error


def file_name(photo: str, painting: str) -> str:
    """Returns "photo_x_painting.png" from two paths or names, with harmless characters alone."""
    stems = (re.sub(r"\W+", "-", Path(name).stem).strip("-")[:40] or "picture" for name in (photo, painting))
    return "_x_".join(stems) + ".png"


def _middle_square(alpha: np.ndarray) -> np.ndarray:
    height, width = alpha.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return alpha[top : top + side, left : left + side]
