"""A picture of one's own -> the latent vector that draws what comes nearest to it.

Small generators are quick, so the search starts well: from the best of many samples; where the space is laid
out, from the addresses of the picture's own code; where z chooses among attributes, from the best value of
each, tried one after the other. Then Adam moves a few of the best starts downhill on

    L(z) = d(G(z), x) + a |G(z) - x|^2 / 4 + b (|z|^2 / n - 1)^2

with d the distance of `gan.likeness` and the last term keeping z as long as n numbers from N(0, 1) are. The
idea of optimising features: Karras et al. 2020 (arXiv 1912.04958), appendix D; the start: Zhu et al. 2016
(arXiv 1609.03552).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Adam

from gan.attributes import chosen
from gan.datasets import to_unit
from gan.errors import GanError
from gan.explorer import ExplorerState
from gan.latent import latents
from gan.likeness import SEARCHED, distance, distances, features
from gan.mixing import standing
from gan.model import Model
from gan.own_pictures import square
from style.decode import Picture

HIGHEST_LR = 0.1
PIXELS = 1.0
PRIOR = 0.02
MARGIN = 0.3
TYPICAL_SIDE = 0.8
SHORTLIST = 48
PATIENCE = 30
BETTER = 0.99


@dataclass(frozen=True)
class Search:
    """How long to look.

    Attributes:
        samples: random latent vectors that are tried first.
        rounds: how often every value of every attribute is tried.
        starts: how many of the best go downhill together.
        steps: how many steps downhill at most; it ends earlier where 30 steps have not made it 1 % better.
    """

    samples: int = 64
    rounds: int = 2
    starts: int = 2
    steps: int = 120

    def __post_init__(self) -> None:
        if not (1 <= self.samples <= 10_000 and 0 <= self.rounds <= 10):
            raise GanError("A search takes 1 to 10000 samples and at most 10 rounds.")
        if not (1 <= self.starts <= 16 and 0 <= self.steps <= 5_000):
            raise GanError("A search takes 1 to 16 starts and at most 5000 steps.")


@dataclass(frozen=True, eq=False)
class Found:
    """What a search has at one moment.

    Attributes:
        step, steps: how far downhill; 0 while starts are looked for.
        distance: of the best picture from the one looked for, as `gan.likeness` judges; 0 is the same.
        z: the best latent vector, `[z_dim]`.
        label: its class, 0 where the generator is told none.
        picture: `[C, H, W]` in [-1, 1].
        seconds_left: an estimate; None while starts are looked for.
    """

    step: int
    steps: int
    distance: float
    z: Tensor
    label: int
    picture: Tensor
    seconds_left: float | None

    def state(self, reference: str) -> ExplorerState:
        """As the explorer's state, in which every slider works."""
        return standing(ExplorerState(reference, label=self.label), self.z)


def prepared(picture: Picture, model: Model) -> Tensor:
    """A photo as this model's pictures are: its middle square, `[1, C, H, W]` in [-1, 1]."""
    target = to_unit(square(picture, model.config.resolution))[None]
    if model.config.channels == 1:
        target = (target * target.new_tensor((0.299, 0.587, 0.114))[:, None, None]).sum(1, keepdim=True)
    return target


def project(model: Model, target: Tensor, search: Search | None = None) -> Iterator[Found]:
    """Look for a picture in the latent space; yields what it has found so far, best last.

    Closing the iterator stops the search; the last snapshot holds the best until then. Deterministic.

    Args:
        target: `[1, C, H, W]` in [-1, 1], of the model's size and colours; see `prepared`.

    Raises:
        GanError: when the picture has another size.
    """
    search, network = search or Search(), model.config
    if target.shape != (1, network.channels, network.resolution, network.resolution):
        raise GanError("This picture has another size or other colours than the generator's.")
    pool = _Pool(model, target)
    pool.offer(*_random_starts(model, search.samples))
    yield pool.snapshot(0, search.steps, None)
    if model.generator.layout is not None:
        pool.offer(*layout_starts(model, target, SHORTLIST))
        yield pool.snapshot(0, search.steps, None)
    for _ in range(search.rounds if network.attributes else 0):
        for attribute in range(len(network.attributes)):
            pool.offer(*_with_each_value(model, pool.z[0], attribute))
            yield pool.snapshot(0, search.steps, None)
    yield from _downhill(pool, search)


class _Pool:
    """The best latent vectors so far, nearest first."""

    def __init__(self, model: Model, target: Tensor, most: int = 16) -> None:
        self.model, self.target, self.most = model, target, most
        self.z, self.labels = torch.zeros(0, model.config.z_dim), torch.zeros(0, dtype=torch.int64)
        self.distance = torch.zeros(0)

    def offer(self, z: Tensor, labels: Tensor) -> None:
        """Draw latent vectors `[N, z_dim]` in classes `[N]`, and keep those that come nearest."""
        pictures = self.model.draw(z, labels if self.model.config.classes else None)
        known = torch.cat([self.distance, distances(pictures, self.target)])
        nearest = known.argsort(stable=True)[: self.most]
        self.z = torch.cat([self.z, z])[nearest]
        self.labels = torch.cat([self.labels, labels])[nearest]
        self.distance = known[nearest]

    def snapshot(self, step: int, steps: int, seconds_left: float | None) -> Found:
        """The best so far."""
        z, labels = self.z[:1].clone(), self.labels[:1]
        picture = self.model.draw(z, labels if self.model.config.classes else None)[0]
        return Found(step, steps, float(self.distance[0]), z[0], int(labels[0]), picture, seconds_left)


def _random_starts(model: Model, count: int) -> tuple[Tensor, Tensor]:
    return latents(range(count), model.config.z_dim), torch.arange(count) % max(1, model.config.classes)


def _with_each_value(model: Model, z: Tensor, attribute: int) -> tuple[Tensor, Tensor]:
    """z with every value of one attribute in turn, `[values, z_dim]`.

    Wishes are brought near each other: the chosen one stands a little above the others, so that it is granted
    and yet the way downhill to another value, or to something between two, is not flat.
    """
    sizes = model.config.attributes
    labels = chosen(z[None], sizes).repeat(sizes[attribute], 1)
    labels[:, attribute] = torch.arange(sizes[attribute])
    wishes = z.new_zeros(len(labels), sum(sizes))
    start = 0
    for column, size in enumerate(sizes):
        wishes[torch.arange(len(labels)), start + labels[:, column]] = MARGIN
        start += size
    tried = torch.cat([wishes, z[sum(sizes) :].expand(len(labels), -1)], 1)
    return tried, torch.zeros(len(labels), dtype=torch.int64)


@torch.inference_mode()
def layout_starts(model: Model, target: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Addresses of the picture's own code, most typical first: z `[K, z_dim]` and classes `[K]`.

    In a part with mean m and factor F the code c lies at F^-1 (c - m); which of the parts it came from nobody
    knows, so those come first in which this is shortest and F is small: the most probable ones,
    -|F^-1 (c - m)|^2 / 2 - log det F.
    """
    layout = model.generator.layout
    if layout is None:
        return torch.zeros(0, model.config.z_dim), torch.zeros(0, dtype=torch.int64)
    groups, parts = layout.means.shape[:2]
    code = layout.code(target).double()[0]
    factors, means = layout.factors.double().flatten(0, 1), layout.means.double().flatten(0, 1)
    free = torch.linalg.solve_triangular(factors, (code - means)[:, :, None], upper=False)[:, :, 0]
    sides = factors.diagonal(dim1=1, dim2=2).clamp_min(1e-12).log().sum(1)
    order = (free.square().sum(1) / 2 + sides).argsort(stable=True)[:most]
    part, group = order % parts, order // parts
    bits = (part[:, None] >> torch.arange(layout.halvings - 1, -1, -1)) & 1
    z = torch.cat([(2.0 * bits - 1) * TYPICAL_SIDE, free[order]], 1).float()
    return z, group if groups > 1 else torch.zeros_like(group)


def _downhill(pool: _Pool, search: Search) -> Iterator[Found]:
    """Adam on the best starts together; each keeps its own best."""
    model, target = pool.model, pool.target
    z = pool.z[: search.starts].clone().requires_grad_(True)
    labels = pool.labels[: search.starts].clone()
    told = labels if model.config.classes else None
    prior = 0.0 if model.config.attributes else PRIOR
    with torch.inference_mode(False), torch.enable_grad():
        wanted = [feature.clone() for feature in features(target.clone(), SEARCHED)]
        optimiser = Adam([z], HIGHEST_LR, betas=(0.9, 0.99))
    best, best_loss = z.detach().clone(), torch.full((len(z),), float("inf"))
    started, lowest = time.monotonic(), float("inf")
    for step in range(1, search.steps + 1):
        optimiser.param_groups[0]["lr"] = HIGHEST_LR * _schedule(step / search.steps)
        with torch.inference_mode(False), torch.enable_grad():
            pictures = model.generator(z, told)
            loss = distance(features(pictures, SEARCHED), wanted)
            loss = loss + PIXELS * (pictures - target).square().mean((1, 2, 3)) / 4
            loss = loss + prior * (z.square().mean(1) - 1).square()
            optimiser.zero_grad(set_to_none=True)
            loss.sum().backward()
        better = loss.detach() < best_loss
        best_loss = torch.where(better, loss.detach(), best_loss)
        best = torch.where(better[:, None], z.detach(), best)
        optimiser.step()
        # Asked only now and then: it waits for all that is still being computed.
        if step % PATIENCE == 0:
            lowest, before = float(best_loss.min()), lowest
            if lowest > BETTER * before:
                pool.offer(best, labels)
                yield pool.snapshot(step, step, 0.0)
                return
        if step % 10 == 0 or step == search.steps:
            pool.offer(best, labels)
            left = (time.monotonic() - started) / step * (search.steps - step)
            yield pool.snapshot(step, search.steps, left)


def _schedule(share: float) -> float:
    """Rises over the first twentieth and falls over the last half, to nothing at the end."""
    return min(1.0, share / 0.05, (1.02 - share) / 0.5)


def best_of(found: Iterator[Found]) -> Found:
    """The last snapshot of a search. Raises GanError when there is none."""
    last: Found | None = None
    for snapshot in found:
        last = snapshot
    if last is None:
        raise GanError("The search was stopped before it had found anything; let it run a little longer.")
    return last
