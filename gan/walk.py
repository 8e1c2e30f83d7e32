"""A walk through the latent space as a looping GIF."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from gan.errors import GanError
from gan.explorer import ExplorerState, edit_shift, labels_for
from gan.latent import walk
from gan.model import Model
from gan.pictures import to_images
from style import moving

MOST_SEEDS = 12
MOST_FRAMES = 240
FRAMES_BETWEEN = 16
SMALLEST_SIDE = 256
LARGEST_SIDE = 512
FRAME_MILLISECONDS = 70


def walk_pictures(
    model: Model, state: ExplorerState, seeds: Sequence[int], frames_between: int = FRAMES_BETWEEN
) -> Tensor:
    """The pictures of a closed walk with the state's truncation, edits and class: `[N, C, H, W]` in [-1, 1].

    Raises:
        GanError: with fewer than two or more than 12 seeds, or more than 240 frames altogether.
    """
    if not 2 <= len(seeds) <= MOST_SEEDS:
        raise GanError(f"A walk goes through 2 to {MOST_SEEDS} seeds, such as 1, 5, 9.")
    if not 1 <= frames_between <= MOST_FRAMES // len(seeds):
        raise GanError(f"Choose 1 to {MOST_FRAMES // len(seeds)} frames between {len(seeds)} seeds.")
    z = walk(seeds, model.config.z_dim, frames_between)
    labels = labels_for(model, state, len(z))
    points = model.point(z, labels, state.truncation)
    return model.draw(points + edit_shift(model, state), labels)


def gif(pictures: Tensor, side: int = SMALLEST_SIDE, milliseconds: int = FRAME_MILLISECONDS) -> bytes:
    """A GIF that loops for ever, of pictures `[N, C, H, W]` in [-1, 1], each `side` px high and wide.

    Raises:
        GanError: when `side` is not in 16..512 or there are more than 240 frames.
    """
    if not 16 <= side <= LARGEST_SIDE:
        raise GanError(f"The GIF's side must lie between 16 and {LARGEST_SIDE} pixels.")
    if not 1 <= len(pictures) <= MOST_FRAMES:
        raise GanError(f"A GIF holds 1 to {MOST_FRAMES} frames.")
    frames = [
        image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS) for image in to_images(pictures)
    ]
    return moving.gif(frames, [milliseconds] * len(frames))
