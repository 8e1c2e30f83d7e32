"""What a run loses when something breaks: its process, the app above it, or the disk below it."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from checkpoints import store
from gan import run_files, run_status, runs, uploads, worker
from gan.checkpoint import load_run
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import open_dataset
from gan.errors import GanError
from gan.full_disk import disk_is_full, told_when_full
from gan.own_pictures import as_dataset
from gan.run_files import Request
from gan.run_status import Status
from gan.training_film import frames_of

ROOT = Path(__file__).resolve().parents[2]
TINY = TrainConfig(network=NetworkConfig("mlp", 28, 1, z_dim=8, classes=10), seconds=600.0, batch=16)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    yield tmp_path
    for folder in run_files.runs_folder().glob("*"):
        (folder / "waiting").unlink(missing_ok=True)
        while run_files.is_alive(folder):
            for process in workers(folder):
                os.kill(process, signal.SIGKILL)
            time.sleep(0.02)


def workers(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(str(folder)) in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def request(config: TrainConfig = TINY) -> Request:
    return Request("fashion", 28, "Garments", "mlp", config)


def wait(run_id: str, until: Callable[[Status], bool]) -> Status:
    while not until(status := run_status.status(run_id)):
        time.sleep(0.05)
    return status


def saved_seconds(run_id: str) -> float:
    return float(store.read(run_files.run_folder(run_id) / "checkpoint").document("training.json")["seconds"])


def test_the_app_is_killed_and_its_runs_go_on_and_those_that_waited_are_taken_up(home: Path) -> None:
    """The app is here a process that does what a click on Start does, and is then killed with kill -9."""
    program = (
        "import sys, time\nfrom gan import runs\nfrom tests.gan.test_robust_runs import request\n"
        "for _ in range(2): print(runs.create(request()), flush=True)\n"
        "runs.advance(most=1)\ntime.sleep(600)\n"
    )
    app = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "ATELIER_HOME": str(home)},
    )  # fmt: skip
    assert app.stdout is not None
    first, second = (app.stdout.readline().strip() for _ in range(2))
    before = wait(first, lambda status: status.snapshot is not None).snapshot
    assert before is not None
    app.kill()
    app.wait()
    now = wait(first, lambda s: s.snapshot is not None and s.snapshot.step > before.step)
    assert now.state == "running"
    assert run_status.status(second).place == 1
    runs.request_stop(first)
    wait(first, lambda status: not status.active)
    assert run_status.status(second).state == "waiting"

    def taken_up(status: Status) -> bool:
        runs.advance(most=1)  # what the app does when it starts again, and for each page that waits
        return status.state == "running"

    wait(second, taken_up)
    runs.request_stop(second)


def test_a_killed_training_loses_less_than_thirty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a save takes: the next one is due within 25 seconds of the end of the last."""
    assert worker.MOST_TO_LOSE + 5 <= 30
    run_id = runs.create(request())
    runs.advance()
    wait(run_id, lambda status: status.checkpoint)
    time.sleep(1.0)
    (process,) = workers(run_files.run_folder(run_id))
    os.kill(process, signal.SIGKILL)
    status = wait(run_id, lambda status: not status.active)
    assert status.snapshot is not None
    assert status.snapshot.seconds - saved_seconds(run_id) < 30
    _, state = load_run(store.find(f"runs/{run_id}"))
    assert all(value.isfinite().all() for value in state.generator.state_dict().values())


def limited(size: int) -> Callable[[], None]:
    """For a child process: no file may grow beyond `size` bytes, as if the disk were full."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return limit


def test_a_full_disk_stops_the_run_says_so_and_keeps_its_last_checkpoint() -> None:
    run_id = runs.create(request())
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    assert worker.run_folder(folder, lambda: True) == 0
    trained = run_status.history(run_id)[-1].step
    before = (folder / "checkpoint" / "generator.safetensors").read_bytes()
    assert len(before) > 1_000_000
    runs.continue_run(run_id, 600.0)
    (folder / "waiting").unlink()
    ended = subprocess.run(
        [sys.executable, "-m", "gan.worker", str(folder)],
        cwd=ROOT, preexec_fn=limited(1_000_000), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    status = run_status.status(run_id)
    assert status.state == "stopped"
    assert "disk" in status.message
    assert (folder / "checkpoint" / "generator.safetensors").read_bytes() == before
    load_run(store.find(f"runs/{run_id}"))
    assert [path.name for path in folder.rglob("*") if path.name.startswith(".")] == []

    # There is room again.
    runs.continue_run(run_id, 0.2)
    (folder / "waiting").unlink()
    assert worker.run_folder(folder, lambda: False) == 0
    steps = [snapshot.step for snapshot in run_status.history(run_id)]
    assert steps == sorted(set(steps))
    assert steps[-1] > trained


def test_a_disk_that_is_full_everywhere_leaves_the_run_to_be_continued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = runs.create(request())
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    assert worker.run_folder(folder, lambda: True) == 0
    runs.continue_run(run_id, 600.0)
    (folder / "waiting").unlink()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        patched.setattr(worker.Run, "record", full)
        assert worker.run_folder(folder, lambda: False) == 1  # not even a status can be written
        assert run_status.status(run_id).checkpoint
    with open(folder / "metrics.jsonl", "a") as stream:
        stream.write('{"step": 9, "changes": [{"step": 1}')
    runs.continue_run(run_id, 0.2)
    (folder / "waiting").unlink()
    assert worker.run_folder(folder, lambda: False) == 0


def test_a_full_disk_is_told_to_whoever_starts_a_run_or_sends_pictures(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = as_dataset(open_dataset("cats", 32, limit=20).images, title="x")

    def full(*_: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(runs, "save_pictures", full)
    monkeypatch.setattr(uploads, "save_pictures", full)
    with pytest.raises(GanError, match="full"):
        runs.create(replace(request(), data="own"), pictures)
    with pytest.raises(GanError, match="full"):
        uploads.save_upload(pictures)
    assert [*home.glob("runs/*"), *home.glob("uploads/*")] == []


def test_other_errors_are_not_called_a_full_disk() -> None:
    assert not disk_is_full(OSError(errno.EACCES, "Permission denied"))
    assert not disk_is_full(ValueError("No space left"))
    with pytest.raises(PermissionError), told_when_full():
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_run_that_learns_by_heart_stops_and_keeps_what_was_before(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = as_dataset(open_dataset("cats", 32, limit=40).images, title="Cats")
    config = TrainConfig(network=NetworkConfig("mlp", 32, 3, z_dim=8), seconds=0, steps=10**6, batch=4)
    run_id = runs.create(Request("own", 32, "Cats", "mlp", config), pictures)
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    monkeypatch.setattr(worker, "FIRST_CHECKPOINT", 0.0)
    monkeypatch.setattr(worker, "CHECKPOINT_EVERY", 0.1)
    shares = iter([0.1, 0.1, 0.9, 0.2, 0.9, 0.9])
    seen: list[tuple[float, int]] = []
    monkeypatch.setattr("gan.memorising.share_of_copies", lambda *_: next(shares))
    look = worker.CopyWatch.look

    def noted(watch: Any, state: Any) -> None:
        look(watch, state)
        seen.append((watch.share, state.step))

    monkeypatch.setattr(worker.CopyWatch, "look", noted)
    assert worker.run_folder(folder, lambda: False) == 0
    status = run_status.status(run_id)
    assert status.state == "stopped"
    assert "by heart: 90 of 100" in status.message
    good = [step for share, step in seen if share < 0.5]
    kept = store.read(folder / "checkpoint").document("training.json")["step"]
    assert kept == good[-1]
    assert seen[-1][1] > kept
    assert all(frame.step <= kept for frame in frames_of(folder))
    assert torch.is_tensor(load_run(store.find(f"runs/{run_id}"))[1].random.get_state())
