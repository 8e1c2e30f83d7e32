"""Training runs: asked for, started in their turn, stopped, continued, kept and cleared away.

A child process trains, and everybody else only reads its folder (`gan.run_files`) and asks.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread

from checkpoints.errors import CheckpointError
from gan.config import TrainConfig, from_mapping, to_mapping
from gan.datasets import Dataset
from gan.errors import GanError
from gan.full_disk import told_when_full
from gan.own_pictures import save_pictures
from gan.run_files import (
    SIDES,
    Request,
    clean_title,
    is_alive,
    read_json,
    read_request,
    run_folder,
    runs_folder,
    waiting_runs,
    write_atomically,
    write_request,
    write_status,
    write_title,
)
from gan.run_status import Status, status
from gan.uploads import uploads_folder
from style.cores import usable_cores

ROOT = Path(__file__).resolve().parent.parent
MOST_WAITING = 20
MOST_WAITING_OF_ONE = 4
LEAST_FREE_BYTES = 1 << 29
UNKEPT_HOURS = 24.0
# What visitors kept holds their pictures, too, so it does not stay for ever.
KEPT_DAYS = 365.0
MOST_KEPT_BYTES = 20_000_000_000
_LAUNCHING = Lock()


def most_at_once() -> int:
    """Runs that train at the same time: half of the usable cores, so that visitors are still served."""
    return max(1, usable_cores() // 2)


def create(
    request: Request,
    pictures: Dataset | None = None,
    visitor: str = "",
    against: Request | None = None,
    bring: Callable[[Path], None] | None = None,
) -> str:
    """Make a waiting run; `pictures` are the visitor's own where `request.data` is `own`.

    Args:
        visitor: a mark of who asks; the runs of one mark that wait are limited. Empty for no limit.
        against: makes it two runs side by side (`gan.versus_run`), each with a folder of its own inside.
        bring: puts into the new run's folder what it begins with.

    Returns:
        The run's id. `advance` starts it when its turn comes.

    Raises:
        GanError: when too many runs are waiting already, or the disk is full; and whatever `bring` raises.
    """
    _check_room(visitor)
    run_id = secrets.token_hex(16)
    draft = runs_folder() / f"new-{run_id}"
    try:
        with told_when_full():
            _fill(draft, request, pictures, against)
            (draft / "visitor").write_text(visitor)
            if bring is not None:
                bring(draft)
    except (GanError, CheckpointError):
        shutil.rmtree(draft, ignore_errors=True)
        raise
    draft.rename(runs_folder() / run_id)
    return run_id


def _fill(draft: Path, request: Request, pictures: Dataset | None, against: Request | None) -> None:
    draft.mkdir(parents=True)
    if pictures is not None:
        save_pictures(draft, pictures)
    write_request(draft, request)
    for side, asked in zip(SIDES, (request, against) if against else (), strict=False):
        (draft / side).mkdir()
        write_request(draft / side, asked)
    write_status(draft, "waiting", "")
    (draft / "waiting").write_text(str(time.time_ns()))


def _check_room(visitor: str) -> None:
    runs_folder().mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(runs_folder()).free < LEAST_FREE_BYTES:
        raise GanError(
            "This machine's disk is nearly full, so nothing can be trained now; please come later."
        )
    waiting = waiting_runs(runs_folder())
    if len(waiting) >= MOST_WAITING:
        raise GanError("Too many runs are waiting for their turn; please try again in a few minutes.")
    if visitor and sum(_visitor_of(run) == visitor for run in waiting) >= MOST_WAITING_OF_ONE:
        raise GanError(
            f"{MOST_WAITING_OF_ONE} runs from your address are waiting already; stop one, or wait a while."
        )


def _visitor_of(folder: Path) -> str:
    try:
        return (folder / "visitor").read_text()
    except OSError:
        return ""


def counts() -> tuple[int, int]:
    """How many runs are training at this moment, and how many wait."""
    return len(_running(runs_folder())), len(waiting_runs(runs_folder()))


def _running(folder: Path) -> list[Path]:
    return [lock.parent for lock in folder.glob("*/lock") if is_alive(lock.parent)]


def advance(most: int | None = None, folder: Path | None = None) -> None:
    """Start waiting runs, the oldest first, while fewer than `most` (default `most_at_once()`) are running.

    Called after every request and whenever a worker ends, and once when the program starts, which takes up
    the runs that were waiting when it ended.
    """
    folder = folder or runs_folder()
    with _LAUNCHING:
        free = (most or most_at_once()) - len(_running(folder))
        for run in waiting_runs(folder)[: max(0, free)]:
            _launch(run)


def _launch(run: Path) -> None:
    """Start a worker that inherits the run's lock, unless another process was faster."""
    with open(run / "lock", "wb") as lock, open(run / "worker.log", "ab") as log:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (run / "waiting").unlink()
        except OSError:
            return
        write_status(run, "running", "Starting…")
        process = subprocess.Popen(
            [sys.executable, "-m", _worker_of(run), str(run)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )
    Thread(target=_see_off, args=(process, run.parent), daemon=True).start()


def _worker_of(run: Path) -> str:
    return "gan.versus_worker" if (run / SIDES[0]).is_dir() else "gan.worker"


def _see_off(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for a worker to end, so that it leaves no zombie, and let the next run begin."""
    process.wait()
    if folder.is_dir():
        advance(folder=folder)


def request_stop(run_id: str) -> None:
    """Ask a run to stop and keep what it has; one that still waits leaves the queue.

    Raises:
        GanError: when there is no such run.
    """
    folder = run_folder(run_id)
    with _LAUNCHING:
        try:
            (folder / "waiting").unlink()
        except FileNotFoundError:
            (folder / "stop").touch()
            return
        write_status(folder, "stopped", "")


def continue_run(run_id: str, seconds: float) -> None:
    """Queue an ended run again for `seconds` more; it goes on from its last checkpoint.

    Two runs side by side go on together, each for so many seconds. It counts for whoever began it. A number
    of steps that was made is no limit any more.

    Raises:
        GanError: when there is no such run, it has not ended, too many are waiting, or the disk is full.
    """
    folder = run_folder(run_id)
    _check_room(_visitor_of(folder))
    with _LAUNCHING:
        # A worker that has said its last word may live a moment longer; the run then waits for its lock.
        if status(run_id).active:
            raise GanError("This run has not ended yet.")
        both = [folder / side for side in SIDES if (folder / side).is_dir()]
        trained = [read_json(each / "checkpoint" / "training.json") for each in both or [folder]]
        until = sum(float(each.get("seconds", 0.0)) for each in trained) / len(trained) + seconds
        made = max(int(each.get("step", 0)) for each in trained)
        for each in [folder, *both]:
            _give_until(each, until, made)
        (folder / "stop").unlink(missing_ok=True)
        write_atomically(folder / "waiting", str(time.time_ns()).encode())


def _give_until(folder: Path, seconds: float, made: int) -> None:
    """Change the budget of the request in a folder, of which so many steps are made."""
    request = read_request(folder)
    steps = request.config.steps if request.config.steps > made else 0
    config = from_mapping(TrainConfig, {**to_mapping(request.config), "seconds": seconds, "steps": steps})
    write_request(folder, replace(request, config=config))


def keep(run_id: str, title: str) -> Status:
    """Mark the run as kept under a title of the visitor's; its checkpoint can be explored from now on.

    Raises:
        GanError: when there is no such run, or no checkpoint yet.
    """
    folder = run_folder(run_id)
    if not status(run_id).checkpoint:
        raise GanError("There is nothing to keep yet; the first checkpoint comes after a few seconds.")
    request = read_request(folder)
    request = replace(request, title=clean_title(title, request.title))
    write_request(folder, request)
    write_title(folder, request.title)
    (folder / "kept").touch()
    return status(run_id)


def remove_old(
    hours: float = UNKEPT_HOURS, days: float = KEPT_DAYS, most_bytes: int = MOST_KEPT_BYTES
) -> int:
    """Delete what ended runs and uploads left; returns how many.

    What nobody kept goes `hours` after its last change. Kept runs go after `days`, and before that, the
    oldest first, while all of them together hold more than `most_bytes`.
    """
    now, old, kept = time.time(), [], []
    for folder in [*runs_folder().glob("*"), *uploads_folder().glob("*")]:
        try:
            changed = max(file.stat().st_mtime for file in [folder, *folder.iterdir()])
        except OSError:
            continue
        if (folder / "waiting").exists() or is_alive(folder):
            continue
        if (folder / "kept").exists():
            kept.append((changed, folder))
        elif changed < now - hours * 3600:
            old.append(folder)
    old += _too_many(kept, now - days * 86400, most_bytes)
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _too_many(kept: list[tuple[float, Path]], limit: float, most_bytes: int) -> list[Path]:
    """Of kept runs, each with the time of its last change: those from before `limit`, or beyond the room."""
    room, going = most_bytes, []
    for changed, folder in sorted(kept, reverse=True):
        room -= sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        if changed < limit or room < 0:
            going.append(folder)
    return going
