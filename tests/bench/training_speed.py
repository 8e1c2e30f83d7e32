"""Training pictures per second of each network, and as ratios to the lesson's DCGAN measured in the same run.

    python tests/bench/training_speed.py [--seconds 4] [--rounds 3] [--threads 1] [--json]

The candidates take turns, round after round, so that a machine that slows down slows them all; the median of
the rounds counts.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from gan.config import PRESETS
from gan.datasets import Dataset, open_dataset
from gan.training import fitted, new_state, train

DATA = (("fashion", 28), ("cats", 32), ("cats", 64))
REFERENCE = "dcgan fashion 28"


def candidate(preset: str, dataset: Dataset) -> Callable[[float], float]:
    """A function that goes on training for so many seconds and returns pictures per second."""
    config = replace(fitted(PRESETS[preset], dataset), seconds=0.0, steps=10**9)
    state = new_state(config)
    next(train(config, dataset, state))  # the first step prepares kernels and is not counted

    def measure(seconds: float) -> float:
        return next(train(config, dataset, state, every=seconds)).images_per_second

    return measure


def compare(seconds: float, rounds: int) -> dict[str, float]:
    """Pictures per second by candidate: the median of interleaved rounds."""
    candidates = {}
    for name, side in DATA:
        dataset = open_dataset(name, side, limit=4000)
        for preset in PRESETS:
            candidates[f"{preset} {name} {side}"] = candidate(preset, dataset)
    speeds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, measure in candidates.items():
            speeds[name].append(measure(seconds))
    return {name: median(values) for name, values in speeds.items()}


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each candidate in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    speeds = compare(options.seconds, options.rounds)
    ratios = {name: speed / speeds[REFERENCE] for name, speed in speeds.items()}
    if options.json:
        print(json.dumps({"pictures_per_second": speeds, "ratio_to_lesson_dcgan": ratios}, indent=1))
        return
    for name, speed in speeds.items():
        print(f"{name:26} {speed:8,.0f} pictures/s   {ratios[name]:6.2f} x the lesson's DCGAN")


if __name__ == "__main__":
    main()
