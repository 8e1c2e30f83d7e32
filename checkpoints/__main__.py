"""`python -m checkpoints`: list, search, pull, push, push-pictures, deploy, card.

Progress goes to standard error, results to standard output.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from checkpoints import store
from checkpoints.errors import CheckpointError

Result = TypeVar("Result")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 for a mistake of the caller's, 130 after Ctrl-C."""
    # The Hub's client would draw bars of its own between our lines.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; nothing was changed.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checkpoints",
        description="Checkpoints on this machine and on the Hugging Face Hub. "
        "To push, sign in with `hf auth login` or set HF_TOKEN.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("list", help="what can be opened: name, kind and title")
    command.set_defaults(command=_list)
    command = commands.add_parser("pull", help="download a checkpoint from the Hub")
    command.add_argument(
        "repository", metavar="REPO", help='"owner/name" or the link of its page, which may name a version'
    )
    command.add_argument("--revision", help="branch, tag or commit (default: the newest)")
    command.set_defaults(command=_pull)
    command = commands.add_parser(
        "push", help="upload a checkpoint to the Hub; private unless told otherwise"
    )
    command.add_argument(
        "name", metavar="NAME", help="shipped name, runs/..., pulled/..., private/... or folder"
    )
    command.add_argument("repository", metavar="REPO", help='"owner/name", or a name of your own')
    command.add_argument("--public", action="store_true", help="let everyone see it")
    command.add_argument(
        "--training", action="store_true", help="include the state that lets others train on"
    )
    command.add_argument("--no-sliders", action="store_true", help="leave the saved sliders out")
    command.add_argument("--film", type=Path, metavar="FILE", help="a film that goes along: GIF, WebP or MP4")
    command.add_argument(
        "--rights", default="", help="of own pictures, for the card: whose they are, and may they be shared"
    )
    command.set_defaults(command=_push)
    command = commands.add_parser(
        "push-pictures", help="upload stylised pictures and their recipes as a data set"
    )
    command.add_argument("pictures", metavar="PICTURE", nargs="+", help="PNG files, or folders of them")
    command.add_argument("repository", metavar="REPO", help='"owner/name", or a name of your own')
    command.add_argument("--title", default="Stylised pictures", help="one line about them")
    command.add_argument("--licence", default="cc-by-4.0", help="of the pictures, as the Hub names it")
    command.add_argument("--attribution", default="", help="whose photos and paintings they are made from")
    command.add_argument("--public", action="store_true", help="let everyone see them")
    command.set_defaults(command=_push_pictures)
    command = commands.add_parser("search", help="what others have shared: name, likes, licence")
    command.add_argument("words", nargs="*", metavar="WORD", help='words in the name, or "author/"')
    command.add_argument("--sort", default="likes", help="likes, newest or downloads")
    command.add_argument("--limit", type=int, default=24, help="at most so many, 1 to 60")
    command.set_defaults(command=_search)
    command = commands.add_parser("deploy", help="make this program a Space on the Hub, or update it")
    command.add_argument("repository", metavar="SPACE", help='"owner/name", or a name of your own')
    command.add_argument("--public", action="store_true", help="let everyone see it")
    command.add_argument(
        "--hardware",
        help="what it runs on: cpu-basic, zero-a10g, … (default: as it is; for a new one the Hub's)",
    )
    command.set_defaults(command=_deploy)
    command = commands.add_parser("card", help="print the model card of a checkpoint")
    command.add_argument(
        "name", metavar="NAME", help="shipped name, runs/..., pulled/..., private/..., folder or owner/name"
    )
    command.add_argument("--repository", metavar="REPO", help="where it will be, for the card's snippets")
    command.set_defaults(command=_card)
    return parser


def _list(options: argparse.Namespace) -> None:
    found = store.list_checkpoints(store.local_references())
    for checkpoint in found:
        print(f"{checkpoint.reference}\t{checkpoint.kind}\t{checkpoint.title}")
    if not found:
        print(
            "There is no checkpoint yet; pull one, or train one with `python -m gan train`.", file=sys.stderr
        )


def _pull(options: argparse.Namespace) -> None:
    from checkpoints import hub

    checkpoint = _telling(hub.pulling(options.repository, revision=options.revision))
    print(checkpoint.reference)


def _push(options: argparse.Namespace) -> None:
    from checkpoints import hub

    checkpoint = store.find_anywhere(options.name)
    parts = hub.Parts(
        training=options.training,
        sliders=not options.no_sliders,
        film=options.film,
        rights=options.rights,
    )
    steps = hub.pushing(checkpoint, options.repository, private=not options.public, parts=parts)
    print(_telling(steps).url)


def _push_pictures(options: argparse.Namespace) -> None:
    from checkpoints import pictures

    given = [Path(name) for name in options.pictures]
    paths = [path for one in given for path in (sorted(one.glob("*.png")) if one.is_dir() else [one])]
    about = pictures.Collection(options.title, options.licence, options.attribution)
    print(_telling(pictures.pushing(paths, about, options.repository, private=not options.public)).url)


def _search(options: argparse.Namespace) -> None:
    from checkpoints import browse

    found = browse.search(" ".join(options.words), sort=options.sort, limit=options.limit, token=None)
    for each in found:
        print(f"{each.repository}\t{each.likes}\t{each.licence}\t{each.updated}")
    if not found:
        print("Nothing was found; try other words, or none.", file=sys.stderr)


def _deploy(options: argparse.Namespace) -> None:
    from checkpoints import deploy

    hardware = options.hardware or deploy.hardware_of(options.repository)
    files = deploy.app_files(hardware)
    steps = deploy.deploying(
        files, options.repository, "gradio", private=not options.public, hardware=hardware
    )
    print(_telling(steps).url)


def _card(options: argparse.Namespace) -> None:
    from checkpoints.card import model_card

    print(model_card(store.find_anywhere(options.name), options.repository), end="")


def _telling(steps: Generator[Any, None, Result]) -> Result:
    """Print each step's sentence, if it is a new one, on standard error; returns the generator's result."""
    told = ""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        if step.text != told:
            told = step.text
            print(told, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
