"""Training of the instant mode's decoder, a few steps at the smallest size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from style import decoder
from style.errors import StyleError
from style.learn import Settings, Teacher, learn

PICTURES = Path(__file__).parents[2] / "data" / "pictures"
PHOTOS = [PICTURES / "photos" / "red_panda.jpg"]
PAINTINGS = [PICTURES / "styles" / "scream.jpg"]


def run(out: Path, steps: int, stop_after: int | None = None, warm_up: int = 3) -> list[dict[str, float]]:
    out.mkdir(exist_ok=True)
    settings = Settings(steps=steps, warm_up=warm_up, batch=2, crop=32, save_every=3)
    rows = []
    for row in learn(Teacher(PHOTOS, PAINTINGS, settings), out):
        rows.append(row)
        if row["step"] == stop_after:
            break
    return rows


def test_resumed_it_ends_as_without_interruption(tmp_path: Path) -> None:
    run(tmp_path / "whole", 6)
    run(tmp_path / "cut", 6, stop_after=5)
    run(tmp_path / "cut", 6)
    whole, cut = (load_file(tmp_path / name / "training.safetensors") for name in ("whole", "cut"))
    assert whole.keys() == cut.keys()
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_it_learns_to_rebuild(tmp_path: Path) -> None:
    rows = run(tmp_path / "run", 40, warm_up=40)
    first, last = (sum(row["pixels"] for row in part) for part in (rows[:8], rows[-8:]))
    assert last < 0.7 * first


def test_what_is_shipped_fits_and_what_does_not_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decoder.WEIGHTS.stat().st_size < 2_000_000
    network = decoder.load_decoder()
    assert network is decoder.load_decoder()
    assert not any(parameter.requires_grad for parameter in network.parameters())
    for content in (None, {"gain": torch.ones(7)}):
        path = tmp_path / "decoder.safetensors"
        if content:
            save_file(content, path)
        monkeypatch.setattr(decoder, "WEIGHTS", path)
        decoder.load_decoder.cache_clear()
        with pytest.raises(StyleError, match="checkpoints/instant"):
            decoder.load_decoder()
    decoder.load_decoder.cache_clear()
