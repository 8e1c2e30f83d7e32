"""What the page asks of a generator besides its picture: more directions, children, films, files."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan.errors import GanError
from gan.explorer import (
    MOST_OWN,
    ExplorerState,
    OwnEdit,
    data_url,
    further_entries_in_part,
    kept_entries,
    png,
    render,
)
from gan.favourites import (
    LARGEST_FILE,
    PNG,
    Favourite,
    contact_sheet,
    favourites_of_page,
    read_favourites,
    read_state,
    write_favourites,
)
from gan.film import film, film_pictures
from gan.latent import parse_seeds
from gan.mixing import cross
from gan.model import Model, load_reference
from gan.own_directions import keep
from gan.strip import PICTURES as STRIP
from gan.walk import FRAMES_BETWEEN, MOST_SEEDS, SMALLEST_SIDE, walk_pictures

CHILDREN = 6
SMALL_SIDE = 64
FILMS = {"gif": "image/gif", "webp": "image/webp", "mp4": "video/mp4"}

Answer = dict[str, Any]


def explore_directions(question: Any) -> Answer:
    """The directions after the first ten, in the order in which a state's edits count through them.

    They may come in parts: `next` is the `part` to ask for then, None after the last.
    """
    model = load_reference(ExplorerState.from_json(question).reference)
    directions, following = further_entries_in_part(model, _whole(_of(question, "part"), 0))
    return {"directions": directions, "next": following}


def explore_keep(question: Any) -> Answer:
    """Keep own directions with a checkpoint that was trained here; answers all that it has now."""
    model = load_reference(ExplorerState.from_json({"checkpoint": _of(question, "checkpoint")}).reference)
    edits = _of(question, "own")
    if not isinstance(edits, list) or not 1 <= len(edits) <= MOST_OWN:
        raise GanError(f"Keep 1 to {MOST_OWN} sliders of your own at a time.")
    keep(model, [OwnEdit.from_json(edit) for edit in edits])
    return {"kept": kept_entries(model)}


def explore_cross(question: Any) -> Answer:
    """Six children of the pictures `first` and `second`; another `turn` (a whole number) gives others."""
    first, second = (ExplorerState.from_json(_of(question, key)) for key in ("first", "second"))
    turn = _whole(_of(question, "turn"), 0) % 2**32
    children = cross(load_reference(first.reference), first, second, CHILDREN, seed=turn)
    return {"children": [child.to_json() for child in children]}


def explore_film(question: Any) -> Answer:
    """A looping film through the pictures `stops`, of the `kind` gif, webp or mp4."""
    stops = _of(question, "stops")
    if not isinstance(stops, list) or not 2 <= len(stops) <= MOST_SEEDS:
        raise GanError(f"A film goes through 2 to {MOST_SEEDS} pictures; choose them among your favourites.")
    states = [ExplorerState.from_json(stop) for stop in stops]
    frames = _whole(_of(question, "frames"), FRAMES_BETWEEN)
    return _film(film_pictures(load_reference(states[0].reference), states, frames), "film", question)


def explore_strip(question: Any) -> Answer:
    """Small pictures of at most five `states` of one generator, such as a slider's strip."""
    sent = _of(question, "states")
    if not isinstance(sent, list) or not 1 <= len(sent) <= STRIP:
        raise GanError(f"A slider's strip has 1 to {STRIP} pictures.")
    states = tuple(ExplorerState.from_json(each) for each in sent)
    if len({state.reference for state in states}) > 1:
        raise GanError("A slider's strip shows pictures of one generator.")
    return {"pictures": list(_small_pictures(load_reference(states[0].reference), states))}


# Many visitors begin at the same picture, and whoever comes back to one finds its strips again.
@lru_cache(maxsize=256)
def _small_pictures(model: Model, states: tuple[ExplorerState, ...]) -> tuple[str, ...]:
    pictures = torch.cat([render(model, state) for state in states])
    if pictures.shape[-1] > SMALL_SIDE:
        pictures = interpolate(pictures, size=SMALL_SIDE, mode="area")
    return tuple(data_url(png(picture), "image/png") for picture in pictures)


def explore_walk(question: Any) -> Answer:
    """A looping film through the `seeds` that the question lists as text, of a `kind` and a `side` in px."""
    state = ExplorerState.from_json(question)
    text, frames = _of(question, "seeds"), _of(question, "frames")
    if not isinstance(text, str):
        raise GanError("Write the seeds of the walk as text, such as 1, 5, 9.")
    seeds = parse_seeds(text[:500], MOST_SEEDS)
    model = load_reference(state.reference)
    return _film(walk_pictures(model, state, seeds, _whole(frames, FRAMES_BETWEEN)), "walk", question)


def _film(pictures: Tensor, name: str, question: Any) -> Answer:
    kind = _of(question, "kind") or "gif"
    if not isinstance(kind, str) or kind not in FILMS:
        raise GanError("A film is a GIF, a WebP or an MP4; choose one of them.")
    content = film(pictures, f".{kind}", _whole(_of(question, "side"), SMALLEST_SIDE))
    return {"file": data_url(content, FILMS[kind]), "name": f"{name}.{kind}"}


def explore_save(question: Any) -> Answer:
    """The page's favourites as a file: a sheet of pictures (PNG) or, where `kind` is json, JSON."""
    favourites = favourites_of_page(_of(question, "favourites"))
    if _of(question, "kind") == "json":
        content = write_favourites(favourites).encode()
        return {"file": data_url(content, "application/json"), "name": "favourites.json"}
    return {"file": data_url(contact_sheet(favourites), "image/png"), "name": "favourites.png"}


def explore_load(question: Any) -> Answer:
    """The favourites in a file (`content`, base64): a sheet, a JSON file, or one picture saved in Explore."""
    text = _of(question, "content")
    if not isinstance(text, str) or len(text) > 4 * LARGEST_FILE // 3 + 4:
        raise GanError("This file is too large; choose a sheet, a picture or a JSON file of this app.")
    try:
        content = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise GanError("This file did not arrive whole; open it again.") from None
    return {"favourites": [favourite.to_json() for favourite in _in_file(content)]}


def _in_file(content: bytes) -> tuple[Favourite, ...]:
    try:
        return read_favourites(content)
    except GanError:
        if not content.startswith(PNG):
            raise
    return (Favourite(read_state(content)),)


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _of(question: Any, key: str) -> Any:
    return question.get(key) if isinstance(question, Mapping) else None
