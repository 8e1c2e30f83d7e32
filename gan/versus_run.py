"""Two runs side by side as one run's folder: started, watched, and either of them kept (see `gan.runs`)."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

from gan import run_files, run_status, runs
from gan.config import NetworkConfig, to_mapping
from gan.datasets import Dataset
from gan.errors import GanError
from gan.levers import setting_label
from gan.run_files import SIDES, Request
from gan.run_status import Status
from gan.training import Snapshot
from gan.versus import RECIPE, Difference, changed, differences

INTERRUPTED = "The training was interrupted; Continue both goes on from what was saved last."
OWN_PICTURES = ("data.safetensors", "data.json")


@dataclass(frozen=True)
class Both:
    """How two runs are doing.

    Attributes:
        status: that of both together; its snapshot is the first one's.
        folders: each one's own folder, with `preview.png`, `checkpoint/` and `metrics.jsonl`.
        histories: each one's snapshots, at the same steps.
    """

    status: Status
    folders: tuple[Path, Path]
    requests: tuple[Request, Request]
    histories: tuple[list[Snapshot], list[Snapshot]]

    @property
    def different(self) -> list[Difference]:
        """The settings in which they differ."""
        first, second = (to_mapping(request.config) for request in self.requests)
        return differences(first, second)

    @property
    def can_go_on(self) -> bool:
        """Whether both have ended, and neither for a reason that would end them again."""
        return self.status.state in ("stopped", "finished")

    def can_keep(self, side: str) -> bool:
        """Whether a side has a checkpoint, and nobody writes it any more."""
        folder = self.folders[SIDES.index(side)]
        return not self.status.active and (folder / "checkpoint" / "config.json").is_file()


def request_against(request: Request, name: str, value: str, labels_tell: str) -> Request:
    """The second run's request: the first one's with one thing changed (`gan.versus.changed`).

    Raises:
        GanError: when that thing cannot be changed so.
    """
    if request.start_from and name in {f.name for f in fields(NetworkConfig)}:
        raise GanError("The networks of a checkpoint stay as they are; change a setting of the training.")
    config = changed(request.config, name, value, labels_tell)
    preset = value if name == RECIPE else f"{request.preset}, changed"
    title = f"{request.title}, {setting_label(name)} {value}"[: run_files.LONGEST_TITLE]
    start = "" if name == RECIPE else request.start_from
    return replace(request, config=config, preset=preset, title=title, start_from=start)


def create(first: Request, second: Request, pictures: Dataset | None = None, visitor: str = "") -> str:
    """Queue two runs side by side; returns their common id. Arguments and errors as of `gan.runs.create`."""
    return runs.create(first, pictures, visitor, against=second)


def look(run_id: str, most: int = 200) -> Both:
    """How the two runs of an untrusted id are doing.

    Raises:
        GanError: when they are not here.
    """
    folder = run_files.run_folder(run_id)
    first, second = (folder / side for side in SIDES)
    if not (first / "request.json").is_file() or not (second / "request.json").is_file():
        raise GanError("These two runs are no longer here; please start new ones.")
    histories = run_status.read_history(first, most), run_status.read_history(second, most)
    status = run_status.status(run_id)
    if status.state in ("stopped", "failed") and "Continue" in status.message:
        status = replace(status, state="stopped", message=INTERRUPTED)
    requests = run_files.read_request(first), run_files.read_request(second)
    return Both(status, (first, second), requests, histories)


def keep(run_id: str, side: str, title: str) -> Status:
    """Make one of the two a run of its own under a title, which is kept, explored and continued like others.

    Raises:
        GanError: when they are not here, still train, or have learned nothing yet.
    """
    both = look(run_id)
    if side not in SIDES or not both.can_keep(side):
        raise GanError("There is nothing to keep yet; stop the two runs first.")
    number = SIDES.index(side)
    request = both.requests[number]
    kept_id = secrets.token_hex(16)
    draft = run_files.runs_folder() / f"new-{kept_id}"
    shutil.copytree(both.folders[number], draft)
    for name in (*OWN_PICTURES, "visitor"):
        with suppress(FileNotFoundError):
            shutil.copy2(both.folders[number].parent / name, draft / name)
    run_files.write_request(draft, request)
    history = both.histories[number]
    run_files.write_status(draft, "stopped", "", history[-1] if history else None)
    draft.rename(run_files.runs_folder() / kept_id)
    return runs.keep(kept_id, run_files.clean_title(title, request.title))
