"""A training on another machine that others can watch: its checkpoint goes to the Hub now and then."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from checkpoints import hub, store
from checkpoints.errors import CheckpointError

EVERY_SECONDS = 60.0


class Pusher:
    """Pushes a checkpoint folder to a repository beside the training, at most once a minute.

    The first push is made at once, so that a wrong name or a missing token is known before hours have passed.
    """

    def __init__(self, folder: Path, repository: str, private: bool = True) -> None:
        self._folder, self._repository, self._private = folder, repository, private
        self._due = 0.0
        self._thread: threading.Thread | None = None

    def push(self) -> None:
        """Push if it is due and the last push has ended; the training goes on meanwhile.

        Raises:
            CheckpointError: when the very first push fails.
        """
        if self._thread is None:
            self._push()
            self._thread = threading.Thread(target=lambda: None)
        elif time.monotonic() >= self._due and not self._thread.is_alive():
            self._thread = threading.Thread(target=self._try, daemon=True)
            self._thread.start()
        else:
            return
        self._due = time.monotonic() + EVERY_SECONDS

    def finish(self) -> None:
        """Wait for a push that goes on, and push the end of the training; says what goes wrong."""
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()
        self._try()

    def _try(self) -> None:
        """A push that may fail: the next one brings the same and more."""
        try:
            self._push()
        except CheckpointError as error:
            print(f"gan: {error}", file=sys.stderr)

    def _push(self) -> None:
        checkpoint = store.read(self._folder)
        hub.push(checkpoint, self._repository, private=self._private, parts=hub.Parts(training=True))
