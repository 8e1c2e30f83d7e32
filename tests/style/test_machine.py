"""What the probe decides from the times that it measures, and that it never tries for long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from gan.runs import most_at_once
from style import cores, machine


@pytest.fixture(autouse=True)
def forget() -> None:
    machine.fastest_type.cache_clear()


def pretend(monkeypatch: pytest.MonkeyPatch, small: float, typical: float) -> list[tuple[int, int]]:
    """A machine on which bfloat16 takes so many times as long as float32; returns the layers tried."""
    tried: list[tuple[int, int]] = []

    def times(dtype: torch.dtype, repeats: int, layer: tuple[int, int]) -> list[float]:
        tried.append(layer)
        slower = small if layer[0] == 32 else typical
        return [slower if dtype == torch.bfloat16 else 1.0] * repeats

    monkeypatch.setattr(machine, "_time_convolutions", times)
    return tried


@pytest.mark.parametrize(
    ("small", "typical", "chosen"),
    [(1.5, 0.5, torch.bfloat16), (1.0, 0.95, torch.float32), (0.5, 1.5, torch.float32)],
)
def test_the_type_that_is_clearly_faster_is_taken(
    monkeypatch: pytest.MonkeyPatch, small: float, typical: float, chosen: torch.dtype
) -> None:
    pretend(monkeypatch, small, typical)
    assert machine.fastest_type() == chosen


def test_a_machine_that_only_imitates_bfloat16_is_found_out_on_a_small_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = pretend(monkeypatch, small=90, typical=90)
    assert machine.fastest_type() == torch.float32
    assert {channels for channels, _ in tried} == {32}


def test_this_machine_has_a_fastest_type_and_number_of_threads() -> None:
    before = torch.get_num_threads()
    try:
        assert machine.fastest_type() in (torch.float32, torch.bfloat16)
        assert machine.use_fastest_threads() == torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("said", "quota", "usable"),
    [
        (None, None, 8),
        (None, "max 100000", 8),
        (None, "250000 100000", 2),
        (None, "50000 100000", 1),
        ("4", None, 4),
        ("4", "300000 100000", 3),
        ("2.5", "600000 100000", 2),
        ("64", "max 100000", 8),
        ("many", "nonsense", 8),
        ("0", "0 100000", 1),
    ],
)
def test_cores_are_those_that_the_container_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, quota: str | None, usable: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "CPU_MAX", tmp_path / "cpu.max")
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    monkeypatch.delenv("CPU_CORES", raising=False)
    if said is not None:
        monkeypatch.setenv("CPU_CORES", said)
    assert cores.usable_cores() == usable
    assert most_at_once() == max(1, usable // 2)


def test_the_quota_decides_how_many_threads_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    monkeypatch.setattr(machine, "usable_cores", lambda: 3)
    monkeypatch.setattr(torch, "set_num_threads", tried.append)
    machine.use_fastest_threads(repeats=1)
    assert set(tried) == {1, 3}
