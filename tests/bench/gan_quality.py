"""What each preset's generator is worth after the same number of seconds, by the project's own ruler.

    python -m tests.bench.gan_quality [--data fashion|cats] [--at 30 60 120] [--presets in-a-minute ...]
                                      [--seeds 0] [--threads 2] [--count 2000] [--untold] [--json]

Every preset trains for the longest time; at each moment the averaged generator's pictures are compared with
held-out real ones. Seconds are those of training alone: measuring stops the clock. Read the distances beside
the floor (what other real pictures get) and as ratios to the lesson's DCGAN in the same table.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from gan.cats import cats
from gan.classifier import Judge, shipped_judge
from gan.config import PRESETS, TrainConfig, preset_config
from gan.datasets import Dataset, fashion, open_dataset, to_bytes
from gan.evaluate import HELD_OUT_SEEDS, Scores, attributes_made, measure, unclear
from gan.model import BATCH
from gan.state import TrainState, fitted, new_state
from gan.training import preview_latents, train

REFERENCE = "lesson-dcgan"


@dataclass(frozen=True)
class Row:
    """One preset at one moment."""

    preset: str
    seed: int
    seconds: float
    pictures_seen: int
    scores: Scores
    unclear: float
    made: dict[str, int]


def real_pictures(data: str, count: int) -> tuple[Dataset, Dataset]:
    """Held-out pictures twice, the second time for the floor."""
    if data == "cats":
        first, second = (cats(64, count, seed=seed) for seed in HELD_OUT_SEEDS)
        return first, second
    test = fashion(embedded=True).first(2 * count)
    return test.first(len(test) // 2), test.last(len(test) // 2)


def variant(preset: str, dataset: Dataset, seed: int, untold: bool) -> TrainConfig:
    """The preset for the data set; `untold`, the one for pictures of which nothing is known."""
    labels_tell = "nothing" if untold else dataset.labels_tell
    config = replace(preset_config(preset, labels_tell), seed=seed)
    return replace(config, told=False) if untold else config


def follow(
    preset: str, config: TrainConfig, dataset: Dataset, moments: Sequence[float], judge: Judge, real: Dataset
) -> Iterator[Row]:
    """Train once; yields a row at every moment."""
    config = replace(fitted(config, dataset), seconds=max(moments))
    state, due = new_state(config), sorted(moments)
    features = judge.features(real.images)
    for snapshot in train(config, dataset, state, every=0.5):
        if due and (snapshot.seconds >= due[0] or snapshot.progress >= 1):
            due.pop(0)
            fake = judge.features(drawn(state, len(real)))
            made = {name: values.made for name, values in attributes_made(judge, fake, None).items()}
            scores, missed = measure(features, fake), unclear(judge, fake)
            yield Row(preset, config.seed, snapshot.seconds, snapshot.images_seen, scores, missed, made)


def drawn(state: TrainState, count: int) -> torch.Tensor:
    """Pictures of the averaged generator by seeds 0 to count - 1, uint8 `[count, C, H, W]`."""
    network = state.average.eval()
    z, labels = preview_latents(network, count)
    classes = [None] * len(z.split(BATCH)) if labels is None else list(labels.split(BATCH))
    with torch.inference_mode():
        parts = [network(part, asked) for part, asked in zip(z.split(BATCH), classes, strict=True)]
    return to_bytes(torch.cat(parts))


def show(rows: Sequence[Row], floor: Scores) -> None:
    """Print the table."""
    reference = {
        round(r.seconds / 5): r.scores.frechet_distance for r in rows if r.preset == REFERENCE and r.seed == 0
    }
    print(f"floor: distance {floor.frechet_distance:.2f}, coverage {floor.coverage:.2f}")
    print(
        f"{'preset':16}{'seed':>5}{'s':>6}{'pictures':>10}{'distance':>10}{'ratio':>7}{'coverage':>10}  made"
    )
    for row in rows:
        lesson = reference.get(round(row.seconds / 5))
        ratio = f"{row.scores.frechet_distance / lesson:7.2f}" if lesson else f"{'':7}"
        print(
            f"{row.preset:16}{row.seed:>5}{row.seconds:>6.0f}{row.pictures_seen:>10,}"
            f"{row.scores.frechet_distance:>10.2f}{ratio}{row.scores.coverage:>10.2f}  "
            + " ".join(f"{name} {count}" for name, count in row.made.items()),
            flush=True,
        )


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("fashion", "cats"), default="fashion")
    parser.add_argument("--at", type=float, nargs="+", default=[30, 60, 120], metavar="SECONDS")
    parser.add_argument("--presets", nargs="+", choices=sorted(PRESETS), default=list(PRESETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--untold", action="store_true", help="the networks are not told what the labels say")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    judge, dataset = shipped_judge(options.data), open_dataset(options.data)
    real, other = real_pictures(options.data, options.count)
    floor = measure(judge.features(real.images), judge.features(other.images))
    rows = [
        row
        for seed in options.seeds
        for preset in options.presets
        for row in follow(
            preset,
            variant(preset, dataset, seed, options.untold),
            dataset,
            options.at,
            judge,
            real,
        )
    ]
    if options.json:
        print(json.dumps({"floor": asdict(floor), "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        show(rows, floor)


if __name__ == "__main__":
    main()
