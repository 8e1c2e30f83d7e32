"""The command line: `python -m style PHOTO PAINTING -o OUT`, or a folder of photos into another."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from style.errors import StyleError
from style.film import Film, check_film
from style.folder import destinations, photos_in
from style.images import Picture, read_picture
from style.iterate import Iterate
from style.machine import use_fastest_threads
from style.optimise import stylise
from style.output import check_destination, save
from style.recipe import Recipe
from style.regions import Regions, mask_of
from style.scores import Scores, score_pictures

INTERRUPTED = 130
CALLERS_MISTAKE = 2
SOME_FAILED = 1
EVERYWHERE = "-"


class _Parser(argparse.ArgumentParser):
    """Answers a mistake with one line, like every other mistake here."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise StyleError(f"{message}; see --help.")


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser; each field of Recipe is a flag."""
    parser = _Parser(prog="python -m style", description="Paints a photo in the manner of a painting.")
    parser.add_argument("photo", type=Path, help="the picture to paint, or a folder of pictures")
    parser.add_argument("paintings", type=Path, nargs="+", metavar="painting", help="whose style to take")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="PNG, JPEG or WebP to write; of a folder, a folder"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of its path")
    parser.add_argument("--film", type=Path, help="GIF, WebP or MP4 to write, which shows how it was painted")
    parser.add_argument("--keep", type=Path, help="picture that is white where the photo stays as it is")
    parser.add_argument(
        "--regions",
        nargs="+",
        default=[],
        metavar="MASK",
        help=f"for each painting a picture that is white where it acts, or {EVERYWHERE} for everywhere",
    )
    for item in fields(Recipe):
        metadata = item.metadata
        allowed = metadata.get("choices")
        several = "most" in metadata
        limits = "" if allowed else f" From {metadata['minimum']} to {metadata['maximum']}."
        parser.add_argument(
            f"--{item.name.replace('_', '-')}",
            type=float if several else type(item.default),
            nargs="*" if several else None,
            choices=allowed,
            default=item.default,
            help=f"{metadata['help']}{limits} Default {item.default}.".replace("%", "%%"),
        )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    try:
        return _run(build_parser().parse_args(arguments))
    except StyleError as error:
        print(f"python -m style: {error}", file=sys.stderr)
        return CALLERS_MISTAKE
    except KeyboardInterrupt:
        print("Stopped before there was a picture to keep.", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    recipe = Recipe(**{item.name: getattr(options, item.name) for item in fields(Recipe)})
    paintings = [_read(path) for path in options.paintings]
    if options.photo.is_dir():
        return _run_folder(options, recipe, paintings)
    check_destination(options.output)
    if options.film is not None:
        check_film(options.film)
    photo, regions = _read(options.photo), _read_regions(options)
    use_fastest_threads()
    return INTERRUPTED if _paint(options, recipe, photo, paintings, regions, options.output) else 0


def _run_folder(options: argparse.Namespace, recipe: Recipe, paintings: list[Picture]) -> int:
    """Paints every photo of a folder; one that fails gets a line, and the others are painted all the same."""
    if options.film is not None or options.keep is not None or options.regions:
        raise StyleError("A film and masks belong to one photo; please name a file instead of a folder.")
    if options.output.resolve() == options.photo.resolve():
        raise StyleError("The output would overwrite the photos; please name another folder.")
    photos = photos_in(options.photo)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StyleError(f"The folder {str(options.output)!r} cannot be made: {error.strerror}.") from error
    use_fastest_threads()
    failed = 0
    for number, (path, output) in enumerate(
        zip(photos, destinations(photos, options.output), strict=True), start=1
    ):
        print(f"{path.name}, photo {number} of {len(photos)}", file=sys.stderr, flush=True)
        try:
            if _paint(options, recipe, _read(path), paintings, Regions(), output):
                return INTERRUPTED
        except StyleError as error:
            failed += 1
            print(f"{path.name}: {error}", file=sys.stderr)
    return SOME_FAILED if failed else 0


def _paint(
    options: argparse.Namespace,
    recipe: Recipe,
    photo: Picture,
    paintings: list[Picture],
    regions: Regions,
    output: Path,
) -> bool:
    """Paints and writes one picture and tells of it; returns whether Ctrl-C ended the work."""
    film = Film() if options.film is not None else None
    last, interrupted = _follow(stylise(photo, paintings, recipe, regions=regions), film)
    save(output, last.picture, photo, paintings, recipe, regions)
    if film is not None:
        film.write(options.film)
    if options.json:
        scores = score_pictures(last.picture, photo, paintings, recipe)
        print(_report(output, last, photo, recipe, scores), flush=True)
    else:
        print(output, flush=True)
    return interrupted


def _read(path: Path) -> Picture:
    picture = read_picture(path)
    if picture.note:
        print(f"{path.name}: {picture.note}", file=sys.stderr)
    return picture


def _read_regions(options: argparse.Namespace) -> Regions:
    masks = (None if name == EVERYWHERE else mask_of(_read(Path(name))) for name in options.regions)
    keep = None if options.keep is None else mask_of(_read(options.keep))
    return Regions(tuple(masks), keep)


def _follow(iterates: Iterator[Iterate], film: Film | None) -> tuple[Iterate, bool]:
    """Prints a line for each iterate and films it; returns the last and whether Ctrl-C ended the work."""
    last: Iterate | None = None
    try:
        for iterate in iterates:
            if iterate is last:
                continue
            last = iterate
            print(_line(last), file=sys.stderr, flush=True)
            if film is not None:
                film.add(last)
    except KeyboardInterrupt:
        if last is None:
            raise
        print("Stopped; the best picture so far is kept.", file=sys.stderr)
        return last, True
    assert last is not None, "a recipe has at least one step"
    return last, False


def _line(iterate: Iterate) -> str:
    losses = iterate.losses
    if losses is None:
        enlarged = f", enlarged from {iterate.enlarged_from}" if iterate.enlarged_from else ""
        return f"{iterate.progress:4.0%}  {iterate.scale} px{enlarged}"
    return (
        f"{iterate.progress:4.0%}  {iterate.scale} px, step {iterate.step} of {iterate.steps}  "
        f"content {losses.content:.4g}  style {losses.style:.4g}  "
        f"variation {losses.variation:.4g}  edges {losses.edges:.4g}  "
        f"{iterate.seconds_left:.0f} s left"
    )


def _report(path: Path, last: Iterate, photo: Picture, recipe: Recipe, scores: Scores) -> str:
    height, width = last.picture.shape[-2:]
    return json.dumps(
        {
            "output": str(path),
            "width": width,
            "height": height,
            "transparent": photo.alpha is not None and path.suffix.lower() in (".png", ".webp"),
            "seconds": round(last.seconds_elapsed, 2),
            "losses": asdict(last.losses) if last.losses else None,
            "scores": {name: round(value, 3) for name, value in asdict(scores).items()},
            "recipe": asdict(recipe),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
