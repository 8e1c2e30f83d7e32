"""A latent space that is laid out before training, so that every real picture has its place in it.

A generator that starts from nothing has to find out by play alone where in its latent space which picture
should lie. Linear algebra can say so beforehand. The pictures' principal components are their code; the
pictures of a class are halved again and again at the median of whatever varies most, and each of the parts
becomes a Gaussian in the space of codes: a mixture of probabilistic principal components (Tipping and Bishop
1999). A latent vector z ~ N(0, I) is an address in this mixture: the signs of its first coordinates say at
each halving which side is meant, the others where in that part. In training generated pictures are drawn
from the codes of real ones and have these beside them (as in Larsen et al. 2016, arXiv 1512.09300, whose
encoder is learned, and Bojanowski et al. 2018, arXiv 1707.05776, whose addresses are), so all real pictures
are covered from the start; drawing needs the address alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from gan.attributes import SHARPNESS
from gan.datasets import to_unit

LARGEST_SIDE = 32
PICTURES_FOR_COMPONENTS = 10_000
CHUNK = 2_000
PRIOR_PICTURES = 1
FAINTEST_WEIGHT = 1e-4
FAINTEST_VARIANCE = 1e-3
FAINTEST_DEVIATION = 1e-4


class Layout(nn.Module):
    """The map from addresses z to codes and back; no number of it is trained.

    Attributes:
        halvings, components: z has one coordinate for each.
        middle, basis: `[F]`, `[F, components]`; a picture's code is (x - middle) basis, of unit variance.
        means, factors: `[groups, 2^halvings, components]` and the same with `components` more columns: codes
            of a part are distributed as mean + factor N(0, I), with a lower triangular factor.
    """

    middle: Tensor
    basis: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, channels: int, side: int, groups: int, halvings: int, components: int) -> None:
        super().__init__()
        self.halvings, self.components, self.side = halvings, components, min(side, LARGEST_SIDE)
        size, parts = channels * self.side**2, 2**halvings
        shapes = {
            "middle": (size,),
            "basis": (size, components),
            "means": (groups, parts, components),
            "factors": (groups, parts, components, components),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))

    @property
    def laid_out(self) -> bool:
        """Whether `lay_out` was called, here or before this was saved."""
        return bool(self.factors.any())

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Codes `[N, components]` of addresses `[N, halvings + components]` in the groups `[N]` (int64).

        sum_k weight_k (mean_k + factor_k z_free), where each halving multiplies the weights of its sides by
        sigmoid(-20 z_l) and sigmoid(20 z_l): nearly one part alone, and yet no jump between neighbours. Parts
        of less than a ten-thousandth are left out.
        """
        sides, free = z[:, : self.halvings], z[:, self.halvings :]
        weights = z.new_ones(len(z), 1)
        for right in torch.sigmoid(SHARPNESS * sides).unbind(1):
            weights = torch.stack([weights * (1 - right[:, None]), weights * right[:, None]], 2).flatten(1)
        row, part = (weights > FAINTEST_WEIGHT).nonzero().unbind(1)
        group = torch.zeros_like(row) if labels is None else labels[row]
        within = (self.factors[group, part] @ free[row][:, :, None])[:, :, 0]
        codes = weights[row, part][:, None] * (self.means[group, part] + within)
        return z.new_zeros(len(z), self.components).index_add(0, row, codes)

    def code(self, pictures: Tensor) -> Tensor:
        """Codes `[N, components]` of pictures `[N, C, H, W]` in [-1, 1]."""
        return (_small(pictures, self.side) - self.middle) @ self.basis


def _small(pictures: Tensor, side: int) -> Tensor:
    return (adaptive_avg_pool2d(pictures, side) if pictures.shape[-1] > side else pictures).flatten(1)


@torch.no_grad()
def lay_out(layout: Layout, images: Tensor, labels: Tensor | None) -> None:
    """Fill `layout` from the real pictures, in about a second; components that it has already it keeps.

    Args:
        images: uint8 `[N, C, H, W]`.
        labels: the group of each, int64 `[N]`, or None where there is one group.
    """
    device = layout.middle.device
    if not layout.basis.any():
        _find_components(layout, images)
    # Where a deviation is 0 there is no component; the basis has columns of unit length over deviations.
    deviation = torch.nan_to_num(1 / layout.basis.norm(dim=0), posinf=0.0)
    code = torch.cat([layout.code(to_unit(part).to(device)) for part in images.split(CHUNK)])
    groups = torch.zeros(len(code), dtype=torch.int64) if labels is None else labels
    everything = _covariance(code) + FAINTEST_VARIANCE * torch.eye(code.shape[1], device=device)
    for group in range(len(layout.means)):
        _halve(layout, group, code[(groups == group).to(device)], deviation, everything)


def _find_components(layout: Layout, images: Tensor) -> None:
    """Principal components of pictures spread evenly over the data set, scaled to unit variance."""
    index = torch.linspace(0, len(images) - 1, min(len(images), PICTURES_FOR_COMPONENTS)).long().unique()
    parts = images[index].split(CHUNK)
    x = torch.cat([_small(to_unit(part), layout.side) for part in parts]).to(layout.middle.device)
    # The library's randomised decomposition draws from the global generator.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wanted = min(layout.components, *x.shape)
        _, scale, vectors = torch.pca_lowrank(x, min(2 * wanted, *x.shape), center=True, niter=3)
    deviation = scale[:wanted] / max(1, len(x) - 1) ** 0.5
    layout.middle.copy_(x.mean(0))
    layout.basis[:, :wanted] = vectors[:, :wanted] / deviation.clamp_min(FAINTEST_DEVIATION)


def _covariance(code: Tensor) -> Tensor:
    if not len(code):
        return code.new_zeros(code.shape[1], code.shape[1])
    centred = code - code.mean(0)
    return centred.T @ centred / len(code)


def _halve(layout: Layout, group: int, members: Tensor, deviation: Tensor, everything: Tensor) -> None:
    """Cut the codes of a group into parts, each across where its pictures vary most, and fit Gaussians.

    A part's covariance is mixed with a little of its group's, and this with a little of that of everything:
    few pictures vary in few directions, and a generator would have nothing to say about the others.
    """
    group_covariance = _shrunk(members, everything)
    parts = [members]
    for _ in range(layout.halvings):
        parts = [half for part in parts for half in _halves(part, deviation)]
    for index, part in enumerate(parts):
        layout.means[group, index] = part.mean(0) if len(part) else 0.0
        layout.factors[group, index] = torch.linalg.cholesky(_shrunk(part, group_covariance))


def _halves(part: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """The codes on either side of the median, along where their pictures (and not their codes) vary most."""
    along = part @ (deviation * torch.linalg.eigh(_covariance(part * deviation))[1][:, -1])
    order = along.argsort(stable=True)
    return part[order[: len(order) // 2]], part[order[len(order) // 2 :]]


def _shrunk(part: Tensor, prior: Tensor) -> Tensor:
    return (len(part) * _covariance(part) + PRIOR_PICTURES * prior) / (len(part) + PRIOR_PICTURES)
