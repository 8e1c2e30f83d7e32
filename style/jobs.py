"""Runs a stylisation in a thread of its own, so that the page's other visitors hardly notice it."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator

import torch

from style.errors import StyleError
from style.iterate import Iterate
from style.machine import use_fastest_threads

_NICENESS = 10
_MOST_JOBS = 64
_LOG = logging.getLogger(__name__)


class Job:
    """One stylisation in the background.

    The thread hands over one iterate at a time through a single slot where the newest wins, so a slow reader
    costs neither memory nor time.

    Args:
        work: begins the work, in the thread, and returns its iterates.
        threads: processor threads for it; None takes what a short test finds fastest.
        tests: how often that test is repeated; few for work that would be done in the time of many.
    """

    def __init__(
        self, work: Callable[[], Iterator[Iterate]], *, threads: int | None = None, tests: int = 6
    ) -> None:
        self._work = work
        self._threads = threads
        self._tests = tests
        self._changed = threading.Condition()
        self._newest: Iterate | None = None
        self._count = 0
        self._ended = False
        self._error: Exception | None = None
        self._stopping = threading.Event()
        # The visitor's request goes along: whoever lends a GPU asks for whom.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="stylise", daemon=True)

    @property
    def newest(self) -> Iterate | None:
        """The last iterate, which holds the best picture; None before the first."""
        return self._newest

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begins the work; a job that was stopped before does none."""
        self._thread.start()

    def stop(self) -> None:
        """Asks the work to end at its next iterate; what it has made is kept."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits for the thread to end and returns whether it did."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def follow(self) -> Iterator[Iterate]:
        """Yields each iterate that is new when asked for, until the work has ended.

        Raises:
            StyleError: what ended the work, if it was not its end or `stop`.
        """
        seen = 0
        while True:
            with self._changed:
                while self._count == seen and not self._ended:
                    self._changed.wait()
                fresh = self._newest if self._count > seen else None
                seen = self._count
            if fresh is None:
                break
            yield fresh
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        # Linux gives every thread a niceness of its own, and threads born here inherit it. OpenMP's number of
        # threads, too, belongs to the thread that sets it.
        with contextlib.suppress(OSError, AttributeError):
            thread = threading.get_native_id()
            niceness = max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
            os.setpriority(os.PRIO_PROCESS, thread, niceness)
        try:
            if self._threads is None:
                use_fastest_threads(self._tests)
            else:
                torch.set_num_threads(self._threads)
            if not self.stopped:
                self._consume()
        except StyleError as error:
            self._error = error
        except Exception:
            _LOG.exception("A stylisation failed.")
            self._error = StyleError("Painting failed on this machine; please try a smaller size.")
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _consume(self) -> None:
        with contextlib.closing(self._work()) as iterates:  # type: ignore[type-var]
            for iterate in iterates:
                if iterate is not self._newest:
                    with self._changed:
                        self._newest = iterate
                        self._count += 1
                        self._changed.notify_all()
                if self.stopped:
                    break


class JobBook:
    """Which visitor's ticket is which job, so that nobody stops the work of another.

    A ticket may be stopped while it still waits for its turn. The book is bounded: the oldest go first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._cancelled: OrderedDict[str, None] = OrderedDict()

    def begin(self, ticket: str, job: Job) -> bool:
        """Starts the job under this ticket; returns False if the ticket was stopped while it waited."""
        with self._lock:
            if ticket in self._cancelled:
                del self._cancelled[ticket]
                return False
            self._jobs[ticket] = job
            while len(self._jobs) > _MOST_JOBS:
                self._jobs.popitem(last=False)[1].stop()
        job.start()
        return True

    def knows(self, ticket: str) -> bool:
        """Whether the job of this ticket has begun and not ended."""
        with self._lock:
            return ticket in self._jobs

    def stop(self, ticket: str) -> None:
        """Stops the job of this ticket, or keeps it from starting."""
        with self._lock:
            job = self._jobs.get(ticket)
            if job is None and ticket:
                self._cancelled[ticket] = None
                while len(self._cancelled) > _MOST_JOBS:
                    self._cancelled.popitem(last=False)
        if job is not None:
            job.stop()

    def end(self, ticket: str) -> None:
        """Stops the job of this ticket, if it still runs, and forgets it."""
        with self._lock:
            job = self._jobs.pop(ticket, None)
        if job is not None:
            job.stop()
