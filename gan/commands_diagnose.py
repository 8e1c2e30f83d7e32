"""The sub-command `diagnose` of `python -m gan`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from pathlib import Path

from gan.diagnosis import as_text
from gan.errors import GanError
from gan.run_diagnosis import verdicts_in


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `diagnose`; the parser's `run` takes the parsed arguments and returns the exit status."""
    words = "say what is the matter with a run, why, and what to do"
    parser = subparsers.add_parser("diagnose", help=words, description=words)
    parser.add_argument("run_folder", type=Path, help="a run's folder, with metrics.jsonl and request.json")
    parser.add_argument("--json", action="store_true", help="print all verdicts as JSON, the main one first")
    parser.set_defaults(run=run_diagnose)


def run_diagnose(arguments: Namespace) -> int:
    """Print the verdicts. Returns 0, or 2 after a caller's mistake."""
    try:
        verdicts = verdicts_in(arguments.run_folder)
    except GanError as error:
        print(f"gan: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps([verdict.to_json() for verdict in verdicts], indent=1))
    else:
        print("\n".join(map(as_text, verdicts)))
    return 0
