"""`python -m gan train | sample | walk | evaluate | ...`: one line for each with `--help`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from gan import (
    commands_diagnose,
    commands_evaluate,
    commands_explore,
    commands_export,
    commands_film,
    commands_inspect,
    commands_play,
    commands_train,
    commands_versus,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns its exit status (2 after a caller's mistake, 130 after Ctrl-C)."""
    parser = ArgumentParser(
        prog="python -m gan", description="Train generative networks and look inside them."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    commands_train.add_parsers(subparsers)
    commands_versus.add_parsers(subparsers)
    commands_diagnose.add_parsers(subparsers)
    commands_explore.add_parsers(subparsers)
    commands_evaluate.add_parsers(subparsers)
    commands_export.add_parsers(subparsers)
    commands_film.add_parsers(subparsers)
    commands_play.add_parsers(subparsers)
    commands_inspect.add_parsers(subparsers)
    namespace = parser.parse_args(arguments)
    try:
        return int(namespace.run(namespace))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
