"""What others have shared: a search of the Hub for checkpoints of this format, with their preview pictures.

Only a repository's card and its `preview.png` are looked at. A picture from outside is bounded before it is
decoded, and what the page shows was encoded here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status
from PIL import Image, UnidentifiedImageError

from checkpoints import store
from checkpoints.card import LIBRARY
from checkpoints.errors import CheckpointError
from checkpoints.hub_account import TIMEOUT_SECONDS, Token, address, own, parse_repository
from checkpoints.hub_errors import in_one_sentence

SORTS = {"likes": "likes", "newest": "lastModified", "downloads": "downloads"}
MOST = 60
USUAL = 24
LONGEST_QUERY = 100
LARGEST_PREVIEW_FILE = 4_000_000
LARGEST_PREVIEW_SIDE = 4096
SHOWN_SIDE = 320
PREVIEW = "preview.png"
DOWNLOADS_AT_ONCE = 4
ALL_PREVIEWS_SECONDS = 20.0
REMEMBERED = 200


@dataclass(frozen=True)
class Shared:
    """A repository that somebody shared.

    Attributes:
        title: its name on the Hub, in words.
        commit: the newest one, or empty where the Hub does not tell.
        has_preview: whether it holds a picture to show.
        updated: day of the last change, `2026-01-31`, or empty.
    """

    repository: str
    title: str
    author: str
    likes: int
    downloads: int
    licence: str
    updated: str
    commit: str
    has_preview: bool
    gated: bool
    private: bool


def search(
    words: str = "",
    *,
    sort: str = "likes",
    limit: int = USUAL,
    token: Token = False,
    endpoint: str | None = None,
) -> tuple[Shared, ...]:
    """Checkpoints of this format on the Hub, at most `limit` (1 to 60).

    Args:
        words: what their names should contain; `author/` or `author/name` looks among one author's.
        sort: `likes`, `newest` or `downloads`.
        token: whose private ones are found, too; nobody's by default.

    Raises:
        CheckpointError: on another sort or limit, or when the Hub cannot be asked.
    """
    if sort not in SORTS or not 1 <= limit <= MOST:
        raise CheckpointError(f"Sort by {', '.join(SORTS)}, and ask for 1 to {MOST} networks.")
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split())[:LONGEST_QUERY]
    author, slash, name = words.rpartition("/")
    api = HfApi(endpoint=address(endpoint), token=own(token))
    with in_one_sentence("the search"):
        # One answer tells everything; the client would ask for one page after the other.
        answer = get_session().get(
            f"{api.endpoint}/api/models",
            params=_parameters(author if slash else "", name, sort, limit),
            headers=build_hf_headers(token=own(token)),
            timeout=TIMEOUT_SECONDS,
        )
        hf_raise_for_status(answer)
        found = [ModelInfo(**entry) for entry in answer.json()[:limit]]
    return tuple(shared for shared in map(_shared, found) if shared is not None)


def _parameters(author: str, name: str, sort: str, limit: int) -> dict[str, Any]:
    asked = {"filter": LIBRARY, "sort": SORTS[sort], "direction": -1, "limit": limit, "full": True}
    return (
        asked
        | {"cardData": True}
        | ({"author": author} if author else {})
        | ({"search": name} if name else {})
    )


def _shared(info: ModelInfo) -> Shared | None:
    """What the page tells of a repository; None for a name that nobody could pull."""
    try:
        repository = parse_repository(info.id)
    except CheckpointError:
        return None
    author, _, name = repository.partition("/")
    card = info.card_data
    licence = card.get("license") if card is not None else None
    names = {file.rfilename for file in info.siblings or ()}
    return Shared(
        repository=repository,
        title=re.sub(r"[-_.]+", " ", name).strip().capitalize() or name,
        author=author,
        likes=_count(info.likes),
        downloads=_count(info.downloads),
        licence=licence[:40] if isinstance(licence, str) else "",
        updated=info.last_modified.strftime("%Y-%m-%d") if info.last_modified else "",
        commit=str(info.sha) if store.is_commit(info.sha) else "",
        has_preview=PREVIEW in names,
        gated=bool(info.gated),
        private=bool(info.private),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**12 else 0


def previews(
    found: Sequence[Shared], token: Token = False, endpoint: str | None = None
) -> list[bytes | None]:
    """Preview pictures as JPEG of at most 320 px, in order; None where there is none that can be shown."""
    deadline = time.monotonic() + ALL_PREVIEWS_SECONDS
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        return list(pool.map(lambda each: preview(each, token, endpoint, deadline), found))


def preview(
    shared: Shared, token: Token = False, endpoint: str | None = None, deadline: float | None = None
) -> bytes | None:
    """The preview picture of one repository as JPEG; None where there is none that can be shown."""
    if not shared.has_preview or (deadline is not None and time.monotonic() > deadline):
        return None
    try:
        with in_one_sentence(shared.repository):
            if shared.private or shared.gated or not shared.commit:
                return _picture(_preview_file(shared, own(token), address(endpoint)))
            return _public_preview(shared, address(endpoint))
    except CheckpointError:
        return None


@lru_cache(maxsize=REMEMBERED)
def _public_preview(shared: Shared, endpoint: str) -> bytes | None:
    return _picture(_preview_file(shared, False, endpoint))


def _preview_file(shared: Shared, token: Token, endpoint: str) -> bytes:
    """The file, as far as it is not too large. Raises what the Hub's client raises, and CheckpointError."""
    url = hf_hub_url(shared.repository, PREVIEW, revision=shared.commit or "main", endpoint=endpoint)
    content = bytearray()
    with get_session().stream(
        "GET", url, headers=build_hf_headers(token=token), timeout=TIMEOUT_SECONDS, follow_redirects=True
    ) as response:
        if response.status_code >= 400:
            response.read()
        hf_raise_for_status(response)
        for data in response.iter_bytes():
            content += data
            if len(content) > LARGEST_PREVIEW_FILE:
                raise CheckpointError("This preview is too large.")
    return bytes(content)


def _picture(content: bytes) -> bytes | None:
    """A PNG from anywhere, decoded within bounds and encoded again without anything but its pixels."""
    try:
        with Image.open(BytesIO(content), formats=["PNG"]) as picture:
            if max(picture.size) > LARGEST_PREVIEW_SIDE or getattr(picture, "n_frames", 1) > 1:
                return None
            picture.load()
            shown = picture.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None
    shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    stream = BytesIO()
    shown.save(stream, "JPEG", quality=88)
    return stream.getvalue()
