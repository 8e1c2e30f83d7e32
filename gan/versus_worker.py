"""Two runs side by side in a process of their own: `python -m gan.versus_worker FOLDER` (see `gan.runs`)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from gan import worker
from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.own_pictures import load_pictures
from gan.run_files import SIDES, read_request, write_status
from gan.versus import Pair, versus

PREVIEW_EVERY = 0.4
PREVIEW_SHARE = 0.2


def open_both(folder: Path) -> tuple[worker.Run, worker.Run]:
    """Both runs where they stand, with the same pictures: at their start, or where both were saved last.

    Raises:
        GanError, CheckpointError: when a request, the pictures or a checkpoint cannot be used.
    """
    request = read_request(folder)
    torch.set_num_threads(max(1, request.threads))
    own = request.data == "own"
    dataset = load_pictures(folder) if own else open_dataset(request.data, request.resolution)
    again = all(worker.has_checkpoint(folder / side) for side in SIDES)
    first, second = (_open(folder / side, dataset, again) for side in SIDES)
    return first, second


def _open(folder: Path, dataset: Dataset, again: bool) -> worker.Run:
    request = read_request(folder)
    config, state = worker.resume(folder, request) if again else worker.begin(request, dataset)
    worker.forget_after(folder, state.step)
    return worker.Run(folder, config, state, dataset)


def work_on_both(folder: Path, should_stop: Callable[[], bool]) -> None:
    """Train both until their budget is used or `should_stop` says so; each one's folder holds its result.

    Raises:
        GanError: when one of them diverges again and again; what both have learned is kept.
    """
    both = open_both(folder)
    first = time.monotonic() + worker.FIRST_CHECKPOINT
    previews = worker.Pace(PREVIEW_EVERY, PREVIEW_SHARE)
    checkpoints = worker.Pace(worker.CHECKPOINT_EVERY, worker.CHECKPOINT_SHARE, worker.MOST_TO_LOSE, first)
    both[0].draw_real()
    stopped, last = False, None
    configs, states = (both[0].config, both[1].config), (both[0].state, both[1].state)
    try:
        for last in versus(*configs, both[0].dataset, states):
            _record(both, last)
            previews.run(lambda: _each(both, worker.Run.draw))
            checkpoints.run(lambda: _each(both, worker.Run.save))
            stopped = should_stop()
            write_status(folder, "running", "Stopping…" if stopped else "", last.a)
            if stopped:
                break
    except GanError:
        if last is not None:
            _finish(both)
        raise
    if last is not None:
        _finish(both)
    write_status(folder, "stopped" if stopped else "finished", "", last.a if last else None)


def _record(both: tuple[worker.Run, worker.Run], pair: Pair) -> None:
    for run, snapshot in zip(both, (pair.a, pair.b), strict=True):
        run.record(snapshot)


def _each(both: tuple[worker.Run, worker.Run], act: Callable[[worker.Run], None]) -> None:
    for run in both:
        act(run)


def _finish(both: tuple[worker.Run, worker.Run]) -> None:
    _each(both, worker.Run.draw)
    _each(both, worker.Run.save)


if __name__ == "__main__":
    sys.exit(worker.main(sys.argv[1:], work_on_both))
