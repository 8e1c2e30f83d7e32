"""The strongest directions of a generator's latent space, found without labels and named by measurement.

Candidates come from PCA of the first layer's activations (Härkönen et al. 2020, GANSpace, arXiv 2004.02546)
and, where PCA has nothing to say, from the first layer's weight in closed form (Shen and Zhou 2021, SeFa,
arXiv 2007.06600). What a visitor gets are the candidates that change the picture most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.effects import describe_effect
from gan.latent import latents
from gan.model import Model
from gan.networks import Generator

FILE = "directions.safetensors"
METHODS = ("pca", "closed-form", "supervised", "saved")
COUNT = 10
CANDIDATES = 20
SAMPLES = 1024
SEEDS = 12
STEP = 2.0
LIMIT = 4.0
LIMITS = (3.0, 8.0)
NEARLY_EQUAL = 0.02
LINEAR_SHARE = 0.25
NEW_SHARE = 0.5
VISIBLE = 0.25 / 255

Draw = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Direction:
    """A way to go in the latent space.

    Attributes:
        name: what the visitor reads, such as `Direction 1 · brighter`.
        method: `pca`, `closed-form`, `supervised` or `saved`.
        vector: float32 `[z_dim]`, length 1.
        limit: the slider runs from -limit to +limit, in standard deviations of z along the vector.
    """

    name: str
    method: str
    vector: Tensor
    limit: float = LIMIT


def white_latents(count: int, z_dim: int) -> Tensor:
    """float64 `[count, z_dim]`, seeds 0, 1, ..., with mean exactly 0 and covariance exactly I.

    Without whitening a sample's own covariance (spread about 2 sqrt(z_dim / count)) would pass for structure
    of the generator.
    """
    z = latents(range(count), z_dim).double()
    z = z - z.mean(0)
    factor = torch.linalg.cholesky(z.T @ z / count)
    return torch.linalg.solve_triangular(factor, z.T, upper=False).T


def principal_directions(activations: Tensor, z: Tensor, count: int) -> Tensor:
    """Directions in z along which a layer's activations vary most, by PCA and least squares.

    With U S V^T the singular value decomposition of the centred activations, the scores of component k are
    p_k = S_k U_k; the vector b that minimises ||p_k b - z||^2 is proportional to z^T U_k.

    A component is left out when its variance is rounding error or when less than a quarter of the variance of
    its scores is a linear function of z (then no direction in z stands for it). All are left out when the
    variances of the first `count` differ by less than 2 %: every rotation of them would do as well.

    Args:
        activations: `[N, features]`.
        z: `[N, z_dim]` with N > z_dim, the latent vectors that gave them.

    Returns:
        float64 `[K, z_dim]`, K <= count, unit rows, strongest first.
    """
    centred = activations.double() - activations.double().mean(0)
    z = z.double() - z.double().mean(0)
    left, scales, _ = torch.linalg.svd(_rotated_to_few_columns(centred), full_matrices=False)
    variances = scales[:count] ** 2
    kept = variances > 1e-10 * max(float(variances[0]), 1e-30)
    if not kept.any() or _nearly_equal(variances[kept]):
        return z.new_zeros(0, z.shape[1])
    columns = left[:, :count][:, kept]
    fitted = z @ torch.linalg.lstsq(z, columns).solution
    linear = fitted.square().sum(0) >= LINEAR_SHARE
    vectors = (z.T @ columns[:, linear]).T
    return vectors / vectors.norm(dim=1, keepdim=True)


def _rotated_to_few_columns(matrix: Tensor) -> Tensor:
    """A matrix of the same left singular vectors and singular values, with no more columns than rows."""
    if matrix.shape[1] <= matrix.shape[0]:
        return matrix
    return torch.linalg.qr(matrix.T, mode="r").R.T


def _nearly_equal(variances: Tensor) -> bool:
    return len(variances) > 1 and float(1 - variances.min() / variances.max()) < NEARLY_EQUAL


def closed_form_directions(weight: Tensor, count: int) -> Tensor:
    """Right singular vectors of the first layer's weight, largest singular value first.

    The unit vector n that changes the layer's output A z most maximises ||A n||^2: an eigenvector of A^T A.

    Args:
        weight: `[features, z_dim]`.

    Returns:
        float64 `[K, z_dim]`, K = min(count, rank), unit rows.
    """
    _, scales, right = torch.linalg.svd(weight.double(), full_matrices=False)
    rank = int((scales > 1e-10 * scales[0].clamp_min(1e-30)).sum())
    return right[: min(count, rank)]


def first_weight(generator: Generator) -> Tensor | None:
    """The part of the first layer's weight that z meets, `[features, z_dim]`; None for an unknown layer."""
    for module in generator.stem.modules():
        if isinstance(module, nn.Linear):
            return module.weight.detach()[:, : generator.z_dim]
        if isinstance(module, nn.ConvTranspose2d):
            # Its weight is [in, out, k, k]; the input is 1 x 1, so every tap sees the whole of z.
            return module.weight.detach()[: generator.z_dim].flatten(1).T
    return None


def visible_change(draw: Draw, vectors: Tensor, z: Tensor, step: float = STEP) -> Tensor:
    """Mean absolute difference, in [0, 1] of the value range, that each direction makes: `[K]`.

    Half of |G(z + step v) - G(z - step v)|, averaged over pixels and over all z `[N, z_dim]`.
    """
    changes = []
    for vector in vectors.to(z.dtype):
        plus, minus = draw(z + step * vector), draw(z - step * vector)
        changes.append((plus - minus).abs().mean() / 4)
    return torch.stack(changes) if changes else torch.zeros(0)


def orthogonal(vectors: Tensor, count: int) -> list[tuple[int, Tensor]]:
    """Gram-Schmidt from the first row on: (row, unit vector) of at most `count` rows.

    A row of which less than half is new beside the rows already kept is passed over.
    """
    kept: list[tuple[int, Tensor]] = []
    for row, vector in enumerate(vectors.double()):
        rest = vector.clone()
        for _, unit in kept:
            rest -= (rest @ unit) * unit
        if rest.norm() > NEW_SHARE * vector.norm() and len(kept) < count:
            kept.append((row, rest / rest.norm()))
    return kept


@torch.inference_mode()
def find_directions(model: Model, count: int = COUNT) -> tuple[Direction, ...]:
    """The `count` strongest directions of a generator, orthogonal, strongest first. Deterministic."""
    vectors, methods = _candidates(model)
    z, labels = latents(range(SEEDS), model.config.z_dim), _labels(model, SEEDS)

    def draw(latent: Tensor) -> Tensor:
        return model.draw(latent, labels)

    change = visible_change(draw, vectors, z)
    order = [int(i) for i in change.argsort(descending=True, stable=True) if change[i] > VISIBLE]
    chosen = orthogonal(vectors[order], count)
    units = torch.stack([unit.float() for _, unit in chosen]) if chosen else torch.zeros(0, z.shape[1])
    limits = _limits(visible_change(draw, units, z))
    directions = [
        Direction("", methods[order[row]], unit, limit)
        for (row, _), unit, limit in zip(chosen, units, limits, strict=True)
    ]
    return _named(directions, draw, z)


def _limits(change: Tensor) -> list[float]:
    """How far each slider goes, to 0.5: less where a step changes much, more where it changes little."""
    if not len(change):
        return []
    ratios = LIMIT * (change.median() / change.clamp_min(VISIBLE)) ** 0.5
    return [round(2 * min(LIMITS[1], max(LIMITS[0], float(r)))) / 2 for r in ratios]


def _candidates(model: Model) -> tuple[Tensor, list[str]]:
    """PCA's directions, and those in closed form where PCA gave fewer than asked for."""
    z = white_latents(max(SAMPLES, 4 * model.config.z_dim), model.config.z_dim)
    labels = _labels(model, len(z))
    activations = model.generator.first_layer(z.float(), labels).double()
    if labels is not None:
        activations = _without_class_means(activations, labels, model.config.classes)
    pca = principal_directions(activations, z, CANDIDATES)
    weight = first_weight(model.generator)
    missing = min(CANDIDATES, model.config.z_dim) - len(pca)
    closed = z.new_zeros(0, z.shape[1])
    if weight is not None and missing > 0:
        closed = closed_form_directions(weight, CANDIDATES)
    return torch.cat([pca, closed]), ["pca"] * len(pca) + ["closed-form"] * len(closed)


def _labels(model: Model, count: int) -> Tensor | None:
    return torch.arange(count) % model.config.classes if model.config.classes else None


def _without_class_means(activations: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Without what a class adds: it moves the activations more than z does, and has its own control."""
    sums = activations.new_zeros(classes, activations.shape[1]).index_add_(0, labels, activations)
    counts = torch.bincount(labels, minlength=classes).clamp_min(1)[:, None]
    return activations - (sums / counts)[labels]


def _named(directions: Sequence[Direction], draw: Draw, z: Tensor) -> tuple[Direction, ...]:
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
        name = f"Direction {number} · {text}" if text else f"Direction {number}"
        named.append(replace(direction, name=name, vector=vector * sign))
    return tuple(named)


@lru_cache(maxsize=8)
def directions_of(model: Model) -> tuple[Direction, ...]:
    """The saved directions where the checkpoint has valid ones, else those found now; kept in memory."""
    return saved_directions(model) or find_directions(model)


def saved_directions(model: Model) -> tuple[Direction, ...]:
    """The directions in the checkpoint's folder; empty where there are none that fit this generator."""
    try:
        checkpoint = store.find(model.reference)
        if not checkpoint.has(FILE) or checkpoint.config != model.document:
            return ()
        vectors = checkpoint.tensors(FILE).get("vectors")
        with safe_open(checkpoint.path(FILE), framework="pt") as file:
            described = json.loads((file.metadata() or {}).get("directions", "[]"))
    except (CheckpointError, SafetensorError, OSError, ValueError):
        return ()
    return _checked(vectors, described, model.config.z_dim)


def _checked(vectors: Tensor | None, described: object, z_dim: int) -> tuple[Direction, ...]:
    """Directions from a file that anyone may have written; empty unless everything about it is right."""
    if vectors is None or vectors.ndim != 2 or vectors.shape[1] != z_dim or not 1 <= len(vectors) <= 64:
        return ()
    vectors = vectors.float()
    lengths = vectors.norm(dim=1, keepdim=True)
    if not isinstance(described, list) or len(described) != len(vectors) or not torch.isfinite(vectors).all():
        return ()
    if (lengths < 1e-3).any():
        return ()
    found = []
    for entry, vector in zip(described, vectors / lengths, strict=True):
        entry = entry if isinstance(entry, dict) else {}
        name, method, limit = entry.get("name"), entry.get("method"), entry.get("limit")
        if not isinstance(name, str) or method not in METHODS or not isinstance(limit, (int, float)):
            return ()
        found.append(Direction(name[:60], str(method), vector, min(20.0, max(0.5, float(limit)))))
    return tuple(found)


def save_directions(folder: Path, directions: Sequence[Direction]) -> Path:
    """Write the directions into a checkpoint's folder, so that opening it does not have to find them."""
    described = [{"name": d.name, "method": d.method, "limit": d.limit} for d in directions]
    vectors = torch.stack([d.vector for d in directions]).contiguous()
    path, unfinished = folder / FILE, folder / f".{FILE}.part"
    save_file({"vectors": vectors}, unfinished, metadata={"directions": json.dumps(described)})
    unfinished.replace(path)
    return path
