"""A run is a folder: its files, how they are read, and how they are written.

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
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from checkpoints.store import home
from gan.config import TrainConfig, from_mapping, to_mapping
from gan.errors import GanError
from gan.training import Snapshot

SIDES = ("a", "b")
LONGEST_TITLE = 60
_RUN_ID = re.compile(r"[0-9a-f]{32}")


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


def waiting_runs(folder: Path) -> list[Path]:
    """Waiting runs, the oldest first."""
    found = []
    for marker in folder.glob("*/waiting"):
        if _RUN_ID.fullmatch(marker.parent.name):
            try:
                found.append((int(marker.read_text() or 0), marker.parent))
            except (OSError, ValueError):
                continue  # started this very moment
    return [run for _, run in sorted(found)]


def read_request(folder: Path) -> Request:
    """Read `request.json`.

    Raises:
        GanError: when it is damaged.
    """
    document = read_json(folder / "request.json")
    try:
        config = from_mapping(TrainConfig, document.pop("config"))
        return Request(**document, config=config)
    except (KeyError, TypeError):
        raise GanError("This run's request.json is damaged; please start a new run.") from None


def write_request(folder: Path, request: Request) -> None:
    """Write `request.json`."""
    write_json(folder / "request.json", {**asdict(request), "config": to_mapping(request.config)})


def write_status(folder: Path, state: str, message: str, snapshot: Snapshot | None = None) -> None:
    """Write `status.json`; without a snapshot the last one stays."""
    last = read_json(folder / "status.json").get("snapshot") if snapshot is None else asdict(snapshot)
    write_json(folder / "status.json", {"state": state, "message": message, "snapshot": last})


def write_title(folder: Path, title: str) -> None:
    """Give the run's checkpoint another title."""
    path = folder / "checkpoint" / "config.json"
    with suppress(OSError):  # replaced at this very moment by a worker, which looks at the title afterwards
        write_json(path, {**read_json(path), "title": title})


def clean_title(text: str, default: str) -> str:
    """A visitor's title in one line of at most 60 characters, or `default` where nothing is left."""
    words = "".join(c if c.isprintable() else " " for c in str(text)).split()
    return " ".join(words)[:LONGEST_TITLE].strip() or default


def changed_at(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """`document` as JSON, atomically."""
    write_atomically(path, json.dumps(document, indent=1).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees either the old or the new content, never a part."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
