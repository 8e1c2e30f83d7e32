from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gan import run_files, run_status, runs, uploads, worker
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import open_dataset
from gan.errors import GanError
from gan.model import load_reference
from gan.own_pictures import load_pictures, own_pictures
from gan.run_files import Request
from gan.run_status import Status

TINY = TrainConfig(network=NetworkConfig("mlp", 28, 1, z_dim=8, classes=10), seconds=0, steps=2, batch=16)
ENDLESS = replace(TINY, steps=10**9)
PHOTOS = Path(__file__).resolve().parents[2] / "data" / "pictures"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    yield tmp_path
    for folder in run_files.runs_folder().glob("*"):
        (folder / "waiting").unlink(missing_ok=True)
        for process in workers(folder):
            os.kill(process, signal.SIGKILL)
        while run_files.is_alive(folder):
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


def request(config: TrainConfig = TINY, title: str = "Garments") -> Request:
    return Request("fashion", 28, title, "mlp", config)


def wait(run_id: str, until: Callable[[Status], bool]) -> Status:
    while not until(status := run_status.status(run_id)):
        assert status.state != "failed", f"{status.message}\n{log(run_id)}"
        time.sleep(0.05)
    return status


def log(run_id: str) -> str:
    return (run_files.run_folder(run_id) / "worker.log").read_text()


def ended(status: Status) -> bool:
    return not status.active


def learning(status: Status) -> bool:
    return status.checkpoint and status.state == "running"


def test_a_run_waits_trains_and_can_be_explored_and_kept(home: Path) -> None:
    run_id = runs.create(request())
    assert run_status.status(run_id).state == "waiting"
    assert run_status.status(run_id).place == 1
    runs.advance()
    status = wait(run_id, ended)
    assert status.state == "finished"
    assert status.snapshot is not None
    assert status.snapshot.step == 2
    folder = run_files.run_folder(run_id)
    for name in ("preview.png", "real.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert [s.step for s in run_status.history(run_id)][-1] == 2
    assert not status.kept

    kept = runs.keep(run_id, "  My\nfirst   <garments> ")
    assert kept.kept
    model = load_reference(kept.reference)
    assert model.title == "My first <garments>"
    assert model.sample([0]).shape == (1, 28, 28, 1)


def test_a_run_that_is_kept_while_it_is_saved_has_the_new_title(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = runs.create(request())
    folder = run_files.run_folder(run_id)
    assert worker.run_folder(folder, lambda: False) == 0
    run, save_run = worker.open_run(folder), worker.save_run

    def kept_meanwhile(*arguments: Any) -> None:
        """The old title was read, and the visitor keeps the run before the checkpoint is there."""
        runs.keep(run_id, "My garments")
        save_run(*arguments)

    monkeypatch.setattr(worker, "save_run", kept_meanwhile)
    run.save()
    assert load_reference(f"runs/{run_id}").title == "My garments"


def test_a_run_begins_with_a_checkpoint(home: Path) -> None:
    first = runs.create(request())
    runs.advance()
    wait(first, ended)
    reference = run_status.status(first).reference
    asked = replace(request(), start_from=reference, config=replace(TINY, steps=1, generator_lr=1e-6))
    second = runs.create(asked)
    runs.advance()
    assert wait(second, ended).state == "finished", log(second)
    one, two = (
        load_reference(run_status.status(r).reference).generator.state_dict() for r in (first, second)
    )
    assert all((one[name] - two[name]).abs().max() < 0.1 for name in one if "body.0.0.weight" in name)
    missing = runs.create(replace(asked, start_from="runs/" + "0" * 32))
    runs.advance()
    assert wait(missing, ended).state == "failed"


def test_only_so_many_run_at_once_and_each_knows_its_place() -> None:
    first, second, third = (runs.create(request(ENDLESS)) for _ in range(3))
    assert [run_status.status(r).place for r in (first, second, third)] == [1, 2, 3]
    runs.advance(most=1)
    runs.advance(most=1)
    assert [run_status.status(r).place for r in (first, second, third)] == [0, 1, 2]
    runs.request_stop(second)
    assert run_status.status(second).state == "stopped"
    assert run_status.status(third).place == 1
    runs.request_stop(third)


def test_the_next_run_begins_when_one_ends() -> None:
    first, second = runs.create(request()), runs.create(request())
    runs.advance(most=1)
    assert run_status.status(second).state == "waiting"
    assert wait(first, ended).state == "finished"
    # Nobody calls advance here: the worker's end does.
    assert wait(second, ended).state == "finished"


def test_stop_keeps_and_continue_goes_on_from_there() -> None:
    run_id = runs.create(request(replace(ENDLESS, seconds=600.0)))
    runs.advance()
    wait(run_id, lambda s: s.snapshot is not None)
    with pytest.raises(GanError, match="not ended"):
        runs.continue_run(run_id, 60)
    runs.request_stop(run_id)
    stopped = wait(run_id, ended)
    assert (stopped.state, stopped.checkpoint) == ("stopped", True)
    assert stopped.snapshot is not None
    steps = stopped.snapshot.step

    runs.continue_run(run_id, 0.5)
    runs.advance()
    finished = wait(run_id, ended)
    assert finished.state == "finished"
    assert finished.snapshot is not None
    assert finished.snapshot.step > steps
    trained = json.loads((run_files.run_folder(run_id) / "checkpoint" / "training.json").read_text())
    assert trained["step"] == finished.snapshot.step
    history = [s.step for s in run_status.history(run_id)]
    assert history == sorted(set(history))


def test_a_killed_run_is_noticed_and_goes_on_from_its_last_checkpoint() -> None:
    run_id = runs.create(request(replace(ENDLESS, seconds=600.0)))
    runs.advance()
    wait(run_id, learning)
    folder = run_files.run_folder(run_id)
    (worker,) = workers(folder)
    os.kill(worker, signal.SIGKILL)
    status = wait(run_id, ended)
    assert status.state == "stopped"
    assert "interrupted" in status.message
    step = json.loads((folder / "checkpoint" / "training.json").read_text())["step"]

    runs.continue_run(run_id, 0.2)
    runs.advance()
    assert wait(run_id, ended).state == "finished"
    assert json.loads((folder / "checkpoint" / "training.json").read_text())["step"] > step


def test_a_terminated_run_keeps_what_it_has() -> None:
    run_id = runs.create(request(replace(ENDLESS, seconds=600.0)))
    runs.advance()
    wait(run_id, lambda s: s.snapshot is not None)
    (worker,) = workers(run_files.run_folder(run_id))
    os.kill(worker, signal.SIGTERM)
    status = wait(run_id, ended)
    assert (status.state, status.checkpoint) == ("stopped", True)


def test_a_run_that_fails_says_why_and_keeps_nothing_half_done() -> None:
    run_id = runs.create(replace(request(title="Dogs"), data="dogs"))
    runs.advance()
    while run_status.status(run_id).active:
        time.sleep(0.05)
    status = run_status.status(run_id)
    assert status.state == "failed"
    assert "no data set 'dogs'" in status.message
    assert not status.checkpoint
    with pytest.raises(GanError, match="nothing to keep"):
        runs.keep(run_id, "Dogs")


def test_own_pictures_travel_with_the_run() -> None:
    files = [*(PHOTOS / "photos").glob("*.jpg"), *(PHOTOS / "styles").glob("*.jpg")]
    pictures = own_pictures(files + files, 32, mirror=True)
    config = replace(TINY, network=NetworkConfig("mlp", 32, 3, z_dim=8))
    run_id = runs.create(Request("own", 32, "Paintings", "mlp", config), pictures)
    stored = load_pictures(run_files.run_folder(run_id))
    assert torch.equal(stored.images, pictures.images)
    assert stored.mirror
    runs.advance()
    assert wait(run_id, ended).state == "finished"
    assert load_reference(f"runs/{run_id}").sample([1]).shape == (1, 32, 32, 3)


def test_uploads_are_found_by_their_id_alone() -> None:
    pictures = open_dataset("cats", 32, limit=20)
    upload_id = uploads.save_upload(pictures)
    assert torch.equal(uploads.open_upload(upload_id).images, pictures.images)
    for wrong in ("", "../" + upload_id, upload_id[:-1], upload_id + "\n", None, "0" * 32):
        with pytest.raises(GanError):
            uploads.open_upload(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "run_id", ["", "..", "../x", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32, "0" * 32 + "\n", None, 7]
)
@pytest.mark.parametrize(
    "ask", [run_status.status, run_status.history, runs.request_stop, run_files.run_folder]
)
def test_ids_that_are_none_are_refused(ask: Callable[[object], object], run_id: object) -> None:
    with pytest.raises(GanError, match="no longer here"):
        ask(run_id)


def test_too_many_waiting_runs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_WAITING", 2)
    for _ in range(2):
        runs.create(request())
    with pytest.raises(GanError, match="Too many runs"):
        runs.create(request())


def test_a_damaged_folder_gives_a_sentence_and_no_crash() -> None:
    run_id = runs.create(request())
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    (folder / "status.json").write_text('{"state": "running", "snapshot": {"step"')
    (folder / "metrics.jsonl").write_text('{"step": 1}\nnonsense\n{"ste')
    assert run_status.status(run_id).state == "failed"
    assert run_status.history(run_id) == []
    (folder / "request.json").write_text("[]")
    with pytest.raises(GanError, match="damaged"):
        run_files.read_request(folder)


def test_old_runs_that_nobody_kept_are_removed() -> None:
    old, kept, waiting, young = (runs.create(request()) for _ in range(4))
    for run_id in (old, kept, young):
        (run_files.run_folder(run_id) / "waiting").unlink()
    (run_files.run_folder(kept) / "kept").touch()
    upload = uploads.save_upload(open_dataset("cats", 32, limit=20))
    long_ago = time.time() - 100 * 3600
    for folder in [
        *(run_files.run_folder(r) for r in (old, kept, waiting)),
        uploads.uploads_folder() / upload,
    ]:
        for file in [*folder.iterdir(), folder]:
            os.utime(file, (long_ago, long_ago))
    assert runs.remove_old(hours=24) == 2
    assert not (run_files.runs_folder() / old).exists()
    assert all(run_files.run_folder(run_id).is_dir() for run_id in (kept, waiting, young))


def kept_run(age_days: float, size: int) -> str:
    """A kept run of `size` bytes and some, changed so many days ago."""
    run_id = runs.create(request())
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    (folder / "kept").touch()
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "generator.safetensors").write_bytes(b"x" * size)
    then = time.time() - age_days * 86400
    for file in [*folder.iterdir(), folder]:
        os.utime(file, (then, then))
    return run_id


def is_here(run_id: str) -> bool:
    return (run_files.runs_folder() / run_id).is_dir()


def test_kept_runs_go_when_nobody_touched_them_for_long() -> None:
    ancient, recent = kept_run(400, 10), kept_run(300, 10)
    assert runs.remove_old() == 1
    assert not is_here(ancient)
    assert is_here(recent)


def test_the_oldest_kept_runs_go_when_all_hold_too_much() -> None:
    oldest, older, newest = kept_run(30, 60_000), kept_run(20, 60_000), kept_run(10, 60_000)
    assert runs.remove_old(most_bytes=150_000) == 1
    assert [is_here(run_id) for run_id in (oldest, older, newest)] == [False, True, True]
    (run_files.run_folder(older) / "waiting").write_text("1")
    assert runs.remove_old(most_bytes=0) == 1, "what waits for its turn stays"
    assert [is_here(run_id) for run_id in (older, newest)] == [True, False]


def test_a_continued_run_counts_for_whoever_began_it() -> None:
    ended = [runs.create(request(), visitor="one") for _ in range(2)]
    for run_id in ended:
        (run_files.run_folder(run_id) / "waiting").unlink()
        run_files.write_status(run_files.run_folder(run_id), "stopped", "")
    for _ in range(runs.MOST_WAITING_OF_ONE - 1):
        runs.create(request(), visitor="one")
    runs.continue_run(ended[0], 60)
    with pytest.raises(GanError, match="from your address"):
        runs.continue_run(ended[1], 60)


@pytest.mark.parametrize(
    ("text", "title"), [("  a \t b\n", "a b"), ("", "default"), ("\x00\x1b", "default"), ("x" * 99, "x" * 60)]
)
def test_titles_are_one_short_line(text: str, title: str) -> None:
    assert run_files.clean_title(text, "default") == title


def test_a_slow_save_is_seldom_but_never_so_seldom_that_much_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0, 100.0, 100.5])
    monkeypatch.setattr(worker.time, "monotonic", lambda: next(clock))
    pace = worker.Pace(every=15.0, share=0.05, longest=25.0)
    pace.run(lambda: None)  # took 4 s: 5 % of the time would be every 80 s
    assert pace.due == 29.0
    pace.run(lambda: None)  # took half a second
    assert pace.due == 115.5
