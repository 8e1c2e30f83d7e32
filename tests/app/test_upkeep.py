from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import upkeep
from checkpoints import collected
from gan import runs


def test_old_files_go_and_fresh_ones_stay(tmp_path: Path) -> None:
    old, fresh = tmp_path / "a" / "old.png", tmp_path / "b" / "fresh.png"
    for path in (old, fresh):
        path.parent.mkdir()
        path.write_bytes(b"picture")
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    os.utime(old.parent, (yesterday, yesterday))
    assert upkeep.sweep(tmp_path, 3600) == 1
    assert not old.exists()
    assert fresh.exists()


def test_a_missing_folder_is_nothing_to_sweep(tmp_path: Path) -> None:
    assert upkeep.sweep(tmp_path / "never", 3600) == 0


def test_a_task_that_fails_keeps_no_other_from_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    old = tmp_path / "gradio" / "old.png"
    old.parent.mkdir()
    old.write_bytes(b"picture")
    os.utime(old, (1, 1))
    monkeypatch.setattr(runs, "advance", fails)
    monkeypatch.setattr(runs, "remove_old", fails)
    monkeypatch.setattr(collected, "remove_old", fails)
    upkeep.look_after()
    assert not old.exists()
    assert caplog.text.count("Upkeep goes on") == 3
