"""For programs: looks into both networks, and at what is near a picture in the training pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import torch
from PIL import Image
from torch import Tensor

from gan.errors import GanError
from gan.explorer import critic_labels, labels_for, latent, opinion_json, render
from gan.heat import occlusion, painted_heat
from gan.inside import compare, discriminator_layers, generator_layers, generator_maps, maps_sheet
from gan.inversion import Search, prepared, project
from gan.nearest import Nearest, archive_of, nearest_training
from gan.pictures import grid_image
from gan.tab_api_turns import TURNS, State, model_of, read_state, whole_number
from gan.tab_explore import one_thread
from style.images import read_picture

MOST_COMPARED = 64
MOST_STEPS = 500


def opinion(state: State) -> State:
    """What the network's discriminator says about a picture.

    Args:
        state: a picture's state; see render_state.

    Returns:
        `sentence`, the shares of generated and of real pictures that convince it less, and the whole `state`.
    """
    model, read = read_state(state)
    return {**opinion_json(model, read, render(model, read)), "state": read.to_json()}


def heat(state: State) -> Image.Image:
    """The picture, beside it a map: red places convince the discriminator, blue ones speak against it.

    Args:
        state: a picture's state; see render_state.
    """
    model, read = read_state(state)
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
    model, read = read_state(state)
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
    model = model_of(checkpoint)
    if photo is None:
        raise GanError("Send a picture file as photo.")
    target = prepared(read_picture(photo), model)
    search = project(model, target, Search(steps=whole_number(steps, 0, MOST_STEPS, "number of steps")))
    while True:
        # One step at a time, and on one thread: others have their turns in between.
        with one_thread(TURNS):
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
    model = model_of(checkpoint)
    networks = {"generator": generator_layers(model), "discriminator": discriminator_layers(model)}
    return {name: [asdict(layer) for layer in found] for name, found in networks.items()}


def maps(state: State, layer: int = 1) -> Image.Image:
    """What one layer of the generator makes of a picture, one small grey picture a channel.

    Args:
        state: a picture's state; see render_state.
        layer: its number among the layers that have a height and a width, from 1.
    """
    model, read = read_state(state)
    found = list(generator_maps(model, latent(model, read), labels_for(model, read, 1)))
    return grid_image(maps_sheet(found[whole_number(layer, 1, len(found), "layer") - 1]), 8, gap=1)


def compare_checkpoints(first: str, second: str, seeds: list[int]) -> Image.Image:
    """Two networks at the same seeds, side by side.

    Args:
        first: a name from checkpoints.
        second: another one.
        seeds: up to 64 whole numbers.
    """
    if not isinstance(seeds, list) or not 1 <= len(seeds) <= MOST_COMPARED:
        raise GanError(f"Give 1 to {MOST_COMPARED} seeds.")
    chosen = [whole_number(seed, 0, 2**32 - 1, "seed") for seed in seeds]
    return grid_image(compare(model_of(first), model_of(second), chosen).sheet(), 2, gap=2)
