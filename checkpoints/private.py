"""Checkpoints that not everybody may read: each reader's copy lies where nobody else can name it.

Public ones are shared as `pulled/<owner>/<name>`; a private or gated one is `private/<32 hexadecimal digits>`
below `store.home()`. As with a run, the digits are the reader's key to it. They are made from the repository,
from who reads it and from a secret of this machine, so that the next pull of the same reader finds the copy.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from checkpoints.store import home

# Who reads by this machine's own login.
THIS_MACHINE = ""
KEPT_DAYS = 90.0


def folder() -> Path:
    """Where they lie."""
    return home() / "private"


def reference_for(repository: str, reader: str) -> str:
    """The reference of a reader's copy of `owner/name`, whether or not it is there.

    Args:
        reader: the user's name at the Hub, or `THIS_MACHINE`.
    """
    return f"private/{hmac.digest(_secret(), f'{reader} {repository}'.encode(), 'sha256').hex()[:32]}"


def _secret() -> bytes:
    """This machine's own 32 bytes, made when they are first needed."""
    path = folder() / ".secret"
    with suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret-{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(32))
    with suppress(FileExistsError):  # somebody else was faster
        os.link(draft, path)
    draft.unlink()
    return path.read_bytes()


def remove_old(days: float = KEPT_DAYS) -> int:
    """Delete copies that were not pulled for `days`; returns how many."""
    removed = 0
    for copy in folder().glob("[!.]*"):
        with suppress(OSError):
            if time.time() - copy.stat().st_mtime > days * 86400:
                shutil.rmtree(copy, ignore_errors=True)
                removed += 1
    return removed
