"""Cats by David Revoy, rendered on the fly from 66 layers, with their labels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan.datasets import DATA, Attribute, Dataset
from gan.errors import GanError

PARTS = ("body", "fur", "eyes", "mouth", "accessories")
BACKGROUNDS = ("#b6e3f4", "#c0aede", "#d1d4f9", "#ffd5dc", "#ffdfbf", "#c7f0d8")
CAT_ATTRIBUTION = (
    "Cat artwork by David Revoy (www.davidrevoy.com / peppercarrot.com), CC-BY 4.0, via RoboHash 2.0; "
    "layers resized and recombined."
)
CHUNK = 64


@lru_cache(maxsize=2)
def _layers(side: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Each part's layers at `side` px: premultiplied colour `[K, 3, H, W]` and alpha `[K, 1, H, W]`, 0..1."""
    folder = DATA / "cats" / f"cat_layers_{side}"
    layers = {}
    for part in PARTS:
        files = sorted(folder.glob(f"{part}_*.png"))
        rgba = np.stack([np.asarray(Image.open(file).convert("RGBA"), np.float32) / 255 for file in files])
        planes = torch.from_numpy(rgba).permute(0, 3, 1, 2)
        layers[part] = ((planes[:, :3] * planes[:, 3:]).contiguous(), planes[:, 3:].contiguous())
    return layers


def _background_colours() -> Tensor:
    values = [[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in BACKGROUNDS]
    return torch.tensor(values)[:, :, None, None]


def render_cats(labels: Tensor, resolution: int) -> Tensor:
    """Cats by their labels.

    Args:
        labels: int64 `[N, 6]`: body, fur, eyes, mouth, accessories, background.
        resolution: 128 or 64 from the layers of that size, 32 by averaging the 64 px picture.

    Returns:
        uint8 `[N, 3, resolution, resolution]`: layer over layer, c <- c (1 - alpha) + rgb alpha.
    """
    side = max(64, resolution)
    layers, colours = _layers(side), _background_colours()
    canvas = colours[labels[:, 5]].expand(-1, -1, side, side).clone()
    for column, part in enumerate(PARTS):
        colour, alpha = layers[part]
        canvas.mul_(1 - alpha[labels[:, column]]).add_(colour[labels[:, column]])
    if resolution < side:
        canvas = avg_pool2d(canvas, side // resolution)
    return canvas.mul_(255).round_().clamp_(0, 255).to(torch.uint8)


def cat_labels(count: int, seed: int = 0) -> Tensor:
    """int64 `[count, 6]`: every part and the background drawn independently and uniformly."""
    counts = [*(len(_layers(64)[part][0]) for part in PARTS), len(BACKGROUNDS)]
    random = np.random.RandomState(seed)
    return torch.from_numpy(random.randint(0, counts, (count, len(counts))).astype(np.int64))


def cats_attribute_sizes() -> tuple[int, ...]:
    """How many values every attribute of a cat has, in the order of the labels."""
    return tuple(len(attribute.values) for attribute in cats_attributes())


def cats_attributes() -> tuple[Attribute, ...]:
    """What a cat's labels tell, with the names of all values."""
    parts = [(part, len(_layers(64)[part][0])) for part in PARTS]
    named = [Attribute(part, tuple(f"{part} {i}" for i in range(count))) for part, count in parts]
    return (*named, Attribute("background", BACKGROUNDS))


@lru_cache(maxsize=2)
def cats(resolution: int = 64, count: int = 16_000, seed: int = 0) -> Dataset:
    """`count` cats, colour. Every cat faces right, so a mirrored one is wrong.

    Raises:
        GanError: when `resolution` is not 32, 64 or 128.
    """
    if resolution not in (32, 64, 128):
        raise GanError("Cats come at 32, 64 or 128 px; choose one of these.")
    labels = cat_labels(count, seed)
    images = torch.cat([render_cats(chunk, resolution) for chunk in labels.split(CHUNK)])
    return Dataset(
        name="cats",
        title="Cats",
        images=images,
        labels=labels,
        attributes=cats_attributes(),
        licence="cc-by-4.0",
        attribution=CAT_ATTRIBUTION,
    )
