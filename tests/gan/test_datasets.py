from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor

from gan.cats import BACKGROUNDS, PARTS, cat_labels, cats, render_cats
from gan.datasets import DATA, fashion, open_dataset, real_examples, to_bytes, to_unit
from gan.errors import GanError


def test_the_embedded_fashion_mnist_is_the_published_test_set() -> None:
    dataset = fashion.__wrapped__()
    assert dataset.images.shape == (10_000, 1, 28, 28)
    assert dataset.images.dtype == torch.uint8
    labels = dataset.class_labels
    assert labels is not None
    assert labels.bincount().tolist() == [1000] * 10
    assert labels[:8].tolist() == [9, 2, 1, 1, 6, 1, 4, 6]
    assert dataset.classes[9] == "ankle boot"
    # The published test pictures have the mean 0.2868.
    assert dataset.images.float().mean().item() / 255 == pytest.approx(0.2868, abs=1e-4)


def test_the_full_fashion_mnist_is_taken_where_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    folder = tmp_path / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    pixels = np.random.RandomState(0).randint(0, 256, (30, 28, 28)).astype(np.uint8)
    with gzip.open(folder / "train-images-idx3-ubyte.gz", "wb") as stream:
        stream.write(np.array([2051, 30, 28, 28], ">i4").tobytes() + pixels.tobytes())
    with gzip.open(folder / "train-labels-idx1-ubyte.gz", "wb") as stream:
        stream.write(np.array([2049, 30], ">i4").tobytes() + bytes(range(10)) * 3)
    dataset = fashion.__wrapped__()
    assert np.array_equal(dataset.images[:, 0].numpy(), pixels)
    assert dataset.labels[:, 0].tolist() == [*range(10)] * 3


def plain_cat(labels: list[int], side: int) -> np.ndarray:
    """The recipe in float64 numpy, one layer and one cat at a time."""
    canvas = np.ones((side, side, 3)) * ImageColor.getrgb(BACKGROUNDS[labels[5]])
    for part, index in zip(PARTS, labels, strict=False):
        files = sorted((DATA / "cats" / f"cat_layers_{side}").glob(f"{part}_*.png"))
        layer = np.asarray(Image.open(files[index]).convert("RGBA"), np.float64)
        alpha = layer[..., 3:] / 255
        canvas = canvas * (1 - alpha) + layer[..., :3] * alpha
    return canvas


@pytest.mark.parametrize("side", [64, 128])
def test_cats_are_the_layers_over_the_background(side: int) -> None:
    labels = cat_labels(6, seed=5)
    pictures = render_cats(labels, side)
    assert pictures.shape == (6, 3, side, side)
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        exact = plain_cat(label, side)
        assert np.abs(picture.permute(1, 2, 0).numpy() - exact).max() <= 0.51


def test_small_cats_are_averages_of_blocks() -> None:
    labels = cat_labels(3, seed=6)
    for picture, label in zip(render_cats(labels, 32), labels.tolist(), strict=True):
        exact = plain_cat(label, 64).reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
        assert np.abs(picture.permute(1, 2, 0).numpy() - exact).max() <= 0.51


def test_cats_are_reproducible_and_varied() -> None:
    one, two = cats.__wrapped__(32, 300, 1), cats.__wrapped__(32, 300, 1)
    assert torch.equal(one.images, two.images)
    assert not one.mirror
    assert [a.name for a in one.attributes] == [*PARTS, "background"]
    assert [len(a.values) for a in one.attributes] == [15, 10, 15, 10, 16, 6]
    for column, attribute in enumerate(one.attributes):
        assert set(one.labels[:, column].tolist()) == set(range(len(attribute.values)))


def test_bytes_survive_the_round_trip_through_the_network_range() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    unit = to_unit(every)
    assert (unit.min(), unit.max()) == (-1, 1)
    assert torch.equal(to_bytes(unit), every)
    assert to_bytes(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]


def test_examples_follow_the_order_of_the_previews() -> None:
    dataset = fashion()
    examples = real_examples(dataset, 23)
    labels = dataset.class_labels
    assert labels is not None
    for k in (0, 9, 10, 22):
        same = (to_unit(dataset.images) == examples[k]).flatten(1).all(1).nonzero()[:, 0]
        assert labels[same].tolist() == [k % 10]


def test_a_limit_cuts_the_data_set() -> None:
    dataset = open_dataset("fashion", limit=40)
    assert len(dataset) == len(dataset.labels) == 40
    assert len(open_dataset("cats", 32, limit=20)) == 20


@pytest.mark.parametrize(("name", "resolution"), [("fashion", 32), ("cats", 48), ("dogs", None)])
def test_what_there_is_not_is_refused_with_a_sentence(name: str, resolution: int | None) -> None:
    with pytest.raises(GanError, match="choose"):
        open_dataset(name, resolution)
