"""The sub-commands of `python -m gan` that play a generator: sliders, films, mixing, crossing."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from dataclasses import replace
from pathlib import Path

import torch

from checkpoints.store import find_anywhere
from gan.command_parts import (
    PICTURE,
    Adder,
    add_out,
    add_pictures,
    check_picture,
    content_of,
    print_json,
    save,
    state_at,
    state_of,
)
from gan.commands_explore import COLUMNS, positive
from gan.direction_sets import all_directions, write_directions
from gan.errors import GanError
from gan.explorer import render
from gan.favourites import Favourite, contact_sheet, read_favourites, write_favourites
from gan.film import film, film_pictures, morph_strip
from gan.latent import parse_seeds
from gan.mixing import MUTATION, arithmetic, cross, fine_groups, groups_of
from gan.mixing_sheet import mixing_tiles
from gan.model import load
from gan.pictures import grid_image
from gan.strip import direction_by_name, strip, within_layers
from gan.styles import parse_layers
from gan.walk import FRAMES_BETWEEN, MOST_SEEDS, SMALLEST_SIDE
from style.moving import SUFFIXES


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add the sub-commands; each parser's `run` takes the parsed arguments and returns the exit status."""
    add = Adder(subparsers)
    parser = add("directions", "name all sliders of a generator, as JSON", _directions)
    parser.add_argument(
        "--keep", action="store_true", help="also write them into its folder: then they are there at once"
    )
    parser = add("strip", "what a slider does: pictures from its lower to its upper end", _strip)
    parser.add_argument("direction", help="number or name, as `directions` tells")
    parser.add_argument("--picture", default="0", help=PICTURE)
    parser.add_argument("--layers", help="of a style-based generator: coarse, middle, fine, 3 or 2-4")
    add_out(parser)
    parser = add("film", "a looping film through pictures, as .gif, .webp or .mp4", _film)
    parser.add_argument("--seeds", default="1,5,9", help=f"2 to {MOST_SEEDS} seeds (default: %(default)s)")
    parser.add_argument("--favourites", type=Path, metavar="FILE", help="go through these instead of seeds")
    parser.add_argument("--frames", type=positive, default=FRAMES_BETWEEN, help="from one to the next")
    parser.add_argument("--size", type=positive, default=SMALLEST_SIDE, help="side in pixels")
    add_out(parser, "FILM.mp4")
    parser = add("morph", "pictures in a row, from one to another", _morph)
    add_pictures(parser, "start", "end")
    parser.add_argument("--count", type=positive, default=8, help="how many (default: %(default)s)")
    add_out(parser)
    parser = add("mix", "a grid: rows give their pictures, columns some of theirs", _mix)
    parser.add_argument("--rows", default="0-3", help="seeds (default: %(default)s)")
    parser.add_argument("--columns", default="4-8", help="seeds (default: %(default)s)")
    taken = parser.add_mutually_exclusive_group()
    taken.add_argument("--take", help="what comes from the columns, by name with commas (default: the first)")
    taken.add_argument(
        "--crossover",
        type=int,
        metavar="N",
        help="of a style-based generator: N coarse layers from the rows, all finer ones from the columns",
    )
    add_out(parser)
    parser = add("cross", "children of two pictures, and their states as JSON", _cross)
    add_pictures(parser, "mother", "father")
    parser.add_argument("--count", type=positive, default=6, help="how many (default: %(default)s)")
    parser.add_argument("--mutation", type=float, default=MUTATION, help="0 to 1 (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of chance (default: %(default)s)")
    add_out(parser)
    parser = add("add", "latent arithmetic: A - B + C", _add)
    add_pictures(parser, "a", "b", "c")
    add_out(parser)
    parser = add("favourites", "seeds as a sheet that can be opened again, or as JSON", _favourites)
    parser.add_argument("--seeds", default="0-11", help="(default: %(default)s)")
    add_out(parser, "SHEET.png|FILE.json")


def _directions(arguments: Namespace) -> None:
    model = load(arguments.name)
    found = all_directions(model)
    if arguments.keep:
        print(write_directions(model, find_anywhere(arguments.name).folder), file=sys.stderr)
    print_json(
        [{"number": i, "name": d.name, "method": d.method, "limit": d.limit} for i, d in enumerate(found, 1)]
    )


def _strip(arguments: Namespace) -> None:
    check_picture(arguments.out)
    model = load(arguments.name)
    direction = direction_by_name(model, arguments.direction)
    state = state_of(model, arguments, arguments.picture)
    if arguments.layers:
        state = within_layers(model, state, direction, parse_layers(arguments.layers, model.generator.sides))
    pictures = strip(model, state, direction)
    save(grid_image(pictures, len(pictures), gap=2), arguments.out)


def _film(arguments: Namespace) -> None:
    if arguments.out.suffix.lower() not in SUFFIXES:
        raise GanError(f"{arguments.out.name} should end in .gif, .webp or .mp4.")
    model = load(arguments.name)
    if arguments.favourites is not None:
        found = read_favourites(content_of(arguments.favourites))
        stops = [replace(favourite.state, reference=model.reference) for favourite in found]
    else:
        stops = [state_at(model, arguments, seed) for seed in parse_seeds(arguments.seeds, MOST_SEEDS)]
    pictures = film_pictures(model, stops, arguments.frames)
    arguments.out.write_bytes(film(pictures, arguments.out.suffix, arguments.size))
    print(arguments.out)


def _morph(arguments: Namespace) -> None:
    model = load(arguments.name)
    start, end = (state_of(model, arguments, text) for text in (arguments.start, arguments.end))
    save(grid_image(morph_strip(model, start, end, arguments.count), arguments.count, gap=2), arguments.out)


def _mix(arguments: Namespace) -> None:
    model = load(arguments.name)
    rows, columns = (
        [state_at(model, arguments, seed) for seed in parse_seeds(text, 8)]
        for text in (arguments.rows, arguments.columns)
    )
    names = [group.name for group in groups_of(model)]
    taken = [word.strip() for word in arguments.take.split(",")] if arguments.take else names[:1]
    if arguments.crossover is not None:
        taken = fine_groups(model, arguments.crossover)
    print(f"Groups: {', '.join(names)}. From the columns: {', '.join(taken)}.", file=sys.stderr)
    tiles = mixing_tiles(model, rows, columns, taken)
    pictures = torch.stack([tile.picture for tile in tiles])
    save(grid_image(pictures, len(columns) + 1, gap=2), arguments.out)


def _cross(arguments: Namespace) -> None:
    check_picture(arguments.out)
    model = load(arguments.name)
    mother, father = (state_of(model, arguments, text) for text in (arguments.mother, arguments.father))
    children = cross(model, mother, father, arguments.count, arguments.mutation, arguments.seed)
    states = [mother, father, *(child.state for child in children)]
    image = grid_image(torch.cat([render(model, state) for state in states]), COLUMNS, gap=2)
    image.save(arguments.out)
    print(arguments.out, file=sys.stderr)
    print_json([child.to_json() for child in children])


def _add(arguments: Namespace) -> None:
    check_picture(arguments.out)
    model = load(arguments.name)
    a, b, c = (state_of(model, arguments, text) for text in (arguments.a, arguments.b, arguments.c))
    result = arithmetic(model, a, b, c)
    image = grid_image(torch.cat([render(model, s) for s in (a, b, c, result)]), 4, gap=2)
    image.save(arguments.out)
    print(arguments.out, file=sys.stderr)
    print_json(result.to_json())


def _favourites(arguments: Namespace) -> None:
    model = load(arguments.name)
    states = [state_at(model, arguments, seed) for seed in parse_seeds(arguments.seeds, 100)]
    favourites = [Favourite(state) for state in states]
    if arguments.out.suffix.lower() == ".json":
        arguments.out.write_text(write_favourites(favourites), encoding="utf-8")
    elif arguments.out.suffix.lower() == ".png":
        arguments.out.write_bytes(contact_sheet(favourites, open_model=lambda _: model))
    else:
        raise GanError(f"{arguments.out.name} should end in .png or .json.")
    print(arguments.out)
