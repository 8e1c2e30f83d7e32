"""The shipped sketches of the training cats: what they choose is what a comparison with every cat would."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gan import cat_sketches
from gan.cat_sketches import CatSketches
from gan.cats import cats
from gan.datasets import to_unit
from gan.explorer import ExplorerState, render
from gan.metrics import nearest_distances
from gan.model import load
from gan.nearest import archive_of, nearest_training


@pytest.fixture(scope="module")
def sketches() -> CatSketches:
    found = archive_of(load("cats"))
    assert isinstance(found, CatSketches)
    return found


def test_a_training_cat_is_found_and_called_a_copy(sketches: CatSketches) -> None:
    seven = cats(64, 8).images[7:8]
    found = nearest_training(sketches, to_unit(seven))
    assert found.sentence.startswith("A copy")
    assert torch.equal(found.pictures[0], to_unit(seven)[0])
    assert found.distances.tolist() == sorted(found.distances.tolist())


def test_the_nearest_of_a_part_of_the_cats_is_the_one_that_all_distances_tell(sketches: CatSketches) -> None:
    few = 1500
    part = CatSketches(
        sketches.extractor,
        sketches.held_out,
        sketches.codes[:few],
        *(getattr(sketches, name) for name in ("scale", "low", "basis", "mean")),
    )
    features = sketches.extractor.features(cats(64, few).images)
    model = load("cats")
    for seed in range(5):
        picture = render(model, ExplorerState("cats", seed=seed))
        own = sketches.extractor.features(((picture + 1) * 127.5).round().to(torch.uint8))
        nearest = nearest_distances(own, features)
        _, distances = part.nearest(own, 3)
        assert float(distances[0]) == pytest.approx(float(nearest[0]), rel=1e-3)


def test_sketches_of_another_classifier_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / cat_sketches.FILE).write_bytes(cat_sketches._path().read_bytes())
    (tmp_path / cat_sketches.ENCODER).write_bytes(b"other weights")
    monkeypatch.setattr(cat_sketches, "_path", lambda: tmp_path / cat_sketches.FILE)
    cat_sketches.cat_sketches.cache_clear()
    assert cat_sketches.cat_sketches() is None
    cat_sketches.cat_sketches.cache_clear()
