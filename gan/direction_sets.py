"""All directions of a generator, method by method: by PCA, in closed form, supervised, saved by a visitor.

Each method answers for itself here, where `gan.directions` shows the strongest of two. Finding them takes a
few seconds, so a page asks for them after it has opened a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

import torch
from torch import Tensor

from gan.direction_files import Direction, kept_in, save_directions, visitors_directions
from gan.direction_maths import (
    closed_form_directions,
    first_weight,
    orthogonal,
    principal_directions,
    strongest_axes,
    visible_change,
    white_latents,
)
from gan.directions import (
    SAMPLES,
    SEEDS,
    directions_of,
    labels_in_turn,
    named_by_effect,
    slider_limits,
    without_class_means,
)
from gan.errors import GanError
from gan.first_layer import first_layer_gram
from gan.latent import latents
from gan.model import Model
from gan.styles import in_all_styles, style_weights, tried
from gan.supervised import supervised_directions

COUNT = 10
NOTHING_LEFT = 1e-3
PARTS = 3

# Visitors who ask at the same time wait for one search instead of starting several.
_LOOKING = Lock()


def further_directions(model: Model) -> tuple[Direction, ...]:
    """Those beyond the first ten, in the order that permanent links count on: at most 10 of `pca`, at most 10
    of `closed-form`, and those of `supervised`. Deterministic, kept in memory.
    """
    found, part = further_part(model, 0)
    while part is not None:
        more, part = further_part(model, part)
        found += more
    return found


def further_part(model: Model, part: int) -> tuple[tuple[Direction, ...], int | None]:
    """A part of `further_directions`, and the number of the next one; None after the last.

    All are one part where the checkpoint's folder holds them for these weights; else each method is one,
    because it takes seconds.

    Raises:
        GanError: for a number beyond the last part.
    """
    if not 0 <= part < PARTS:
        raise GanError(f"Directions are found in {PARTS} parts.")
    with _LOOKING:
        kept = _kept(model)
        if kept:
            return (kept, None) if part == 0 else ((), None)
        return _found(model, part), part + 1 if part + 1 < PARTS else None


@lru_cache(maxsize=8)
def _kept(model: Model) -> tuple[Direction, ...]:
    return kept_in(model).further


@lru_cache(maxsize=8 * PARTS)
def _found(model: Model, part: int) -> tuple[Direction, ...]:
    finders = (pca_directions, closed_directions, supervised_directions)
    return finders[part](model)


def write_directions(model: Model, folder: Path) -> Path:
    """Write the first and the further directions into the model's folder, so that nobody has to find them.

    What visitors saved there stays.
    """
    theirs = visitors_directions(folder, model.config.z_dim)
    first = of_one_length(model, [*directions_of(model), *theirs])
    return save_directions(folder, first, of_one_length(model, further_directions(model)))


def of_one_length(model: Model, directions: Sequence[Direction]) -> list[Direction]:
    """Directions as a file holds them, with vectors of one length: where there are styles, of all of these.

    They do what they did.
    """
    if not model.generator.sides:
        return list(directions)
    return [replace(each, vector=in_all_styles(model, each.vector)) for each in directions]


def all_directions(model: Model) -> tuple[Direction, ...]:
    """Every direction that a state's edits can name by its place: `directions_of`, then the further ones."""
    return directions_of(model) + further_directions(model)


def kept_directions(model: Model) -> tuple[Direction, ...]:
    """What visitors saved into the checkpoint's folder (`gan.own_directions`); empty for most."""
    return kept_in(model).visitors


@torch.inference_mode()
def pca_directions(model: Model, count: int = COUNT) -> tuple[Direction, ...]:
    """The first principal components of the first layer's activations, mapped back to z.

    Härkönen et al. 2020 (arXiv 2004.02546). Where layers have styles, the components of w stay in w. Where
    the space is laid out, those of the codes follow as far as they are new: the layer adds nothing there but
    a fixed linear map.
    """
    z = white_latents(max(SAMPLES, 4 * model.config.z_dim), model.config.z_dim)
    labels = labels_in_turn(model, len(z))
    layers = [model.generator.first_layer(z.float(), labels)]
    if model.generator.layout is not None:
        layers.append(model.generator.code(z.float(), labels))
    found = []
    for activations in layers:
        centred = activations.double()
        if labels is not None:
            centred = without_class_means(centred, labels, model.config.classes)
        found.append(principal_directions(centred, centred if model.generator.sides else z, count))
    return _described(model, torch.cat(found), count, "pca", "PCA")


@torch.inference_mode()
def closed_directions(model: Model, count: int = COUNT) -> tuple[Direction, ...]:
    """The singular vectors of what stands between z and the first layer's output, strongest first.

    Shen and Zhou 2021 (SeFa, arXiv 2007.06600) take the eigenvectors of A^T A for a layer A z. Here A is
    followed by what makes a code of z (`code_slopes`), and the A^T A of all its linear pieces are averaged.
    Where layers have styles, A is what makes these of w.
    """
    if model.generator.sides:
        return _described(
            model, closed_form_directions(style_weights(model), count), count, "closed-form", "Closed form"
        )
    if first_weight(model.generator) is None:
        return ()
    vectors = strongest_axes(first_layer_gram(model), count)
    return _described(model, vectors, count, "closed-form", "Closed form")


def _described(model: Model, vectors: Tensor, count: int, method: str, word: str) -> tuple[Direction, ...]:
    """Orthogonal directions with slider ranges and measured names."""
    z, draw = tried(model, latents(range(SEEDS), model.config.z_dim), labels_in_turn(model, SEEDS))
    units = [unit.float() for _, unit in orthogonal(vectors, count)]
    if not units:
        return ()
    limits = slider_limits(visible_change(draw, torch.stack(units), z))
    directions = [Direction("", method, unit, limit) for unit, limit in zip(units, limits, strict=True)]
    return named_by_effect(directions, draw, z, word)


def orthogonalised(direction: Direction, others: list[Direction] | tuple[Direction, ...]) -> Direction:
    """The direction without what the others do: n - Q Q^T n, of length 1, with Q a basis of their span.

    Shen et al. 2020 (InterFaceGAN, arXiv 1907.10786) call the same a conditional edit.

    Raises:
        GanError: when nothing of it is left, or a direction belongs to another generator.
    """
    vector = direction.vector.double()
    if any(other.vector.shape != vector.shape for other in others):
        raise GanError("These directions belong to different generators; choose directions of one.")
    if others:
        span, scales, _ = torch.linalg.svd(
            torch.stack([other.vector.double() for other in others], 1), full_matrices=False
        )
        basis = span[:, scales > 1e-6]
        vector = vector - basis @ (basis.T @ vector)
    if vector.norm() < NOTHING_LEFT:
        raise GanError(f"Nothing of {direction.name!r} is left without the others; leave one of them out.")
    return replace(direction, vector=(vector / vector.norm()).float())
