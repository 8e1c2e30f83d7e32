"""The sub-commands of `python -m gan` that look into a generator, or look for a photo in it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from gan.command_parts import (
    Adder,
    add_out,
    add_pictures,
    check_picture,
    print_json,
    save,
    state_of,
)
from gan.commands_explore import COLUMNS, positive
from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.explorer import critic_labels, labels_for, latent, render
from gan.heat import occlusion, painted_heat
from gan.inside import compare, discriminator_layers, generator_layers, generator_maps, maps_sheet
from gan.inversion import Found, Search, prepared, project
from gan.latent import parse_seeds
from gan.model import Model, load
from gan.nearest import Comparable, archive_steps, nearest_training
from gan.pictures import grid_image
from gan.scales import model_at_scales
from style.images import read_picture


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add the sub-commands; each parser's `run` takes the parsed arguments and returns the exit status."""
    add = Adder(subparsers)
    parser = add("project", "look for a photo in the latent space", _project)
    parser.add_argument("photo", type=Path, help="the picture to look for")
    parser.add_argument(
        "--steps", type=positive, default=Search().steps, help="downhill (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print distance and state as JSON")
    add_out(parser)
    parser = add("heat", "where the discriminator looks: red speaks for the picture", _heat)
    add_pictures(parser, "picture")
    add_out(parser)
    parser = add("nearest", "the nearest training pictures: is it a copy?", _nearest)
    add_pictures(parser, "picture")
    parser.add_argument("--data", metavar="FOLDER|ZIP", help="what a network of own pictures learned from")
    add_out(parser)
    add("layers", "both networks as layers with shapes and parameters, as JSON", _layers)
    parser = add("scales", "the same pictures at every scale, of a network that draws all at once", _scales)
    parser.add_argument("--seeds", default="0-7", help="(default: %(default)s)")
    add_out(parser)
    parser = add("maps", "what a layer of the generator makes of a picture", _maps)
    add_pictures(parser, "picture")
    parser.add_argument("--layer", type=positive, default=1, help="1 is the first with a grid")
    add_out(parser)
    parser = add("compare", "two checkpoints at the same seeds, side by side", _compare)
    parser.add_argument("other", help="the second checkpoint")
    parser.add_argument("--seeds", default="0-7", help="(default: %(default)s)")
    add_out(parser)


def _project(arguments: Namespace) -> None:
    check_picture(arguments.out)
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
        print_json({"out": str(arguments.out), "distance": round(found.distance, 5), "state": state})
    else:
        print(arguments.out)


def _heat(arguments: Namespace) -> None:
    model = load(arguments.name)
    state = state_of(model, arguments, arguments.picture)
    picture = render(model, state)
    heat = painted_heat(picture, occlusion(model, picture, critic_labels(model, state)))
    shown = torch.cat([picture.expand(-1, 3, -1, -1), heat])
    save(grid_image(shown, 2, gap=2), arguments.out)


def _nearest(arguments: Namespace) -> None:
    check_picture(arguments.out)
    model = load(arguments.name)
    own = open_dataset(arguments.data, model.config.resolution) if arguments.data else None
    picture = render(model, state_of(model, arguments, arguments.picture))
    found = nearest_training(_archive(model, own), picture)
    grid_image(torch.cat([picture, found.pictures]), COLUMNS, gap=2).save(arguments.out)
    print(found.sentence)


def _archive(model: Model, own: Dataset | None) -> Comparable:
    """The archive of a model, its progress on standard error."""
    steps = archive_steps(model, own)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            found: Comparable = end.value
            return found
        print(f"{step.share:4.0%}  {step.text}", file=sys.stderr, flush=True)


def _layers(arguments: Namespace) -> None:
    model = load(arguments.name)
    networks = {"generator": generator_layers(model), "discriminator": discriminator_layers(model)}
    print_json({name: [asdict(layer) for layer in layers] for name, layers in networks.items()})


def _scales(arguments: Namespace) -> None:
    check_picture(arguments.out)
    seeds = parse_seeds(arguments.seeds, 64)
    rows = model_at_scales(load(arguments.name), seeds, arguments.truncation)
    save(grid_image(rows, len(seeds)), arguments.out)


def _maps(arguments: Namespace) -> None:
    model = load(arguments.name)
    state = state_of(model, arguments, arguments.picture)
    maps = list(generator_maps(model, latent(model, state), labels_for(model, state, 1)))
    if arguments.layer > len(maps):
        raise GanError(f"This generator has {len(maps)} layers with a grid; choose one of them.")
    chosen = maps[arguments.layer - 1]
    print(f"{chosen.layer.name}, {chosen.layer.kind}, {chosen.layer.shape}", file=sys.stderr)
    save(grid_image(maps_sheet(chosen), COLUMNS, gap=1), arguments.out)


def _compare(arguments: Namespace) -> None:
    seeds = parse_seeds(arguments.seeds, 64)
    found = compare(load(arguments.name), load(arguments.other), seeds, arguments.truncation)
    mean = float(found.difference.mean())
    print(f"mean difference {mean:.4f} of the value range", file=sys.stderr)
    save(grid_image(found.sheet(), 2, gap=2), arguments.out)
