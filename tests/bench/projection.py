"""How near projection comes to pictures that the generator has not seen.

    python -m tests.bench.projection [--data cats fashion] [--pictures 20] [--random 1000] [--threads 1]

Distances are those of `gan.likeness` (VGG-16 features, 0 is the same picture), of the picture found and of
the nearest of so many random samples. "Unseen layer" is the same in relu4_3
alone, which the search does not use.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import Tensor

from gan.cats import cats
from gan.datasets import fashion, to_unit
from gan.evaluate import HELD_OUT_SEEDS
from gan.inversion import Search, best_of, project
from gan.latent import latents
from gan.likeness import CHUNK, distance, features
from gan.model import Model, load

FIRST_SEED = 100_000


@dataclass(frozen=True)
class Row:
    """Means over the pictures."""

    data: str
    pictures: int
    projected: float
    nearest: float
    ratio: float
    unseen_ratio: float
    seconds: float


def held_out(data: str, count: int) -> Tensor:
    """Pictures `[N, C, H, W]` in [-1, 1] that the shipped generators have not learned from."""
    if data == "cats":
        return to_unit(cats(64, count, seed=HELD_OUT_SEEDS[0]).images)
    return to_unit(fashion(embedded=True).images[:count])


@torch.inference_mode()
def nearest_random(model: Model, targets: Tensor, count: int) -> Tensor:
    """Distance of each target from the nearest of `count` random samples of all classes in turn.

    Returns:
        `[N, 2]`: judged by all layers, and by the unseen one.
    """
    wanted = features(targets)
    nearest = torch.full((len(targets), 2), float("inf"))
    for start in range(0, count, CHUNK):
        seeds = range(FIRST_SEED + start, FIRST_SEED + min(count, start + CHUNK))
        labels = torch.arange(len(seeds)).add(start) % max(1, model.config.classes)
        drawn = model.draw(latents(seeds, model.config.z_dim), labels if model.config.classes else None)
        found = features(drawn)
        for i in range(len(targets)):
            one = [feature[i : i + 1] for feature in wanted]
            each = torch.stack([distance(found, one), distance(found[-1:], one[-1:])], 1)
            nearest[i] = torch.minimum(nearest[i], each.amin(0))
    return nearest


def row(data: str, pictures: int, random: int, search: Search) -> Row:
    """The table's row of one generator."""
    model, targets = load(data), held_out(data, pictures)
    found, seconds = [], time.monotonic()
    for target in targets:
        found.append(best_of(project(model, target[None], search)))
        print(f"{data}: {len(found)} of {pictures}, {found[-1].distance:.4f}", file=sys.stderr, flush=True)
    seconds = (time.monotonic() - seconds) / pictures
    drawn = torch.stack([each.picture for each in found])
    with torch.inference_mode():
        one, other = features(drawn), features(targets)
        projected, unseen = float(distance(one, other).mean()), float(distance(one[-1:], other[-1:]).mean())
    nearest, nearest_unseen = nearest_random(model, targets, random).mean(0).tolist()
    return Row(data, pictures, projected, nearest, projected / nearest, unseen / nearest_unseen, seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. Returns the exit status."""
    parser = ArgumentParser(description="How near does projection come?")
    parser.add_argument("--data", nargs="+", choices=("cats", "fashion"), default=["cats", "fashion"])
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--random", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=Search().steps)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    rows = [row(d, options.pictures, options.random, Search(steps=options.steps)) for d in options.data]
    if options.json:
        print(json.dumps([asdict(r) for r in rows]))
        return 0
    print("| pictures | projected | nearest random | ratio | ratio in the unseen layer | seconds each |")
    print("|---|---|---|---|---|---|")
    for r in rows:
        print(
            f"| {r.pictures} {r.data} | {r.projected:.4f} | {r.nearest:.4f} | {r.ratio:.2f} | "
            f"{r.unseen_ratio:.2f} | {r.seconds:.1f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
