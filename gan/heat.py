"""Where the discriminator looks: which places of a picture made its opinion."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from gan.errors import GanError
from gan.model import BATCH, Model

NO_DISCRIMINATOR = "This checkpoint came without its discriminator, so there is no opinion on the picture."
# Blue where the picture was less convincing for what stands there, red where it was more.
LESS, MORE = (-0.4, -0.1, 1.0), (1.0, -0.3, -0.6)
STRONGEST = 0.75
FAINTEST = 1e-8


def occlusion(model: Model, picture: Tensor, labels: Tensor | None = None, patch: int = 0) -> Tensor:
    """How much every place helps to convince: logit of the picture minus that with the place covered.

    The cover is what a blur of the picture has there. Patches overlap by half, and a pixel gets the mean over
    the patches that cover it. Zeiler and Fergus 2014 (arXiv 1311.2901).

    Args:
        picture: `[1, C, H, W]` in [-1, 1].
        labels: class `[1]` or attributes `[1, A]`, where the discriminator wants to know.
        patch: side of a patch in pixels; 0 takes an eighth of the picture.

    Returns:
        `[H, W]` in units of the logit; above 0 where the place speaks for the picture.

    Raises:
        GanError: where the checkpoint holds no discriminator.
    """
    side = picture.shape[-1]
    patch = min(side, patch or max(2, side // 8))
    covers = _covers(side, patch)
    blurred = _blurred(picture, 2 * patch + 1)
    with torch.inference_mode():
        whole = _logits(model, picture, labels)
        covered = picture * (1 - covers[:, None]) + blurred * covers[:, None]
        change = whole - _logits(model, covered, labels)
    weight = covers.sum(0)
    return (change[:, None, None] * covers).sum(0) / weight


def _covers(side: int, patch: int) -> Tensor:
    """Overlapping squares that together cover everything, `[N, H, W]` of 0 and 1."""
    starts = sorted({min(start, side - patch) for start in range(0, side, max(1, patch // 2))})
    lines = torch.zeros(len(starts), side)
    for row, start in enumerate(starts):
        lines[row, start : start + patch] = 1
    return (lines[:, None, :, None] * lines[None, :, None, :]).flatten(0, 1)


def _blurred(picture: Tensor, width: int) -> Tensor:
    width = min(width | 1, 2 * (picture.shape[-1] // 2) - 1)
    return avg_pool2d(picture, width, 1, width // 2, count_include_pad=False)


def saliency(model: Model, picture: Tensor, labels: Tensor | None = None) -> Tensor:
    """The gradient of the logit on the picture, as length over the channels: `[H, W]`, at least 0.

    It shows where a small change matters most; it says not whether the place is right. Simonyan et al. 2014
    (arXiv 1312.6034). Raises GanError as `occlusion`.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = picture.detach().clone().requires_grad_(True)
        told = None if labels is None else labels.clone()
        _logits(model, leaf, told).sum().backward()
    assert leaf.grad is not None
    return leaf.grad[0].norm(dim=0)


def _logits(model: Model, pictures: Tensor, labels: Tensor | None) -> Tensor:
    if model.discriminator is None:
        raise GanError(NO_DISCRIMINATOR)
    if model.config.classes and labels is None:
        labels = torch.zeros(1, dtype=torch.int64)
    parts = []
    for part in pictures.split(BATCH):
        told = None if labels is None else labels.expand(len(part), *labels.shape[1:])
        parts.append(model.discriminator(part, told))
    return torch.cat(parts)


def painted_heat(picture: Tensor, heat: Tensor) -> Tensor:
    """The picture in grey with the map `[H, W]` over it: red above 0, blue below; `[1, 3, H, W]` in [-1, 1].

    The strongest place has three quarters of its colour, so that the picture stays to be seen.
    """
    grey = picture.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    share = heat / heat.abs().max().clamp_min(FAINTEST)
    colours = torch.where(
        (share > 0)[None, None],
        grey.new_tensor(MORE)[None, :, None, None],
        grey.new_tensor(LESS)[None, :, None, None],
    )
    return torch.lerp(grey, colours.expand_as(grey), STRONGEST * share.abs()[None, None])


def smooth(heat: Tensor, side: int) -> Tensor:
    """A map `[H, W]` at another side in pixels, for a page that draws it large."""
    return interpolate(heat[None, None], size=side, mode="bilinear", align_corners=False)[0, 0]
