"""What the Explore tab does, for programs: pictures, sliders, films, mixtures and looks into the networks.

A picture's `state` is a JSON object such as `{"checkpoint": "cats", "seed": 5, "edits": [1.5]}`, the one that
Explore's links and files hold (`gan.explorer.ExplorerState`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial, wraps
from pathlib import Path
from tempfile import mkdtemp
from threading import BoundedSemaphore
from typing import Any, TypeVar

import gradio as gr
import torch
from gradio.utils import get_upload_folder
from PIL import Image
from torch import Tensor

from checkpoints.errors import CheckpointError
from checkpoints.tab_endpoint import endpoint
from gan.direction_sets import all_directions
from gan.errors import GanError
from gan.explorer import ExplorerState, critic_labels, describe, labels_for, latent, opinion_json, render
from gan.explorer import neighbours as neighbours_of
from gan.film import film as film_bytes
from gan.film import film_pictures
from gan.heat import occlusion, painted_heat
from gan.inside import compare, discriminator_layers, generator_layers, generator_maps, maps_sheet
from gan.inversion import Search, prepared, project
from gan.mixing import arithmetic as sum_of
from gan.mixing import cross as children_of
from gan.mixing import groups_of, mixed_state
from gan.model import Model, load_reference
from gan.nearest import Nearest, archive_of, nearest_training
from gan.pictures import grid_image, to_images
from gan.strip import direction_by_name
from gan.strip import strip as strip_pictures
from gan.tab_explore import one_thread
from gan.walk import FRAMES_BETWEEN, MOST_SEEDS
from style.errors import StyleError
from style.images import read_picture
from style.tab_input import PictureInput

MISTAKES = (GanError, CheckpointError, StyleError)
SLOW = "api-slow"
FILMS = ("gif", "webp", "mp4")
MOST_COMPARED = 64
MOST_STEPS = 500
State = dict[str, Any]
Result = TypeVar("Result")
_TURNS, _LONG_TURNS = BoundedSemaphore(1), BoundedSemaphore(1)


def picture_out(label: str = "picture") -> gr.Image:
    """A place for a picture that is returned as a PNG file."""
    return gr.Image(label=label, type="pil", format="png")


def build() -> None:
    """Offer the endpoints; call it inside `gr.Blocks`."""
    for tells in (
        describe_checkpoint,
        directions,
        opinion,
        neighbours,
        cross,
        arithmetic,
        mix_pictures,
        layers,
    ):
        endpoint(in_turn(tells), MISTAKES)
    for draws in (render_state, strip, heat, maps, compare_checkpoints):
        endpoint(in_turn(draws), MISTAKES, outputs=[picture_out])
    film_out = partial(gr.File, label="film")
    endpoint(in_turn(film, _LONG_TURNS), MISTAKES, outputs=[film_out], queue=SLOW)
    endpoint(in_turn(nearest, _LONG_TURNS), MISTAKES, outputs=[picture_out], queue=SLOW)
    endpoint(in_turn(is_copy, _LONG_TURNS), MISTAKES, queue=SLOW)
    photo = partial(PictureInput, label="photo", type="filepath")
    endpoint(find_picture, MISTAKES, files={"photo": photo}, queue="closer-search")


def in_turn(function: Callable[..., Result], turns: BoundedSemaphore = _TURNS) -> Callable[..., Result]:
    """One at a time, on one thread, so that the page's sliders stay quick."""

    @wraps(function)
    def waiting(*values: Any) -> Result:
        with one_thread(turns):
            return function(*values)

    return waiting


def _read(state: object) -> tuple[Model, ExplorerState]:
    read = ExplorerState.from_json(state)
    return load_reference(read.reference), read


def _model(checkpoint: object) -> Model:
    return load_reference(checkpoint if isinstance(checkpoint, str) else "")


def _whole(value_: object, low: int, high: int, what: str) -> int:
    if isinstance(value_, bool) or not isinstance(value_, (int, float)) or not low <= value_ <= high:
        raise GanError(f"The {what} is a whole number from {low} to {high}.")
    return int(value_)


def describe_checkpoint(checkpoint: str) -> State:
    """What a network draws: title, size, classes, attributes, first sliders, and whose work it learned from.

    Args:
        checkpoint: a name from checkpoints.
    """
    told = describe(_model(checkpoint))
    return {key: told[key] for key in told if key not in ("browser", "kept", "coordinates_hint")}


def directions(checkpoint: str) -> list[State]:
    """All sliders of a network, in the order of a state's `edits`; the first time takes some seconds.

    Args:
        checkpoint: a name from checkpoints.

    Returns:
        `name`, `method` and `limit` (in standard deviations of z) of each.
    """
    found = all_directions(_model(checkpoint))
    return [{"name": each.name, "method": each.method, "limit": each.limit} for each in found]


def render_state(state: State) -> Image.Image:
    """The picture of a state, as PNG.

    Args:
        state: an object with `checkpoint`, and if you like `seed`, `truncation`, `class`, `edits` and so on.
    """
    return to_images(render(*_read(state)))[0]


def opinion(state: State) -> State:
    """What the network's discriminator says about a picture.

    Args:
        state: a picture's state; see render_state.

    Returns:
        `sentence`, the shares of generated and of real pictures that convince it less, and the whole `state`.
    """
    model, read = _read(state)
    return {**opinion_json(model, read, render(model, read)), "state": read.to_json()}


def neighbours(state: State, count: int = 8) -> list[State]:
    """The states of pictures near this one, each somewhere else.

    Args:
        state: a picture's state; see render_state.
        count: how many, 1 to 16.
    """
    model, read = _read(state)
    return [near.to_json() for near, _ in neighbours_of(model, read, _whole(count, 1, 16, "count"))]


def cross(first: State, second: State, count: int = 6, seed: int = 0) -> list[State]:
    """Children of two pictures, as states: each takes every group of features from one or the other.

    Args:
        first: the state of one parent.
        second: the state of the other, of the same network.
        count: how many, 1 to 24.
        seed: another one gives other children.
    """
    model, one = _read(first)
    other = ExplorerState.from_json(second)
    seed = _whole(seed, 0, 2**32 - 1, "seed")
    return [child.state.to_json() for child in children_of(model, one, other, count, seed=seed)]


def arithmetic(plus: State, minus: State, plus_too: State) -> State:
    """The state of A - B + C: what the first picture has and the second has not, given to the third.

    Args:
        plus: A.
        minus: B.
        plus_too: C.
    """
    model, a = _read(plus)
    return sum_of(model, a, ExplorerState.from_json(minus), ExplorerState.from_json(plus_too)).to_json()


def mix_pictures(first: State, second: State, take: list[str]) -> State:
    """The state of the first picture with some features of the second.

    Args:
        first: what stays.
        second: what is taken from, of the same network.
        take: names of groups, such as ["body", "background"] for the cats; a wrong one is answered by all.
    """
    model, one = _read(first)
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
    model, read = _read(state)
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
    model, first = _read(states[0])
    stops = [first, *(ExplorerState.from_json(state) for state in states[1:])]
    pictures = film_pictures(model, stops, _whole(frames, 1, 240, "number of frames"))
    path = Path(mkdtemp(dir=_uploads()), f"film.{kind}")
    path.write_bytes(film_bytes(pictures, f".{kind}"))
    return str(path)


def _uploads() -> Path:
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def heat(state: State) -> Image.Image:
    """The picture, beside it a map: red places convince the discriminator, blue ones speak against it.

    Args:
        state: a picture's state; see render_state.
    """
    model, read = _read(state)
    picture = render(model, read)
    mapped = painted_heat(picture, occlusion(model, picture, critic_labels(model, read)))
    return grid_image(torch.cat([picture.expand(-1, 3, -1, -1), mapped]), 2, gap=2)


def nearest(state: State) -> Image.Image:
    """A picture, then the four training pictures nearest to it; the first time takes a minute.

    Args:
        state: a picture's state; see render_state.
    """
    picture, found = _nearest(state)
    return grid_image(torch.cat([picture, found.pictures]), 5, gap=2)


def is_copy(state: State) -> str:
    """Whether a picture is a copy of a training picture, in a sentence; the first time takes a minute.

    Args:
        state: a picture's state; see render_state.
    """
    return _nearest(state)[1].sentence


def _nearest(state: State) -> tuple[Tensor, Nearest]:
    model, read = _read(state)
    picture = render(model, read)
    return picture, nearest_training(archive_of(model), picture)


def find_picture(photo: str, checkpoint: str, steps: int = Search().steps) -> Iterator[State]:
    """Look for your own picture in a network: the nearest one that it can draw. Takes up to a minute; cancel
    the job to keep the best so far.

    Args:
        photo: a picture file; its middle square counts.
        checkpoint: a name from checkpoints.
        steps: how long to look at most, 0 to 500.

    Returns:
        An object with `step`, `distance` (0 is the same picture) and the `state`, for render_state.
    """
    model = _model(checkpoint)
    if photo is None:
        raise GanError("Send a picture file as photo.")
    target = prepared(read_picture(photo), model)
    search = project(model, target, Search(steps=_whole(steps, 0, MOST_STEPS, "number of steps")))
    while True:
        # One step at a time, and on one thread: others have their turns in between.
        with one_thread(_TURNS):
            found = next(search, None)
        if found is None:
            return
        state = found.state(model.reference).to_json()
        yield {"step": found.step, "distance": round(found.distance, 5), "state": state}


def layers(checkpoint: str) -> State:
    """Both networks, layer by layer: kind, shape and number of parameters.

    Args:
        checkpoint: a name from checkpoints.
    """
    model = _model(checkpoint)
    networks = {"generator": generator_layers(model), "discriminator": discriminator_layers(model)}
    return {name: [asdict(layer) for layer in found] for name, found in networks.items()}


def maps(state: State, layer: int = 1) -> Image.Image:
    """What one layer of the generator makes of a picture, one small grey picture a channel.

    Args:
        state: a picture's state; see render_state.
        layer: its number among the layers that have a height and a width, from 1.
    """
    model, read = _read(state)
    found = list(generator_maps(model, latent(model, read), labels_for(model, read, 1)))
    return grid_image(maps_sheet(found[_whole(layer, 1, len(found), "layer") - 1]), 8, gap=1)


def compare_checkpoints(first: str, second: str, seeds: list[int]) -> Image.Image:
    """Two networks at the same seeds, side by side.

    Args:
        first: a name from checkpoints.
        second: another one.
        seeds: up to 64 whole numbers.
    """
    if not isinstance(seeds, list) or not 1 <= len(seeds) <= MOST_COMPARED:
        raise GanError(f"Give 1 to {MOST_COMPARED} seeds.")
    chosen = [_whole(seed, 0, 2**32 - 1, "seed") for seed in seeds]
    return grid_image(compare(_model(first), _model(second), chosen).sheet(), 2, gap=2)
