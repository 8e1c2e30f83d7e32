"""The pictures that come with the project, with the names that `LICENSES.md` gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PICTURES = Path(__file__).resolve().parent.parent / "data" / "pictures"
# Photo and painting by file name: four pairs that suit each other.
PAIRS = (
    ("cat", "great_wave"),
    ("red_panda", "starry_night"),
    ("neuschwanstein", "cafe_terrace"),
    ("astronaut", "composition_viii"),
)
_ROW = re.compile(r"^\|\s*((?:photos|styles)/\w+\.jpg)\s*\|\s*([^|]+?)\s*\|", re.MULTILINE)


@dataclass(frozen=True)
class Shipped:
    """One picture: its file and what it shows, such as "Vincent van Gogh, The Starry Night, 1889"."""

    path: Path
    shows: str

    @property
    def title(self) -> str:
        """The painting's name alone, or all of `shows` where there is no painter before it."""
        parts = self.shows.split(", ")
        return parts[1] if len(parts) > 2 else self.shows


@lru_cache(maxsize=1)
def photos() -> tuple[Shipped, ...]:
    """The photographs, in the order of LICENSES.md."""
    return _read("photos/")


@lru_cache(maxsize=1)
def paintings() -> tuple[Shipped, ...]:
    """The nine paintings and prints, in the order of LICENSES.md."""
    return _read("styles/")


def pairs() -> list[tuple[Shipped, Shipped]]:
    """Photo and painting of each example."""
    by_name = {shipped.path.stem: shipped for shipped in (*photos(), *paintings())}
    return [(by_name[photo], by_name[painting]) for photo, painting in PAIRS]


def _read(folder: str) -> tuple[Shipped, ...]:
    text = (PICTURES / "LICENSES.md").read_text(encoding="utf-8")
    return tuple(
        Shipped(PICTURES / name, title) for name, title in _ROW.findall(text) if name.startswith(folder)
    )
