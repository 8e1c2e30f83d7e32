"""Writes a stylised picture with its recipe inside."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from style.errors import StyleError
from style.images import Picture, to_image
from style.iterate import Iterate
from style.recipe import Recipe

RECIPE_KEY = "latent-atelier-recipe"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def check_destination(path: Path) -> None:
    """Raises StyleError if no picture can be written there, before a minute is spent on making one."""
    if path.suffix.lower() not in SUFFIXES:
        raise StyleError(f"The output {path.name!r} must end in one of {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise StyleError(f"The folder {str(path.parent)!r} does not exist; please make it first.")
    if path.is_dir():
        raise StyleError(f"The output {str(path)!r} is a folder; please name a file.")


def finished_image(iterate: Iterate, photo: Picture, recipe: Recipe) -> Image.Image:
    """Returns the iterate's picture, with the photo's transparency at its size where there is any."""
    alpha = photo.alpha
    if alpha is not None and recipe.mode == "lesson":
        alpha = _middle_square(alpha)
    return to_image(iterate.picture, alpha)


def save(path: Path, iterate: Iterate, photo: Picture, recipe: Recipe) -> None:
    """Writes the picture in the format of the path's suffix; PNG keeps transparency and the recipe.

    The file appears whole or not at all.

    Raises:
        StyleError: if it cannot be written.
    """
    check_destination(path)
    image = finished_image(iterate, photo, recipe)
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
