"""How much of the painting and how much of the photo a result holds, as two numbers that people understand.

Both compare features of the encoder, on pictures of at most 256 pixels, which is quick:

    structure = 1 - N(result) / N(grey),   N(x) = ||F(x) - F(photo)||^2 / ||F(photo)||^2 at relu4_2
    texture = 1 - D(result) / D(photo),    D(x) = mean over l of ||G_l(x) - G_l||^2 / ||G_l||^2

with the painting's Gram matrices G_l at relu1_1 to relu4_1. The photo itself has structure 1 and texture 0, a
grey card has structure 0, and what has the painting's statistics has texture 1. The studio minimises much the
same, so the numbers compare its results with one another better than with those of other tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from style import losses
from style.encoder import Encoder, load_encoder
from style.images import SHORTEST_SIDE, Picture, to_tensor
from style.lesson import square
from style.objective import CONTENT_LAYER, STYLE_LAYERS
from style.output import photo_like
from style.recipe import Recipe
from style.regions import painting_weights
from style.scaling import painting_at

LONGEST = 256
_TINY = 1e-8


@dataclass(frozen=True)
class Scores:
    """Both at most 1; below 0 a result is further away than the photo or a grey card."""

    structure: float
    texture: float

    @property
    def words(self) -> str:
        """For instance: 92 % of the painting's texture, 71 % of the photo's structure."""
        texture, structure = (round(100 * max(0.0, value)) for value in (self.texture, self.structure))
        return f"{texture} % of the painting's texture, {structure} % of the photo's structure"


@torch.inference_mode()
def score(
    result: Tensor, photo: Tensor, paintings: Sequence[Tensor], weights: Sequence[float] = ()
) -> Scores:
    """The scores of a result `[1, 3, H, W]` beside its photo, of the same size, and its paintings.

    Of several paintings the mix of their Gram matrices counts, by their weights.

    The paintings are as large as they were for whoever painted, so that brush strokes are as wide.

    Raises:
        StyleError: if the encoder is missing.
    """
    encoder = load_encoder("replicate")
    scale = min(1.0, LONGEST / max(result.shape[-2:]))
    result, photo, *paintings = (_scaled(picture, scale) for picture in (result, photo, *paintings))
    content, grams = _features(encoder, photo)
    found, found_grams = _features(encoder, result)
    grey, _ = _features(encoder, torch.full_like(photo, 0.5))
    wanted = {layer: torch.zeros_like(gram) for layer, gram in grams.items()}
    for weight, painting in zip(painting_weights(weights, len(paintings)), paintings, strict=True):
        for layer, gram in _features(encoder, painting)[1].items():
            wanted[layer] += weight * gram
    furthest = losses.balanced_content(grey, content) + _TINY
    unpainted = losses.balanced_style(grams, wanted) + _TINY
    return Scores(
        structure=float(1 - losses.balanced_content(found, content) / furthest),
        texture=float(1 - losses.balanced_style(found_grams, wanted) / unpainted),
    )


def _features(encoder: Encoder, picture: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    found = encoder.features(picture, (CONTENT_LAYER, *STYLE_LAYERS))
    return found[CONTENT_LAYER], {layer: losses.gram_matrix(found[layer]) for layer in STYLE_LAYERS}


def _scaled(picture: Tensor, scale: float) -> Tensor:
    if scale == 1:
        return picture
    height, width = (max(SHORTEST_SIDE, round(side * scale)) for side in picture.shape[-2:])
    return interpolate(picture, size=(height, width), mode="area")


def score_pictures(painted: Tensor, photo: Picture, paintings: Sequence[Picture], recipe: Recipe) -> Scores:
    """`score` of what `stylise` painted from these pictures with this recipe."""
    longer = max(painted.shape[-2:])
    if recipe.mode == "lesson":
        styles = [square(to_tensor(painting)) for painting in paintings]
    else:
        styles = [painting_at(painting, longer, recipe.style_scale) for painting in paintings]
    return score(painted, photo_like(painted, photo, recipe), styles, recipe.weights)
