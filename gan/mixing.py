"""Taking some of one picture and some of another: groups of coordinates, grids, crossing, arithmetic.

A generator with a style for each layer is mixed by layers (Karras et al. 2019, arXiv 1812.04948). Others have
one latent vector, and what is coarse or fine in it depends on how it is made: attributes by name; halvings,
then components from strong to faint; otherwise planes by how much they change the first layer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from numpy.random import RandomState
from torch import Tensor

from gan.codes import encode_latent
from gan.direction_maths import strongest_axes
from gan.errors import GanError
from gan.explorer import ExplorerState, labels_for, latent
from gan.first_layer import first_layer_gram
from gan.latent import slerp
from gan.model import Model
from gan.state_keys import key_of
from gan.styles import layer_name, size_of

LEVELS = 4
MOST_ON_A_SIDE = 8
HIGHEST_MUTATION = 1.0
MUTATION = 0.2
FAINTEST = 1e-6


@dataclass(frozen=True, eq=False)
class Group:
    """A part of the latent space that can be taken from another picture.

    Attributes:
        name: what the visitor reads.
        basis: orthonormal rows `[K, size]`; those of all groups of a model together span the whole space.
    """

    name: str
    basis: Tensor


@lru_cache(maxsize=8)
def groups_of(model: Model) -> tuple[Group, ...]:
    """The groups of a model's latent space, coarse ones first."""
    network, axes = model.config, torch.eye(size_of(model))
    if sides := model.generator.sides:
        parts = torch.split(axes, network.z_dim)
        return tuple(Group(layer_name(sides, layer), part) for layer, part in enumerate(parts))
    if network.attributes:
        names = [attribute.name for attribute in model.attributes]
        sizes = [*network.attributes]
        free = network.z_dim - sum(sizes)
        parts = torch.split(axes, [*sizes, free])
        return tuple(Group(n, part) for n, part in zip([*names, "the rest"], parts, strict=True) if len(part))
    if network.components:
        halvings = axes[: network.halvings]
        components = axes[network.halvings :].tensor_split(LEVELS - 1)
        named = zip(("large shapes", "smaller shapes", "details"), components, strict=True)
        whole = [Group("kind", halvings)] if network.halvings else []
        return (*whole, *(Group(name, part) for name, part in named if len(part)))
    return _by_strength(first_layer_gram(model))


def _by_strength(gram: Tensor) -> tuple[Group, ...]:
    """Planes of the latent space by how much they move the first layer: each half as many again as before."""
    axes = _complete(strongest_axes(gram, len(gram))).float()
    ends = sorted({max(1, len(axes) // 2**level) for level in range(LEVELS)})
    parts = torch.tensor_split(axes, ends[:-1])
    names = ("strongest", "strong", "faint", "faintest")
    return tuple(Group(name, part) for name, part in zip(names, parts, strict=False) if len(part))


def _complete(axes: Tensor) -> Tensor:
    """Orthonormal rows, and as many more as it takes to span the space."""
    rest = torch.linalg.svd(axes, full_matrices=True).Vh[len(axes) :]
    return torch.cat([axes, rest])


def fine_groups(model: Model, crossover: int) -> list[str]:
    """The layers from `crossover` on (counted from 0), by name: with them from the column the row is coarse.

    Raises:
        GanError: where layers have no styles of their own, or there are fewer.
    """
    names = [group.name for group in groups_of(model)]
    if not model.generator.sides:
        raise GanError(f"{model.title} has no styles by layer; choose from {', '.join(names)}.")
    if not 0 <= crossover <= len(names):
        raise GanError(f"The crossover lies between 0 and {len(names)} layers.")
    return names[crossover:]


def mix(model: Model, first: Tensor, second: Tensor, names: Collection[str]) -> Tensor:
    """z of the first, with the named groups taken from the second: z + B^T B (z' - z). Both `[N, z_dim]`.

    Raises:
        GanError: when there is no group of such a name.
    """
    known = {group.name: group for group in groups_of(model)}
    if missing := [name for name in names if name not in known]:
        raise GanError(f"There is no group {missing[0][:40]!r}; choose from {', '.join(known)}.")
    mixed = first.clone()
    for name in dict.fromkeys(names):
        basis = known[name].basis
        mixed += (second - first) @ basis.T @ basis
    return mixed


def mixed_state(
    model: Model, first: ExplorerState, second: ExplorerState, names: Collection[str]
) -> ExplorerState:
    """The first picture with the named groups of the second, as a state that holds its own latent vector."""
    return standing(first, mix(model, latent(model, first), latent(model, second), names)[0])


def mixing_grid(
    model: Model, rows: Sequence[ExplorerState], columns: Sequence[ExplorerState], names: Collection[str]
) -> Tensor:
    """Every row's picture with the named groups of every column's: `[rows, columns, C, H, W]` in [-1, 1].

    A class comes from the row; a generator with styles for each layer has it in these.

    Raises:
        GanError: without or with more than 8 rows or columns, or for an unknown group.
    """
    if not (1 <= len(rows) <= MOST_ON_A_SIDE and 1 <= len(columns) <= MOST_ON_A_SIDE):
        raise GanError(f"A mixing grid has 1 to {MOST_ON_A_SIDE} rows and columns.")
    across = torch.cat([latent(model, column) for column in columns])
    pictures = []
    for row in rows:
        z = mix(model, latent(model, row).expand_as(across), across, names)
        pictures.append(model.draw(z, labels_for(model, row, len(z))))
    return torch.stack(pictures)


def standing(state: ExplorerState, z: Tensor) -> ExplorerState:
    """A state whose picture is that of z `[z_dim]`, with all sliders at 0, in the class of `state`."""
    return ExplorerState(
        state.reference, state.seed, truncation=1.0, label=state.label, mode=state.mode, base=encode_latent(z)
    )


@dataclass(frozen=True)
class Child:
    """A picture and where it comes from: a leaf of a family tree.

    Attributes:
        key: what names it in the tree, from its state alone.
        parents: the keys of the two it was made from.
        mutation: how much of it is chance, 0..1.
    """

    state: ExplorerState
    key: str
    parents: tuple[str, str]
    mutation: float

    def to_json(self) -> dict[str, object]:
        """Plain values for a page or a file."""
        return {
            "key": self.key,
            "parents": list(self.parents),
            "mutation": self.mutation,
            "state": self.state.to_json(),
        }


def cross(
    model: Model,
    first: ExplorerState,
    second: ExplorerState,
    count: int = 6,
    mutation: float = MUTATION,
    seed: int = 0,
) -> tuple[Child, ...]:
    """Children of two pictures: each takes every group of coordinates from one or the other parent.

    With m = `mutation` and e from N(0, I), the child's z is sqrt(1 - m^2) z + m e, so that it is as long as
    its parents' on average. Never do all groups come from one parent where there are two groups. A class
    comes from either. Deterministic for a `seed`.

    Raises:
        GanError: for a count or a mutation out of range, or parents of different generators.
    """
    _check_parents(first, second, count, mutation)
    random, groups = RandomState(seed), groups_of(model)
    a, b = latent(model, first)[0], latent(model, second)[0]
    children = []
    for _ in range(count):
        taken = random.randint(0, 2, len(groups))
        if len(groups) > 1 and len(set(taken)) == 1:
            taken[random.randint(len(groups))] ^= 1
        names = [group.name for group, other in zip(groups, taken, strict=True) if other]
        z = mix(model, a[None], b[None], names)[0]
        if len(groups) == 1:
            z = slerp(a, b, torch.tensor([random.uniform(0.25, 0.75)]))[0]
        chance = torch.from_numpy(random.randn(len(z))).float()
        z = (1 - mutation**2) ** 0.5 * z + mutation * chance
        state = standing(first if random.randint(2) else second, z)
        children.append(Child(state, key_of(state), (key_of(first), key_of(second)), mutation))
    return tuple(children)


def _check_parents(first: ExplorerState, second: ExplorerState, count: int, mutation: float) -> None:
    if first.reference != second.reference:
        raise GanError("These two pictures are of different generators; cross two of the same.")
    if not 1 <= count <= 24:
        raise GanError("Ask for 1 to 24 children.")
    if not 0 <= mutation <= HIGHEST_MUTATION:
        raise GanError("The mutation lies between 0 (none) and 1 (chance alone).")


def arithmetic(
    model: Model, plus: ExplorerState, minus: ExplorerState, plus_too: ExplorerState
) -> ExplorerState:
    """A - B + C: what A has and B has not, given to C, as long as C (Radford et al. 2015, arXiv 1511.06434).

    The class is C's. Where nothing is left (A - B + C = 0) the result is the middle of the space.
    """
    a, b, c = (latent(model, state)[0] for state in (plus, minus, plus_too))
    z = a - b + c
    length = float(z.norm())
    if length > FAINTEST:
        z = z * (float(c.norm()) / length)
    return standing(plus_too, z)


def with_parents(state: ExplorerState, child: Child) -> Child:
    """The child with another state, such as after its sliders were moved; its parents stay."""
    return replace(child, state=state, key=key_of(state))
