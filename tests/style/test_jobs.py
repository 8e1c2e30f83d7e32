"""Background jobs: newest wins, stopping keeps the best, visitors do not touch each other."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest
import torch

from style.errors import StyleError
from style.iterate import Iterate, Losses
from style.jobs import Job, JobBook


def iterate(step: int) -> Iterate:
    return Iterate(128, step, 100, Losses(1, 1, 1, 0, 3), torch.zeros(1, 3, 4, 4), True, step / 100, step, 1)


class Work:
    """Yields iterates, one for each permit, and remembers how it was run."""

    def __init__(self) -> None:
        self.permits = threading.Semaphore(0)
        self.closed = threading.Event()
        self.niceness = 0
        self.threads = 0

    def __call__(self) -> Iterator[Iterate]:
        if sys.platform == "linux":
            self.niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        self.threads = torch.get_num_threads()
        try:
            for step in range(1, 1000):
                self.permits.acquire()
                yield iterate(step)
        finally:
            self.closed.set()


def test_follow_yields_until_the_end() -> None:
    job = Job(_three, threads=1)
    job.start()
    steps = [found.step for found in job.follow()]
    assert steps == sorted(steps)
    assert steps[-1] == 3
    assert job.wait()
    assert job.newest is not None
    assert job.newest.step == 3


def _three() -> Iterator[Iterate]:
    yield from map(iterate, (1, 2, 3))


def test_newest_iterate_wins() -> None:
    job = Job(_three, threads=1)
    job.start()
    assert job.wait()
    assert [found.step for found in job.follow()] == [3], "a late reader is not served old pictures"


def test_stop_closes_the_iterator_and_keeps_the_newest() -> None:
    work = Work()
    job = Job(work, threads=1)
    job.start()
    work.permits.release()
    following = job.follow()
    assert next(following).step == 1
    job.stop()
    work.permits.release()
    assert job.wait()
    assert work.closed.is_set()
    assert job.newest is not None
    assert job.newest.step == 2
    assert [found.step for found in following] == [2]
    assert job.stopped


def test_the_thread_is_polite_and_alone_in_it() -> None:
    work = Work()
    mine = torch.get_num_threads()
    niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    job = Job(work, threads=1)
    job.start()
    work.permits.release()
    next(job.follow())
    job.stop()
    work.permits.release()
    assert job.wait()
    assert work.threads == 1
    assert torch.get_num_threads() == mine
    if sys.platform == "linux":
        assert work.niceness >= 10
        assert work.niceness >= niceness
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == niceness


@pytest.mark.parametrize(
    ("error", "sentence"), [(StyleError("Too small."), "Too small"), (ZeroDivisionError(), "failed")]
)
def test_errors_reach_the_reader(error: Exception, sentence: str) -> None:
    def work() -> Iterator[Iterate]:
        yield iterate(1)
        raise error

    job = Job(work, threads=1)
    job.start()
    with pytest.raises(StyleError, match=sentence):
        list(job.follow())
    assert job.newest is not None


def test_a_ticket_stops_its_own_job_alone() -> None:
    book = JobBook()
    works = Work(), Work()
    jobs = Job(works[0], threads=1), Job(works[1], threads=1)
    assert book.begin("mine", jobs[0])
    assert book.begin("yours", jobs[1])
    book.stop("mine")
    assert jobs[0].stopped
    assert not jobs[1].stopped
    book.stop("unknown")
    book.end("yours")
    assert jobs[1].stopped
    for work, job in zip(works, jobs, strict=True):
        work.permits.release()
        assert job.wait()


def test_a_ticket_that_waits_can_be_stopped() -> None:
    book = JobBook()
    book.stop("waiting")
    assert not book.begin("waiting", Job(_three, threads=1))
    job = Job(_three, threads=1)
    assert book.begin("waiting", job), "the ticket was used up"
    assert job.wait()


def test_the_book_is_bounded() -> None:
    book = JobBook()
    for number in range(1000):
        book.stop(f"visitor {number}")
    first = Job(_three, threads=1)
    assert book.begin("visitor 0", first), "forgotten long ago"
    for number in range(200):
        assert book.begin(f"other {number}", Job(_three, threads=1))
    assert first.stopped
    assert len(book._jobs) <= 64
