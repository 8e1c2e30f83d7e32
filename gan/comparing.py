"""Two checkpoints at the same seeds, with as much of the explorer's picture as means the same to both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan.direction_files import Direction
from gan.direction_sets import all_directions
from gan.explorer import ExplorerState, directions_for, render
from gan.model import Model

SAME = 0.999


@dataclass(frozen=True)
class Shared:
    """The explorer's state as both checkpoints can have it.

    Attributes:
        first, second: the state for each; their references are those of the models.
        used, left_out: in words, what both have and what only the first could have.
    """

    first: ExplorerState
    second: ExplorerState
    used: tuple[str, ...]
    left_out: tuple[str, ...]

    def sentence(self) -> str:
        """What was used, for whoever looks at the comparison."""
        words = f"Used for both: {', '.join(self.used)}."
        if self.left_out:
            words += (
                f" Left out, because the other has nothing that means the same: {', '.join(self.left_out)}."
            )
        return words


def shared_state(first: Model, second: Model, state: ExplorerState) -> Shared:
    """What of the first model's state the second can have, too.

    A direction is the same where its vector is, or where both were fitted to do what the same name says.
    Numbers of z and directions of the visitor's own count where z has the same length and attributes, a class
    where both know its name.
    """
    used, left_out = [f"truncation {state.truncation:g}"], []
    bare = ExplorerState(first.reference, state.seed, state.truncation)
    one, other = bare, replace(bare, reference=second.reference)
    if first.classes and first.config.classes:
        name = first.classes[min(state.label, len(first.classes) - 1)]
        if second.config.classes and name in second.classes:
            one, other = replace(one, label=state.label), replace(other, label=second.classes.index(name))
            used.append(f"class {name}")
        else:
            left_out.append(f"class {name}")
            one = replace(one, label=state.label)
    edits, others = _shared_edits(first, second, state, used, left_out)
    one, other = replace(one, edits=edits), replace(other, edits=others)
    alike = first.config.z_dim == second.config.z_dim and _names(first) == _names(second)
    for what, field in ((f"{len(state.raw)} chosen numbers of z", "raw"), ("your own sliders", "own")):
        if not getattr(state, field):
            continue
        (used if alike else left_out).append(what)
        if alike:
            kept = {field: getattr(state, field)}
            one, other = replace(one, **kept), replace(other, **kept)
    return Shared(one, other, tuple(used), tuple(left_out))


def _names(model: Model) -> list[tuple[str, int]]:
    return [(attribute.name, len(attribute.values)) for attribute in model.attributes]


def _shared_edits(
    first: Model, second: Model, state: ExplorerState, used: list[str], left_out: list[str]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The edits of directions that both have, by the places that each has for them."""
    here, there = directions_for(first, state), all_directions(second) if any(state.edits) else ()
    edits, others = [0.0] * len(here), [0.0] * len(there)
    for place, (amount, direction) in enumerate(zip(state.edits, here, strict=False)):
        if not amount:
            continue
        counterpart = _counterpart(direction, there)
        if counterpart is None:
            left_out.append(f"slider {direction.name}")
            continue
        edits[place], others[counterpart] = amount, amount
        used.append(f"slider {direction.name}")
    return _without_end(edits), _without_end(others)


def _without_end(edits: list[float]) -> tuple[float, ...]:
    """The edits without the zeros at their end, as a state has them."""
    moved = [place for place, amount in enumerate(edits, 1) if amount]
    return tuple(edits[: moved[-1]]) if moved else ()


def _counterpart(direction: Direction, others: Sequence[Direction]) -> int | None:
    """The place of the same direction among others, or None."""
    fitted = direction.method == "supervised"
    best, found = SAME, None
    for place, other in enumerate(others):
        if fitted and other.method == "supervised" and other.name == direction.name:
            return place
        cosine = float(other.vector @ direction.vector) if len(other.vector) == len(direction.vector) else 0.0
        if cosine > best:
            best, found = cosine, place
    return found


def drawn_at(model: Model, state: ExplorerState, seeds: Sequence[int]) -> Tensor:
    """The state's pictures at other seeds, `[N, C, H, W]` in [-1, 1]."""
    return torch.cat([render(model, replace(state, seed=seed)) for seed in seeds])
