"""What a visitor likes: kept as JSON, or as a sheet of pictures that carries the JSON inside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import torch
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from gan.errors import GanError
from gan.explorer import ExplorerState, render
from gan.model import Model, load_reference
from gan.pictures import to_images
from gan.state_keys import key_of

FORMAT = "latent-atelier-favourites"
MOST = 100
LARGEST_FILE = 8_000_000
LARGEST_SHEET = 40_000_000
LONGEST_TEXT = 1_000_000
TILE = 128
GAP = 4
KEY_LENGTH = 16
STATE = "latent-atelier"
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Favourite:
    """A picture that somebody liked.

    Attributes:
        note: the visitor's own words, at most 200 characters.
        parents: keys (`gan.state_keys.key_of`) of the two pictures it was made from, or empty.
    """

    state: ExplorerState
    note: str = ""
    parents: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What names it in a family tree."""
        return key_of(self.state)

    @classmethod
    def from_json(cls, value: object) -> Favourite:
        """A favourite from a file that anyone may have written. Raises GanError when it is none."""
        if not isinstance(value, Mapping):
            raise GanError("A favourite is an object with a state; this file was not made by this app.")
        note, parents = value.get("note", ""), value.get("parents", ())
        note = note if isinstance(note, str) else ""
        words = "".join(c if c.isprintable() else " " for c in note[:1000]).split()
        return cls(ExplorerState.from_json(value.get("state")), " ".join(words)[:200], _parents(parents))

    def to_json(self) -> dict[str, object]:
        """Plain values that `from_json` turns into the same favourite; `key` is for readers."""
        return {
            "key": self.key,
            "state": self.state.to_json(),
            "note": self.note,
            "parents": list(self.parents),
        }


def _parents(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        return ()
    keys = [key for key in value[:2] if isinstance(key, str) and len(key) == KEY_LENGTH]
    return tuple(key for key in keys if all(c in "0123456789abcdef" for c in key))


def favourites_of_page(entries: object) -> tuple[Favourite, ...]:
    """Favourites as a page holds them: it names them by `key`, which files do by what makes the picture.

    Raises:
        GanError: when they are none, or more than 100.
    """
    if not isinstance(entries, list):
        raise GanError("Like a picture first; then there is something to keep.")
    _check_count(len(entries))
    found = [Favourite.from_json(entry) for entry in entries]
    keys = {str(entry.get("key")): favourite.key for entry, favourite in zip(entries, found, strict=True)}
    return tuple(replace(f, parents=tuple(keys.get(key, key) for key in f.parents)) for f in found)


def write_favourites(favourites: Sequence[Favourite]) -> str:
    """JSON that `read_favourites` takes. Raises GanError for more than 100."""
    _check_count(len(favourites))
    return json.dumps({"format": FORMAT, "version": 1, "favourites": [f.to_json() for f in favourites]})


def read_favourites(content: bytes) -> tuple[Favourite, ...]:
    """The favourites in a JSON file or in a sheet (PNG), which is not trusted.

    Raises:
        GanError: when it is neither, or holds more than 100.
    """
    document = _document(content, FORMAT)
    entries = document.get("favourites") if isinstance(document, dict) else None
    named = document.get("format") if isinstance(document, dict) else None
    if not isinstance(entries, list) or named != FORMAT:
        raise GanError("This file holds no favourites; choose a sheet or a JSON file of this app.")
    _check_count(len(entries))
    return tuple(Favourite.from_json(entry) for entry in entries)


def read_state(content: bytes) -> ExplorerState:
    """The state in a picture that the Explore tab saved (PNG) or in a JSON file, which is not trusted.

    Raises:
        GanError: when it is neither.
    """
    return ExplorerState.from_json(_document(content, STATE))


def _document(content: bytes, key: str) -> object:
    if len(content) > LARGEST_FILE:
        raise GanError("This file is too large; choose a picture or a JSON file of this app.")
    text = _inside_png(content, key) if content.startswith(PNG) else content
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise GanError("This file is neither a picture nor a JSON file of this app.") from None


def _inside_png(content: bytes, key: str) -> str:
    try:
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            if image.width * image.height > LARGEST_SHEET:
                raise GanError("This picture is too large; choose one that this app wrote.")
            text = getattr(image, "text", {}).get(key, "")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise GanError("This PNG is damaged; choose another file.") from None
    if not text:
        raise GanError("This picture carries no state; choose one that this app wrote.")
    return str(text)[: LONGEST_TEXT + 1]


def _check_count(count: int) -> None:
    if not 1 <= count <= MOST:
        raise GanError(f"Keep 1 to {MOST} favourites in one file.")


def contact_sheet(
    favourites: Sequence[Favourite],
    columns: int = 6,
    tile: int = TILE,
    open_model: Callable[[str], Model] = load_reference,
) -> bytes:
    """All pictures in rows as PNG, whose text holds the JSON, so a sheet can be opened again.

    Favourites may be of different generators.

    Args:
        open_model: how a reference becomes a model; raises GanError or CheckpointError where it cannot.

    Raises:
        GanError: for more than 100 favourites, or a number of columns or a size out of range.
    """
    _check_count(len(favourites))
    if not (1 <= columns <= 20 and 16 <= tile <= 512):
        raise GanError("A sheet has 1 to 20 columns and pictures of 16 to 512 pixels.")
    columns = min(columns, len(favourites))
    rows = -(-len(favourites) // columns)
    sheet = Image.new("RGB", (columns * (tile + GAP) - GAP, rows * (tile + GAP) - GAP), "white")
    if sheet.width * sheet.height > LARGEST_SHEET:
        raise GanError("This sheet would be too large; choose smaller pictures.")
    for i, favourite in enumerate(favourites):
        model = open_model(favourite.state.reference)
        with torch.inference_mode():
            image = to_images(render(model, favourite.state))[0].convert("RGB")
        image = image.resize((tile, tile), Image.Resampling.LANCZOS)
        sheet.paste(image, ((i % columns) * (tile + GAP), (i // columns) * (tile + GAP)))
    information = PngInfo()
    information.add_text(FORMAT, write_favourites(favourites), zip=True)
    stream = BytesIO()
    sheet.save(stream, "PNG", pnginfo=information)
    return stream.getvalue()
