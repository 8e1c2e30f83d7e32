"""What the studio minimises at one scale, and its gradient, in one encoder pass or strip by strip.

Gatys' content and style losses (arXiv 1508.06576) in the balanced form of `style.losses`. Content is compared
at full and at half size, where faces and large shapes live; edges of the luma by Laplacians (Li et al. 2017,
arXiv 1707.01253), which keep lines that relu4_2 has forgotten.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from style import losses
from style.encoder import Encoder, stride_of
from style.images import SHORTEST_SIDE
from style.recipe import Recipe
from style.regions import Regions
from style.strips import LARGEST_WHOLE, Strip, strips_of

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
# Of the content at half size, beside that at full size.
HALF_WEIGHT = 0.5
# Share of the picture below which a painting's own region is too small to hold its statistics.
_SMALLEST_PART = 1e-3
_TINY = 1e-8

Result = TypeVar("Result")
# Layer -> `[1, C, C]`, and layer -> `[1, 1, h, w]`, how much each position counts.
Grams = dict[str, Tensor]
Shares = Mapping[str, Tensor]
# Yields between its pieces; returns the values and the gradient.
Evaluation = Generator[None, None, tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class _Part:
    """What is asked of one part of the picture; shares None mean all of it."""

    weight: float
    grams: Grams
    shares: Shares | None


def painting_grams(encoder: Encoder, painting: Tensor, largest: int = LARGEST_WHOLE) -> Grams:
    """Layer -> Gram matrix `[1, C, C]` of a painting `[1, 3, H, W]` in [0, 1]."""
    strips = strips_of(painting.shape[-2:], largest)
    return result_of(_grams_strip_by_strip(encoder, painting, strips, [None]))[0]


def result_of(work: Generator[None, None, Result]) -> Result:
    """What work in pieces returns, without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


class Objective:
    """Weighted sum of content, style, variation and edges for one photo.

    Args:
        encoder: the frozen network.
        photo: `[1, 3, H, W]` in [0, 1].
        grams: what `painting_grams` found of each painting.
        weights: of the paintings, with sum 1.
        recipe: its four weights are used.
        regions: where each painting acts and what stays the photo.
        largest: pixels up to which a picture is encoded in one piece.
    """

    def __init__(
        self,
        encoder: Encoder,
        photo: Tensor,
        grams: Sequence[Grams],
        weights: Sequence[float],
        recipe: Recipe,
        regions: Regions,
        largest: int = LARGEST_WHOLE,
    ) -> None:
        self._encoder = encoder
        self._recipe = recipe
        self._photo = photo
        self._strips = strips_of(photo.shape[-2:], largest)
        self._parts = _find_parts(grams, weights, regions, photo)
        with torch.no_grad():
            rows = [_features(encoder, each.outer(photo), each)[CONTENT_LAYER] for each in self._strips]
            self._content = torch.cat(rows, 2).float()
            self._content_power = self._content.square().sum() + _TINY
            self._half = _half_features(encoder, photo)

    def __call__(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Values and gradient at a picture `[1, 3, H, W]`.

        Returns:
            Content, style, variation, edges and their weighted total as one tensor `[5]`; and the gradient of
            the total, shaped like the picture.
        """
        return result_of(self.evaluate(picture))

    def evaluate(self, picture: Tensor) -> Evaluation:
        """As a call, in pieces: yields after each strip, so that nobody who stops waits for minutes."""
        variable = picture.detach().requires_grad_()
        if len(self._strips) > 1:
            return (yield from self._by_strips(variable))
        (strip,) = self._strips
        found = _features(self._encoder, variable, strip)
        grams = [_gram_shares(found, strip, shares, variable.shape) for shares in self._shares]
        content, style = self._content_of(found, strip), self._style_of(grams)
        pull = self._recipe.content_weight * content + self._recipe.style_weight * style
        del found, grams
        return self._add_rest(
            content.detach(), style.detach(), variable, torch.autograd.grad(pull, variable)[0]
        )

    def _by_strips(self, variable: Tensor) -> Evaluation:
        """The same as in one piece, exactly, for one more pass forward and a fraction of the memory.

        The Gram matrices of the whole picture are needed before its first gradient: a pass without gradients
        sums them up. Then d(style) / d(Gram) is known, and each strip multiplies its own share with it.
        """
        grams = yield from _grams_strip_by_strip(self._encoder, variable, self._strips, self._shares)
        leaves = [gram.requires_grad_() for found in grams for gram in found.values()]
        style = self._style_of(grams)
        slopes = iter(torch.autograd.grad(style, leaves))
        pulls = [{layer: next(slopes) for layer in found} for found in grams]
        gradient, content = torch.zeros_like(variable), variable.new_zeros(())
        for strip in self._strips:
            rows = strip.outer(variable).detach().requires_grad_()
            found = _features(self._encoder, rows, strip)
            here = self._content_of(found, strip)
            pull = self._recipe.content_weight * here
            for shares, slope in zip(self._shares, pulls, strict=True):
                for layer, gram in _gram_shares(found, strip, shares, variable.shape).items():
                    pull = pull + self._recipe.style_weight * (slope[layer] * gram).sum()
            strip.outer(gradient).add_(torch.autograd.grad(pull, rows)[0])
            content = content + here.detach()
            del found, pull, here
            yield
        return self._add_rest(content, style.detach(), variable, gradient)

    def _add_rest(
        self, content: Tensor, style: Tensor, picture: Tensor, gradient: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What `__call__` returns: adds content at half size, and the losses without encoder.

        Apart, because together with the pass at full size it would need more memory.
        """
        recipe = self._recipe
        half = losses.balanced_content(_half_features(self._encoder, picture), self._half)
        content = content + HALF_WEIGHT * half
        variation = losses.balanced_variation(picture)
        edges = losses.balanced_edges(picture, self._photo)
        total = (
            recipe.content_weight * content
            + recipe.style_weight * style
            + recipe.variation_weight * variation
            + recipe.edge_weight * edges
        )
        values = torch.stack([content, style, variation, edges, total])
        return values.detach(), gradient + torch.autograd.grad(total, picture)[0]

    def _content_of(self, found: Grams, strip: Strip) -> Tensor:
        """`losses.balanced_content` of all strips is the sum of this over them."""
        target = strip.part(self._content, stride_of(CONTENT_LAYER))
        return (found[CONTENT_LAYER].float() - target).square().sum() / self._content_power

    def _style_of(self, grams: Sequence[Grams]) -> Tensor:
        return torch.stack(
            [
                part.weight * losses.balanced_style(found, part.grams)
                for part, found in zip(self._parts, grams, strict=True)
            ]
        ).sum()

    @property
    def _shares(self) -> list[Shares | None]:
        return [part.shares for part in self._parts]


def _find_parts(
    grams: Sequence[Grams], weights: Sequence[float], regions: Regions, photo: Tensor
) -> list[_Part]:
    """One part with the mix of all paintings, or one for each painting that has a place of its own."""
    sizes = {layer: [side // stride_of(layer) for side in photo.shape[-2:]] for layer in STYLE_LAYERS}
    painted = {layer: regions.painted(size) for layer, size in sizes.items()}
    shares = {layer: regions.shares(weights, size) for layer, size in sizes.items()}
    if any(share is None for share in shares.values()):
        here = {layer: mask.to(photo.device) for layer, mask in painted.items() if mask is not None}
        return [_Part(1.0, _mixed(grams, weights), here or None)]
    parts = []
    for index, found in enumerate(grams):
        here = {layer: share[index : index + 1].to(photo.device) for layer, share in shares.items()}  # type: ignore[index]
        for layer, mask in painted.items():
            if mask is not None:
                here[layer] = here[layer] * mask.to(photo.device)
        weight = float(here[STYLE_LAYERS[0]].mean())
        if weight > _SMALLEST_PART:
            parts.append(_Part(weight, found, here))
    # Where all of the picture stays the photo no part is left; then it does not matter what is asked.
    return parts or [_Part(1.0, _mixed(grams, weights), None)]


def _mixed(grams: Sequence[Grams], weights: Sequence[float]) -> Grams:
    return {
        layer: torch.stack([weight * found[layer] for weight, found in zip(weights, grams, strict=True)]).sum(
            0
        )
        for layer in STYLE_LAYERS
    }


def _features(encoder: Encoder, rows: Tensor, strip: Strip) -> dict[str, Tensor]:
    """Layer -> features of a strip without its rim; `rows` holds the rim."""
    found = encoder.features(rows, (CONTENT_LAYER, *STYLE_LAYERS))
    return {layer: strip.crop(features, stride_of(layer)) for layer, features in found.items()}


def _half_features(encoder: Encoder, picture: Tensor) -> Tensor:
    height, width = (max(SHORTEST_SIDE, side // 2) for side in picture.shape[-2:])
    small = F.interpolate(picture, size=(height, width), mode="area")
    return encoder.features(small, [CONTENT_LAYER])[CONTENT_LAYER].float()


def _grams_strip_by_strip(
    encoder: Encoder, picture: Tensor, strips: Sequence[Strip], shares: Sequence[Shares | None]
) -> Generator[None, None, list[Grams]]:
    """For each of the shares the Gram matrices of the whole picture, summed up over its strips."""
    totals: list[Grams] = [{} for _ in shares]
    for strip in strips:
        with torch.no_grad():
            found = _features(encoder, strip.outer(picture), strip)
            for total, share in zip(totals, shares, strict=True):
                for layer, gram in _gram_shares(found, strip, share, picture.shape).items():
                    total[layer] = total[layer] + gram if layer in total else gram
        yield
    return totals


def _gram_shares(
    found: Mapping[str, Tensor], strip: Strip, shares: Shares | None, shape: Sequence[int]
) -> Grams:
    """What a strip adds to the Gram matrices of a picture of this shape."""
    added: Grams = {}
    for layer in STYLE_LAYERS:
        stride, features = stride_of(layer), found[layer].float()
        whole = None if shares is None else shares[layer]
        part = None if whole is None else strip.part(whole, stride)
        count = features.shape[-2] * features.shape[-1] if part is None else part.sum()
        everywhere = (shape[-2] // stride) * (shape[-1] // stride) if whole is None else whole.sum() + _TINY
        added[layer] = losses.gram_matrix(features, part) * (count / everywhere)
    return added
