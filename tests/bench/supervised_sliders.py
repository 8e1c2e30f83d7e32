"""Whether the cats' supervised sliders do what their names say, as the attribute classifier reads them.

    python -m tests.bench.supervised_sliders [--name cats] [--seeds 200] [--json]

Every slider is pushed from its lower to its upper end. "As asked": the named attribute is read at the upper
end as a value that has more of the named property than the one read at the lower end. "All others stay":
every other attribute is read the same at the lower end, in the middle and at the upper end; "where legible"
leaves out readings in which the classifier gives no value more than one half, and mouths behind a scarf, as
the ruler does. "Each other stays" is the mean over the other attributes one by one. The floor is the same
with real cats that differ in this attribute alone, so what is missing there is the classifier's doing.
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
from gan.evaluate import read
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
    stays_legible: float
    each_other: float
    floor_as_asked: float
    floor_stays: float


@dataclass(frozen=True)
class Reading:
    """What the classifier sees of every attribute, `[N, A]`, and where that can be relied on."""

    values: Tensor
    legible: Tensor


def reading(judge: Judge, images: Tensor) -> Reading:
    """The reading of uint8 pictures `[N, C, H, W]`."""
    values, clear, visible = read(judge, judge.features(images))
    return Reading(values, clear & visible)


def compared(
    low: Reading, middle: Reading, high: Reading, ordering: Ordering
) -> tuple[float, float, float, float]:
    """As asked, all others stay, all legible others stay, each other stays."""
    column = ordering.attribute
    asked = ordering.values[high.values[:, column]] > ordering.values[low.values[:, column]]
    others = [k for k in range(low.values.shape[1]) if k != column]
    pairs = ((low, middle), (middle, high), (low, high))
    same = torch.stack([(a.values == b.values)[:, others] for a, b in pairs])
    doubtful = torch.stack([~(a.legible & b.legible)[:, others] for a, b in pairs])
    stays, legible = same.all(0), (same | doubtful).all(0)
    return _mean(asked), _mean(stays.all(1)), _mean(legible.all(1)), _mean(stays)


def _mean(values: Tensor) -> float:
    return float(values.float().mean())


def row(model: Model, judge: Judge, ordering: Ordering, seeds: int) -> Row:
    """The table's row of one slider."""
    direction = ordering.direction
    z = latents(range(FIRST_SEED, FIRST_SEED + seeds), model.config.z_dim)
    places = [z + step * direction.vector for step in (-direction.limit, 0.0, direction.limit)]
    low, middle, high = (reading(judge, to_bytes(model.draw(place))) for place in places)
    asked, stays, legible, each = compared(low, middle, high, ordering)
    low, middle, high = (
        reading(judge, render_cats(chosen(place, model.config.attributes), 64)) for place in places
    )
    floor_asked, floor_stays, _, _ = compared(low, middle, high, ordering)
    return Row(direction.name, asked, stays, legible, each, floor_asked, floor_stays)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. Returns the exit status."""
    parser = ArgumentParser(description="Do the cats' supervised sliders do what they say?")
    parser.add_argument("--name", default="cats", help="shipped name or folder")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    model, judge = load(options.name), shipped_judge("cats")
    rows = []
    for ordering in attribute_orderings(model):
        rows.append(row(model, judge, _merged(ordering, model), options.seeds))
        print(rows[-1].slider, file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([asdict(r) for r in rows]))
        return 0
    print(
        "| slider | as asked | all others stay | where legible | each other stays | floor: as asked | stay |"
    )
    print("|---|---|---|---|---|---|---|")
    for r in rows:
        slider, *numbers = asdict(r).values()
        print(f"| {slider} | " + " | ".join(f"{100 * x:.0f} %" for x in numbers) + " |")
    return 0


def _merged(ordering: Ordering, model: Model) -> Ordering:
    """Values that look the same are read as one, so they must also be worth the same."""
    attribute = model.attributes[ordering.attribute]
    same = merged(torch.arange(len(attribute.values))[:, None], (attribute,))[:, 0]
    return Ordering(ordering.direction, ordering.attribute, ordering.values[same])


if __name__ == "__main__":
    sys.exit(main())
