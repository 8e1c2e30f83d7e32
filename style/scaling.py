"""Sizes of pictures, whether they come as `Picture` or as tensor."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from style.errors import StyleError
from style.images import SHORTEST_SIDE, Picture, fit, to_tensor


def check_picture(picture: Picture | Tensor) -> None:
    """Raises StyleError unless the encoder can take the picture."""
    if isinstance(picture, Tensor) and (picture.ndim != 4 or picture.shape[:2] != (1, 3)):
        raise StyleError("A picture is a tensor [1, 3, H, W] with values from 0 to 1.")
    if min(extent(picture)) < SHORTEST_SIDE:
        raise StyleError(f"A picture needs at least {SHORTEST_SIDE} pixels a side; please use a larger one.")


def extent(picture: Picture | Tensor) -> tuple[int, int]:
    """Width and height in pixels."""
    if isinstance(picture, Picture):
        return picture.size
    return picture.shape[-1], picture.shape[-2]


def whole(picture: Picture | Tensor) -> Tensor:
    """The picture as it is, float32 `[1, 3, H, W]` in [0, 1]."""
    return to_tensor(picture) if isinstance(picture, Picture) else picture.float()


def at_size(picture: Picture | Tensor, longer: int) -> Tensor:
    """The picture with a longer side of `longer`, float32 `[1, 3, H, W]` in [0, 1]."""
    if isinstance(picture, Picture):
        return to_tensor(picture, longer)
    width, height = fit(extent(picture), longer)
    return resize(picture.float(), (height, width))


def painting_at(painting: Picture | Tensor, size: int, scale: float) -> Tensor:
    """A painting as large as it is looked at for a picture of `size` pixels, `[1, 3, H, W]`.

    Args:
        size: longer side of the picture that is painted.
        scale: width of the brush strokes: 2 looks at the painting twice as large. It is never enlarged beyond
            its own pixels: that would teach the style of a blurred copy.
    """
    return at_size(painting, max(SHORTEST_SIDE, min(round(size * scale), max(extent(painting)))))


def resize(picture: Tensor, size: Sequence[int]) -> Tensor:
    """Resizes `[1, C, H, W]` to (height, width), antialiased, clipped to [0, 1]."""
    resized = F.interpolate(picture, size=tuple(size), mode="bicubic", align_corners=False, antialias=True)
    return resized.clamp(0, 1)
