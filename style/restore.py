"""Finds the recipe again in a stylised PNG, or in the JSON of one."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from style.errors import StyleError
from style.output import RECIPE_KEY
from style.recipe import Recipe

_LARGEST_JSON = 64 << 10


def read_recipe(path: Path | str) -> Recipe:
    """The recipe of an untrusted file: a PNG that was made here, or a recipe as JSON.

    Raises:
        StyleError: if there is none, or one that names something unknown or not allowed.
    """
    path = Path(path)
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            text = picture.info.get(RECIPE_KEY)
    except Exception:
        # No PNG, or one that Pillow will not read: what is left is JSON.
        return Recipe.from_json(_text_of(path))
    if not isinstance(text, str):
        raise StyleError("This picture carries no recipe; please use a PNG that was painted here.")
    return Recipe.from_json(text)


def _text_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_JSON + 1)
    except OSError as error:
        raise StyleError("This file cannot be read; please try another one.") from error
    if len(content) > _LARGEST_JSON:
        raise StyleError("This is no recipe; please use a PNG that was painted here, or its recipe as JSON.")
    return content
