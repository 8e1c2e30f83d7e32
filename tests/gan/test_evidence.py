"""What a verdict can be seen by: shares of kinds, and copies beside their originals."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch

from gan import run_files, runs, tab_diagnosis
from gan.cats import cat_labels, render_cats
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import FASHION_CLASSES, fashion
from gan.diagnosis_view import evidence_html
from gan.evidence import COLUMNS, copies_beside, kinds_of
from gan.own_pictures import as_dataset, in_grey
from gan.pictures import grid_image
from gan.run_files import Request
from gan.signals import Signals
from gan.training import Snapshot

GARMENTS = tuple((8, 24) if kind < 9 else (0, 24) for kind in range(10))
SIGNALS = Signals(
    20, 0.9, 0.9, 0.1, 0.1, 0.6, 0.9, 0.6, 0.0, 9, 10, 0.95, (GARMENTS,), ((1, 5), (9, 0))
)  # fmt: skip
SNAPSHOT = Snapshot(100, 6400, 30.0, 0.7, 0.7, 0.5, 0.5, 1.0, 1.0, 200.0, 0.5, 30.0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    return tmp_path


def run_of(data: str, side: int, channels: int, pictures: Any = None) -> tuple[str, Path, Request]:
    request = Request(data, side, "x", "mine", TrainConfig(network=NetworkConfig("mlp", side, channels)))
    run_id = runs.create(request, pictures)
    return run_id, run_files.run_folder(run_id), request


def preview(folder: Path, side: int) -> torch.Tensor:
    """A preview of 32 flat tiles, each of a grey of its own."""
    greys = (torch.arange(32).float() / 16 - 1)[:, None, None, None].expand(32, 3, side, side)
    grid_image(greys, COLUMNS).save(folder / "preview.png")
    return greys


def test_shares_of_kinds_have_their_names() -> None:
    (garment,) = kinds_of("fashion", (GARMENTS,))
    assert garment.attribute.values == FASHION_CLASSES
    assert garment.made == pytest.approx([1 / 9] * 9 + [0])
    assert garment.real == pytest.approx([0.1] * 10)
    cat = tuple(tuple((1, 1) for _ in range(count)) for count in (15, 10, 15, 10, 16, 6))
    assert [kinds.attribute.name for kinds in kinds_of("cats", cat)][-1] == "background"
    assert kinds_of("own", None) == kinds_of("fashion", None) == []


@pytest.mark.parametrize("data", ["own", "grey", "cats", "fashion"])
def test_copies_stand_above_the_pictures_that_they_are_nearest_to(data: str) -> None:
    cats = render_cats(cat_labels(6), 32)
    own = as_dataset(cats, title="x")
    side, pictures, training = {
        "own": (32, own, cats),
        "grey": (32, in_grey(own), in_grey(own).images.expand(-1, 3, -1, -1)),
        "cats": (32, None, cats),
        "fashion": (28, None, fashion().images.expand(-1, 3, -1, -1)),
    }[data]
    channels = 1 if data in ("grey", "fashion") else 3
    _, folder, request = run_of("own" if pictures else data, side, channels, pictures)
    assert copies_beside(folder, request, SIGNALS.nearest) is None  # nothing was drawn yet
    greys = preview(folder, side)
    sheet = copies_beside(folder, request, SIGNALS.nearest)
    assert sheet is not None
    assert sheet.size == (2 * side, 2 * side)
    shown = np.asarray(sheet).astype(int)
    for column, (row, picture) in enumerate(((1, 5), (9, 0))):
        tile = shown[:, column * side : (column + 1) * side]
        level = float((greys[row, 0, 0, 0] + 1) * 127.5)
        assert np.abs(tile[:side] - level).max() <= 1
        assert np.array_equal(tile[side:], training[picture].permute(1, 2, 0).numpy())
    assert copies_beside(folder, request, None) is None
    if data == "own":
        assert copies_beside(folder, request, ((0, 99),)) is None  # no such picture


def test_the_histogram_says_in_words_what_it_shows() -> None:
    html = evidence_html(SIGNALS, kinds_of("fashion", SIGNALS.kinds), None)
    assert "9 of 10 kinds, 95% as evenly as among real ones" in html
    assert html.count("<li>") == 10
    assert 'aria-label="0%"' in html
    assert "<img" not in html
    cat = tuple(tuple((2 if value else 0, 1) for value in range(count)) for count in (15, 10, 15, 10, 16, 6))
    html = evidence_html(replace(SIGNALS, kinds=cat), kinds_of("cats", cat), None)
    assert html.count("<li>") == 6
    assert evidence_html(None, [], None) == ""


def test_the_page_gets_evidence_once_a_look_and_copies_only_where_they_are_the_matter() -> None:
    run_id, folder, _ = run_of("own", 32, 3, as_dataset(render_cats(cat_labels(20), 32), title="x"))
    preview(folder, 32)
    (folder / "waiting").unlink()
    signals = replace(SIGNALS, made=None, of=None, variety=None, kinds=None)

    def looked(steps: int, copies: float) -> list[Any]:
        lines = [
            asdict(
                replace(
                    SNAPSHOT, step=n, images_seen=64 * n, seconds=n, signals=replace(signals, copies=copies)
                )
            )
            for n in range(1, steps)
        ]
        (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
        return tab_diagnosis.look(run_id, known)

    known = ""
    run_files.write_status(folder, "running", "", SNAPSHOT)
    verdict, _, evidence, known = looked(30, 0.9)
    assert "Memorising" in verdict["value"]
    assert 'src="data:image/jpeg;base64,' in evidence["value"]
    assert len(evidence["value"]) < 40_000
    assert evidence["visible"]
    assert looked(30, 0.9)[2] == gr.skip()
    assert looked(31, 0.9)[2] != gr.skip()
    for stranger in ("", "0" * 32, None):
        assert tab_diagnosis.look(stranger, known)[2] == gr.update(value="", visible=False)  # type: ignore[arg-type]
