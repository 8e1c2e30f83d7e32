"""The ruler on pictures whose worth is known: real ones, noise, one picture, half of the classes."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan.__main__ import main
from gan.cats import cats
from gan.classifier import shipped_judge
from gan.datasets import fashion
from gan.errors import GanError
from gan.evaluate import Report, attributes_made, evaluate, measure, pooled_features, unclear
from gan.model import load

COUNT = 600


def result(steps: Generator[Any, None, Report]) -> tuple[list[float], Report]:
    progress = []
    while True:
        try:
            progress.append(next(steps).share)
        except StopIteration as end:
            return progress, end.value


@pytest.fixture(scope="module")
def garments() -> tuple[Tensor, Tensor]:
    """Held-out pictures, twice."""
    images = fashion(embedded=True).images
    return images[:COUNT], images[COUNT : 2 * COUNT]


def spoiled(kind: str, others: Tensor) -> Tensor:
    if kind == "noise":
        seeded = torch.Generator().manual_seed(0)
        return torch.randint(0, 256, others.shape, generator=seeded, dtype=torch.uint8)
    if kind == "one picture":
        return others[:1].expand(len(others), -1, -1, -1).contiguous()
    labels = fashion(embedded=True).labels[COUNT : 2 * COUNT, 0]
    few = others[labels < 5]
    return torch.cat([few] * 3)[: len(others)]


@pytest.mark.parametrize("kind", ["noise", "one picture", "half of the classes"])
def test_spoiled_pictures_are_far_from_the_floor(kind: str, garments: tuple[Tensor, Tensor]) -> None:
    judge = shipped_judge("fashion")
    real, other, fake = (judge.features(x) for x in (*garments, spoiled(kind, garments[1])))
    floor, scores = measure(real, other), measure(real, fake)
    assert scores.frechet_distance > 5 * floor.frechet_distance
    assert scores.kernel_distance > 5 * abs(floor.kernel_distance)
    assert scores.coverage < 0.7 * floor.coverage
    if kind != "half of the classes":
        assert scores.coverage < 0.05
    made = attributes_made(judge, fake, None)["garment"]
    assert made.made < 8
    assert attributes_made(judge, other, None)["garment"].made == 10


def test_real_pictures_are_clear_and_noise_is_not(garments: tuple[Tensor, Tensor]) -> None:
    judge = shipped_judge("fashion")
    assert unclear(judge, judge.features(garments[0])) < 0.15
    assert unclear(judge, judge.features(spoiled("noise", garments[0]))) > 0.9


def test_real_cats_are_clear_though_scarves_hide_their_mouths() -> None:
    judge, real = shipped_judge("cats"), cats(64, COUNT, seed=4321)
    features = judge.features(real.images)
    assert unclear(judge, features) < 0.02
    mouth = attributes_made(judge, features, real.labels)["mouth"]
    assert mouth.asked is not None
    assert mouth.asked > 0.98


@pytest.mark.parametrize("channels", [1, 3])
def test_pooled_features_of_any_colours_and_size(channels: int) -> None:
    images = torch.randint(0, 256, (3, channels, 28, 28), dtype=torch.uint8)
    found = pooled_features(images)
    assert found.shape == (3, 384)
    assert torch.isfinite(found).all()
    assert found.std(0).max() > 0


@pytest.mark.parametrize(("name", "attributes"), [("fashion", 1), ("cats", 6)])
def test_a_shipped_generator_gets_its_table(name: str, attributes: int) -> None:
    progress, report = result(evaluate(load(name), 200))
    assert progress == sorted(progress)
    assert report.pictures == 200
    assert len(report.attributes) == attributes
    # Of 200 pictures a good generator is as far away as real ones are, and never much nearer.
    assert report.scores.frechet_distance > 0.5 * report.floor.frechet_distance
    assert report.unclear is not None
    assert report.floor_unclear is not None
    assert 0 <= report.floor_unclear < 0.3
    document = report.to_json()
    assert json.loads(json.dumps(document)) == document


def test_a_class_that_is_asked_for_is_looked_for() -> None:
    model = load("fashion")
    judge = shipped_judge("fashion")
    images = torch.from_numpy(model.sample(range(200))).permute(0, 3, 1, 2).contiguous()
    made = attributes_made(judge, judge.features(images), (torch.arange(200) % 10)[:, None])["garment"]
    assert made.asked is not None
    assert made.asked > 0.7
    turned = attributes_made(judge, judge.features(images), ((torch.arange(200) + 5) % 10)[:, None])[
        "garment"
    ]
    assert turned.asked is not None
    assert turned.asked < 0.2


def test_copies_of_the_training_pictures_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("cats")
    memorised = cats(64, 16_000).images[:200].permute(0, 2, 3, 1).numpy()
    monkeypatch.setattr(type(model), "sample", lambda self, seeds: memorised)
    _, report = result(evaluate(model, 200))
    assert report.copies == 1.0


def test_own_pictures_are_measured_with_the_shared_encoder() -> None:
    model, own = load("cats"), fashion(embedded=True)
    images = interpolate(own.images[:400].repeat(1, 3, 1, 1), size=64)
    colour = replace(own, images=images, labels=own.labels[:400])
    _, report = result(evaluate(model, 150, colour))
    assert report.features.startswith("VGG-16")
    assert (report.attributes, report.unclear, report.copies) == ({}, None, None)
    assert not report.held_out


@pytest.mark.parametrize("count", [3, 10**6])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(GanError, match="Measure with"):
        next(evaluate(load("fashion"), count))


def test_unknown_data_asks_for_the_pictures() -> None:
    model = load("cats")
    document = {**model.document, "data": {"name": "own"}}
    with pytest.raises(GanError, match="--data"):
        result(evaluate(replace(model, document=document), 200))


@pytest.mark.parametrize("data", [{"name": "fashion"}, {"name": "fashion", "pictures": "many"}, ["cats"], 7])
def test_what_a_checkpoint_claims_to_have_learned_from_is_not_believed(data: object) -> None:
    model = load("cats")
    with pytest.raises(GanError):
        result(evaluate(replace(model, document={**model.document, "data": data}), 200))


def test_the_command_prints_json_and_mistakes_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["evaluate", "fashion", "--count", "150"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["pictures"] == 150
    assert "%" in captured.err
    assert main(["evaluate", str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
