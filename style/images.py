"""The one door between pictures and numbers, shared by style transfer and the data sets of the GANs.

From outside: `read_picture` and `read_archive`, which trust nothing. Inside: `to_tensor` and `to_image`.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from style.archive import read_archive
from style.decode import DEFAULT_LIMITS, Limits, Picture, read_picture
from style.errors import StyleError

__all__ = [
    "DEFAULT_LIMITS",
    "SHORTEST_SIDE",
    "Limits",
    "Picture",
    "StyleError",
    "fit",
    "read_archive",
    "read_picture",
    "to_image",
    "to_tensor",
]

SHORTEST_SIDE = 16


def to_tensor(picture: Picture, size: int | None = None) -> torch.Tensor:
    """Returns the picture as float32 `[1, 3, H, W]` in [0, 1].

    Args:
        picture: what `read_picture` returned.
        size: length of the longer side in pixels (antialiased, aspect kept); None keeps the size. The shorter
            side never falls below 16 pixels, which the encoder needs.
    """
    image = Image.fromarray(picture.rgb)
    if size is not None:
        image = image.resize(fit(picture.size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    array = np.array(image, dtype=np.float32) / 255.0
    return torch.from_numpy(array).permute(2, 0, 1).unsqueeze(0).contiguous()


def to_image(tensor: torch.Tensor, alpha: np.ndarray | None = None) -> Image.Image:
    """Returns float `[1, 3, H, W]` or `[3, H, W]` in [0, 1] (clipped) as an 8-bit picture.

    Args:
        tensor: the picture; values outside [0, 1] are clipped.
        alpha: uint8 `[h, w]` of any size to restore; it is resized and the result is RGBA.
    """
    pixels = tensor.detach().cpu().float().reshape(tensor.shape[-3:])
    array = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    image = Image.fromarray(array)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha).resize(image.size, Image.Resampling.BILINEAR))
    return image


def fit(size: tuple[int, int], longer: int) -> tuple[int, int]:
    """Returns (width, height) scaled so that the longer side is `longer` and the shorter at least 16."""
    scale = longer / max(size)
    width, height = (max(round(side * scale), SHORTEST_SIDE) for side in size)
    return width, height
