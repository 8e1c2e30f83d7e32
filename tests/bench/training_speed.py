"""Pictures per second that each recipe trains on, beside a plain port of the lesson's DCGAN notebook.

    python -m tests.bench.training_speed [--seconds 4] [--rounds 3] [--threads 2] [--data "fashion 28" ...]
                                         [--presets in-a-minute ...] [--json]

The port is what the notebook does, line by line: a data loader that turns one picture after another into a
tensor, sigmoid and binary cross entropy, plain Adam, weights in their usual layout. Candidates take turns, so
that a busy machine slows all of them.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from gan.config import PRESETS, preset_config
from gan.datasets import Dataset, open_dataset
from gan.networks import build_discriminator, build_generator
from gan.state import fitted, new_state
from gan.training import train

DATA = ("fashion 28", "cats 32", "cats 64")
REFERENCE = "notebook fashion 28"


class NotebookPictures(TorchDataset[Tensor]):
    """One picture at a time, through PIL as the notebook's transforms do it."""

    def __init__(self, dataset: Dataset) -> None:
        self._images = dataset.images[:, 0].numpy()

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        picture = Image.fromarray(self._images[index])
        values = torch.from_numpy(np.array(picture, np.uint8, copy=True))[None].to(torch.float32).div(255)
        return values.sub_(0.5).div_(0.5)


def notebook(dataset: Dataset) -> Callable[[float], float]:
    """The lesson's DCGAN in a plain loop; a function as `candidate`'s."""
    config = fitted(preset_config("lesson-dcgan", dataset.labels_tell), dataset)
    torch.manual_seed(config.seed)
    generator, discriminator = build_generator(config.network), build_discriminator(config.network)
    betas = (config.beta1, config.beta2)
    optimisers = [
        torch.optim.Adam(network.parameters(), config.generator_lr, betas, weight_decay=config.weight_decay)
        for network in (generator, discriminator)
    ]
    loss = nn.BCELoss()

    def epoch() -> Iterator[int]:
        for real in DataLoader(NotebookPictures(dataset), batch_size=config.batch, shuffle=True):
            ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
            fake = generator(torch.randn(len(real), config.network.z_dim))
            optimisers[0].zero_grad()
            loss(discriminator(fake).sigmoid(), ones).backward()
            optimisers[0].step()
            optimisers[1].zero_grad()
            judged = loss(discriminator(real).sigmoid(), ones)
            judged = (judged + loss(discriminator(fake.detach()).sigmoid(), zeros)) / 2
            judged.backward()
            optimisers[1].step()
            yield len(real)

    def measure(seconds: float) -> float:
        started, seen = time.perf_counter(), 0
        while True:
            for count in epoch():
                seen += count
                if (elapsed := time.perf_counter() - started) >= seconds:
                    return seen / elapsed

    measure(0.0)
    return measure


def candidate(preset: str, dataset: Dataset) -> Callable[[float], float]:
    """A function that goes on training for so many seconds and returns pictures per second."""
    config = replace(fitted(preset_config(preset, dataset.labels_tell), dataset), seconds=0.0, steps=10**9)
    state = new_state(config)
    next(train(config, dataset, state))  # the first step prepares kernels and is not counted

    def measure(seconds: float) -> float:
        return next(train(config, dataset, state, every=seconds)).images_per_second

    return measure


def compare(seconds: float, rounds: int, data: Sequence[str], presets: Sequence[str]) -> dict[str, float]:
    """Pictures per second by candidate: the median of interleaved rounds."""
    candidates = {REFERENCE: notebook(open_dataset("fashion", limit=4000))}
    for each in data:
        name, side = each.split()
        dataset = open_dataset(name, int(side), limit=4000)
        for preset in presets:
            candidates[f"{preset} {each}"] = candidate(preset, dataset)
    speeds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, measure in candidates.items():
            speeds[name].append(measure(seconds))
    return {name: median(values) for name, values in speeds.items()}


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each candidate in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--presets", nargs="+", choices=sorted(PRESETS), default=list(PRESETS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    speeds = compare(options.seconds, options.rounds, options.data, options.presets)
    ratios = {name: speed / speeds[REFERENCE] for name, speed in speeds.items()}
    if options.json:
        print(json.dumps({"pictures_per_second": speeds, "ratio_to_the_notebook": ratios}, indent=1))
        return
    for name, speed in speeds.items():
        print(f"{name:28} {speed:8,.0f} pictures/s   {ratios[name]:6.2f} x the notebook")


if __name__ == "__main__":
    main()
