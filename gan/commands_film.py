"""The sub-command `film-of` of `python -m gan`: the film of a training that the app has kept."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from pathlib import Path

from gan.errors import GanError
from gan.run_files import run_folder
from gan.training_film import check_suffix, training_film


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `film-of`; the parser's `run` takes the parsed arguments and returns the exit status."""
    text = "the film of a training, from noise to its last step"
    parser = subparsers.add_parser("film-of", help=text, description=text)
    parser.add_argument("training", metavar="RUN", help="a run's folder, or what the app calls it: runs/...")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILM.mp4", help="or .gif, .webp: where to write it"
    )
    parser.set_defaults(run=run_film)


def run_film(arguments: Namespace) -> int:
    """Write the film. Returns 0, or 2 after a caller's mistake."""
    try:
        check_suffix(arguments.out.suffix)
        folder = Path(arguments.training)
        if not folder.is_dir():
            folder = run_folder(arguments.training.removeprefix("runs/"))
        arguments.out.write_bytes(training_film(folder, arguments.out.suffix))
    except GanError as error:
        print(f"gan: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"gan: {arguments.out} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    print(arguments.out)
    return 0
