"""Folders that change in one step: whoever looks sees the old one or the new one, whole."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ABANDONED_AFTER_SECONDS = 3600
_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A fresh folder to fill; when the block ends without an error, it takes the place of `folder`.

    Everything is on the disk before the names change, so a power cut leaves the old or the new folder. When
    the block raises, or the process is killed in it, the old folder is as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    fresh = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.new"
    fresh.mkdir()
    try:
        yield fresh
        _to_disk(fresh)
        _swap(fresh, folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Delete what a killed process left behind; one that is still being filled is younger."""
    for left in folder.parent.glob(f".{folder.name}.*.new"):
        try:
            old = time.time() - left.stat().st_mtime > ABANDONED_AFTER_SECONDS
        except OSError:
            continue
        if old:
            shutil.rmtree(left, ignore_errors=True)


def _to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(fresh: Path, folder: Path) -> None:
    """Put `fresh` in the place of `folder`; then the name `fresh` stands for what was there, if anything."""
    if not folder.exists():
        fresh.rename(folder)
    elif not _exchange(fresh, folder):
        _swap_in_two_steps(fresh, folder)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the system or the disk cannot (not Linux, network disks)."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def _swap_in_two_steps(fresh: Path, folder: Path) -> None:
    aside = fresh.with_suffix(".old")
    folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    aside.rename(fresh)
