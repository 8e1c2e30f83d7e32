"""The space in which sliders move: z itself or, where a generator has a style for each layer, all its styles.

A point is `[N, size]`. With styles it holds w of the first layer, then of the second, and so on; w has the
mean 0, so that truncation, mixing and walks are the same arithmetic as with z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from gan.errors import GanError
from gan.model import Model
from gan.networks.style import StyledConvolution

FAINTEST = 1e-10
KINDS = ("coarse", "middle", "fine")


@dataclass(frozen=True)
class LayerRange:
    """Some layers that follow each other, from `first` to `last` (included), counted from 0."""

    name: str
    first: int
    last: int


def size_of(model: Model) -> int:
    """How many numbers a point has: z_dim, times the layers where each has a style."""
    return model.config.z_dim * max(1, len(model.generator.sides))


def layer_ranges(sides: Sequence[int]) -> tuple[LayerRange, ...]:
    """All layers, then coarse, middle and fine ones, by the grids `sides` that they draw on; or ()."""
    if not sides:
        return ()
    parts = torch.arange(len(sides)).tensor_split(len(KINDS))
    named = [
        LayerRange(
            f"{kind}: {_grids(sides[int(part[0])], sides[int(part[-1])])}", int(part[0]), int(part[-1])
        )
        for kind, part in zip(KINDS, parts, strict=True)
    ]
    return (LayerRange("all layers", 0, len(sides) - 1), *named)


def _grids(first: int, last: int) -> str:
    return f"{first} px" if first == last else f"{first} to {last} px"


def layer_name(sides: Sequence[int], layer: int) -> str:
    """What a visitor reads for one layer, such as `layer 1 · 4 px, coarse`."""
    kind = next(r.name.split(":")[0] for r in layer_ranges(sides)[1:] if r.first <= layer <= r.last)
    return f"layer {layer + 1} · {sides[layer]} px, {kind}"


def parse_layers(text: str, sides: Sequence[int]) -> tuple[int, int]:
    """First and last layer from `coarse`, `middle`, `fine`, `all`, `3` or `2-4`, counted from 1 in the text.

    Raises:
        GanError: for another text, or a generator without styles.
    """
    if not sides:
        raise GanError(
            "This generator has one latent vector for all layers; only a style-based one has a range."
        )
    for known in layer_ranges(sides):
        if known.name.split(":")[0].split()[0] == text.strip().casefold():
            return known.first, known.last
    first, dash, last = text.strip().partition("-")
    if first.isdecimal() and (last.isdecimal() or not dash) and max(len(first), len(last)) < 4:
        low, high = int(first), int(last or first)
        if 1 <= low <= high <= len(sides):
            return low - 1, high - 1
    raise GanError(f"Name layers as all, coarse, middle, fine, 3 or 2-4; this generator has {len(sides)}.")


def step_along(vector: Tensor, z_dim: int, layers: int = 0, between: tuple[int, int] | None = None) -> Tensor:
    """What one unit along a direction adds to a point, `[size]`; nothing where it is another generator's.

    A direction in w `[z_dim]` adds the same to each of the `layers`. One of all styles `[layers * z_dim]`
    counts sqrt(layers) times: made from a unit vector of w for every layer, it then does what that does.
    Only the layers `between` (first and last, included) move.
    """
    count = max(1, layers)
    if len(vector) not in (z_dim, count * z_dim):
        return torch.zeros(count * z_dim)
    steps = vector.unflatten(0, (-1, z_dim))
    steps = steps.expand(count, -1) if len(steps) == 1 else steps * sqrt(count)
    if between is not None and layers:
        first, last = between
        steps = steps * torch.tensor([float(first <= layer <= last) for layer in range(count)])[:, None]
    return steps.flatten()


def narrowed(step: Tensor, z_dim: int) -> Tensor:
    """A step `[size]` as one in w `[z_dim]` where it is the same in every layer, else as it is."""
    layers = step.unflatten(0, (-1, z_dim))
    return layers[0] if bool((layers == layers[0]).all()) else step


def in_all_styles(model: Model, vector: Tensor) -> Tensor:
    """A direction of z or w as a unit vector `[size]` that does the same."""
    step = step_along(vector, model.config.z_dim, len(model.generator.sides))
    return step / step.norm()


def tried(model: Model, z: Tensor, labels: Tensor | None) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Where directions are tried, and what draws there: z, or w `[N, z_dim]`, the same for all layers."""
    if not model.generator.sides:
        return z, lambda latent: model.draw(latent, labels)
    layers = len(model.generator.sides)
    return model.point(z, labels)[:, : model.config.z_dim], lambda w: model.draw(w.repeat(1, layers))


def style_weights(model: Model) -> Tensor:
    """What turns w into the styles of all layers, one below the other: `[channels of all layers, z_dim]`.

    Their singular vectors are the closed-form directions of a style-based generator (Shen and Zhou 2021,
    arXiv 2007.06600).
    """
    layers = (m for m in model.generator.modules() if isinstance(m, StyledConvolution))
    return torch.cat([torch.zeros(0, model.config.z_dim), *(layer.style.detach() for layer in layers)])


def mean_way(w: Tensor, values: Tensor) -> tuple[Tensor, float]:
    """The unit vector towards the w of large values, and the share of their variance that it explains.

    cov(w, y) / |cov(w, y)|. Where w is a sum of what independent labels add to it, this is what the label y
    adds, and the others stay as they are. (Least squares would need a covariance of full rank.)

    Args:
        w: `[N, z_dim]`; values: `[N]`.

    Returns:
        float32 `[z_dim]` (zeros where nothing varies), and the squared correlation of y with w along it.
    """
    w, y = w.double() - w.double().mean(0), values.double() - values.double().mean()
    way = w.T @ y
    if float(way.norm()) < FAINTEST or float(y.norm()) < FAINTEST:
        return torch.zeros(w.shape[1]), 0.0
    way = way / way.norm()
    along = w @ way
    return way.float(), float((along @ y) ** 2 / ((along @ along) * (y @ y)))


def fits_generator(model: Model, vector: Tensor) -> bool:
    """Whether a direction or a point is one of this generator's: of z or w, or of all its styles."""
    return len(vector) in (model.config.z_dim, size_of(model))
