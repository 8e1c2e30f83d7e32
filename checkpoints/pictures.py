"""Pictures and their recipes as a data set on the Hub, in the ImageFolder layout that its viewer understands.

A finished picture of Stylise is a PNG that carries its recipe. Each is decoded and encoded again, so that
only its pixels and that recipe leave the machine: no place, no camera, no other text.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCardData
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from checkpoints.card import LIBRARY, LICENCES, plain, plain_line
from checkpoints.errors import CheckpointError
from checkpoints.hub_account import Step, Token, last, parse_repository, whoami
from checkpoints.hub_push import PushResult, sending

RECIPE = "latent-atelier-recipe"
METADATA, CARD = "metadata.jsonl", "README.md"
KNOWN = (METADATA, CARD, "*.png")
MOST = 200
LARGEST_FILE = 40_000_000
LARGEST_PIXELS = 2**23
LONGEST_RECIPE = 20_000
SHOWN = 4
OTHER_LICENCE = "other"
# What `read_finished` puts before a name; a picture that comes from a data set has one already.
NUMBER = re.compile(r"^[0-9]{3,}-")


@dataclass(frozen=True)
class Collection:
    """What is said about the pictures.

    Attributes:
        title: one line; licence: of the pictures, as the Hub names it, or `other`.
        attribution: whose photos and paintings they were made from.
    """

    title: str
    licence: str = "cc-by-4.0"
    attribution: str = ""

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise CheckpointError("Give the collection a title.")
        if self.licence not in LICENCES | {OTHER_LICENCE}:
            raise CheckpointError("The Hub does not know this licence; choose another one, or 'other'.")


@dataclass(frozen=True)
class Finished:
    """A picture as it leaves the machine: file name, PNG, size in pixels, recipe (empty without one)."""

    name: str
    content: bytes
    size: tuple[int, int]
    recipe: dict[str, Any]


def read_finished(path: Path, number: int) -> Finished:
    """A PNG of this app from a file that anyone may have made. Raises CheckpointError when it is none."""
    what = path.name[:60]
    if not path.is_file() or path.stat().st_size > LARGEST_FILE:
        raise CheckpointError(
            f"{what} is missing or too large; at most {LARGEST_FILE // 10**6} MB are shared."
        )
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            if picture.width * picture.height > LARGEST_PIXELS or getattr(picture, "n_frames", 1) > 1:
                raise CheckpointError(
                    f"{what} has too many pixels, or moves; choose a smaller, still picture."
                )
            picture.load()
            recipe = _recipe(getattr(picture, "text", {}).get(RECIPE, ""))
            pixels = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        raise CheckpointError(f"{what} is no PNG, or damaged; choose pictures of this app.") from None
    pixels.info.clear()
    information, stream = PngInfo(), BytesIO()
    if recipe:
        information.add_text(RECIPE, json.dumps(recipe))
    pixels.save(stream, "PNG", pnginfo=information)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", NUMBER.sub("", path.stem)).strip("-")[:60]
    return Finished(f"{number:03d}-{stem or 'picture'}.png", stream.getvalue(), pixels.size, recipe)


def _recipe(text: object) -> dict[str, Any]:
    """What the picture says about how it was made; empty where it says nothing that is a recipe."""
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_RECIPE:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def read_all(paths: Sequence[Path]) -> list[Finished]:
    """All pictures, in order. Raises CheckpointError for none, too many, or at the first that is wrong."""
    if not 1 <= len(paths) <= MOST:
        raise CheckpointError(f"Choose 1 to {MOST} pictures.")
    return [read_finished(path, number) for number, path in enumerate(paths, 1)]


def metadata_lines(pictures: Sequence[Finished]) -> str:
    """metadata.jsonl: for each file its name, size and recipe, as a text so that all lines are alike."""
    lines = [
        {
            "file_name": each.name,
            "width": each.size[0],
            "height": each.size[1],
            "mode": str(each.recipe.get("mode", ""))[:20],
            "recipe": json.dumps(each.recipe, sort_keys=True) if each.recipe else "",
        }
        for each in pictures
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def dataset_card(pictures: Sequence[Finished], about: Collection, repository: str) -> str:
    """README.md of the data set: Hub metadata, samples, how to load it. Text from outside is escaped."""
    known = about.licence in LICENCES
    data = DatasetCardData(
        license=about.licence if known else OTHER_LICENCE,
        task_categories=["image-to-image"],
        tags=["style-transfer", "art", LIBRARY],
        pretty_name=re.sub(r"[^\w .,:()-]", "", plain_line(about.title, 80)) or None,
        size_categories=["n<1K"],
    )
    samples = " ".join(f"![A stylised picture]({each.name})" for each in pictures[:SHOWN])
    recipes = sum(bool(each.recipe) for each in pictures)
    return f"""---
{str(data.to_yaml()).strip()}
---

# {plain(about.title, 80)}

{samples}

{len(pictures)} pictures that were painted with Latent Atelier: photos in the manner of paintings.
{recipes} of them carry their recipe: every control of the style transfer, in the column `recipe` and inside
the PNG itself, so that dropping a picture into Stylise sets all controls as they were.

## Use

```python
from datasets import load_dataset

pictures = load_dataset("{repository}", split="train")
print(pictures[0]["recipe"])
```

## Where they come from

{plain(about.attribution) or "Photos and paintings were chosen by whoever shared this."}

Licence of the pictures: {plain(about.licence)}.
"""


def preview_push(
    paths: Sequence[Path], about: Collection, repository: str
) -> tuple[str, list[tuple[str, int]]]:
    """What a push would publish, without asking the Hub: the card and (file, bytes), the card first.

    Raises:
        CheckpointError: as `read_all`.
    """
    pictures = read_all(paths)
    card, lines = dataset_card(pictures, about, repository), metadata_lines(pictures)
    files = [(CARD, len(card.encode())), (METADATA, len(lines.encode()))]
    return card, files + [(each.name, len(each.content)) for each in pictures]


def pushing(
    paths: Sequence[Path],
    about: Collection,
    repository: str,
    *,
    token: Token = None,
    private: bool = True,
    endpoint: str | None = None,
) -> Generator[Step, None, PushResult]:
    """Upload pictures as one commit of a data set, telling what is done; the result is the return value.

    Args:
        repository: `owner/name`, or a name among the token's owner's data sets.

    Raises:
        CheckpointError: whatever goes wrong, in one sentence, as `checkpoints.hub_push.push`.
    """
    yield Step(0.02, "Signing in…")
    repository = parse_repository(repository, whoami(token, endpoint))
    yield Step(0.05, f"Looking at {len(paths)} pictures…")
    pictures = read_all(paths)
    with tempfile.TemporaryDirectory() as staging:
        folder = Path(staging)
        for each in pictures:
            (folder / each.name).write_bytes(each.content)
        (folder / METADATA).write_text(metadata_lines(pictures), encoding="utf-8")
        (folder / CARD).write_text(dataset_card(pictures, about, repository), encoding="utf-8")
        message = f"{len(pictures)} pictures from Latent Atelier"
        return (
            yield from sending(
                folder, repository, KNOWN, message, token=token, private=private, endpoint=endpoint,
                kind="dataset",
            )
        )  # fmt: skip


def push(
    paths: Sequence[Path],
    about: Collection,
    repository: str,
    *,
    token: Token = None,
    private: bool = True,
    endpoint: str | None = None,
) -> PushResult:
    """`pushing`, without telling."""
    return last(pushing(paths, about, repository, token=token, private=private, endpoint=endpoint))
