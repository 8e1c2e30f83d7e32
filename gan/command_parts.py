"""What commands share that take pictures of a generator: arguments, and how a word means a picture."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from gan.commands_explore import add_common, class_number, reporting
from gan.errors import GanError
from gan.explorer import ExplorerState
from gan.favourites import read_state
from gan.latent import parse_seeds
from gan.model import Model
from style.errors import StyleError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
PICTURE = "a seed, or a picture or JSON file with the Explore tab's state"


class Adder:
    """Makes a sub-command that takes a generator, a truncation and a class."""

    def __init__(self, subparsers: _SubParsersAction[ArgumentParser]) -> None:
        self._subparsers = subparsers

    def __call__(self, name: str, help: str, act: Callable[[Namespace], None]) -> ArgumentParser:
        parser = self._subparsers.add_parser(name, help=help, description=help)
        add_common(parser)
        parser.set_defaults(run=lambda arguments: reporting(_with_sentences(act), arguments))
        return parser


def _with_sentences(act: Callable[[Namespace], None]) -> Callable[[Namespace], None]:
    def acted(arguments: Namespace) -> None:
        try:
            act(arguments)
        except StyleError as error:
            raise GanError(str(error)) from error

    return acted


def add_pictures(parser: ArgumentParser, *names: str) -> None:
    """Arguments that each mean a picture (`state_of`)."""
    for name in names:
        parser.add_argument(name, help=PICTURE)


def add_out(parser: ArgumentParser, example: str = "OUT.png") -> None:
    """Where the result goes."""
    parser.add_argument("-o", "--out", type=Path, required=True, metavar=example, help="where to write it")


def state_of(model: Model, arguments: Namespace, text: str) -> ExplorerState:
    """The picture that a word of the command line means."""
    path = Path(text)
    if not text.isdecimal() and path.is_file():
        return replace(read_state(content_of(path)), reference=model.reference)
    seeds = parse_seeds(text, 1)
    return state_at(model, arguments, seeds[0])


def state_at(model: Model, arguments: Namespace, seed: int) -> ExplorerState:
    """A seed's picture with the command's truncation and class."""
    label = class_number(model, arguments.label) or 0
    return ExplorerState(model.reference, seed, arguments.truncation, label)


def content_of(path: Path) -> bytes:
    """What a file holds. Raises GanError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise GanError(f"{path.name} cannot be read: {error.strerror}.") from None


def save(image: Image.Image, path: Path) -> None:
    """Write an image and print where. Raises GanError for an ending that is no picture's."""
    check_picture(path)
    image.save(path)
    print(path)


def check_picture(path: Path) -> None:
    """Raises GanError for an ending that is no picture's."""
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise GanError(f"{path.name} should end in .png, .jpg or .webp.")


def print_json(value: Any) -> None:
    """A command's result on standard output."""
    print(json.dumps(value))
