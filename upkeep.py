"""Housekeeping beside the page: takes up waiting runs at the start, and sweeps what visitors leave behind."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from checkpoints import collected, private
from gan import runs

EVERY_SECONDS = 600.0
KEPT_SECONDS = 3600.0

_LOG = logging.getLogger(__name__)


def start() -> threading.Thread:
    """Do it now and every ten minutes from now on, in a thread that ends with the program."""
    thread = threading.Thread(target=_go_round, name="upkeep", daemon=True)
    thread.start()
    return thread


def _go_round() -> None:
    while True:
        look_after()
        time.sleep(EVERY_SECONDS)


def look_after() -> None:
    """Every task once, whatever becomes of the others: a full disk stops runs, but not the cleaning."""
    for task in (runs.remove_old, collected.remove_old, private.remove_old, _sweep_temporary, runs.advance):
        try:
            task()
        except Exception:
            _LOG.exception("Upkeep goes on without %s.%s.", task.__module__, task.__qualname__)


def _sweep_temporary() -> None:
    sweep(temporary_folder(), KEPT_SECONDS)


def temporary_folder() -> Path:
    """Where Gradio keeps uploads and results."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


def sweep(folder: Path, seconds: float) -> int:
    """Delete files that nobody changed for `seconds`, and empty folders; returns how many files.

    Gradio's own `delete_cache` ends with an error when an upload arrives while it cleans.
    """
    limit, removed = time.time() - seconds, 0
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            with suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()
                    removed += 1
        for name in folders:
            with suppress(OSError):
                if Path(parent, name).stat().st_mtime < limit:
                    Path(parent, name).rmdir()
    return removed
