from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from explorer_helpers import cats_in, fashion_in

from gan import nearest
from gan.cats import cats
from gan.datasets import Dataset, fashion, to_unit
from gan.errors import GanError
from gan.evaluate import Extractor, References
from gan.model import Model, load_reference
from gan.nearest import Archive, archive_of, nearest_others, nearest_training, sentence
from gan.own_pictures import save_pictures


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return load_reference(fashion_in(home))


def pixels(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(1).float() / 255


@pytest.fixture
def own() -> Dataset:
    return replace(fashion(embedded=True).first(120), name="own", condition=None)


def test_a_training_picture_is_called_a_copy_and_a_strange_one_is_not(own: Dataset) -> None:
    extractor = Extractor("pixels", pixels, None)
    features = pixels(own.images)
    archive = Archive(extractor, own.images, features, nearest_others(features).sort().values, False)
    copied = nearest_training(archive, to_unit(own.images[17:18]), 3)
    assert copied.share == 0
    assert copied.sentence.startswith("A copy")
    assert torch.equal(copied.pictures[0], to_unit(own.images[17]))
    assert copied.distances.tolist() == sorted(copied.distances.tolist())
    assert len(copied.pictures) == 3
    noise = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    strange = nearest_training(archive, noise)
    assert strange.share == 1
    assert strange.sentence.startswith("Not a copy")


def test_held_out_pictures_are_ranked_evenly_among_each_other(own: Dataset) -> None:
    others = fashion(embedded=True).last(400).images
    features = pixels(own.images)
    held_out = nearest.nearest_distances(pixels(others[:200]), features).sort().values
    archive = Archive(Extractor("pixels", pixels, None), own.images, features, held_out, True)
    ranks = torch.tensor([nearest_training(archive, to_unit(p[None])).share for p in others[200:]])
    assert float(ranks.mean()) == pytest.approx(0.5, abs=0.1)
    assert float((ranks < 0.1).float().mean()) < 0.2


def test_an_archive_of_own_pictures_is_calibrated_among_themselves(model: Model, own: Dataset) -> None:
    archive = archive_of(model, own)
    assert not archive.strange
    assert len(archive.held_out) == 120
    assert "training pictures to each other" in nearest_training(archive, to_unit(own.images[:1])).sentence
    with pytest.raises(GanError, match="too few"):
        archive_of(model, own.first(5))
    with pytest.raises(GanError, match="another size"):
        archive_of(model, replace(own, images=own.images[:, :, :16, :16]))


def test_an_archive_tells_how_far_it_is_and_is_made_once(
    model: Model, own: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = fashion(embedded=True).first(2600).images
    monkeypatch.setattr(nearest, "references_for", lambda *_: References(own, own, training, True))
    known = replace(model, document={**model.document, "data": {"name": "fashion", "pictures": 2600}})
    told = list(nearest.archive_steps(known))
    shares = [step.share for step in told]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] > 0.8
    assert list(nearest.archive_steps(known)) == []


def test_where_the_training_pictures_are_not_here_there_is_a_sentence(model: Model) -> None:
    with pytest.raises(GanError, match="not here"):
        archive_of(model)
    with pytest.raises(GanError, match="--data"):
        archive_of(replace(model, document={}))
    with pytest.raises(GanError, match="did not come with it"):
        archive_of(replace(model, document={"data": {"name": "own"}}, reference="pulled/a/b"))


def test_a_run_s_own_pictures_are_found_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    pictures = replace(cats(32, 40), name="own")
    reference = cats_in(tmp_path)
    save_pictures(tmp_path / reference, pictures)
    archive = archive_of(replace(load_reference(reference), document={"data": {"name": "own"}}))
    one = pictures.images[5:6]
    assert torch.equal(archive.nearest(archive.extractor.features(one), 1)[0], one)


@pytest.mark.parametrize(
    ("share", "beginning"), [(0.0, "A copy"), (0.05, "Very like"), (0.4, "Not a copy: 40 %"), (1.0, "Not a")]
)
def test_every_rank_has_its_sentence(share: float, beginning: str) -> None:
    for strange in (True, False):
        assert sentence(share, strange).startswith(beginning)
