"""The strongest directions of a generator's latent space, found without labels and named by measurement.

Candidates come from PCA of the first layer's activations (Härkönen et al. 2020, GANSpace, arXiv 2004.02546)
and, where PCA has nothing to say, from the first layer's weight in closed form (Shen and Zhou 2021, SeFa,
arXiv 2007.06600). What a visitor gets are the candidates that change the picture most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from gan.direction_files import LIMIT, Direction, kept_in
from gan.direction_maths import (
    STEP,
    Draw,
    closed_form_directions,
    first_weight,
    orthogonal,
    principal_directions,
    strongest_axes,
    visible_change,
    white_latents,
)
from gan.effects import describe_effect
from gan.first_layer import first_layer_gram
from gan.latent import latents
from gan.model import Model
from gan.styles import style_weights, tried

COUNT = 10
CANDIDATES = 20
SAMPLES = 1024
SEEDS = 12
LIMITS = (3.0, 8.0)
VISIBLE = 0.25 / 255
# How a checkpoint's first directions are found stands in its config.json, because links count them by place:
# whatever changes them needs another number, and checkpoints with an older one keep theirs.
FOUND_BY = "directions_found_by"
FOUND_BY_CODE = 2


@torch.inference_mode()
def find_directions(model: Model, count: int = COUNT) -> tuple[Direction, ...]:
    """The `count` strongest directions of a generator, orthogonal, strongest first. Deterministic."""
    vectors, methods = _candidates(model)
    z, draw = tried(model, latents(range(SEEDS), model.config.z_dim), labels_in_turn(model, SEEDS))
    change = visible_change(draw, vectors, z)
    order = [int(i) for i in change.argsort(descending=True, stable=True) if change[i] > VISIBLE]
    chosen = orthogonal(vectors[order], count)
    units = torch.stack([unit.float() for _, unit in chosen]) if chosen else torch.zeros(0, z.shape[1])
    limits = slider_limits(visible_change(draw, units, z))
    directions = [
        Direction("", methods[order[row]], unit, limit)
        for (row, _), unit, limit in zip(chosen, units, limits, strict=True)
    ]
    return named_by_effect(directions, draw, z)


def slider_limits(change: Tensor) -> list[float]:
    """How far each slider goes, to 0.5: less where a step changes much, more where it changes little."""
    if not len(change):
        return []
    ratios = LIMIT * (change.median() / change.clamp_min(VISIBLE)) ** 0.5
    return [round(2 * min(LIMITS[1], max(LIMITS[0], float(r)))) / 2 for r in ratios]


def _candidates(model: Model) -> tuple[Tensor, list[str]]:
    """PCA's directions, and those in closed form where PCA gave fewer than asked for."""
    z = white_latents(max(SAMPLES, 4 * model.config.z_dim), model.config.z_dim)
    labels = labels_in_turn(model, len(z))
    activations = model.generator.first_layer(z.float(), labels).double()
    if labels is not None:
        activations = without_class_means(activations, labels, model.config.classes)
    # Styles are what sliders move, so their components need no way back to z.
    pca = principal_directions(activations, activations if model.generator.sides else z, CANDIDATES)
    missing = min(CANDIDATES, model.config.z_dim) - len(pca)
    closed = _in_closed_form(model) if missing > 0 else z.new_zeros(0, z.shape[1])
    return torch.cat([pca, closed]), ["pca"] * len(pca) + ["closed-form"] * len(closed)


def _in_closed_form(model: Model) -> Tensor:
    """Candidates in closed form, `[K, z_dim]`, strongest first.

    Until checkpoints said how their directions are found, the first layer's columns were taken for
    coordinates of z. Where the space is laid out they are those of a code, and the candidates mean nothing
    in particular; links to these checkpoints count on them.
    """
    if model.generator.sides:
        return closed_form_directions(style_weights(model), CANDIDATES)
    weight = first_weight(model.generator)
    if weight is None:
        return torch.zeros(0, model.config.z_dim, dtype=torch.float64)
    if model.document.get(FOUND_BY) == FOUND_BY_CODE:
        return strongest_axes(first_layer_gram(model), CANDIDATES)
    return closed_form_directions(weight, CANDIDATES)


def labels_in_turn(model: Model, count: int) -> Tensor | None:
    """All classes in turn, int64 `[count]`, or None for a generator without classes."""
    return torch.arange(count) % model.config.classes if model.config.classes else None


def without_class_means(activations: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Without what a class adds: it moves the activations more than z does, and has its own control."""
    sums = activations.new_zeros(classes, activations.shape[1]).index_add_(0, labels, activations)
    counts = torch.bincount(labels, minlength=classes).clamp_min(1)[:, None]
    return activations - (sums / counts)[labels]


def named_by_effect(
    directions: Sequence[Direction], draw: Draw, z: Tensor, word: str = "Direction"
) -> tuple[Direction, ...]:
    """The directions with measured names, each turned so that plus is what its name says.

    A name stands only at the first, strongest direction that earns it: it should tell sliders apart. Where
    nothing measured is steady over the seeds, the largest coordinate of the vector becomes positive.
    """
    named, used = [], set()
    for number, direction in enumerate(directions, 1):
        vector = direction.vector
        effect = describe_effect(draw(z + STEP * vector), draw(z - STEP * vector))
        sign = effect.sign or (1 if vector[vector.abs().argmax()] > 0 else -1)
        text = "" if effect.text in used else effect.text
        used.add(effect.text)
        name = f"{word} {number} · {text}" if text else f"{word} {number}"
        named.append(replace(direction, name=name, vector=vector * sign))
    return tuple(named)


@lru_cache(maxsize=8)
def directions_of(model: Model) -> tuple[Direction, ...]:
    """The ten that a page shows first, kept in memory; their order is what permanent links count by.

    Those in the checkpoint's folder where it has valid ones, else those found now. What a visitor saved
    there is not among them (`gan.direction_sets.kept_directions`): a link would count differently after it.
    """
    return kept_in(model).first or find_directions(model)
