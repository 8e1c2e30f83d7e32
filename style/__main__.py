"""The command line: `python -m style PHOTO PAINTING -o OUT`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from style.errors import StyleError
from style.images import Picture, read_picture
from style.iterate import Iterate
from style.machine import use_fastest_threads
from style.optimise import stylise
from style.output import check_destination, save
from style.recipe import Recipe
from style.scores import Scores, score_pictures

INTERRUPTED = 130
CALLERS_MISTAKE = 2


class _Parser(argparse.ArgumentParser):
    """Answers a mistake with one line, like every other mistake here."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise StyleError(f"{message}; see --help.")


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser; each field of Recipe is a flag."""
    parser = _Parser(prog="python -m style", description="Paints a photo in the manner of a painting.")
    parser.add_argument("photo", type=Path, help="the picture to paint")
    parser.add_argument("paintings", type=Path, nargs="+", metavar="painting", help="whose style to take")
    parser.add_argument("-o", "--output", type=Path, required=True, help="PNG, JPEG or WebP file to write")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of its path")
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
    check_destination(options.output)
    photo = read_picture(options.photo)
    paintings = [read_picture(path) for path in options.paintings]
    for path, picture in zip((options.photo, *options.paintings), (photo, *paintings), strict=True):
        if picture.note:
            print(f"{path.name}: {picture.note}", file=sys.stderr)
    use_fastest_threads()
    last, interrupted = _follow(stylise(photo, paintings, recipe))
    save(options.output, last.picture, photo, paintings, recipe)
    if options.json:
        scores = score_pictures(last.picture, photo, paintings, recipe)
        print(_report(options.output, last, photo, recipe, scores))
    else:
        print(options.output)
    return INTERRUPTED if interrupted else 0


def _follow(iterates: Iterator[Iterate]) -> tuple[Iterate, bool]:
    """Prints a line for each iterate; returns the last one and whether Ctrl-C ended the work."""
    last: Iterate | None = None
    try:
        for last in iterates:
            print(_line(last), file=sys.stderr, flush=True)
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
        return f"{iterate.progress:4.0%}  {iterate.scale} px"
    return (
        f"{iterate.progress:4.0%}  {iterate.scale} px, step {iterate.step} of {iterate.steps}  "
        f"content {losses.content:.4g}  style {losses.style:.4g}  variation {losses.variation:.4g}  "
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
