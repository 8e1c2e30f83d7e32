"""The shipped sketches of the training garments: they find one, and show it roughly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan import fashion_sketches
from gan.datasets import fashion, to_unit
from gan.explorer import ExplorerState, render
from gan.fashion_sketches import FashionSketches, Sketches
from gan.model import load
from gan.nearest import archive_of, nearest_training

LARGEST = 3_000_000


@pytest.fixture(scope="module")
def sketches() -> FashionSketches:
    found = archive_of(load("fashion"))
    assert isinstance(found, FashionSketches)
    return found


def test_the_file_is_small() -> None:
    assert fashion_sketches._path().stat().st_size < LARGEST


def test_held_out_garments_rank_evenly_and_what_is_shown_looks_like_them(sketches: FashionSketches) -> None:
    others = fashion(embedded=True).images[5000:5100]
    found = [nearest_training(sketches, to_unit(picture[None]), 3) for picture in others]
    shares = torch.tensor([each.share for each in found])
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.1)
    assert float((shares < 0.1).float().mean()) < 0.2
    assert all(each.sketched for each in found)
    pictures = torch.stack([each.pictures[0] for each in found])
    own = float((pictures - to_unit(others)).abs().mean())
    mixed = float((pictures - to_unit(others).roll(1, 0)).abs().mean())
    assert own < 0.6 * mixed
    assert all(each.distances.tolist() == sorted(each.distances.tolist()) for each in found)


def test_a_training_picture_is_called_a_copy(sketches: FashionSketches) -> None:
    # Its features are as near to its own sketch as these are coarse.
    point = sketches.features.drawn(torch.tensor([4321]))
    _, distances = sketches.nearest(point, 2)
    assert float(distances[0]) < 0.01
    assert float((sketches.held_out < distances[0]).float().mean()) < 0.01


def test_the_generator_is_no_copyist(sketches: FashionSketches) -> None:
    model = load("fashion")
    found = [
        nearest_training(sketches, render(model, ExplorerState("fashion", seed, 0.7))) for seed in range(20)
    ]
    assert sum(each.share < 0.01 for each in found) < 4


def test_where_the_pictures_are_they_are_shown_themselves(sketches: FashionSketches) -> None:
    held = fashion(embedded=True).images[:400]
    features = sketches.extractor.features(held)
    small = Sketches.of(features, 32, 0.5)
    archive = replace(sketches, features=small, training=held)
    found = nearest_training(archive, to_unit(held[7:8]), 2)
    assert torch.equal(found.pictures[0], to_unit(held[7]))
    assert float(found.distances[0]) == pytest.approx(0, abs=1e-3)
    assert not found.sketched


def test_packed_sketches_are_unpacked_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(50, 12, generator=torch.Generator().manual_seed(1)) * torch.arange(1, 13)
    made = Sketches.of(rows, 6, 0.1)
    monkeypatch.setattr(fashion_sketches, "PICTURES", 50)
    again = Sketches.unpacked("x", made.packed("x"))
    assert torch.equal(again.codes, made.codes)
    all_of_them = Sketches.of(rows, 12, 0.1)
    drawn = all_of_them.drawn(torch.arange(50))
    assert float((drawn - rows).abs().max()) < 3 * float(all_of_them.step)


def test_sketches_of_another_classifier_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / fashion_sketches.FILE).write_bytes(fashion_sketches._path().read_bytes())
    (tmp_path / fashion_sketches.ENCODER).write_bytes(b"other weights")
    monkeypatch.setattr(fashion_sketches, "_path", lambda: tmp_path / fashion_sketches.FILE)
    fashion_sketches.fashion_sketches.cache_clear()
    assert fashion_sketches.fashion_sketches() is None
    fashion_sketches.fashion_sketches.cache_clear()
