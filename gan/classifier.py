"""A small classifier that names what a picture shows: the eye behind the ruler of `gan.evaluate`.

It is trained on a data set's own labels, and ships as a checkpoint of kind `encoder`. Its last layer but one
is the space in which generated and real pictures are compared. To make one again:

    python -m gan.classifier --data fashion --out checkpoints/classifier-fashion
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate, log_softmax, relu
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.cats import cats
from gan.datasets import Attribute, Dataset, fashion, to_unit
from gan.errors import GanError
from gan.model import load_tensors

ARCHITECTURE = "attribute-classifier"
FEATURES = 128
WIDTHS = (16, 32, 48, 64, 96)
BATCH = 64
HIGHEST_LR = 3e-3
JUNK = 12
ENCODER = "encoder.safetensors"
SHIPPED = {"fashion": "classifier-fashion", "cats": "classifier-cats"}
# Two of the layers called fur are empty: a plain coat has two codes, and nobody could tell them apart.
SAME_LOOK = {"fur": (2, 6)}
# What covers another attribute so that nobody could read it: behind a scarf every mouth is the same picture.
HIDDEN_BY = {"mouth": ("accessories", (0, 7))}


class Classifier(nn.Module):
    """3x3 convolutions down to about 4x4, one hidden layer of features, a linear head for each attribute."""

    def __init__(self, channels: int, resolution: int, counts: Sequence[int]) -> None:
        super().__init__()
        halvings = round(log2(resolution / 4))
        widths = [channels, *(WIDTHS[-halvings - 1 :])]
        layers: list[nn.Module] = []
        for level in range(halvings + 1):
            layers += [
                nn.Conv2d(widths[level], widths[level + 1], 3, 1 if level == 0 else 2, 1, bias=False),
                nn.BatchNorm2d(widths[level + 1]),
                nn.ReLU(inplace=True),
            ]
        side = resolution
        for _ in range(halvings):
            side = (side + 1) // 2
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.hidden = nn.Linear(widths[-1] * side * side, FEATURES)
        self.heads = nn.ModuleList(nn.Linear(FEATURES, count) for count in counts)

    def features(self, pictures: Tensor) -> Tensor:
        """`[N, 128]`, at least 0, from pictures `[N, C, H, W]` in [-1, 1]."""
        return relu(self.hidden(self.body(pictures)))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Logits `[N, values]` of every attribute."""
        features = self.features(pictures)
        return [head(features) for head in self.heads]


@dataclass(frozen=True, eq=False)
class Judge:
    """A trained classifier and the names of what it tells apart."""

    name: str
    resolution: int
    attributes: tuple[Attribute, ...]
    network: Classifier

    @property
    def channels(self) -> int:
        """Of the pictures that it takes: 1 or 3."""
        return int(next(self.network.parameters()).shape[1])

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """float32 `[N, 128]` from uint8 `[N, C, H, W]`."""
        return torch.cat([self.network.features(to_unit(part)) for part in images.split(256)])

    @torch.inference_mode()
    def probabilities(self, features: Tensor) -> list[Tensor]:
        """`[N, values]` of every attribute, rows adding up to 1, from what `features` returned."""
        return [head(features).softmax(1) for head in self.network.heads]


def merged(labels: Tensor, attributes: Sequence[Attribute]) -> Tensor:
    """Labels `[N, A]` in which values that look the same have the same number."""
    labels = labels.clone()
    for column, attribute in enumerate(attributes):
        kept, *others = SAME_LOOK.get(attribute.name, (0,))
        for other in others:
            labels[:, column][labels[:, column] == other] = kept
    return labels


def hidden(values: Tensor, attributes: Sequence[Attribute]) -> Tensor:
    """Which attributes something else that is seen covers, bool `[N, A]`, from values int64 `[N, A]`."""
    names = [attribute.name for attribute in attributes]
    covered = torch.zeros_like(values, dtype=torch.bool)
    for name, (coverer, covering) in HIDDEN_BY.items():
        if name in names and coverer in names:
            seen = values[:, names.index(coverer)]
            covered[:, names.index(name)] = torch.isin(seen, seen.new_tensor(covering))
    return covered


@dataclass(frozen=True)
class Learning:
    """How the training of a classifier is doing: its step, and the mean loss since the last one."""

    step: int
    steps: int
    loss: float


def learn(network: Classifier, dataset: Dataset, steps: int, seed: int = 0) -> Iterator[Learning]:
    """Train in place on the labels of `dataset`; yields about every 100 steps.

    A part of every batch is junk (noise, torn, blurred or doubled pictures) whose right answer is "no idea":
    else a classifier is as sure of a smear as of a cat.
    """
    random = torch.Generator().manual_seed(seed)
    labels = merged(dataset.labels, dataset.attributes)
    optimiser = Adam(network.parameters(), HIGHEST_LR, fused=True)
    schedule = OneCycleLR(optimiser, HIGHEST_LR, total_steps=steps)
    network.train()
    total, counted = torch.zeros(()), 0
    for step in range(1, steps + 1):
        index = torch.randint(len(dataset), (BATCH,), generator=random)
        pictures = _worn(to_unit(dataset.images[index]), step, random)
        pictures[-JUNK:] = junk(pictures[-JUNK:], random)
        loss = _loss(network(pictures), labels[index])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        total, counted = total + loss.detach(), counted + 1
        if step % 100 == 0 or step == steps:
            yield Learning(step, steps, float(total / counted))
            total, counted = torch.zeros(()), 0


def _loss(logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """Mean over attributes: cross entropy with the label, and for junk with the uniform distribution."""
    losses = []
    for column, values in enumerate(logits):
        known = cross_entropy(values[:-JUNK], labels[:-JUNK, column])
        unsure = -log_softmax(values[-JUNK:], 1).mean()
        losses.append(known + unsure * JUNK / BATCH)
    return torch.stack(losses).mean()


def _worn(pictures: Tensor, step: int, random: torch.Generator) -> Tensor:
    """A little noise, and now and then a little blur, so that no answer hangs on single pixels."""
    strength = 0.1 * torch.rand(len(pictures), 1, 1, 1, generator=random)
    pictures = pictures + strength * torch.randn(pictures.shape, generator=random)
    return avg_pool2d(pictures, 3, 1, 1) if step % 3 == 0 else pictures


def junk(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Four kinds of pictures of nothing, made from real ones `[N, C, H, W]` with an even side."""
    parts = list(pictures.chunk(4))
    parts[0] = torch.rand(parts[0].shape, generator=random) * 2 - 1
    if len(parts) > 1:
        half = parts[1].shape[-1] // 2
        parts[1] = parts[1].roll((half, half // 2), (2, 3)).flip(2)
    if len(parts) > 2:
        small = avg_pool2d(parts[2], parts[2].shape[-1] // 4)
        parts[2] = interpolate(small, size=parts[2].shape[-2:], mode="bilinear")
    if len(parts) > 3:
        parts[3] = (parts[3] + parts[3].roll(1, 0).flip(3)) / 2
    return torch.cat(parts)


def accuracy(judge: Judge, dataset: Dataset) -> dict[str, float]:
    """Share of right answers, attribute by attribute, on pictures that the classifier has not seen.

    An attribute is asked for where it is not `hidden`.
    """
    labels, visible = merged(dataset.labels, dataset.attributes), ~hidden(dataset.labels, dataset.attributes)
    answers = judge.probabilities(judge.features(dataset.images))
    return {
        attribute.name: float((answer.argmax(1) == labels[:, column])[visible[:, column]].float().mean())
        for column, (attribute, answer) in enumerate(zip(judge.attributes, answers, strict=True))
    }


def labelled_pictures(data: str) -> tuple[Dataset, Dataset]:
    """Pictures to train and others to test a classifier on.

    Raises:
        GanError: for other data, or where the 60,000 training pictures of Fashion-MNIST are not on disk.
    """
    if data == "cats":
        return cats(64, 24_000, seed=5), cats(64, 4_000, seed=77)
    if data == "fashion":
        training, test = fashion(), fashion(embedded=True)
        if len(training) == len(test):
            raise GanError(
                f"Put the four .gz files of Fashion-MNIST into {store.home() / 'data'}/fashion-mnist."
            )
        return training, test
    raise GanError("Classifiers are made for fashion and cats alone; other pictures have no labels.")


def judge_document(
    dataset: Dataset, judge: Judge, scores: Mapping[str, float], command: str
) -> dict[str, Any]:
    """The classifier's config.json."""
    return {
        "format": 1,
        "kind": "encoder",
        "architecture": ARCHITECTURE,
        "title": f"{dataset.title}, classifier",
        "channels": dataset.images.shape[1],
        "resolution": judge.resolution,
        "attributes": [{"name": a.name, "values": list(a.values)} for a in judge.attributes],
        "data": {
            "name": dataset.name,
            "title": dataset.title,
            "licence": dataset.licence,
            "attribution": dataset.attribution,
            "pictures": len(dataset),
        },
        "accuracy": {name: round(score, 4) for name, score in scores.items()},
        "training": {"command": command},
    }


def load_judge(checkpoint: store.Checkpoint) -> Judge:
    """The classifier in a checkpoint folder.

    Raises:
        GanError, CheckpointError: when the folder holds none, or another network than its config describes.
    """
    config = checkpoint.config
    if config.get("architecture") != ARCHITECTURE:
        raise GanError(f"{checkpoint.title} is no classifier.")
    try:
        attributes = tuple(
            Attribute(str(a["name"]), tuple(map(str, a["values"]))) for a in config["attributes"]
        )
        channels, resolution = int(config["channels"]), int(config["resolution"])
    except (KeyError, TypeError, ValueError):
        raise GanError(f"The config.json of {checkpoint.title} is damaged.") from None
    network = Classifier(channels, resolution, [len(a.values) for a in attributes])
    load_tensors(network, checkpoint.tensors(ENCODER), "classifier")
    return Judge(checkpoint.title, resolution, attributes, network.eval().requires_grad_(False))


@lru_cache(maxsize=2)
def shipped_judge(data: str) -> Judge:
    """The classifier that ships for `fashion` or `cats`. Raises GanError for other data."""
    if data not in SHIPPED:
        raise GanError(f"No classifier knows the pictures of {data!r}.")
    return load_judge(store.read(store.SHIPPED / SHIPPED[data], SHIPPED[data]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train a classifier and write it as a checkpoint; progress on standard error."""
    parser = ArgumentParser(prog="python -m gan.classifier", description="Train the ruler's classifier.")
    parser.add_argument("--data", choices=sorted(SHIPPED), required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        dataset, test = labelled_pictures(options.data)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            counts = [len(a.values) for a in dataset.attributes]
            network = Classifier(dataset.images.shape[1], dataset.images.shape[-1], counts)
        for now in learn(network, dataset, options.steps, options.seed):
            print(f"step {now.step} of {now.steps}, loss {now.loss:.3f}", file=sys.stderr, flush=True)
        judge = Judge(dataset.title, dataset.images.shape[-1], dataset.attributes, network.eval())
        command = (
            f"python -m gan.classifier --data {options.data} --steps {options.steps} --seed {options.seed}"
        )
        document = judge_document(dataset, judge, accuracy(judge, test), command)
        tensors = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
        store.save(options.out, document, {ENCODER: tensors})
    except (GanError, CheckpointError) as error:
        print(f"gan.classifier: {error}", file=sys.stderr)
        return 2
    print(document["accuracy"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
