"""The sub-command `export` of `python -m gan`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from dataclasses import replace
from pathlib import Path

from gan.errors import GanError
from gan.model import CheckpointError, load
from gan.static_page import write_page


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `export`; its `run` takes the parsed arguments and returns the exit status."""
    export = subparsers.add_parser("export", help="write the explorer as a static web page, without a server")
    export.add_argument("name", help="shipped name, folder, or user/repository on the Hub")
    export.add_argument("folder", type=Path, metavar="FOLDER", help="new folder, or one of an older export")
    export.add_argument("--title", help="what stands above the page (default: the checkpoint's title)")
    export.add_argument("--space", metavar="REPO", help="also make the page a static Space, which is free")
    export.add_argument("--public", action="store_true", help="let everyone see the Space")
    export.set_defaults(run=run_export)


def run_export(arguments: Namespace) -> int:
    """Write the page and print where it starts. Returns 0, or 2 after a caller's mistake."""
    try:
        model = load(arguments.name)
        if arguments.title:
            model = replace(model, title=" ".join(arguments.title.split())[:80])
        index = write_page(model, arguments.folder)
        print(_deployed(arguments) if arguments.space else index)
    except (GanError, CheckpointError) as error:
        print(f"gan: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"gan: {error.filename or 'The folder'} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


def _deployed(arguments: Namespace) -> str:
    """The address of the Space that the page has become."""
    from checkpoints import deploy  # the Hub's client is slow to import

    files = deploy.page_files(arguments.folder)
    steps = deploy.deploying(files, arguments.space, "static", private=not arguments.public)
    while True:
        try:
            print(next(steps).text, file=sys.stderr)
        except StopIteration as end:
            return str(end.value.url)
