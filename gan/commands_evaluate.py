"""The sub-command `evaluate` of `python -m gan`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from typing import Any

from checkpoints import store
from checkpoints.card import model_card
from gan.datasets import open_dataset
from gan.errors import GanError
from gan.evaluate import FEWEST_PICTURES, MOST_PICTURES, Report, evaluate
from gan.model import CheckpointError, load
from gan.run_files import write_atomically, write_json


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `evaluate`; the parser's `run` takes the parsed arguments and returns the exit status."""
    parser = subparsers.add_parser("evaluate", help="measure a generator against real pictures, as JSON")
    parser.add_argument("name", help="shipped name, folder, or user/repository on the Hub")
    parser.add_argument(
        "--count",
        type=int,
        default=MOST_PICTURES,
        help=f"pictures on each side, {FEWEST_PICTURES} to {MOST_PICTURES} (default: %(default)s)",
    )
    parser.add_argument("--data", metavar="FOLDER|ZIP", help="what a network of own pictures learned from")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="also write the table into the folder's config.json and model card",
    )
    parser.set_defaults(run=run_evaluate)


def run_evaluate(arguments: Namespace) -> int:
    """Print the report; progress goes to standard error. Returns 0, or 2 after a caller's mistake."""
    try:
        report = _report(arguments).to_json()
        if arguments.keep:
            _keep(arguments.name, report)
        print(json.dumps(report, indent=1))
    except (GanError, CheckpointError) as error:
        print(f"gan: {error}", file=sys.stderr)
        return 2
    return 0


def _keep(name: str, report: dict[str, Any]) -> None:
    """Write the table where the model card looks for it, and the card anew."""
    folder = store.find_anywhere(name).folder
    document = json.loads((folder / store.CONFIG).read_text(encoding="utf-8"))
    document["ruler"] = report
    write_json(folder / store.CONFIG, document)
    card = model_card(store.read(folder, store.reference_of(folder)))
    write_atomically(folder / "README.md", card.encode())


def _report(arguments: Namespace) -> Report:
    model = load(arguments.name)
    own = open_dataset(arguments.data, model.config.resolution) if arguments.data else None
    steps = evaluate(model, arguments.count, own)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            report: Report = end.value
            return report
        print(f"{step.share:4.0%}  {step.text}", file=sys.stderr, flush=True)
