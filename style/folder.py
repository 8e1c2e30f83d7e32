"""The photos of a folder, for painting all of them with one recipe."""

from __future__ import annotations

from pathlib import Path

from style.errors import StyleError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


def photos_in(folder: Path) -> list[Path]:
    """Files of the folder, by name, whose suffix is a picture's; what lies deeper or is hidden is left out.

    Raises:
        StyleError: if there is none.
    """
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not found:
        raise StyleError(f"There is no picture in the folder {str(folder)!r}.")
    return found


def destinations(photos: list[Path], folder: Path) -> list[Path]:
    """A PNG in `folder` for each photo, named like it; the second of one name gets a number."""
    found: list[Path] = []
    taken: set[str] = set()
    for photo in photos:
        stem, number = photo.stem, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{photo.stem}-{number}"
        taken.add(stem.lower())
        found.append(folder / f"{stem}.png")
    return found
