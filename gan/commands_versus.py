"""The sub-command `versus` of `python -m gan`: two runs side by side that differ in one thing."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.checkpoint import save_run
from gan.config import FROM_A_CHECKPOINT, PRESETS, TrainConfig, preset_config, to_mapping
from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.run_files import SIDES
from gan.state import fitted, new_state
from gan.training import Snapshot
from gan.versus import RECIPE, Pair, changed, differences, versus

INTERRUPTED = 130
LINE_EVERY = 1.0
_RECIPES = tuple(name for name in PRESETS if name != FROM_A_CHECKPOINT)


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `versus`; the parser's `run` takes the parsed arguments and returns the exit status."""
    text = "train two runs step for step that differ in what --change says"
    parser = subparsers.add_parser("versus", help=text, description=text)
    parser.add_argument(
        "--data", required=True, metavar="fashion|cats|FOLDER|ZIP", help="pictures to learn from"
    )
    parser.add_argument(
        "--preset",
        choices=_RECIPES,
        default="in-a-minute",
        help="settings of the first (default: %(default)s)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of both, such as batch=32; may be repeated",
    )
    parser.add_argument(
        "--change",
        action="append",
        required=True,
        metavar="NAME=VALUE",
        help="what differs in the second: discriminator_lr=0.01, preset=lesson-dcgan, ...; may be repeated",
    )
    parser.add_argument("--out", nargs=2, type=Path, required=True, metavar=("A", "B"), help="two folders")
    parser.add_argument("--seconds", type=float, default=120.0, help="for both together (default: 120)")
    parser.add_argument("--steps", type=int, default=0, help="steps of each, in place of --seconds")
    parser.add_argument("--seed", type=int, default=0, help="seed of both (default: 0)")
    parser.add_argument("--resolution", type=int, help="side of a picture in pixels: 32 or 64, fashion 28")
    parser.add_argument("--pictures", type=int, metavar="N", help="take N pictures")
    parser.add_argument("--threads", type=int, default=0, help="processor threads (default: torch decides)")
    parser.set_defaults(run=run_versus)


def run_versus(arguments: Namespace) -> int:
    """Train both and save. Returns 0, 2 after a caller's mistake, 130 after Ctrl-C (and keeps both)."""
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    try:
        return _work(arguments)
    except (GanError, CheckpointError) as error:
        print(f"gan: {error}", file=sys.stderr)
    except OSError as error:
        print(f"gan: {error.filename or 'A folder'} cannot be written: {error.strerror}.", file=sys.stderr)
    return 2


def configs(arguments: Namespace, dataset: Dataset) -> tuple[TrainConfig, TrainConfig]:
    """Both configs that a command line asks for, fitted to the pictures. Raises GanError as `changed`."""
    first = preset_config(arguments.preset, dataset.labels_tell)
    seconds = 0.0 if arguments.steps else arguments.seconds / 2
    first = replace(first, steps=arguments.steps, seconds=seconds, seed=arguments.seed)
    for text in arguments.set:
        first = changed(first, *_pair(text, "--set"), dataset.labels_tell)
    second = first
    # A recipe first: it would undo the others.
    changes = sorted(
        (_pair(text, "--change") for text in arguments.change), key=lambda pair: pair[0] != RECIPE
    )
    for name, value in changes:
        second = changed(second, name, value, dataset.labels_tell)
    first, second = fitted(first, dataset), fitted(second, dataset)
    if first == second:
        raise GanError("Both runs would be the same for these pictures; change something else.")
    return first, second


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise GanError(f"{flag} takes NAME=VALUE, such as discriminator_lr=0.01.")
    return name.strip().replace("-", "_"), value


def _work(arguments: Namespace) -> int:
    for out in arguments.out:
        if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / store.CONFIG).is_file())):
            raise GanError(f"{out.name} exists and is no checkpoint; choose another folder for --out.")
    if arguments.out[0].resolve() == arguments.out[1].resolve():
        raise GanError("--out takes two different folders.")
    if arguments.steps <= 0 and arguments.seconds <= 0:
        raise GanError("Give the training a time budget in --seconds or a number of --steps.")
    dataset = open_dataset(arguments.data, arguments.resolution, limit=arguments.pictures)
    first, second = configs(arguments, dataset)
    states = new_state(first), new_state(second)
    status, last = 0, None
    try:
        for last in versus(first, second, dataset, states, pace=LINE_EVERY):
            print(_line(last), file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        status = INTERRUPTED
        print("Stopped; what both have learned so far is kept.", file=sys.stderr)
    if last is None:
        return status
    names = [arguments.preset, ", ".join(arguments.change)]
    for out, config, state, name in zip(arguments.out, (first, second), states, names, strict=True):
        save_run(out, config, state, dataset, f"{dataset.title}, {name}"[:60], arguments.preset)
    print(json.dumps(_summary(arguments.out, (first, second), last)))
    return status


def _summary(out: Sequence[Path], both: tuple[TrainConfig, TrainConfig], pair: Pair) -> dict[str, object]:
    different = differences(to_mapping(both[0]), to_mapping(both[1]))
    return {
        "different": {each.name: [each.a, each.b] for each in different},
        **{
            side: {"checkpoint": str(path), **_numbers(snapshot)}
            for side, path, snapshot in _sides(out, pair)
        },
    }


def _sides(out: Sequence[Path], pair: Pair) -> list[tuple[str, Path, Snapshot]]:
    return list(zip(SIDES, out, (pair.a, pair.b), strict=True))


def _numbers(snapshot: Snapshot) -> dict[str, float]:
    return {
        "step": snapshot.step,
        "pictures_per_second": round(snapshot.images_per_second, 1),
        "discriminator_loss": round(snapshot.discriminator_loss, 4),
        "generator_loss": round(snapshot.generator_loss, 4),
        "real_score": round(snapshot.real_score, 4),
        "fake_score": round(snapshot.fake_score, 4),
    }


def _line(pair: Pair) -> str:
    each = "  ".join(
        f"{side.upper()}: loss G {s.generator_loss:.3f} D {s.discriminator_loss:.3f} "
        f"D(x) {s.real_score:.2f} D(G(z)) {s.fake_score:.2f}"
        for side, s in zip(SIDES, (pair.a, pair.b), strict=True)
    )
    return f"{100 * pair.a.progress:5.1f} %  step {pair.a.step:,}  {each}"
