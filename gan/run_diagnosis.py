"""What is the matter with the run in a folder, and making it better or worse by its levers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from gan import run_files, run_levers, run_status, runs
from gan.config import TrainConfig
from gan.datasets import Dataset, open_dataset
from gan.diagnosis import Verdict, diagnose
from gan.errors import GanError
from gan.failures import Failure, failure
from gan.levers import LEVERS
from gan.state import fitted
from gan.training import Snapshot

MOST_SNAPSHOTS = 2000
MORE_SECONDS = 60.0
SIDE = 32


@dataclass(frozen=True)
class Examined:
    """A run that was looked at: its verdicts, the main one first, and the last snapshot with signals."""

    request: run_files.Request
    verdicts: list[Verdict]
    looked: Snapshot | None


def examined_in(folder: Path) -> Examined:
    """What is the matter with the run in a folder.

    Raises:
        GanError: when the folder holds no run.
    """
    if not (folder / "request.json").is_file():
        raise GanError(f"{folder.name or folder} is no run's folder: it has no request.json.")
    request = run_files.read_request(folder)
    config = run_levers.changed_config(folder, request.config)
    lines = run_files.changed_at(folder / "metrics.jsonl")
    found, looked = _diagnosed(folder, lines, config, run_status.trouble_in(folder))
    return Examined(request, list(found), looked)


@lru_cache(maxsize=32)
def _diagnosed(
    folder: Path, lines: int, config: TrainConfig, trouble: str
) -> tuple[tuple[Verdict, ...], Snapshot | None]:
    """The verdicts on what was written by the moment `lines`, and the newest snapshot with a look at the run:
    a page asks more often than there is news.
    """
    history = run_status.read_history(folder, MOST_SNAPSHOTS)
    looked = next((snapshot for snapshot in reversed(history) if snapshot.signals), None)
    return tuple(diagnose(history, config, trouble)), looked


def verdicts_in(folder: Path) -> list[Verdict]:
    """All verdicts on the run in a folder, the main one first. Raises GanError when it holds no run."""
    return examined_in(folder).verdicts


def verdicts(run_id: str) -> list[Verdict]:
    """As `verdicts_in`, of a visitor's run. Raises GanError when there is no such run."""
    return verdicts_in(run_files.run_folder(run_id))


def mend(run_id: str) -> str:
    """Move the levers as the main verdict's remedy says; a run that has ended goes on for a minute with them.

    Returns:
        What was done, in words.

    Raises:
        GanError: when there is no such run, or nothing that levers could mend.
    """
    verdict = verdicts(run_id)[0]
    if not verdict.levers:
        raise GanError(_nothing_to_mend(verdict))
    goes_on = not run_status.status(run_id).active
    if goes_on:
        runs.continue_run(run_id, MORE_SECONDS)
    run_levers.set_levers(run_id, verdict.levers)
    runs.advance()
    return f"Against {verdict.name}: {verdict.moves()}{', for one more minute' if goes_on else ''}."


def _nothing_to_mend(verdict: Verdict) -> str:
    if verdict.healthy:
        return "Nothing is wrong with this run that levers could mend."
    return f"All that levers can do against {verdict.name} is done; read what else helps."


def start_failing(
    verdict: str, data: str, pictures: Dataset | None = None, visitor: str = "", threads: int = 1
) -> tuple[str, str]:
    """Queue a small run of a minute that is made to fail so; returns its id and its title.

    Args:
        data: `fashion`, `cats`, or `own` for `pictures`, of which it learns at most as many as the failure
            wants.
        visitor: as `gan.runs.create`.

    Raises:
        GanError: on an unknown failure or data set, or when too many runs are waiting.
    """
    chosen = failure(verdict)
    if (data == "own") != (pictures is not None) or data not in ("fashion", "cats", "own"):
        raise GanError("Choose the pictures first: cats, Fashion-MNIST or your own.")
    if pictures is None:
        dataset = open_dataset(data, SIDE if data == "cats" else None, limit=chosen.pictures or None)
        config = fitted(chosen.config(), dataset)
    else:
        # The others stay, to compare with; and it must not stop at the copies that are to be shown.
        few = replace(chosen.config(), only_first=chosen.pictures, stop_at_copies=False)
        config = fitted(few, pictures)
    title = f"Broken on purpose: {chosen.title.lower()}"
    side, count = config.network.resolution, 0 if pictures is not None else chosen.pictures
    request = run_files.Request(data, side, title, "broken", config, threads, pictures=count)
    return runs.create(request, pictures, visitor), title


def turn(run_id: str, verdict: str) -> str:
    """Move the levers of a running training so that it fails this way; returns what was done, in words.

    Raises:
        GanError: when there is no such run, it has ended, or levers cannot bring this failure about.
    """
    chosen = failure(verdict)
    moved = turning(chosen)
    if not moved:
        raise GanError(
            f"{chosen.title} is built in before the start: stop your run, then break a new one this way."
        )
    run_levers.set_levers(run_id, moved)
    return f"Towards {verdict}: your run's levers were moved. {chosen.why}"


def turning(chosen: Failure) -> dict[str, float | str]:
    """The levers that bring a failure about in a sound run; nothing where its network does it.

    Where the failure comes from few pictures, the run goes on with the first few of its own.
    """
    if chosen.network.get("architecture"):
        return {}
    config = replace(chosen.config(), only_first=chosen.pictures)
    moved = {*chosen.settings} | ({"only_first", "augment"} if chosen.pictures else set())
    return {name: getattr(config, name) for name in LEVERS if name in moved}
