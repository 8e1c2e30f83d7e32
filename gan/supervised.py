"""Sliders that do what their name says, fitted from labels.

Three kinds of labels, by what is known of a generator's pictures:

- Its latent space chooses among attributes (`gan.attributes`): the label of every z is known. For each
  attribute its values are ordered by what their pictures measure where they differ: "background: warmer".
- A shipped classifier names the pictures: a slider for each value that it recognises.
- Nothing: measures that every picture has, such as its brightness or the size of what it shows.

The last two are fitted by regression of the label on z. Where a slider does not do on fresh seeds what its
name promises, it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from checkpoints.errors import CheckpointError
from gan.attributes import chosen, wishing
from gan.classifier import SHIPPED, Judge, shipped_judge
from gan.datasets import to_bytes
from gan.direction_files import LIMIT, Direction
from gan.direction_maths import white_latents
from gan.directions import labels_in_turn, without_class_means
from gan.effects import brightness, colourfulness, contrast, warmth
from gan.errors import GanError
from gan.latent import latents
from gan.measures import across, detail, down, size
from gan.model import Model
from gan.styles import mean_way, tried

SAMPLES = 1024
FRESH_SEEDS = range(50_000, 50_024)
PAIRED_SEEDS = range(60_000, 60_008)
MOST = 20
MOST_VALUES = 10
EXPLAINED = 0.05
KEPT_PROMISES = 0.8
NOTICEABLE = 0.02
SAME = 0.8
RARE = 0.02
FAINTEST = 1e-10
ATTRIBUTE_LIMIT = 8.0

Measure = Callable[[str, Tensor], Tensor]

ORDERED_BY = {"lighter": brightness, "warmer": warmth, "more colour": colourfulness}
MEASURES = {
    "brighter": brightness,
    "more contrast": contrast,
    "warmer": warmth,
    "more colour": colourfulness,
    "bigger": size,
    "more to the right": across,
    "lower": down,
    "more detail": detail,
}


@dataclass(frozen=True, eq=False)
class Ordering:
    """An attribute whose values are put in an order, and the slider through it.

    Attributes:
        attribute: its place in the model's attributes.
        values: how much of the named property each value has, centred, `[values]`; plus goes upwards.
    """

    direction: Direction
    attribute: int
    values: Tensor


@lru_cache(maxsize=8)
def supervised_directions(model: Model) -> tuple[Direction, ...]:
    """At most 20 directions with names that say what plus does, strongest promise first. Deterministic."""
    if model.attributes:
        return tuple(ordering.direction for ordering in attribute_orderings(model))
    named = classified_directions(model)
    return (measured_directions(model) + named)[:MOST]


@lru_cache(maxsize=8)
@torch.inference_mode()
def attribute_orderings(model: Model) -> tuple[Ordering, ...]:
    """For each attribute the orders in which its values can be gone through, those of colour first.

    With c_v the measure of value v's pictures, averaged over pairs of pictures that differ in this attribute
    alone, and centred, the direction has c_v at the wish for v and 0 elsewhere: the regression of the measure
    on independent wishes. Going up grants wishes of ever larger c_v and touches no other attribute.
    """
    sizes, found, start = model.config.attributes, [], 0
    for number, attribute in enumerate(model.attributes):
        pictures = value_pictures(model, number)
        used: list[Tensor] = []
        for word, values in ordered_values(pictures).items():
            vector, limit = torch.zeros(model.config.z_dim), ATTRIBUTE_LIMIT
            vector[start : start + sizes[number]] = values / values.norm().clamp_min(FAINTEST)
            if model.generator.sides:
                vector, limit = _style_way(model, number, values)
            if all(abs(float(vector @ other)) < SAME for other in used):
                used.append(vector)
                direction = Direction(f"{attribute.name[:40]} · {word}", "supervised", vector, limit)
                found.append(Ordering(direction, number, values))
        start += sizes[number]
    return tuple(found[:MOST])


def _style_way(model: Model, attribute: int, values: Tensor) -> tuple[Tensor, float]:
    """The way in w along which an attribute's values grow, and how far the farthest of them lies, twice."""
    z, _ = _regressors(model)
    known = chosen(z.float(), model.config.attributes)[:, attribute]
    w, _ = tried(model, z.float(), None)
    vector, _ = mean_way(w, values[known])
    along = (w - w.mean(0)) @ vector
    means = torch.stack([along[known == value].mean() for value in known.unique()])
    return vector, min(ATTRIBUTE_LIMIT, max(LIMIT / 2, round(4 * float(means.abs().max())) / 2))


def value_pictures(model: Model, attribute: int) -> Tensor:
    """Pictures that differ in one attribute alone, float `[values, seeds, C, H, W]`."""
    sizes = model.config.attributes
    z = latents(PAIRED_SEEDS, model.config.z_dim)
    granted = torch.stack([_choosing(z, sizes, attribute, value) for value in range(sizes[attribute])])
    return model.draw(granted.flatten(0, 1)).unflatten(0, granted.shape[:2])


def _choosing(z: Tensor, sizes: Sequence[int], attribute: int, value: int) -> Tensor:
    """z with the wish for a value of one attribute granted, and nothing else changed."""
    labels = chosen(z, sizes)
    labels[:, attribute] = value
    return wishing(z, labels, sizes)


def ordered_values(pictures: Tensor) -> dict[str, Tensor]:
    """What the values of an attribute can be ordered by: word -> centred measures `[values]`.

    Pixels count as much as they differ between values. A measure by which values hardly differ is left out,
    unless there is no better one.

    Args:
        pictures: `[values, seeds, C, H, W]` in [-1, 1]; along the seeds all else is equal between values.
    """
    mean = pictures.mean(0, keepdim=True)
    weight = (pictures - mean).square().mean((0, 1, 2)).sqrt()
    weight = weight / weight.sum().clamp_min(1e-9) * weight.numel()
    weighted = (pictures.flatten(0, 1) + 1) * weight - 1
    found = {}
    for word, measure in ORDERED_BY.items():
        values = measure(weighted).unflatten(0, pictures.shape[:2]).double().mean(1)
        found[word] = (values - values.mean()).float()
    best = max(found, key=lambda word: float(found[word].std()))
    return {w: v for w, v in found.items() if w == best or float(v.std()) > NOTICEABLE}


@torch.inference_mode()
def measured_directions(model: Model) -> tuple[Direction, ...]:
    """Sliders for measures that every picture has; those that keep their promise, best fitted first."""
    z, labels = _regressors(model)
    pictures = model.draw(z.float(), labels)
    values = {name: measure(pictures) for name, measure in MEASURES.items()}
    return _fitted(model, z, labels, values, lambda name, picture: MEASURES[name](picture))


@torch.inference_mode()
def classified_directions(model: Model) -> tuple[Direction, ...]:
    """Sliders towards what the shipped classifier can name; empty where none fits or z need not know it."""
    judge = judge_of(model)
    if judge is None or model.config.classes or model.config.attributes:
        return ()
    z, labels = _regressors(model)
    names, columns = _recognised(judge, _answers(judge, model.draw(z.float(), labels)))

    def measure(name: str, pictures: Tensor) -> Tensor:
        return _answers(judge, pictures)[:, columns[names.index(name)]]

    found = _answers(judge, model.draw(z.float(), labels))
    values = {name: found[:, column] for name, column in zip(names, columns, strict=True)}
    return _fitted(model, z, labels, values, measure)[:MOST_VALUES]


def judge_of(model: Model) -> Judge | None:
    """The shipped classifier that knows pictures like a model's, or None."""
    data = model.document.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    if name not in SHIPPED:
        return None
    try:
        judge = shipped_judge(str(name))
    except (GanError, CheckpointError):
        return None
    fits = judge.resolution == model.config.resolution and judge.channels == model.config.channels
    return judge if fits else None


def _answers(judge: Judge, pictures: Tensor) -> Tensor:
    """Probabilities of all values of all attributes, side by side: `[N, values]`."""
    return torch.cat(judge.probabilities(judge.features(to_bytes(pictures))), 1)


def _recognised(judge: Judge, answers: Tensor) -> tuple[list[str], list[int]]:
    """Names and columns of the values that are seen in 2 to 98 % of the pictures."""
    values = [f"more like {value}" for attribute in judge.attributes for value in attribute.values]
    seen = answers.gt(0.5).float().mean(0)
    columns = [i for i, share in enumerate(seen.tolist()) if RARE < share < 1 - RARE]
    return [values[i] for i in columns], columns


def _regressors(model: Model) -> tuple[Tensor, Tensor | None]:
    z = white_latents(max(SAMPLES, 4 * model.config.z_dim), model.config.z_dim)
    return z, labels_in_turn(model, len(z))


def regression(z: Tensor, values: Tensor, labels: Tensor | None = None) -> tuple[Tensor, float]:
    """The unit vector along which values grow, and the share of their variance that is linear in z.

    For z of covariance I the coefficients of least squares are z^T y / N, with y centred within each class;
    from the share that they explain, the z_dim / N that chance would explain is taken away.

    Args:
        z: `[N, z_dim]`, white. values: `[N]`. labels: classes int64 `[N]`, or None.

    Returns:
        float32 `[z_dim]` (zeros where nothing varies), and a share of at most 1.
    """
    y = values.double()
    groups = torch.zeros(len(y), dtype=torch.int64) if labels is None else labels
    sums = y.new_zeros(int(groups.max()) + 1).index_add_(0, groups, y)
    y = y - (sums / torch.bincount(groups).clamp_min(1))[groups]
    slope = z.double().T @ y / len(y)
    variance = float(y.square().mean())
    if variance < FAINTEST or float(slope.norm()) < FAINTEST:
        return torch.zeros(z.shape[1]), 0.0
    share = float(slope.square().sum()) / variance - z.shape[1] / len(y)
    return (slope / slope.norm()).float(), share


def _fitted(
    model: Model, z: Tensor, labels: Tensor | None, values: Mapping[str, Tensor], measure: Measure
) -> tuple[Direction, ...]:
    """A slider for each label that is linear enough in z and, on fresh seeds, moves the way it says."""
    fresh, draw = tried(
        model, latents(FRESH_SEEDS, model.config.z_dim), labels_in_turn(model, len(FRESH_SEEDS))
    )
    w, _ = tried(model, z.float(), labels)
    if labels is not None:
        w = without_class_means(w, labels, model.config.classes)
    found: list[tuple[float, Direction]] = []
    for name, value in values.items():
        vector, share = mean_way(w, value) if model.generator.sides else regression(z, value, labels)
        if share < EXPLAINED:
            continue
        plus, minus = (draw(fresh + step * vector) for step in (LIMIT, -LIMIT))
        change = measure(name, plus) - measure(name, minus)
        if float(change.gt(0).float().mean()) >= KEPT_PROMISES and float(change.mean()) > NOTICEABLE / 2:
            found.append((share, Direction(name[:60], "supervised", vector, LIMIT)))
    return tuple(direction for _, direction in sorted(found, key=lambda pair: -pair[0]))
