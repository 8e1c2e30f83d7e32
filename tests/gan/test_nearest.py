from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from explorer_helpers import fashion_in

from gan import nearest
from gan.datasets import Dataset, fashion, to_unit
from gan.errors import GanError
from gan.evaluate import Extractor
from gan.model import Model, load_reference
from gan.nearest import Archive, archive_of, nearest_others, nearest_training, sentence


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


def test_where_the_training_pictures_are_not_here_there_is_a_sentence(model: Model) -> None:
    with pytest.raises(GanError, match="not here"):
        archive_of(model)
    with pytest.raises(GanError, match="--data"):
        archive_of(replace(model, document={}))


@pytest.mark.parametrize(
    ("share", "beginning"), [(0.0, "A copy"), (0.05, "Very like"), (0.4, "Not a copy: 40 %"), (1.0, "Not a")]
)
def test_every_rank_has_its_sentence(share: float, beginning: str) -> None:
    for strange in (True, False):
        assert sentence(share, strange).startswith(beginning)
