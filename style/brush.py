"""What a visitor has brushed over the photo, as regions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from style.regions import Regions

# White keeps the photo; the others say where the first, second, third and fourth painting acts.
KEEP = (255, 255, 255)
PAINTINGS = ((239, 68, 68), (34, 197, 94), (59, 130, 246), (234, 179, 8))
# The brush is translucent, so that one sees what one covers; its rim fades out.
_FAINTEST = 60


def read_brush(layer: np.ndarray | None, slots: list[int]) -> Regions:
    """Returns the regions that a layer of brush strokes means.

    Args:
        layer: uint8 `[h, w, 4]`, transparent where nothing was brushed, or None.
        slots: for each painting that is used the number of its colour, 0 to 3.

    Returns:
        A painting whose colour was brushed acts there alone; the others act everywhere else.
    """
    if layer is None or layer.ndim != 3 or layer.shape[2] != 4 or not (layer[..., 3] >= _FAINTEST).any():
        return Regions()
    nearest = _nearest(layer)
    brushed = [nearest == 1 + slot for slot in slots]
    keep = _mask(nearest == 0) if (nearest == 0).any() else None
    if not any(region.any() for region in brushed):
        return Regions(keep=keep)
    rest = ~np.logical_or.reduce(brushed)
    masks = tuple(_mask(region if region.any() else rest) for region in brushed)
    return Regions(masks, keep)


def _nearest(layer: np.ndarray) -> np.ndarray:
    """Number of the nearest brush colour at each pixel `[h, w]`, -1 where nothing was brushed."""
    colours = np.array([KEEP, *PAINTINGS], dtype=np.int32)
    apart = np.square(layer[..., None, :3].astype(np.int32) - colours).sum(-1)
    return np.where(layer[..., 3] >= _FAINTEST, apart.argmin(-1), -1)


def _mask(region: np.ndarray) -> Tensor:
    return torch.from_numpy(region.astype(np.float32))[None, None]
