"""What the probe decides from the times that it measures, and that it never tries for long."""

from __future__ import annotations

import pytest
import torch

from style import machine


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
