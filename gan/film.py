"""Films and strips of morphs through chosen pictures: seeds, favourites, children."""

from __future__ import annotations

from collections.abc import Sequence

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

    A stop may have sliders, a class and a latent vector of its own. Between two classes or two values of an
    attribute, which have nothing between them, one picture fades into the other while both move along the
    same way.

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
    ends = torch.cat([latent(model, stop) for stop in stops])
    z = eased_walk(ends, frames_between, closed)
    leg = torch.arange(len(z)) // frames_between % len(stops)
    share = ease(frames_between).float()[torch.arange(len(z)) % frames_between]
    return _faded(model, z, [stops[i] for i in leg], [stops[(i + 1) % len(stops)] for i in leg], share)


def _faded(
    model: Model, z: Tensor, start: Sequence[ExplorerState], end: Sequence[ExplorerState], share: Tensor
) -> Tensor:
    """Pictures of z `[N, z_dim]` that fade, by `share` `[N]`, from the choice at `start` to that at `end`.

    The choice is the class and the attributes; all other numbers are z's. Styles hold both and lie on a way.
    """
    if model.generator.sides or not (model.config.classes or model.config.attributes):
        return model.draw(z)
    first, last = (_with_choice(model, z, states) for states in (start, end))
    if start == end or torch.equal(first, last):
        return first
    return torch.lerp(first, last, share[:, None, None, None])


def _with_choice(model: Model, z: Tensor, states: Sequence[ExplorerState]) -> Tensor:
    """Pictures of z, each with the class and the wishes of its state."""
    distinct = {state: latent(model, state)[0] for state in dict.fromkeys(states)}
    wishes = sum(model.config.attributes)
    held = torch.cat([torch.stack([distinct[state][:wishes] for state in states]), z[:, wishes:]], 1)
    labels = [labels_for(model, state, 1) for state in states]
    told = [label for label in labels if label is not None]
    return model.draw(held, torch.cat(told) if told else None)


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

    Classes and attributes fade, as in a film.

    Raises:
        GanError: when `count` is not in 2..24.
    """
    if not 2 <= count <= MOST_ON_STRIP:
        raise GanError(f"A strip has 2 to {MOST_ON_STRIP} pictures.")
    _check_generator(model, [start, end])
    t = torch.linspace(0, 1, count)
    z = slerp(latent(model, start)[0], latent(model, end)[0], t)
    return _faded(model, z, [start] * count, [end] * count, t)


def _check_generator(model: Model, stops: Sequence[ExplorerState]) -> None:
    if any(stop.reference != model.reference for stop in stops):
        raise GanError("These pictures are of different generators; choose pictures of one.")
