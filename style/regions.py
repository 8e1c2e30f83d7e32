"""Which painting acts where, how much each counts, and what stays as in the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from style.errors import StyleError
from style.images import Picture, to_tensor
from style.recipe import MOST_PAINTINGS

# Share of the longer side over which a kept region fades into the painted one.
_FEATHER = 0.01


@dataclass(frozen=True, eq=False)
class Regions:
    """Masks over the photo, float `[1, 1, h, w]` in [0, 1] and of any size.

    Attributes:
        paintings: for each painting where it acts, None for everywhere; empty for all everywhere. Where no
            painting acts, all do.
        keep: 1 where the photo stays as it is.
    """

    paintings: tuple[Tensor | None, ...] = ()
    keep: Tensor | None = None

    def __post_init__(self) -> None:
        for mask in (*self.paintings, self.keep):
            if mask is not None and (mask.ndim != 4 or mask.shape[:2] != (1, 1) or mask.numel() == 0):
                raise StyleError("A mask is a tensor [1, 1, H, W] with values from 0 to 1.")

    def shares(self, weights: Sequence[float], size: Sequence[int]) -> Tensor | None:
        """How much each painting counts at each position, `[P, 1, h, w]`, sums 1; None if everywhere alike.

        Args:
            weights: one for each painting, from `painting_weights`.
            size: height and width.
        """
        if all(mask is None for mask in self.paintings):
            return None
        masks = [torch.ones(1, 1, *size) if mask is None else _resized(mask, size) for mask in self.paintings]
        parts = torch.cat([weight * mask for weight, mask in zip(weights, masks, strict=True)])
        everywhere = torch.tensor(weights, dtype=parts.dtype).view(-1, 1, 1, 1).expand_as(parts)
        total = parts.sum(0, keepdim=True)
        return torch.where(total > 1e-3, parts / total.clamp_min(1e-3), everywhere)

    def painted(self, size: Sequence[int]) -> Tensor | None:
        """How much of each position is painted, `[1, 1, h, w]`; None if all of the picture is."""
        return None if self.keep is None else 1 - _resized(self.keep, size)

    def restore(self, painted: Tensor, photo: Tensor) -> Tensor:
        """The painted picture `[1, 3, H, W]` with the photo, of the same size, where it is to stay."""
        if self.keep is None:
            return painted
        size = painted.shape[-2:]
        mask = _blurred(_resized(self.keep, size), max(1, round(_FEATHER * max(size))))
        return torch.lerp(painted, photo, mask.to(painted))

    def padded(self, margin: int, size: Sequence[int]) -> Regions:
        """The same for a picture of height and width `size` with a margin of so many pixels all around."""

        def wider(mask: Tensor | None) -> Tensor | None:
            return None if mask is None else F.pad(_resized(mask, size), (margin,) * 4, mode="replicate")

        return Regions(tuple(wider(mask) for mask in self.paintings), wider(self.keep))

    def fits(self, count: int) -> None:
        """Raises StyleError unless there are masks for `count` paintings, or none."""
        if self.paintings and len(self.paintings) != count:
            raise StyleError(f"There are {count} paintings but {len(self.paintings)} masks for them.")


def mask_of(picture: Picture) -> Tensor:
    """A picture as a mask `[1, 1, h, w]` in [0, 1]: white is 1, black and what is transparent is 0."""
    mask = to_tensor(picture).mean(1, keepdim=True)
    return mask if picture.alpha is None else mask * torch.from_numpy(picture.alpha).float()[None, None] / 255


def painting_weights(weights: Sequence[float], count: int) -> tuple[float, ...]:
    """The weights of `count` paintings, with sum 1; no weights are equal ones.

    Raises:
        StyleError: if there are too many paintings, another number of weights, or none above 0.
    """
    if count > MOST_PAINTINGS:
        raise StyleError(f"At most {MOST_PAINTINGS} paintings can be mixed; please choose fewer.")
    if not weights:
        return (1 / count,) * count
    if len(weights) != count:
        raise StyleError(f"There are {count} paintings but {len(weights)} weights for them.")
    total = sum(weights)
    if total <= 0:
        raise StyleError("At least one painting must have a weight above 0.")
    return tuple(weight / total for weight in weights)


def _resized(mask: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(mask.float(), size=tuple(size), mode="bilinear", antialias=True).clamp(0, 1)


def _blurred(mask: Tensor, radius: int) -> Tensor:
    radius = min(radius, (min(mask.shape[-2:]) - 1) // 2)
    padded = F.pad(mask, (radius,) * 4, mode="replicate")
    return F.avg_pool2d(padded, 2 * radius + 1, stride=1)
