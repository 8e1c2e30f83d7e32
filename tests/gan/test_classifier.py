"""The classifiers behind the ruler: they learn, they ship good ones, and they admit when they see nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from checkpoints import store
from gan import classifier
from gan.cats import cats, render_cats
from gan.classifier import SHIPPED, Classifier, Judge, accuracy, junk, learn, load_judge, main, shipped_judge
from gan.datasets import Attribute, Dataset, fashion
from gan.errors import GanError


@pytest.fixture
def no_full_fashion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    fashion.cache_clear()


def squares(count: int, seed: int) -> Dataset:
    """28 px pictures whose label is the quarter that is bright."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (count, 1), generator=random)
    images = torch.randint(0, 60, (count, 1, 28, 28), generator=random, dtype=torch.uint8)
    for image, label in zip(images, labels[:, 0].tolist(), strict=True):
        image[:, 14 * (label // 2) :][:, :14, 14 * (label % 2) :][:, :, :14] += 150
    quarters = Attribute("quarter", ("a", "b", "c", "d"))
    return Dataset("squares", "Squares", images, labels, (quarters,), "mit", "", "quarter")


def test_it_learns_what_it_is_shown_and_doubts_what_is_nothing() -> None:
    torch.manual_seed(0)
    network, last = Classifier(1, 28, [4]), None
    for last in learn(network, squares(600, 0), steps=60):
        assert last.steps == 60
    assert last is not None
    assert last.step == 60
    judge = Judge("squares", 28, squares(1, 0).attributes, network.eval())
    assert accuracy(judge, squares(200, 1))["quarter"] > 0.95
    seeded = torch.Generator().manual_seed(3)
    noise = torch.randint(0, 256, (100, 1, 28, 28), generator=seeded, dtype=torch.uint8)
    real, nothing = (
        judge.probabilities(judge.features(images))[0].amax(1).mean()
        for images in (squares(100, 2).images, noise)
    )
    assert real > nothing + 0.2


@pytest.mark.parametrize("resolution", [28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_features_and_answers_have_their_shapes(channels: int, resolution: int) -> None:
    network = Classifier(channels, resolution, [3, 5]).eval()
    pictures = torch.zeros(2, channels, resolution, resolution)
    assert network.features(pictures).shape == (2, 128)
    assert network.features(pictures).min() >= 0
    assert [tuple(answer.shape) for answer in network(pictures)] == [(2, 3), (2, 5)]


def test_junk_is_other_than_what_it_was_made_from_and_stays_in_range() -> None:
    pictures = torch.rand(12, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    nothing = junk(pictures, torch.Generator().manual_seed(1))
    assert nothing.shape == pictures.shape
    assert nothing.abs().max() <= 1
    assert ((nothing - pictures).abs().mean((1, 2, 3)) > 0.05).all()


def test_the_shipped_fashion_classifier_is_good_and_small(no_full_fashion: None) -> None:
    judge = shipped_judge("fashion")
    assert accuracy(judge, fashion(embedded=True))["garment"] >= 0.91
    assert (store.SHIPPED / SHIPPED["fashion"] / "encoder.safetensors").stat().st_size < 2_000_000


def test_the_shipped_cats_classifier_tells_every_attribute() -> None:
    scores = accuracy(shipped_judge("cats"), cats(64, 600, seed=4321))
    assert min(scores.values()) > 0.98, scores


@pytest.mark.parametrize("name", SHIPPED.values())
def test_a_shipped_classifier_says_where_it_comes_from(name: str) -> None:
    checkpoint = store.read(store.SHIPPED / name, name)
    assert checkpoint.config["training"]["command"].startswith("python -m gan.classifier --data")
    assert checkpoint.config["data"]["attribution"] in checkpoint.path("README.md").read_text()


def test_plain_coats_have_one_number() -> None:
    attributes = (Attribute("body", ("a", "b")), Attribute("fur", tuple("abcdefgh")))
    labels = torch.tensor([[1, 6], [0, 2], [1, 7]])
    assert classifier.merged(labels, attributes).tolist() == [[1, 2], [0, 2], [1, 7]]
    assert labels[0, 1] == 6


def test_a_mouth_behind_a_scarf_is_hidden_and_a_scarf_is_not() -> None:
    attributes = (Attribute("mouth", tuple("ab")), Attribute("accessories", tuple("abcdefgh")))
    values = torch.tensor([[1, 0], [0, 3], [1, 7]])
    assert classifier.hidden(values, attributes).tolist() == [[True, False], [False, False], [True, False]]
    assert not classifier.hidden(values, (*attributes[:1], Attribute("hat", ("a", "b")))).any()
    plain = cats(64, 1).labels.repeat(10, 1)
    plain[:, 3] = torch.arange(10)
    for accessory in range(16):
        plain[:, 4] = accessory
        pictures = render_cats(plain, 64).float()
        alike = (pictures - pictures[:1]).abs().mean((1, 2, 3)).amax() < 0.01
        assert bool(alike) == (accessory in classifier.HIDDEN_BY["mouth"][1])


def test_the_command_makes_a_checkpoint_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(classifier, "labelled_pictures", lambda data: (squares(100, 0), squares(50, 1)))
    assert main(["--data", "fashion", "--steps", "3", "--out", str(tmp_path / "judge")]) == 0
    assert "quarter" in capsys.readouterr().out
    judge = load_judge(store.read(tmp_path / "judge"))
    assert judge.attributes == squares(1, 0).attributes
    assert judge.features(squares(5, 2).images).shape == (5, 128)


def test_without_the_training_pictures_one_sentence_says_what_is_missing(
    no_full_fashion: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", "fashion", "--out", str(tmp_path / "judge")]) == 2
    assert "fashion-mnist" in capsys.readouterr().err
    assert not (tmp_path / "judge").exists()


def test_a_generator_is_no_classifier_and_a_damaged_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GanError, match="no classifier"):
        load_judge(store.find("cats"))
    with pytest.raises(GanError, match="No classifier"):
        shipped_judge("dogs")
    document = {"format": 1, "kind": "encoder", "architecture": classifier.ARCHITECTURE, "attributes": [3]}
    damaged = store.save(tmp_path / "x", document, {"encoder.safetensors": {"a": torch.zeros(1)}})
    with pytest.raises(GanError, match="damaged"):
        load_judge(damaged)
    fitting = {**document, "channels": 1, "resolution": 28, "attributes": [{"name": "a", "values": ["b"]}]}
    other = store.save(tmp_path / "y", fitting, {"encoder.safetensors": {"a": torch.zeros(1)}})
    with pytest.raises(GanError, match="lacks"):
        load_judge(other)
