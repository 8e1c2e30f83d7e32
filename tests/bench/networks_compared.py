"""What different networks make of the same pictures in the same processor time, by the project's own ruler.

    python -m tests.bench.networks_compared [--data fashion|cats] [--seconds 300] [--at 60 150 300]
        [--networks in-five-minutes growing all-scales compact ...] [--set generator_lr=0.002 ...]
        [--seed 0] [--sheets FOLDER] [--json]

A network is named by a preset, or by an architecture, which then has the settings of `in-five-minutes`. One
thread, and the clock of training is the process's own, so that others on the machine change nothing.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from gan import training
from gan.cats import cats
from gan.classifier import Judge, shipped_judge
from gan.config import (
    ARCHITECTURES,
    PRESETS,
    NetworkConfig,
    TrainConfig,
    from_mapping,
    preset_config,
    to_mapping,
)
from gan.datasets import Dataset, fashion, open_dataset
from gan.evaluate import HELD_OUT_SEEDS, Scores, attributes_made, measure, unclear
from gan.networks.parts import count_parameters
from gan.pictures import grid_image
from gan.state import fitted, new_state
from tests.bench.gan_quality import drawn

STANDARD = "in-five-minutes"


@dataclass(frozen=True)
class Row:
    """One network at one moment."""

    network: str
    seconds: float
    steps: int
    pictures_seen: int
    scale: int
    scores: Scores
    unclear: float
    made: dict[str, int]
    parameters: tuple[int, int]


def config_of(name: str, dataset: Dataset, changes: dict[str, Any], seconds: float, seed: int) -> TrainConfig:
    """The settings of a preset, or of the standard one with another architecture, with some changed."""
    config = preset_config(name if name in PRESETS else STANDARD, dataset.labels_tell)
    network = config.network if name in PRESETS else replace(config.network, architecture=name)
    sizes = {f.name for f in fields(NetworkConfig)} & set(changes)
    network = from_mapping(NetworkConfig, {**to_mapping(network), **{n: changes[n] for n in sizes}})
    others = {key: value for key, value in changes.items() if key not in sizes}
    plain = {**to_mapping(config), **others, "network": network, "seconds": seconds, "seed": seed}
    return fitted(from_mapping(TrainConfig, plain), dataset)


def follow(
    name: str, config: TrainConfig, data: Dataset, judge: Judge, real: Dataset, options: Namespace
) -> Iterator[Row]:
    """Train once; yields a row at every moment."""
    state, due = new_state(config), sorted(options.at)
    features = judge.features(real.images)
    parameters = (count_parameters(state.generator), count_parameters(state.discriminator))
    for snapshot in training.train(config, data, state, every=0.5):
        if not due or (snapshot.seconds < due[0] and snapshot.progress < 1):
            continue
        moment = due.pop(0)
        images = drawn(state, len(real))
        fake = judge.features(images)
        growth = state.generator.growth
        base = 7 if config.network.resolution == 28 else 4
        yield Row(
            network=name,
            seconds=snapshot.seconds,
            steps=snapshot.step,
            pictures_seen=snapshot.images_seen,
            scale=base * 2**growth.level if growth else config.network.resolution,
            scores=measure(features, fake),
            unclear=unclear(judge, fake),
            made={key: values.made for key, values in attributes_made(judge, fake, None).items()},
            parameters=parameters,
        )
        if options.sheets:
            options.sheets.mkdir(parents=True, exist_ok=True)
            sheet = grid_image(training.preview(state), 8)
            sheet.resize((4 * sheet.width, 4 * sheet.height), 0).save(
                options.sheets / f"{name}-{moment:g}.png"
            )
            state.average.train()


def show(rows: list[Row], floor: Scores) -> None:
    """Print the table."""
    print(f"floor: distance {floor.frechet_distance:.2f}, coverage {floor.coverage:.2f}")
    print(
        "| network | parameters G / D | s | side | steps | pictures | distance | coverage | unclear | made |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        made = " ".join(f"{name} {count}" for name, count in row.made.items())
        print(
            f"| {row.network} | {row.parameters[0]:,} / {row.parameters[1]:,} | {row.seconds:.0f} "
            f"| {row.scale} | {row.steps:,} | {row.pictures_seen:,} | {row.scores.frechet_distance:.2f} "
            f"| {row.scores.coverage:.2f} | {row.unclear:.2f} | {made} |",
            flush=True,
        )


def changed(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON or else as text."""
    name, value = text.split("=", 1)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("fashion", "cats"), default="fashion")
    parser.add_argument("--seconds", type=float, default=300.0, help="processor time for each network")
    parser.add_argument("--at", type=float, nargs="+", default=None, metavar="SECONDS")
    parser.add_argument(
        "--networks",
        nargs="+",
        choices=[*PRESETS, *ARCHITECTURES],
        default=[STANDARD, "growing", "all-scales"],
    )
    parser.add_argument("--set", type=changed, nargs="+", default=[], metavar="NAME=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=2000, help="pictures to measure by")
    parser.add_argument("--sheets", type=Path, metavar="FOLDER", help="where sheets of samples go")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.at = options.at or [options.seconds]
    torch.set_num_threads(1)
    training.time = SimpleNamespace(perf_counter=time.process_time)  # type: ignore[attr-defined]
    judge = shipped_judge(options.data)
    if options.data == "cats":
        dataset = open_dataset("cats")
        real, other = (cats(64, options.count, seed=seed) for seed in HELD_OUT_SEEDS)
    else:
        dataset, test = open_dataset("fashion"), fashion(embedded=True).first(2 * options.count)
        real, other = test.first(len(test) // 2), test.last(len(test) // 2)
    floor = measure(judge.features(real.images), judge.features(other.images))
    rows = []
    for name in options.networks:
        config = config_of(name, dataset, dict(options.set), options.seconds, options.seed)
        for row in follow(name, config, dataset, judge, real, options):
            rows.append(row)
            print(f"{name}: {row.seconds:.0f} s, distance {row.scores.frechet_distance:.2f}", file=sys.stderr)
    if options.json:
        print(json.dumps({"floor": asdict(floor), "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        show(rows, floor)


if __name__ == "__main__":
    main()
