"""Writes a stylised picture with its recipe inside."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from style.errors import StyleError
from style.finish import finish
from style.images import Picture, to_image, to_tensor
from style.lesson import square
from style.recipe import Recipe
from style.regions import Regions, painting_weights

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
    painted: Tensor,
    photo: Picture,
    paintings: Sequence[Picture],
    recipe: Recipe,
    regions: Regions = Regions(),  # noqa: B008 - frozen
) -> Image.Image:
    """Returns the painted picture `[1, 3, H, W]`, finished, and transparent where the photo is.

    Of the regions only what stays the photo counts: there finishing changes nothing either.
    """
    alpha = photo.alpha
    if alpha is not None and recipe.mode == "lesson":
        alpha = _middle_square(alpha)
    original = photo_like(painted, photo, recipe)
    finished = finish(painted, original, _palette(paintings, recipe), recipe)
    if recipe.mode != "lesson":  # whose square the masks do not fit
        finished = regions.restore(finished, original)
    return to_image(finished, alpha)


def photo_like(painted: Tensor, photo: Picture, recipe: Recipe) -> Tensor:
    """The photo at the painted picture's size, cut as its recipe cuts it, `[1, 3, H, W]` in [0, 1]."""
    if recipe.mode == "lesson":
        return square(to_tensor(photo))
    return to_tensor(photo, max(painted.shape[-2:]))


def _palette(paintings: Sequence[Picture], recipe: Recipe) -> Tensor:
    """A few thousand of the paintings' colours side by side, `[1, 3, 1, n]`, as many of each as it weighs."""
    small = [to_tensor(painting, PALETTE_SIDE).flatten(2) for painting in paintings]
    weights = painting_weights(recipe.weights, len(paintings))
    most = min(colours.shape[2] for colours in small)
    counts = [max(1, round(most * weight / max(weights))) if weight else 0 for weight in weights]
    chosen = [
        c[:, :, torch.linspace(0, c.shape[2] - 1, n).long()] for c, n in zip(small, counts, strict=True)
    ]
    return torch.cat(chosen, 2)[:, :, None]


def save(
    path: Path,
    painted: Tensor,
    photo: Picture,
    paintings: Sequence[Picture],
    recipe: Recipe,
    regions: Regions = Regions(),  # noqa: B008 - frozen
) -> None:
    """Writes the picture in the format of the path's suffix; PNG keeps transparency and the recipe.

    The file appears whole or not at all.

    Raises:
        StyleError: if it cannot be written.
    """
    check_destination(path)
    image = finished_image(painted, photo, paintings, recipe, regions)
    # Pictures are read into sRGB whatever their profile; saying so keeps colours right on wide screens.
    options: dict[str, Any] = {"icc_profile": _srgb_profile()}
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


@lru_cache(maxsize=1)
def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def file_name(photo: str, *paintings: str) -> str:
    """Returns "photo_x_painting.png" from paths or names, with harmless characters alone."""
    stems = (
        re.sub(r"\W+", "-", Path(name).stem).strip("-")[:40] or "picture" for name in (photo, *paintings)
    )
    return "_x_".join(stems) + ".png"


def _middle_square(alpha: np.ndarray) -> np.ndarray:
    height, width = alpha.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return alpha[top : top + side, left : left + side]
