"""How a run is doing, from its folder alone: its state, its last snapshot and all before it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan.levers import Change
from gan.run_files import is_alive, read_json, run_folder, waiting_runs
from gan.signals import signals_from
from gan.training import Snapshot

_CHANGED = '"changes": [{'


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


def status(run_id: str) -> Status:
    """How the run is doing, from its folder alone; a worker that died without a word is noticed.

    Raises:
        GanError: when there is no such run.
    """
    folder = run_folder(run_id)
    place = 0
    if (folder / "waiting").exists():
        queue = waiting_runs(folder.parent)
        place = queue.index(folder) + 1 if folder in queue else 1
    # Whether the worker lives is asked before its last words are read: it may end in between.
    alive = is_alive(folder)
    document = read_json(folder / "status.json")
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
    document = read_json(folder / "status.json")
    return str(document.get("message", "")) if document.get("state") == "failed" else ""
