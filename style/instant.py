"""Stylisation in a few seconds, without optimisation: underpaint, encode, match statistics, decode.

After Li et al., "Universal Style Transfer via Feature Transforms", 2017 (arXiv 1705.08086), with three levels
matched at once instead of one network after the other, optimal transport instead of whitening, and the
painting's own strokes laid under the photo first (see `style.strokes`).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from style.decoder import LEVELS, load_decoder
from style.encoder import Encoder, load_encoder
from style.errors import StyleError
from style.images import Picture
from style.iterate import Iterate
from style.match import Gaussian, blend, gaussian, match
from style.recipe import Recipe
from style.regions import Regions, painting_weights
from style.scaling import at_size, check_picture, painting_at
from style.strokes import underpaint

Statistics = dict[str, Gaussian]
_MOST_KNOWN = 64
# A multiple of 4, by which the encoder divides.
_MARGIN = 16


def instant(photo: Picture | Tensor, paintings: Sequence[Picture | Tensor], **settings: Any) -> Tensor:
    """Paints the photo at once.

    Args:
        photo, paintings: pictures, or float `[1, 3, H, W]` in [0, 1].
        settings: fields of `Recipe`, such as `size`, `weights` and `strength`, and `regions`.

    Returns:
        `[1, 3, H, W]` in [0, 1], on the CPU.

    Raises:
        StyleError: if a picture or a setting is unsuitable, or there is no painting.
    """
    regions = settings.pop("regions", Regions())
    recipe = Recipe(mode="instant", **settings)
    painted = paint(photo, paintings, recipe, regions)
    return torch.lerp(at_size(photo, recipe.size).to(painted), painted, recipe.strength).cpu()


@torch.inference_mode()
def paint(
    photo: Picture | Tensor, paintings: Sequence[Picture | Tensor], recipe: Recipe, regions: Regions
) -> Tensor:
    """The instant picture at full strength, `[1, 3, H, W]` in [0, 1]; arguments as for `stylise`."""
    if not paintings:
        raise StyleError("Please choose a painting first.")
    for picture in (photo, *paintings):
        check_picture(picture)
    weights = painting_weights(recipe.weights, len(paintings))
    regions.fits(len(paintings))
    encoder = load_encoder("replicate", torch.float32, "cuda" if torch.cuda.is_available() else "cpu")
    original = at_size(photo, recipe.size).to(encoder.device)
    shown = [painting_at(each, recipe.size, recipe.style_scale).to(encoder.device) for each in paintings]
    based = underpaint(original, shown, recipe, weights, regions.shares(weights, original.shape[-2:]))
    known = [_statistics(encoder, painting) for painting in shown]
    # Both networks know less about the border, and without a margin it would show as a frame.
    features = encode(encoder, F.pad(based, (_MARGIN,) * 4, mode="replicate"))
    padded = regions.padded(_MARGIN, original.shape[-2:])
    # Popped, so that the features of a large picture are not there twice.
    matched = {level: _matched(features.pop(level), level, known, weights, padded) for level in LEVELS}
    painted = load_decoder(str(encoder.device))(matched).clamp(0, 1)
    return regions.restore(painted[..., _MARGIN:-_MARGIN, _MARGIN:-_MARGIN], original)


def follow_instant(
    photo: Picture | Tensor, paintings: Sequence[Picture | Tensor], recipe: Recipe, regions: Regions
) -> Iterator[Iterate]:
    """The instant picture as the only iterate; arguments as for `style.optimise.stylise`."""
    began = time.monotonic()
    picture = paint(photo, paintings, recipe, regions).cpu()
    yield Iterate(
        scale=max(picture.shape[-2:]),
        step=1,
        steps=1,
        losses=None,
        picture=picture,
        is_best=True,
        progress=1.0,
        seconds_elapsed=time.monotonic() - began,
        seconds_left=0.0,
    )


def encode(encoder: Encoder, picture: Tensor) -> dict[str, Tensor]:
    """Level -> features of a picture `[1, 3, H, W]`, in the memory layout that is quickest on a processor."""
    return encoder.features(picture.contiguous(memory_format=torch.channels_last), LEVELS)


def _matched(
    features: Tensor, level: str, known: list[Statistics], weights: Sequence[float], regions: Regions
) -> Tensor:
    size = features.shape[-2:]
    shares, painted = regions.shares(weights, size), regions.painted(size)
    painted = None if painted is None else painted.to(features)
    if shares is None:
        source = gaussian(features, painted)
        return blend([match(source, statistics[level]) for statistics in known], weights)(features)
    moved = torch.zeros_like(features)
    for share, statistics in zip(shares.to(features).split(1), known, strict=True):
        if share.any():
            # A region's own statistics are matched: its sky gets the whole palette of its painting.
            source = gaussian(features, share if painted is None else share * painted)
            moved += share * match(source, statistics[level])(features)
    return moved


def _statistics(encoder: Encoder, painting: Tensor) -> Statistics:
    def find() -> Statistics:
        return {level: gaussian(features) for level, features in encode(encoder, painting).items()}

    return _known_paintings().get(painting, find)


class _Known:
    """The statistics of the paintings seen last, so that the next picture need not encode them again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[bytes, Statistics] = OrderedDict()

    def get(self, painting: Tensor, find: Callable[[], Statistics]) -> Statistics:
        """What `find` returns for this painting, now or earlier; half a megabyte each."""
        key = _digest(painting)
        with self._lock:
            found = self._found.get(key)
        if found is None:
            found = find()
        with self._lock:
            self._found[key] = found
            self._found.move_to_end(key)
            while len(self._found) > _MOST_KNOWN:
                self._found.popitem(last=False)
        return found


@lru_cache(maxsize=1)
def _known_paintings() -> _Known:
    return _Known()


def _digest(picture: Tensor) -> bytes:
    content = picture.mul(255).round().to(torch.uint8).cpu().contiguous().numpy().tobytes()
    return hashlib.sha256(repr(tuple(picture.shape)).encode() + content).digest()
