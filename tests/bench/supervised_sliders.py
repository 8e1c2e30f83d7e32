"""Whether the cats' supervised sliders do what their names say, as the attribute classifier reads the pictures.

    python -m tests.bench.supervised_sliders [--seeds 200] [--json]

Every slider is pushed from its lower to its upper end. "As asked": the named attribute is read at the upper
end as a value that has more of the named property than the one read at the lower end. "Stays": every other
attribute is read the same at the lower end, in the middle and at the upper end. "Each other" is the mean
share over the other attributes one by one. The floor is the same with real cats that differ in this
attribute alone, so what is missing there is the classifier's doing.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import Tensor

from gan.attributes import chosen
from gan.cats import render_cats
from gan.classifier import Judge, merged, shipped_judge
from gan.datasets import to_bytes
from gan.latent import latents
from gan.model import Model, load
from gan.supervised import Ordering, attribute_orderings

FIRST_SEED = 10_000


@dataclass(frozen=True)
class Row:
    """Shares of seeds, 0..1."""

    slider: str
    as_asked: float
    stays: float
    each_other: float
    floor_as_asked: float
    floor_stays: float


def read(judge: Judge, images: Tensor) -> Tensor:
    """The value of every attribute that the classifier sees, `[N, A]`."""
    return torch.stack([p.argmax(1) for p in judge.probabilities(judge.features(images))], 1)


def compared(low: Tensor, middle: Tensor, high: Tensor, ordering: Ordering) -> tuple[float, float, float]:
    """As asked, all others stay, each other stays: from what was read at three places, each `[N, A]`."""
    column = ordering.attribute
    asked = ordering.values[high[:, column]] > ordering.values[low[:, column]]
    same = (low == middle) & (middle == high)
    others = torch.cat([same[:, :column], same[:, column + 1 :]], 1)
    return tuple(float(x.float().mean()) for x in (asked, others.all(1), others))  # type: ignore[return-value]


def row(model: Model, judge: Judge, ordering: Ordering, seeds: int) -> Row:
    """The table's row of one slider."""
    direction = ordering.direction
    z = latents(range(FIRST_SEED, FIRST_SEED + seeds), model.config.z_dim)
    places = [z + step * direction.vector for step in (-direction.limit, 0.0, direction.limit)]
    seen = [read(judge, to_bytes(model.draw(place))) for place in places]
    real = [read(judge, render_cats(chosen(place, model.config.attributes), 64)) for place in places]
    asked, stays, each = compared(*seen, ordering)
    floor_asked, floor_stays, _ = compared(*real, ordering)
    return Row(direction.name, asked, stays, each, floor_asked, floor_stays)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. Returns the exit status."""
    parser = ArgumentParser(description="Do the cats' supervised sliders do what they say?")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    model, judge = load("cats"), shipped_judge("cats")
    # Values that look the same are read as one, so they must also be worth the same.
    rows = []
    for ordering in attribute_orderings(model):
        rows.append(row(model, judge, _merged(ordering, model), options.seeds))
        print(rows[-1].slider, file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([asdict(r) for r in rows]))
        return 0
    print("| slider | as asked | all others stay | each other stays | floor: as asked | floor: stay |")
    print("|---|---|---|---|---|---|")
    for r in rows:
        numbers = (r.as_asked, r.stays, r.each_other, r.floor_as_asked, r.floor_stays)
        print(f"| {r.slider} | " + " | ".join(f"{100 * x:.0f} %" for x in numbers) + " |")
    return 0


def _merged(ordering: Ordering, model: Model) -> Ordering:
    attribute = model.attributes[ordering.attribute]
    same = merged(torch.arange(len(attribute.values))[:, None], (attribute,))[:, 0]
    return Ordering(ordering.direction, ordering.attribute, ordering.values[same])


if __name__ == "__main__":
    sys.exit(main())
