"""The sub-commands `sample` and `walk` of `python -m gan`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from gan.errors import GanError
from gan.explorer import HIGHEST_TRUNCATION, ExplorerState
from gan.film import film
from gan.latent import parse_seeds
from gan.model import CheckpointError, Model, load
from gan.pictures import grid_image
from gan.walk import FRAMES_BETWEEN, MOST_FRAMES, MOST_SEEDS, SMALLEST_SIDE, walk_pictures
from style.moving import SUFFIXES

MOST_SAMPLES = 100_000
MOST_ON_SHEET = 4096
COLUMNS = 8


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `sample` and `walk`; each parser's `run` takes the parsed arguments and returns the exit status."""
    sample = subparsers.add_parser("sample", help="draw pictures by seed: a sheet, an archive, or both")
    add_common(sample)
    sample.add_argument("--seeds", default="0-63", help="such as 5 or 1,5,9 or 0-63 (default: %(default)s)")
    sample.add_argument("--out", type=Path, metavar="SHEET.png", help="write all pictures as one image")
    sample.add_argument(
        "--npz", type=Path, metavar="SAMPLES.npz", help='write the array "images", uint8 [N, H, W, C]'
    )
    sample.add_argument(
        "--columns", type=positive, default=COLUMNS, help="pictures in a row (default: %(default)s)"
    )
    sample.set_defaults(run=run_sample)

    walk = subparsers.add_parser("walk", help="a looping film that goes from seed to seed")
    add_common(walk)
    walk.add_argument("--seeds", default="1,5,9", help=f"2 to {MOST_SEEDS} seeds (default: %(default)s)")
    walk.add_argument(
        "--out", type=Path, required=True, metavar="WALK.gif", help="or .webp, .mp4: where to write it"
    )
    walk.add_argument(
        "--frames",
        type=positive,
        default=FRAMES_BETWEEN,
        help=f"frames from one seed to the next, {MOST_FRAMES} altogether (default: %(default)s)",
    )
    walk.add_argument(
        "--size", type=positive, default=SMALLEST_SIDE, help="side in pixels (default: %(default)s)"
    )
    walk.set_defaults(run=run_walk)


def add_common(parser: ArgumentParser) -> None:
    """What every command takes that draws: a generator, a truncation and a class."""
    parser.add_argument("name", help="shipped name, folder, or user/repository on the Hub")
    parser.add_argument(
        "--truncation",
        type=_truncation,
        default=1.0,
        help="below 1 more typical, above 1 stranger",
    )
    parser.add_argument(
        "--class",
        dest="label",
        metavar="CLASS",
        help="number or name of the class (default: all in turn; for a walk the first)",
    )


def positive(text: str) -> int:
    """A whole number from 1 to 100000. Raises ArgumentTypeError on anything else."""
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100000")
    return int(text)


def _truncation(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= HIGHEST_TRUNCATION:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to {HIGHEST_TRUNCATION:g}")
    return value


def run_sample(arguments: Namespace) -> int:
    """Draw the pictures and write what was asked for. Returns 0, or 2 after a caller's mistake."""
    return reporting(_sample, arguments)


def run_walk(arguments: Namespace) -> int:
    """Draw the walk and write the film. Returns 0, or 2 after a caller's mistake."""
    return reporting(_walk, arguments)


def reporting(act: Callable[[Namespace], None], arguments: Namespace) -> int:
    """Do it; a caller's mistake becomes one line on standard error and status 2."""
    try:
        act(arguments)
    except (GanError, CheckpointError) as error:
        print(f"gan: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"gan: {error.filename or 'The file'} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


def _sample(arguments: Namespace) -> None:
    if arguments.out is None and arguments.npz is None:
        raise GanError("Say where the pictures go: --out SHEET.png, --npz SAMPLES.npz, or both.")
    seeds = parse_seeds(arguments.seeds, MOST_SAMPLES)
    if arguments.out is not None and len(seeds) > MOST_ON_SHEET:
        raise GanError(f"A sheet holds at most {MOST_ON_SHEET} pictures; use --npz for more.")
    if arguments.out is not None and arguments.out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise GanError(f"{arguments.out.name} should end in .png, .jpg or .webp.")
    model = load(arguments.name)
    images = model.sample(seeds, arguments.truncation, class_number(model, arguments.label))
    if arguments.npz is not None:
        with arguments.npz.open("wb") as stream:
            np.savez_compressed(stream, images=images)
        print(arguments.npz)
    if arguments.out is not None:
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        grid_image(pictures, min(arguments.columns, len(seeds)), gap=2).save(arguments.out)
        print(arguments.out)


def _walk(arguments: Namespace) -> None:
    if arguments.out.suffix.lower() not in SUFFIXES:
        raise GanError(f"{arguments.out.name} should end in .gif, .webp or .mp4.")
    seeds = parse_seeds(arguments.seeds, MOST_SEEDS)
    model = load(arguments.name)
    state = ExplorerState(
        model.reference, truncation=arguments.truncation, label=class_number(model, arguments.label) or 0
    )
    pictures = walk_pictures(model, state, seeds, arguments.frames)
    arguments.out.write_bytes(film(pictures, arguments.out.suffix, arguments.size))
    print(arguments.out)


def class_number(model: Model, text: str | None) -> int | None:
    """The class by number or name. Raises GanError when the generator has no such class."""
    if text is None:
        return None
    if not model.classes:
        raise GanError(f"{model.title} knows no classes; leave --class away.")
    if text in model.classes:
        return model.classes.index(text)
    if text.isdecimal() and int(text) < len(model.classes):
        return int(text)
    names = ", ".join(f"{i} {name}" for i, name in enumerate(model.classes))
    raise GanError(f"{model.title} has no class {text!r}; its classes are {names}.")
