"""Training runs as folders: a child process trains, and everybody else only reads and asks.

A run is `runs/<32 hexadecimal digits>` below `checkpoints.store.home()`. The digits cannot be guessed and are
the visitor's key to the run. In the folder:

- `request.json`: what to do; `data.safetensors` and `data.json` where the pictures are the visitor's own.
- `waiting`: there while the run waits for its turn; its text is when it began to wait.
- `visitor`: a mark of whoever asked for it, where that is known, so that one visitor does not fill the queue.
- `lock`: locked by the worker for as long as it lives, so that a dead worker is never taken for a live one.
- `levers.json`: settings that the visitor has changed since the start, by name.
- `stop`: asks the worker to stop and keep; `kept`: the visitor wants to keep this run.
- `a`, `b`: where two runs train side by side, each one's own request and results (`gan.versus_run`).
- `status.json`, `metrics.jsonl`, `preview.png`, `real.png`, `checkpoint/`, `worker.log`: the worker's.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from checkpoints.store import home
from gan.config import TrainConfig, from_mapping, to_mapping
from gan.datasets import Dataset
from gan.errors import GanError
from gan.full_disk import told_when_full
from gan.levers import Change, lever_values, with_levers
from gan.own_pictures import save_pictures
from gan.signals import signals_from
from gan.training import Snapshot
from gan.uploads import uploads_folder

ROOT = Path(__file__).resolve().parent.parent
MOST_WAITING = 20
SIDES = ("a", "b")
MOST_WAITING_OF_ONE = 4
LEAST_FREE_BYTES = 1 << 29
LONGEST_TITLE = 60
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_CHANGED = '"changes": [{'
_LAUNCHING, _CHANGING = Lock(), Lock()


@dataclass(frozen=True)
class Request:
    """What a run is asked to do: data (`fashion`, `cats` or `own`), its size, network and settings.

    Attributes:
        start_from: reference of the checkpoint whose networks it begins with; empty for fresh ones.
        pictures: how many of the pictures that ship to learn from, 0 for as many as usual.
    """

    data: str
    resolution: int
    title: str
    preset: str
    config: TrainConfig
    threads: int = 1
    start_from: str = ""
    pictures: int = 0


@dataclass(frozen=True)
class Status:
    """How a run is doing.

    Attributes:
        state: `waiting`, `running`, `stopped`, `finished` or `failed`.
        message: one sentence for the visitor; may be empty.
        place: how many runs are served first, plus one, while waiting; else 0.
        snapshot: the last one, or None before the first.
        checkpoint: whether there is something to continue, keep and explore.
    """

    run_id: str
    state: str
    message: str
    place: int
    snapshot: Snapshot | None
    checkpoint: bool
    kept: bool

    @property
    def active(self) -> bool:
        """Whether something will still happen by itself."""
        return self.state in ("waiting", "running")

    @property
    def reference(self) -> str:
        """How the rest of the program names this run's checkpoint."""
        return f"runs/{self.run_id}"


def most_at_once() -> int:
    """Runs that train at the same time: half of the cores, so that visitors are still served."""
    return max(1, (os.cpu_count() or 1) // 2)


def runs_folder() -> Path:
    """Where the runs lie."""
    return home() / "runs"


def run_folder(run_id: str) -> Path:
    """The folder of a run whose id comes from an untrusted page.

    Raises:
        GanError: when there is no such run.
    """
    if isinstance(run_id, str) and _RUN_ID.fullmatch(run_id):
        folder = runs_folder() / run_id
        if (folder / "request.json").is_file():
            return folder
    raise GanError("This training run is no longer here; please start a new one.")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees either the old or the new content, never a part."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """`document` as JSON, atomically."""
    write_atomically(path, json.dumps(document, indent=1).encode())


def write_status(folder: Path, state: str, message: str, snapshot: Snapshot | None = None) -> None:
    """Write `status.json`; without a snapshot the last one stays."""
    last = _read_json(folder / "status.json").get("snapshot") if snapshot is None else asdict(snapshot)
    write_json(folder / "status.json", {"state": state, "message": message, "snapshot": last})


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def clean_title(text: str, default: str) -> str:
    """A visitor's title in one line of at most 60 characters, or `default` where nothing is left."""
    words = "".join(c if c.isprintable() else " " for c in str(text)).split()
    return " ".join(words)[:LONGEST_TITLE].strip() or default


def create(
    request: Request, pictures: Dataset | None = None, visitor: str = "", against: Request | None = None
) -> str:
    """Make a waiting run; `pictures` are the visitor's own where `request.data` is `own`.

    Args:
        visitor: a mark of who asks; the runs of one mark that wait are limited. Empty for no limit.
        against: makes it two runs side by side (`gan.versus_run`), each with a folder of its own inside.

    Returns:
        The run's id. `advance` starts it when its turn comes.

    Raises:
        GanError: when too many runs are waiting already, or the disk is full.
    """
    _check_room(visitor)
    run_id = secrets.token_hex(16)
    draft = runs_folder() / f"new-{run_id}"
    try:
        with told_when_full():
            _fill(draft, request, pictures, against)
            (draft / "visitor").write_text(visitor)
    except GanError:
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
    waiting = _waiting(runs_folder())
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
    return len(_running(runs_folder())), len(_waiting(runs_folder()))


def write_request(folder: Path, request: Request) -> None:
    """Write `request.json`."""
    write_json(folder / "request.json", {**asdict(request), "config": to_mapping(request.config)})


def read_request(folder: Path) -> Request:
    """Read `request.json`.

    Raises:
        GanError: when it is damaged.
    """
    document = _read_json(folder / "request.json")
    try:
        config = from_mapping(TrainConfig, document.pop("config"))
        return Request(**document, config=config)
    except (KeyError, TypeError):
        raise GanError("This run's request.json is damaged; please start a new run.") from None


def is_alive(folder: Path) -> bool:
    """Whether a worker holds the run's lock. The kernel frees it however the worker ends."""
    try:
        with open(folder / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _waiting(folder: Path) -> list[Path]:
    """Waiting runs, the oldest first."""
    found = []
    for marker in folder.glob("*/waiting"):
        if _RUN_ID.fullmatch(marker.parent.name):
            try:
                found.append((int(marker.read_text() or 0), marker.parent))
            except (OSError, ValueError):
                continue  # started this very moment
    return [run for _, run in sorted(found)]


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
        for run in _waiting(folder)[: max(0, free)]:
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


def status(run_id: str) -> Status:
    """How the run is doing, from its folder alone; a worker that died without a word is noticed.

    Raises:
        GanError: when there is no such run.
    """
    folder = run_folder(run_id)
    place = 0
    if (folder / "waiting").exists():
        queue = _waiting(folder.parent)
        place = queue.index(folder) + 1 if folder in queue else 1
    # Whether the worker lives is asked before its last words are read: it may end in between.
    alive = is_alive(folder)
    document = _read_json(folder / "status.json")
    state, message = str(document.get("state", "failed")), str(document.get("message", ""))
    checkpoint = (folder / "checkpoint" / "config.json").is_file()
    if place:
        state, message = "waiting", ""
    elif state in ("running", "waiting") and not alive:
        state, message = _interrupted(checkpoint)
    return Status(
        run_id=run_id,
        state=state,
        message=message,
        place=place,
        snapshot=read_snapshot(document.get("snapshot")),
        checkpoint=checkpoint,
        kept=(folder / "kept").exists(),
    )


def _interrupted(checkpoint: bool) -> tuple[str, str]:
    if checkpoint:
        return "stopped", "The training was interrupted; Continue goes on from its last checkpoint."
    return "failed", "The training was interrupted before its first checkpoint; Continue starts it again."


def read_snapshot(values: Any) -> Snapshot | None:
    """A snapshot as JSON has it; None when it cannot be read."""
    try:
        changes = tuple(Change(**change) for change in values.get("changes", ()))
        return Snapshot(**{**values, "changes": changes, "signals": signals_from(values.get("signals"))})
    except (TypeError, AttributeError):
        return None


def history(run_id: str, most: int = 200) -> list[Snapshot]:
    """The run's snapshots from first to last, evenly thinned to about `most` and all that tell of changes.

    Raises:
        GanError: when there is no such run.
    """
    return read_history(run_folder(run_id), most)


def read_history(folder: Path, most: int = 200) -> list[Snapshot]:
    """As `history`, from a run's folder; empty where there is none."""
    try:
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    spacing = -(-len(lines) // most) or 1
    last = len(lines) - 1
    snapshots = []
    for number, line in enumerate(lines):
        if number % spacing and number != last and _CHANGED not in line:
            continue
        try:
            snapshot = read_snapshot(json.loads(line))
        except ValueError:
            continue  # the last line while it is being written
        if snapshot is not None:
            snapshots.append(snapshot)
    return snapshots


def trouble_in(folder: Path) -> str:
    """Why the run in a folder failed, as its worker said; empty where it did not."""
    document = _read_json(folder / "status.json")
    return str(document.get("message", "")) if document.get("state") == "failed" else ""


def levers(run_id: str) -> dict[str, Any]:
    """The levers of a run and the values that are asked for, by name.

    Raises:
        GanError: when there is no such run.
    """
    folder = run_folder(run_id)
    return lever_values(changed_config(folder, read_request(folder).config))


def changed_config(folder: Path, config: TrainConfig) -> TrainConfig:
    """`config` with what `levers.json` in a run's folder changes; the same object where nothing."""
    with suppress(GanError):  # written by `set_lever` alone, which checks; a damaged file changes nothing
        return with_levers(config, _read_json(folder / "levers.json"))
    return config


def set_lever(run_id: str, name: str, value: Any) -> None:
    """Change a setting of a run that has not ended; its worker follows before the next step.

    Raises:
        GanError: when there is no such run, it has ended, or the value is not allowed.
    """
    folder = run_folder(run_id)
    if not status(run_id).active:
        raise GanError("This run has ended; continue it before you change its levers.")
    with _CHANGING:
        config = with_levers(read_request(folder).config, {name: value})
        changed = {**_read_json(folder / "levers.json"), name: getattr(config, name)}
        write_json(folder / "levers.json", changed)


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

    Raises:
        GanError: when there is no such run, it has not ended, or too many are waiting.
    """
    folder = run_folder(run_id)
    if len(_waiting(folder.parent)) >= MOST_WAITING:
        raise GanError("Too many runs are waiting for their turn; please try again in a few minutes.")
    with _LAUNCHING:
        # A worker that has said its last word may live a moment longer; the run then waits for its lock.
        if status(run_id).active:
            raise GanError("This run has not ended yet.")
        request = read_request(folder)
        trained = float(_read_json(folder / "checkpoint" / "training.json").get("seconds", 0.0))
        config = from_mapping(TrainConfig, {**to_mapping(request.config), "seconds": trained + seconds})
        write_request(folder, replace(request, config=config))
        (folder / "stop").unlink(missing_ok=True)
        write_atomically(folder / "waiting", str(time.time_ns()).encode())


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


def write_title(folder: Path, title: str) -> None:
    """Give the run's checkpoint another title."""
    path = folder / "checkpoint" / "config.json"
    with suppress(OSError):  # replaced at this very moment by a worker, which looks at the title afterwards
        write_json(path, {**_read_json(path), "title": title})


def remove_old(hours: float = 24.0) -> int:
    """Delete ended runs that nobody kept and uploads that nobody used for `hours`; returns how many."""
    limit, removed = time.time() - hours * 3600, 0
    for folder in [*runs_folder().glob("*"), *uploads_folder().glob("*")]:
        try:
            changed = max(file.stat().st_mtime for file in [folder, *folder.iterdir()])
        except OSError:
            continue
        in_use = (folder / "kept").exists() or (folder / "waiting").exists() or is_alive(folder)
        if changed < limit and not in_use:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
