"""Finished pictures that a visitor puts aside to share: a folder, which outlives the page and the program.

A collection is `collected/<32 hexadecimal digits>` below `checkpoints.store.home()`. The digits cannot be
guessed and are the visitor's key to it, as with a run. What is taken out waits for an hour under a name that
ends in `.taken`, so that it can be put back.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from checkpoints.errors import CheckpointError
from checkpoints.pictures import MOST, Finished, read_finished
from checkpoints.store import home

MOST_BYTES = 1 << 30
LEAST_FREE_BYTES = 1 << 29
KEPT_DAYS = 30.0
TAKEN = ".taken"
TAKEN_SECONDS = 3600.0
_KEY = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[0-9]{3,}-[A-Za-z0-9_-]+\.png")
_CHANGING = Lock()


def folder_of(key: object) -> Path | None:
    """The collection that a page names by its key; None for anything that is no key of one."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        return None
    folder = home() / "collected" / key
    return folder if folder.is_dir() else None


def listed(key: object) -> list[Path]:
    """The pictures of a collection, the oldest first; none where there is no such collection."""
    folder = folder_of(key)
    if folder is None:
        return []
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: _number(path.name))


def _number(name: str) -> int:
    return int(name.split("-", 1)[0])


def add(key: object, picture: Path) -> tuple[str, str, bool]:
    """Put a finished picture aside.

    Args:
        key: of the collection; a new one is begun for anything that is none.
        picture: a PNG of this app. Only its pixels and its recipe are kept.

    Returns:
        The collection's key, the picture's name in it, and whether it is new there.

    Raises:
        CheckpointError: when it is no such picture, or there is no room for it.
    """
    with _CHANGING:
        there = listed(key)
        finished = read_finished(picture, _next_number(folder_of(key)))
        for path in there:
            if path.stat().st_size == len(finished.content) and path.read_bytes() == finished.content:
                return str(key), path.name, False
        _check_room(there, len(finished.content))
        folder = folder_of(key) or home() / "collected" / secrets.token_hex(16)
        _write(folder, finished)
    return folder.name, finished.name, True


def _next_number(folder: Path | None) -> int:
    names = [path.name for path in folder.iterdir()] if folder else []
    return 1 + max((_number(name) for name in names if _NAME.fullmatch(name.removesuffix(TAKEN))), default=0)


def _check_room(there: list[Path], more: int) -> None:
    if len(there) >= MOST or sum(path.stat().st_size for path in there) + more > MOST_BYTES:
        raise CheckpointError(f"{len(there)} pictures are collected already; push them, or take some out.")
    home().mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(home()).free < LEAST_FREE_BYTES:
        raise CheckpointError("This machine's disk is nearly full; download the picture instead.")


def _write(folder: Path, finished: Finished) -> None:
    """Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{finished.name}"
    try:
        draft.write_bytes(finished.content)
        os.replace(draft, folder / finished.name)
    except OSError:
        draft.unlink(missing_ok=True)
        raise CheckpointError("The picture could not be kept here; download it instead.") from None


def take_out(key: object, names: Iterable[str]) -> int:
    """Take pictures out, until `put_back`; what was taken out before is gone then. Returns how many."""
    with _CHANGING:
        wanted = set(names)
        chosen = [path for path in listed(key) if path.name in wanted]
        if chosen:
            for path in taken_out(key):
                path.unlink(missing_ok=True)
        for path in chosen:
            path.rename(path.with_name(path.name + TAKEN))
            os.utime(path.with_name(path.name + TAKEN))
    return len(chosen)


def taken_out(key: object) -> list[Path]:
    """What `put_back` would bring."""
    folder = folder_of(key)
    found = [] if folder is None else folder.glob(f"*{TAKEN}")
    return [path for path in found if _NAME.fullmatch(path.name.removesuffix(TAKEN))]


def put_back(key: object) -> int:
    """Undo the last `take_out`, in whole. Returns how many pictures came back."""
    with _CHANGING:
        taken = taken_out(key)
        for path in taken:
            path.rename(path.with_name(path.name.removesuffix(TAKEN)))
    return len(taken)


def remove_old(days: float = KEPT_DAYS) -> int:
    """Delete collections that nobody changed for `days`, and what was taken out; returns how many."""
    now, removed = time.time(), 0
    for folder in (home() / "collected").glob("*"):
        with suppress(OSError):
            for path in folder.glob(f"*{TAKEN}"):
                if now - path.stat().st_mtime > TAKEN_SECONDS:
                    path.unlink()
            if now - max(path.stat().st_mtime for path in (folder, *folder.iterdir())) > days * 86400:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed
