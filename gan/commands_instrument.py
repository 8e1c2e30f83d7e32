"""The sub-commands of `python -m gan` that play a generator: directions, films, mixing, search, inspection."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from gan.commands_explore import COLUMNS, add_common, class_number, positive, reporting
from gan.datasets import open_dataset
from gan.direction_sets import all_directions
from gan.errors import GanError
from gan.explorer import ExplorerState, labels_for, latent, render
from gan.favourites import Favourite, contact_sheet, read_favourites, read_state, write_favourites
from gan.film import film, film_pictures, morph_strip
from gan.heat import occlusion, painted_heat
from gan.inside import compare, discriminator_layers, generator_layers, generator_maps, maps_sheet
from gan.inversion import Found, Search, prepared, project
from gan.latent import parse_seeds
from gan.mixing import MUTATION, arithmetic, cross, groups_of, mixing_grid
from gan.model import Model, load
from gan.nearest import archive_of, nearest_training
from gan.pictures import grid_image
from gan.strip import direction_by_name, strip
from gan.walk import FRAMES_BETWEEN, MOST_SEEDS, SMALLEST_SIDE
from style.errors import StyleError
from style.images import read_picture

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
PICTURE = "a seed, or a picture or JSON file with the Explore tab's state"


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add the sub-commands; each parser's `run` takes the parsed arguments and returns the exit status."""
    add = _Adder(subparsers)
    add("directions", "name all sliders of a generator, as JSON", _directions)
    parser = add("strip", "what a slider does: pictures from its lower to its upper end", _strip)
    parser.add_argument("direction", help="number or name, as `directions` tells")
    parser.add_argument("--picture", default="0", help=PICTURE)
    _out(parser)
    parser = add("film", "a looping film through pictures, as .gif, .webp or .mp4", _film)
    parser.add_argument("--seeds", default="1,5,9", help=f"2 to {MOST_SEEDS} seeds (default: %(default)s)")
    parser.add_argument("--favourites", type=Path, metavar="FILE", help="go through these instead of seeds")
    parser.add_argument("--frames", type=positive, default=FRAMES_BETWEEN, help="from one to the next")
    parser.add_argument("--size", type=positive, default=SMALLEST_SIDE, help="side in pixels")
    _out(parser, "FILM.mp4")
    parser = add("morph", "pictures in a row, from one to another", _morph)
    _pictures(parser, "start", "end")
    parser.add_argument("--count", type=positive, default=8, help="how many (default: %(default)s)")
    _out(parser)
    parser = add("mix", "a grid: rows give their pictures, columns some of theirs", _mix)
    parser.add_argument("--rows", default="0-3", help="seeds (default: %(default)s)")
    parser.add_argument("--columns", default="4-8", help="seeds (default: %(default)s)")
    parser.add_argument(
        "--take", help="what comes from the columns, by name with commas (default: the first)"
    )
    _out(parser)
    parser = add("cross", "children of two pictures, and their states as JSON", _cross)
    _pictures(parser, "mother", "father")
    parser.add_argument("--count", type=positive, default=6, help="how many (default: %(default)s)")
    parser.add_argument("--mutation", type=float, default=MUTATION, help="0 to 1 (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of chance (default: %(default)s)")
    _out(parser)
    parser = add("add", "latent arithmetic: A - B + C", _add)
    _pictures(parser, "a", "b", "c")
    _out(parser)
    parser = add("project", "look for a photo in the latent space", _project)
    parser.add_argument("photo", type=Path, help="the picture to look for")
    parser.add_argument(
        "--steps", type=positive, default=Search().steps, help="downhill (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print distance and state as JSON")
    _out(parser)
    parser = add("heat", "where the discriminator looks: red speaks for the picture", _heat)
    _pictures(parser, "picture")
    _out(parser)
    parser = add("nearest", "the nearest training pictures: is it a copy?", _nearest)
    _pictures(parser, "picture")
    parser.add_argument("--data", metavar="FOLDER|ZIP", help="what a network of own pictures learned from")
    _out(parser)
    add("layers", "both networks as layers with shapes and parameters, as JSON", _layers)
    parser = add("maps", "what a layer of the generator makes of a picture", _maps)
    _pictures(parser, "picture")
    parser.add_argument("--layer", type=positive, default=1, help="1 is the first with a grid")
    _out(parser)
    parser = add("compare", "two checkpoints at the same seeds, side by side", _compare)
    parser.add_argument("other", help="the second checkpoint")
    parser.add_argument("--seeds", default="0-7", help="(default: %(default)s)")
    _out(parser)
    parser = add("favourites", "seeds as a sheet that can be opened again, or as JSON", _favourites)
    parser.add_argument("--seeds", default="0-11", help="(default: %(default)s)")
    _out(parser, "SHEET.png|FILE.json")


class _Adder:
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


def _pictures(parser: ArgumentParser, *names: str) -> None:
    for name in names:
        parser.add_argument(name, help=PICTURE)


def _out(parser: ArgumentParser, example: str = "OUT.png") -> None:
    parser.add_argument("-o", "--out", type=Path, required=True, metavar=example, help="where to write it")


def _state(model: Model, arguments: Namespace, text: str) -> ExplorerState:
    """The picture that a word of the command line means."""
    path = Path(text)
    if not text.isdecimal() and path.is_file():
        return replace(read_state(path.read_bytes()), reference=model.reference)
    seeds = parse_seeds(text, 1)
    return _at(model, arguments, seeds[0])


def _at(model: Model, arguments: Namespace, seed: int) -> ExplorerState:
    label = class_number(model, arguments.label) or 0
    return ExplorerState(model.reference, seed, arguments.truncation, label)


def _save(image: Image.Image, path: Path) -> None:
    _check_picture(path)
    image.save(path)
    print(path)


def _check_picture(path: Path) -> None:
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise GanError(f"{path.name} should end in .png, .jpg or .webp.")


def _print(value: Any) -> None:
    print(json.dumps(value))


def _directions(arguments: Namespace) -> None:
    found = all_directions(load(arguments.name))
    _print(
        [{"number": i, "name": d.name, "method": d.method, "limit": d.limit} for i, d in enumerate(found, 1)]
    )


def _strip(arguments: Namespace) -> None:
    _check_picture(arguments.out)
    model = load(arguments.name)
    direction = direction_by_name(model, arguments.direction)
    pictures = strip(model, _state(model, arguments, arguments.picture), direction)
    _save(grid_image(pictures, len(pictures), gap=2), arguments.out)


def _film(arguments: Namespace) -> None:
    model = load(arguments.name)
    if arguments.favourites is not None:
        found = read_favourites(arguments.favourites.read_bytes())
        stops = [replace(favourite.state, reference=model.reference) for favourite in found]
    else:
        stops = [_at(model, arguments, seed) for seed in parse_seeds(arguments.seeds, MOST_SEEDS)]
    pictures = film_pictures(model, stops, arguments.frames)
    arguments.out.write_bytes(film(pictures, arguments.out.suffix, arguments.size))
    print(arguments.out)


def _morph(arguments: Namespace) -> None:
    model = load(arguments.name)
    start, end = (_state(model, arguments, text) for text in (arguments.start, arguments.end))
    _save(grid_image(morph_strip(model, start, end, arguments.count), arguments.count, gap=2), arguments.out)


def _mix(arguments: Namespace) -> None:
    model = load(arguments.name)
    rows, columns = (
        [_at(model, arguments, seed) for seed in parse_seeds(text, 8)]
        for text in (arguments.rows, arguments.columns)
    )
    names = [group.name for group in groups_of(model)]
    taken = [word.strip() for word in arguments.take.split(",")] if arguments.take else names[:1]
    print(f"Groups: {', '.join(names)}. From the columns: {', '.join(taken)}.", file=sys.stderr)
    pictures = mixing_grid(model, rows, columns, taken)
    _save(_with_headings(model, rows, columns, pictures), arguments.out)


def _with_headings(
    model: Model, rows: list[ExplorerState], columns: list[ExplorerState], pictures: Tensor
) -> Image.Image:
    """The grid with the columns' own pictures above it and the rows' own before it."""
    above = [torch.ones_like(pictures[0, 0]), *(render(model, column)[0] for column in columns)]
    lines = [torch.cat([render(model, row), line]) for row, line in zip(rows, pictures, strict=True)]
    return grid_image(torch.cat([torch.stack(above), *lines]), len(columns) + 1, gap=2)


def _cross(arguments: Namespace) -> None:
    _check_picture(arguments.out)
    model = load(arguments.name)
    parents = [_state(model, arguments, text) for text in (arguments.mother, arguments.father)]
    children = cross(model, *parents, arguments.count, arguments.mutation, arguments.seed)
    states = [*parents, *(child.state for child in children)]
    image = grid_image(torch.cat([render(model, state) for state in states]), COLUMNS, gap=2)
    image.save(arguments.out)
    print(arguments.out, file=sys.stderr)
    _print([child.to_json() for child in children])


def _add(arguments: Namespace) -> None:
    _check_picture(arguments.out)
    model = load(arguments.name)
    a, b, c = (_state(model, arguments, text) for text in (arguments.a, arguments.b, arguments.c))
    result = arithmetic(model, a, b, c)
    image = grid_image(torch.cat([render(model, s) for s in (a, b, c, result)]), 4, gap=2)
    image.save(arguments.out)
    print(arguments.out, file=sys.stderr)
    _print(result.to_json())


def _project(arguments: Namespace) -> None:
    _check_picture(arguments.out)
    model = load(arguments.name)
    target = prepared(read_picture(arguments.photo), model)
    found: Found | None = None
    try:
        for found in project(model, target, Search(steps=arguments.steps)):
            print(f"step {found.step}, distance {found.distance:.4f}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        if found is None:
            raise
        _save_found(found, target, model, arguments)
        raise
    assert found is not None
    _save_found(found, target, model, arguments)


def _save_found(found: Found, target: Tensor, model: Model, arguments: Namespace) -> None:
    """The photo as the generator sees it, beside what was found."""
    grid_image(torch.cat([target, found.picture[None]]), 2, gap=2).save(arguments.out)
    if arguments.json:
        state = found.state(model.reference).to_json()
        _print({"out": str(arguments.out), "distance": round(found.distance, 5), "state": state})
    else:
        print(arguments.out)


def _heat(arguments: Namespace) -> None:
    model = load(arguments.name)
    state = _state(model, arguments, arguments.picture)
    picture = render(model, state)
    heat = painted_heat(picture, occlusion(model, picture, labels_for(model, state, 1)))
    shown = torch.cat([picture.expand(-1, 3, -1, -1), heat])
    _save(grid_image(shown, 2, gap=2), arguments.out)


def _nearest(arguments: Namespace) -> None:
    _check_picture(arguments.out)
    model = load(arguments.name)
    own = open_dataset(arguments.data, model.config.resolution) if arguments.data else None
    picture = render(model, _state(model, arguments, arguments.picture))
    print("Looking at the training pictures", file=sys.stderr, flush=True)
    found = nearest_training(archive_of(model, own), picture)
    grid_image(torch.cat([picture, found.pictures]), COLUMNS, gap=2).save(arguments.out)
    print(found.sentence)


def _layers(arguments: Namespace) -> None:
    model = load(arguments.name)
    networks = {"generator": generator_layers(model), "discriminator": discriminator_layers(model)}
    _print({name: [asdict(layer) for layer in layers] for name, layers in networks.items()})


def _maps(arguments: Namespace) -> None:
    model = load(arguments.name)
    state = _state(model, arguments, arguments.picture)
    maps = list(generator_maps(model, latent(model, state), labels_for(model, state, 1)))
    if arguments.layer > len(maps):
        raise GanError(f"This generator has {len(maps)} layers with a grid; choose one of them.")
    chosen = maps[arguments.layer - 1]
    print(f"{chosen.layer.name}, {chosen.layer.kind}, {chosen.layer.shape}", file=sys.stderr)
    _save(grid_image(maps_sheet(chosen), COLUMNS, gap=1), arguments.out)


def _compare(arguments: Namespace) -> None:
    seeds = parse_seeds(arguments.seeds, 64)
    found = compare(load(arguments.name), load(arguments.other), seeds, arguments.truncation)
    mean = float(found.difference.mean())
    print(f"mean difference {mean:.4f} of the value range", file=sys.stderr)
    _save(grid_image(found.sheet(), 2, gap=2), arguments.out)


def _favourites(arguments: Namespace) -> None:
    model = load(arguments.name)
    states = [_at(model, arguments, seed) for seed in parse_seeds(arguments.seeds, 100)]
    favourites = [Favourite(state) for state in states]
    if arguments.out.suffix.lower() == ".json":
        arguments.out.write_text(write_favourites(favourites), encoding="utf-8")
    elif arguments.out.suffix.lower() == ".png":
        arguments.out.write_bytes(contact_sheet(favourites, open_model=lambda _: model))
    else:
        raise GanError(f"{arguments.out.name} should end in .png or .json.")
    print(arguments.out)
