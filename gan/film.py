"""Films and strips of morphs through chosen pictures: seeds, favourites, children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from gan.errors import GanError
from gan.explorer import ExplorerState, labels_for, latent
from gan.latent import ease, eased_walk, slerp
from gan.model import Model
from gan.pictures import to_images
from gan.walk import FRAME_MILLISECONDS, FRAMES_BETWEEN, LARGEST_SIDE, MOST_FRAMES, MOST_SEEDS, SMALLEST_SIDE
from style import moving
from style.errors import StyleError

MOST_ON_STRIP = 24


def film_pictures(
    model: Model, stops: Sequence[ExplorerState], frames_between: int = FRAMES_BETWEEN, closed: bool = True
) -> Tensor:
    """The way from picture to picture, `[N, C, H, W]` in [-1, 1]: eased, along `slerp`, closed.

    A stop may have sliders, a class and a latent vector of its own. Between two classes, which have nothing
    between them, one picture fades into the other while both move along the same way.

    Raises:
        GanError: with fewer than two or more than 12 stops, more than 240 frames, or stops of another
            generator.
    """
    if not 2 <= len(stops) <= MOST_SEEDS:
        raise GanError(f"A film goes through 2 to {MOST_SEEDS} pictures.")
    if not 1 <= frames_between <= MOST_FRAMES // len(stops):
        raise GanError(
            f"Choose 1 to {MOST_FRAMES // len(stops)} frames between two of {len(stops)} pictures."
        )
    _check_generator(model, stops)
    z = eased_walk(torch.cat([latent(model, stop) for stop in stops]), frames_between, closed)
    labels = [labels_for(model, stop, 1) for stop in stops]
    if all(label is None for label in labels):
        return model.draw(z)
    return _through_classes(model, z, [int(label) for label in labels if label is not None], frames_between)


def _through_classes(model: Model, z: Tensor, labels: Sequence[int], frames_between: int) -> Tensor:
    """Pictures of z `[N, z_dim]` that fade from the class of a leg's start to that of its end."""
    leg = torch.arange(len(z)) // frames_between
    stops = torch.tensor(labels)
    start, end = stops[leg % len(stops)], stops[(leg + 1) % len(stops)]
    share = ease(frames_between).float()[torch.arange(len(z)) % frames_between][:, None, None, None]
    pictures = model.draw(z, start)
    if (start != end).any():
        pictures = torch.lerp(pictures, model.draw(z, end), share)
    return pictures


def film(
    pictures: Tensor,
    suffix: str,
    side: int = SMALLEST_SIDE,
    milliseconds: int = FRAME_MILLISECONDS,
) -> bytes:
    """A film of pictures `[N, C, H, W]` in [-1, 1], `.gif`, `.webp` or `.mp4`.

    Raises:
        GanError: for another ending, when `side` is not in 16..512, or there are more than 240 frames.
    """
    if not 16 <= side <= LARGEST_SIDE:
        raise GanError(f"The film's side must lie between 16 and {LARGEST_SIDE} pixels.")
    if not 1 <= len(pictures) <= MOST_FRAMES:
        raise GanError(f"A film holds 1 to {MOST_FRAMES} frames.")
    frames = [
        image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS) for image in to_images(pictures)
    ]
    try:
        return moving.film(frames, suffix, milliseconds)
    except StyleError as error:
        raise GanError(str(error)) from error


def morph_strip(model: Model, start: ExplorerState, end: ExplorerState, count: int = 8) -> Tensor:
    """`count` pictures from one to the other in even steps, `[count, C, H, W]`; first and last are the two.

    Raises:
        GanError: when `count` is not in 2..24.
    """
    if not 2 <= count <= MOST_ON_STRIP:
        raise GanError(f"A strip has 2 to {MOST_ON_STRIP} pictures.")
    _check_generator(model, [start, end])
    t = torch.linspace(0, 1, count)
    z = slerp(latent(model, start)[0], latent(model, end)[0], t)
    first, last = (model.draw(z, labels_for(model, state, count)) for state in (start, end))
    return torch.lerp(first, last, t[:, None, None, None])


def _check_generator(model: Model, stops: Sequence[ExplorerState]) -> None:
    if any(stop.reference != model.reference for stop in stops):
        raise GanError("These pictures are of different generators; choose pictures of one.")


def stops_at(state: ExplorerState, seeds: Sequence[int]) -> list[ExplorerState]:
    """The state at other seeds, with the same sliders."""
    return [replace(state, seed=seed, base="", corners=()) for seed in seeds]
