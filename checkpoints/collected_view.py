"""What the Share tab shows of the pictures that a visitor has collected, and what the Stylise tab says."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image

from checkpoints.errors import CheckpointError
from checkpoints.pictures import read_finished
from checkpoints.share_view import note

THUMBNAIL_SIDE = 192
REMEMBERED = 400
NOTHING = """Nothing is collected yet. Press “Add to the pictures to share” under a finished picture of
Stylise, or choose PNG files below."""
CSS = """
.collected { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: .6rem;
  margin: .5rem 0 0; padding: 0; list-style: none; }
.collected li { display: flex; flex-direction: column; gap: .25rem; margin: 0; min-width: 0; }
.collected img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 6px; margin: 0; }
.collected small { opacity: .75; overflow-wrap: anywhere; line-height: 1.25; }
.collected button { margin-top: auto; padding: .3rem .5rem; min-height: 36px; border-radius: 6px;
  cursor: pointer; border: 1px solid var(--border-color-primary); color: var(--body-text-color);
  background: var(--background-fill-primary); }
.collected button:hover, .collected button:focus-visible { background: var(--background-fill-secondary); }
"""
# The buttons stand in the value; the click says which picture is meant.
JS = """
element.addEventListener("click", (event) => {
  const name = event.target.closest?.("button[data-name]")?.dataset.name;
  if (name) trigger("click", { name });
});
"""


def how_many(count: int) -> str:
    """Says how many pictures are collected."""
    return "1 picture is collected." if count == 1 else f"{count} pictures are collected."


def collected_html(pictures: Sequence[Path]) -> str:
    """A list of thumbnails, each with a button that takes it out."""
    if not pictures:
        return note(NOTHING)
    items = "".join(_item(path) for path in pictures)
    return f'{note(how_many(len(pictures)))}<ul class="collected">{items}</ul>'


def _item(path: Path) -> str:
    try:
        picture, recipe = _thumbnail(path, path.stat().st_mtime_ns)
    except (OSError, CheckpointError):
        return ""
    name = escape(path.name, quote=True)
    shown = escape(path.stem.split("-", 1)[1])
    return (
        f'<li><img alt="{shown}" src="data:image/jpeg;base64,{picture}"><small translate="no">{shown}</small>'
        f"<small>{'with its recipe' if recipe else 'without a recipe'}</small>"
        f'<button type="button" data-name="{name}" aria-label="Take out {shown}">Take out</button></li>'
    )


@lru_cache(maxsize=REMEMBERED)
def _thumbnail(path: Path, _: int) -> tuple[str, bool]:
    """JPEG in base64, and whether there is a recipe."""
    finished = read_finished(path, 1)
    with Image.open(BytesIO(finished.content)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    stream = BytesIO()
    small.save(stream, "JPEG", quality=85)
    return base64.b64encode(stream.getvalue()).decode(), bool(finished.recipe)
