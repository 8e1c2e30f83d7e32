"""Where the command line gets its pictures: what ships, files of one's own, or a data set on the Hub."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.own_pictures import FITS, in_grey, own_pictures
from gan.training import FEWEST_PICTURES

SHIPPED = ("fashion", "cats")
HUB = "hub:"
MOST_PICTURES = 200_000


def add_arguments(parser: ArgumentParser) -> None:
    """Which pictures, how many, and how they become squares."""
    parser.add_argument(
        "--data", metavar="fashion|cats|FOLDER|ZIP|hub:USER/NAME[#KIND]", help="pictures to learn from"
    )
    parser.add_argument("--resolution", type=int, help="side of a picture in pixels: 32 or 64, fashion 28")
    parser.add_argument(
        "--pictures", type=int, metavar="N", help="take N pictures (default: cats 16000, hub 2000, else all)"
    )
    parser.add_argument("--mirror", action="store_true", help="also learn from mirrored own pictures")
    parser.add_argument(
        "--fit",
        choices=FITS,
        default=FITS[0],
        help="cut own pictures to a square around the centre, or keep them whole with white borders",
    )
    parser.add_argument("--grey", action="store_true", help="learn own pictures without their colours")


def is_own(name: str) -> bool:
    """Whether a data set is the visitor's choice and not one that ships."""
    return name not in SHIPPED


def open_source(name: str, resolution: int | None, count: int | None, arguments: Namespace) -> Dataset:
    """The pictures that a command asks for; fetching from the Hub is told on standard error.

    Raises:
        GanError: as `gan.datasets.open_dataset`.
    """
    if count is not None and not FEWEST_PICTURES <= count <= MOST_PICTURES:
        raise GanError(f"--pictures takes {FEWEST_PICTURES} to {MOST_PICTURES:,}.")
    if name.startswith(HUB):
        dataset = _from_the_hub(name, resolution, count, arguments.fit)
    elif is_own(name) and Path(name).exists():
        dataset = own_pictures([name], resolution or 64, fit=arguments.fit, title=Path(name).stem[:60])
    else:
        return open_dataset(name, resolution, limit=count)
    dataset = in_grey(dataset) if arguments.grey else dataset
    dataset = replace(dataset, mirror=arguments.mirror)
    return dataset.first(count) if count else dataset


def _from_the_hub(name: str, resolution: int | None, count: int | None, fit: str) -> Dataset:
    from gan.hub_pictures import USUAL_PICTURES, fetching

    steps = fetching(name, resolution or 64, most=count or USUAL_PICTURES, fit=fit)
    while True:
        try:
            told = next(steps)
        except StopIteration as end:
            dataset: Dataset = end.value
            return dataset
        left = "" if told.seconds_left is None else f"  {told.seconds_left:,.0f} s left"
        print(f"{told.text}{left}", file=sys.stderr, flush=True)
