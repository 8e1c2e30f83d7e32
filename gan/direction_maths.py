"""Linear algebra that finds directions of a latent space; pure functions of matrices and of a network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan.latent import latents
from gan.networks import Generator

STEP = 2.0
NEARLY_EQUAL = 0.02
LINEAR_SHARE = 0.25
NEW_SHARE = 0.5

Draw = Callable[[Tensor], Tensor]


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


def strongest_axes(gram: Tensor, count: int) -> Tensor:
    """Unit eigenvectors of a symmetric matrix A^T A, largest eigenvalue first.

    The same as `closed_form_directions(A, count)`, where A would have too many rows.

    Args:
        gram: `[z_dim, z_dim]`.

    Returns:
        float64 `[K, z_dim]`, K = min(count, rank).
    """
    values, vectors = torch.linalg.eigh(gram.double())
    rank = int((values > 1e-12 * values[-1].clamp_min(1e-30)).sum())
    return vectors.flip(1).T[: min(count, rank)].contiguous()


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
