from __future__ import annotations

import os
import time
from pathlib import Path

import upkeep


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
