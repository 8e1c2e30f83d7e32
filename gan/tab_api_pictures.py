"""For programs: a network's pictures and sliders, pictures near others, mixtures and films."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

from gradio.utils import get_upload_folder
from PIL import Image

from gan.direction_sets import all_directions
from gan.errors import GanError
from gan.explorer import ExplorerState, describe, render
from gan.explorer import neighbours as neighbours_of
from gan.film import film as film_bytes
from gan.film import film_pictures
from gan.mixing import arithmetic as sum_of
from gan.mixing import cross as children_of
from gan.mixing import groups_of, mixed_state
from gan.pictures import grid_image, to_images
from gan.strip import direction_by_name
from gan.strip import strip as strip_pictures
from gan.tab_api_turns import State, model_of, read_state, whole_number
from gan.walk import FRAMES_BETWEEN, MOST_SEEDS

FILMS = ("gif", "webp", "mp4")


def describe_checkpoint(checkpoint: str) -> State:
    """What a network draws: title, size, classes, attributes, first sliders, and whose work it learned from.

    Args:
        checkpoint: a name from checkpoints.
    """
    told = describe(model_of(checkpoint))
    return {key: told[key] for key in told if key not in ("browser", "kept", "coordinates_hint")}


def directions(checkpoint: str) -> list[State]:
    """All sliders of a network, in the order of a state's `edits`; the first time takes some seconds.

    Args:
        checkpoint: a name from checkpoints.

    Returns:
        `name`, `method` and `limit` (in standard deviations of z) of each.
    """
    found = all_directions(model_of(checkpoint))
    return [{"name": each.name, "method": each.method, "limit": each.limit} for each in found]


def render_state(state: State) -> Image.Image:
    """The picture of a state, as PNG.

    Args:
        state: an object with `checkpoint`, and if you like `seed`, `truncation`, `class`, `edits` and so on.
    """
    return to_images(render(*read_state(state)))[0]


def neighbours(state: State, count: int = 8) -> list[State]:
    """The states of pictures near this one, each somewhere else.

    Args:
        state: a picture's state; see render_state.
        count: how many, 1 to 16.
    """
    model, read = read_state(state)
    return [near.to_json() for near, _ in neighbours_of(model, read, whole_number(count, 1, 16, "count"))]


def cross(first: State, second: State, count: int = 6, seed: int = 0) -> list[State]:
    """Children of two pictures, as states: each takes every group of features from one or the other.

    Args:
        first: the state of one parent.
        second: the state of the other, of the same network.
        count: how many, 1 to 24.
        seed: another one gives other children.
    """
    model, one = read_state(first)
    other = ExplorerState.from_json(second)
    seed = whole_number(seed, 0, 2**32 - 1, "seed")
    return [child.state.to_json() for child in children_of(model, one, other, count, seed=seed)]


def arithmetic(plus: State, minus: State, plus_too: State) -> State:
    """The state of A - B + C: what the first picture has and the second has not, given to the third.

    Args:
        plus: A.
        minus: B.
        plus_too: C.
    """
    model, a = read_state(plus)
    return sum_of(model, a, ExplorerState.from_json(minus), ExplorerState.from_json(plus_too)).to_json()


def mix_pictures(first: State, second: State, take: list[str]) -> State:
    """The state of the first picture with some features of the second.

    Args:
        first: what stays.
        second: what is taken from, of the same network.
        take: names of groups, such as ["body", "background"] for the cats; a wrong one is answered by all.
    """
    model, one = read_state(first)
    known = [group.name for group in groups_of(model)]
    if not isinstance(take, list) or not all(name in known for name in take):
        raise GanError(f"Take some of: {', '.join(known)}.")
    return mixed_state(model, one, ExplorerState.from_json(second), take).to_json()


def strip(state: State, direction: str) -> Image.Image:
    """Five pictures side by side: what one slider does to a picture, from its low to its high end.

    Args:
        state: a picture's state; see render_state.
        direction: the slider's name, as directions lists it.
    """
    model, read = read_state(state)
    pictures = strip_pictures(model, read, direction_by_name(model, str(direction)[:200]))
    return grid_image(pictures, len(pictures), gap=2)


def film(states: list[State], kind: str = "gif", frames: int = FRAMES_BETWEEN) -> str:
    """A looping film through several pictures of one network.

    Args:
        states: 2 to 12 states.
        kind: gif, webp or mp4.
        frames: how many frames between two pictures.
    """
    if kind not in FILMS or not isinstance(states, list) or not 2 <= len(states) <= MOST_SEEDS:
        raise GanError(f"A film goes through 2 to {MOST_SEEDS} pictures, as gif, webp or mp4.")
    model, first = read_state(states[0])
    stops = [first, *(ExplorerState.from_json(state) for state in states[1:])]
    pictures = film_pictures(model, stops, whole_number(frames, 1, 240, "number of frames"))
    path = Path(mkdtemp(dir=_uploads()), f"film.{kind}")
    path.write_bytes(film_bytes(pictures, f".{kind}"))
    return str(path)


def _uploads() -> Path:
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return folder
