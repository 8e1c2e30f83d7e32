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
from gan.walk import stops_at

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
    Numbers of z, directions of the visitor's own, and what stands in the seed's place count where the latent
    space has the same size and attributes, a class where both know its name, layers where there are as many.
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
    pairs = _shared_edits(first, second, state, used, left_out)
    ranges = _shared_layers(first, second, state, pairs, used, left_out)
    one, other = (
        replace(
            each,
            edits=_edits_at({pair[at]: state.edits[pair[0]] for pair in pairs}),
            layers=tuple(sorted((pair[at], *ranges[pair[0]]) for pair in pairs if pair[0] in ranges)),
        )
        for at, each in enumerate((one, other))
    )
    alike = _space(first) == _space(second)
    for what, fields in (
        (f"{len(state.raw)} chosen numbers of z", ("raw",)),
        ("your own sliders", ("own",)),
        ("the place between seeds", ("corners", "place")),
        ("a picture of its own, from no seed", ("base",)),
    ):
        if not getattr(state, fields[0]):
            continue
        (used if alike else left_out).append(what)
        if alike:
            kept = {field: getattr(state, field) for field in fields}
            one, other = replace(one, **kept), replace(other, **kept)
    return Shared(one, other, tuple(used), tuple(left_out))


def _space(model: Model) -> tuple[int, int, list[tuple[str, int]]]:
    """What has to be the same for a point of the latent space to mean the same."""
    return model.config.z_dim, len(model.generator.sides), _names(model)


def _names(model: Model) -> list[tuple[str, int]]:
    return [(attribute.name, len(attribute.values)) for attribute in model.attributes]


def _shared_edits(
    first: Model, second: Model, state: ExplorerState, used: list[str], left_out: list[str]
) -> list[tuple[int, int]]:
    """The places of the moved directions that both have: that of the first, and that of the second."""
    here, there = directions_for(first, state), all_directions(second) if any(state.edits) else ()
    pairs = []
    for place, (amount, direction) in enumerate(zip(state.edits, here, strict=False)):
        if not amount:
            continue
        counterpart = _counterpart(direction, there)
        if counterpart is None:
            left_out.append(f"slider {direction.name}")
            continue
        pairs.append((place, counterpart))
        used.append(f"slider {direction.name}")
    return pairs


def _edits_at(amounts: dict[int, float]) -> tuple[float, ...]:
    """The edits of a state from what each place has."""
    return tuple(amounts.get(place, 0.0) for place in range(max(amounts, default=-1) + 1))


def _shared_layers(
    first: Model,
    second: Model,
    state: ExplorerState,
    pairs: Sequence[tuple[int, int]],
    used: list[str],
    left_out: list[str],
) -> dict[int, tuple[int, int]]:
    """The layers that shared sliders move, by the first model's places, where both have as many."""
    moved = {place for place, _ in pairs}
    ranges = {edit: (start, end) for edit, start, end in state.layers if edit in moved}
    if not ranges or not first.generator.sides:
        return {}
    alike = len(first.generator.sides) == len(second.generator.sides)
    (used if alike else left_out).append("layers that sliders move")
    return ranges if alike else {}


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
    """The state's picture, and its pictures at the seeds after the first, `[N, C, H, W]` in [-1, 1]."""
    return torch.cat([render(model, each) for each in (state, *stops_at(state, seeds[1:]))])
