"""How alike two small pictures look: distances between features of the shared VGG-16."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from style.encoder import load_encoder

# To search with, and to judge by: the deepest layer is one that no search has seen.
SEARCHED = ("relu1_2", "relu2_2", "relu3_3")
JUDGED = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
SIDE = 64
CHUNK = 16
FAINTEST = 1e-8


def features(pictures: Tensor, layers: Sequence[str] = JUDGED) -> list[Tensor]:
    """Activations with channels of length 1 at every place, one `[N, C, H, W]` a layer; differentiable.

    Args:
        pictures: `[N, C, H, W]` in [-1, 1]; grey ones count as coloured, small ones are enlarged to 64 px,
            where the deepest layer still has 8x8 places.
    """
    unit = ((pictures + 1) / 2).expand(-1, 3, -1, -1)
    if unit.shape[-1] < SIDE:
        unit = interpolate(unit, size=SIDE, mode="bilinear", align_corners=False)
    found = load_encoder("replicate").features(unit, layers)
    return [found[layer] / (found[layer].square().sum(1, keepdim=True) + FAINTEST).sqrt() for layer in layers]


def distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Mean over layers and places of |f - f'|^2 / 2 = 1 - cos(f, f'), `[N]` in [0, 1].

    The sides are what `features` gave; a side of one picture is compared with all of the other side. After
    Zhang et al. 2018 (LPIPS, arXiv 1801.03924), whose learned weights of channels are all 1 here, so the
    numbers compare only with each other.
    """
    layers = [(a - b).square().sum(1).mean((1, 2)) / 2 for a, b in zip(first, second, strict=True)]
    return torch.stack(layers).mean(0)


@torch.inference_mode()
def distances(pictures: Tensor, target: Tensor, layers: Sequence[str] = JUDGED) -> Tensor:
    """The distance of each of `pictures` `[N, C, H, W]` from one `target` `[1, C, H, W]`: `[N]`."""
    wanted = features(target, layers)
    return torch.cat([distance(features(part, layers), wanted) for part in pictures.split(CHUNK)])
