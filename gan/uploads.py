"""A visitor's pictures between their upload and the start of a run, found by an id that cannot be guessed."""

from __future__ import annotations

import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from checkpoints.store import home
from gan.datasets import Dataset
from gan.errors import GanError
from gan.full_disk import told_when_full
from gan.own_pictures import load_pictures, save_pictures

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


def uploads_folder() -> Path:
    """Where pictures lie between their upload and the start of a run."""
    return home() / "uploads"


def save_upload(pictures: Dataset) -> str:
    """Keep a visitor's pictures until a run wants them; returns their id.

    Raises:
        GanError: when the disk is full.
    """
    upload_id = secrets.token_hex(16)
    folder = uploads_folder() / upload_id
    try:
        with told_when_full():
            folder.mkdir(parents=True)
            save_pictures(folder, pictures)
    except GanError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return upload_id


def open_upload(upload_id: str) -> Dataset:
    """The pictures that `save_upload` kept.

    Raises:
        GanError: when there are none.
    """
    if not isinstance(upload_id, str) or not _UPLOAD_ID.fullmatch(upload_id):
        raise GanError("Choose your pictures first: several files or one zip.")
    return load_pictures(uploads_folder() / upload_id)


def ask_to_stop(fetching_id: str) -> None:
    """Ask the fetching that goes on under this id, which comes from a page, to end with what it has."""
    if isinstance(fetching_id, str) and _UPLOAD_ID.fullmatch(fetching_id):
        with suppress(OSError):
            _stop_folder(fetching_id).mkdir(parents=True, exist_ok=True)


def is_stopped(fetching_id: str) -> bool:
    """Whether `ask_to_stop` was called."""
    return _stop_folder(fetching_id).is_dir()


def forget_stop(fetching_id: str) -> None:
    """The fetching has ended."""
    shutil.rmtree(_stop_folder(fetching_id), ignore_errors=True)


def _stop_folder(fetching_id: str) -> Path:
    return uploads_folder() / f"stop-{fetching_id}"
