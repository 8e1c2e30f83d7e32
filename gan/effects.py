"""What a direction does to a picture, in a word or two, by measuring and not by guessing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

STEADY = 1.5
NOTICEABLE = 0.02
CONCENTRATED = 1.7
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Effect:
    """`text` for the visitor (may be empty); `sign` -1 or 1 where plus or minus has a meaning, else 0."""

    text: str
    sign: int


def brightness(pictures: Tensor) -> Tensor:
    """Mean luma (Rec. 601) of each picture `[N, C, H, W]` in [-1, 1], as `[N]` in [0, 1]."""
    return _luma(pictures).mean((1, 2))


def contrast(pictures: Tensor) -> Tensor:
    """Standard deviation of each picture's luma, `[N]`."""
    return _luma(pictures).flatten(1).std(1)


def warmth(pictures: Tensor) -> Tensor:
    """Mean of red minus blue, `[N]` in [-1, 1]; 0 for grey pictures."""
    if pictures.shape[1] == 1:
        return pictures.new_zeros(len(pictures))
    return (pictures[:, 0] - pictures[:, 2]).mean((1, 2)) / 2


def colourfulness(pictures: Tensor) -> Tensor:
    """Mean distance between the largest and the smallest colour channel, `[N]` in [0, 1]."""
    return (pictures.amax(1) - pictures.amin(1)).mean((1, 2)) / 2


def _luma(pictures: Tensor) -> Tensor:
    unit = (pictures + 1) / 2
    if pictures.shape[1] == 1:
        return unit[:, 0]
    return (unit * unit.new_tensor(LUMA)[:, None, None]).sum(1)


MEASURES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "brighter": brightness,
    "more contrast": contrast,
    "warmer": warmth,
    "more colour": colourfulness,
}


def describe_effect(plus: Tensor, minus: Tensor) -> Effect:
    """What going from `minus` to `plus` (pictures `[N, C, H, W]` in [-1, 1] of the same seeds) does.

    A measure is named when its mean change over the seeds is noticeable (2 % of its range) and steady (1.5
    times its spread); of several the steadiest. A place is named when the pixels there change much more than
    the average pixel.
    """
    name, sign, best = "", 0, STEADY
    for word, measure in MEASURES.items():
        change = (measure(plus) - measure(minus)).double()
        mean, spread = float(change.mean()), max(1e-6, float(change.std()))
        if abs(mean) > NOTICEABLE and abs(mean) / spread > best:
            name, sign, best = word, (1 if mean > 0 else -1), abs(mean) / spread
    place = changed_place((plus - minus).abs().mean((0, 1)))
    return Effect(", ".join(part for part in (name, place) if part), sign)


def changed_place(change: Tensor) -> str:
    """Where a map of changes `[H, W]` is concentrated: `edges`, `middle`, `top`, `bottom` or nowhere ("")."""
    height, width = change.shape
    mean = float(change.mean())
    if mean <= 0:
        return ""
    middle = torch.zeros_like(change, dtype=torch.bool)
    middle[height // 5 : height - height // 5, width // 5 : width - width // 5] = True
    third = height // 3
    parts = {
        "edges": change[~middle],
        "middle": change[height // 3 : height - third, width // 3 : width - width // 3],
        "top": change[:third],
        "bottom": change[-third:],
    }
    shares = {place: float(values.mean()) / mean for place, values in parts.items()}
    place = max(shares, key=lambda key: shares[key])
    return place if shares[place] > CONCENTRATED else ""
