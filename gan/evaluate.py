"""The ruler: what a checkpoint's generator is worth, in numbers that stand beside what real pictures get.

The measures are those of `gan.metrics`, in the features of a small classifier where one ships (Fashion-MNIST,
cats) and in pooled features of the shared VGG-16 elsewhere. Reference pictures are held out where that is
possible, and `floor` is what other real pictures get in the generator's place.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan.cats import cats
from gan.classifier import SHIPPED, Judge, hidden, merged, shipped_judge
from gan.config import NetworkConfig
from gan.datasets import Attribute, Dataset, fashion
from gan.errors import GanError
from gan.metrics import (
    NEIGHBOURS,
    Manifold,
    copies,
    frechet_distance,
    kernel_distance,
    manifold,
    nearest_distances,
    shares,
    values_made,
)
from gan.model import Model
from gan.training import preview_latents
from style.encoder import load_encoder

MOST_PICTURES = 5_000
FEWEST_PICTURES = 100
CLEAR = 0.5
POOLED_LAYERS = ("relu2_2", "relu3_3")
HELD_OUT_SEEDS = (1001, 1002)
FULL_FASHION = 60_000


@dataclass(frozen=True)
class References:
    """Real pictures to measure against, all uint8 `[N, C, H, W]`.

    Attributes:
        reals: what generated pictures are compared with.
        others: as many other real ones, for the floor.
        training: what the generator learned from, to look for copies in; None where it is not here.
        held_out: whether the generator never saw `reals` and `others`.
    """

    reals: Dataset
    others: Dataset
    training: Tensor | None
    held_out: bool


@dataclass(frozen=True)
class Scores:
    """The measures of one set of pictures against the reference; see `gan.metrics`."""

    frechet_distance: float
    kernel_distance: float
    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True)
class ValuesMade:
    """What a classifier sees in the pictures of one attribute.

    Attributes:
        shares: of each value among the generated pictures in which the attribute is not hidden.
        made, of: how many values appear at least a fifth as often as if all were equally common, of how many.
        asked: share of these that are recognised as what was asked for; None where nothing was.
    """

    shares: list[float]
    made: int
    of: int
    asked: float | None


@dataclass(frozen=True)
class Report:
    """A generator's table.

    Attributes:
        features: name of the feature extractor, without which no number here means anything.
        floor: what other real pictures get in the generator's place.
        attributes: by name; empty where no classifier ships.
        unclear, floor_unclear: share of generated and of real pictures that the classifier cannot read: it
            gives no value of some attribute that can be seen (`gan.classifier.hidden`) more than one half.
        copies: share of generated pictures nearer to a training picture than 95 % of other real ones are;
            0.05 is chance. None where the training pictures are not here.
    """

    checkpoint: str
    features: str
    pictures: int
    held_out: bool
    scores: Scores
    floor: Scores
    attributes: dict[str, ValuesMade]
    unclear: float | None
    floor_unclear: float | None
    copies: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded to four digits."""
        return _rounded(asdict(self))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def references_for(model: Model, count: int, own: Dataset | None = None) -> References:
    """The real pictures to measure a model against.

    Args:
        count: pictures on each side.
        own: the pictures that a model of a visitor's own data learned from.

    Raises:
        GanError: where nobody knows what the model learned from, there are too few pictures, or they have
            another size or other colours than the model's.
    """
    references = _references(model, count, own)
    side = model.config.resolution
    if references.reals.images.shape[1:] != (model.config.channels, side, side):
        raise GanError("These real pictures have another size or other colours than the generator's.")
    return references


def _learned_from(model: Model) -> tuple[str, int]:
    """Name and number of the pictures that the checkpoint claims to know; anyone may have written it."""
    data = model.document.get("data")
    data = data if isinstance(data, Mapping) else {}
    pictures = data.get("pictures")
    return str(data.get("name", "")), pictures if isinstance(pictures, int) and pictures > 0 else 0


def _references(model: Model, count: int, own: Dataset | None) -> References:
    name, learned = _learned_from(model)
    if own is not None:
        return _halves(own.first(2 * count), None, held_out=False)
    if name == "cats":
        side = model.config.resolution
        reals, others = (cats(side, count, seed=seed) for seed in HELD_OUT_SEEDS)
        return References(reals, others, cats(side, min(learned, 16_000) or 16_000).images, held_out=True)
    if name == "fashion":
        saw_others = learned == FULL_FASHION
        known = {len(each): each.images for each in (fashion(), fashion(embedded=True))}
        training = known.get(learned)
        return _halves(fashion(embedded=True).first(2 * count), training, held_out=saw_others)
    raise GanError("Say what this generator learned from: --data FOLDER|ZIP.")


def _halves(dataset: Dataset, training: Tensor | None, held_out: bool) -> References:
    half = len(dataset) // 2
    if half < FEWEST_PICTURES:
        raise GanError(
            f"{len(dataset)} pictures are too few to measure with; {2 * FEWEST_PICTURES} are needed."
        )
    return References(dataset.first(half), dataset.first(2 * half).last(half), training, held_out)


@dataclass(frozen=True)
class Extractor:
    """Features of uint8 pictures `[N, C, H, W]`, and the classifier behind them where there is one."""

    name: str
    features: Callable[[Tensor], Tensor]
    judge: Judge | None


def extractor_for(model: Model, own: Dataset | None = None) -> Extractor:
    """The features that suit a model's pictures."""
    name, _ = _learned_from(model)
    if own is None and name in SHIPPED:
        judge = shipped_judge(name)
        if judge.resolution == model.config.resolution:
            return Extractor(judge.name, judge.features, judge)
    return Extractor("VGG-16, pooled " + " and ".join(POOLED_LAYERS), pooled_features, None)


@torch.no_grad()
def pooled_features(images: Tensor) -> Tensor:
    """Means of the encoder's activations over the picture, float32 `[N, 384]`, from uint8 `[N, C, H, W]`."""
    encoder = load_encoder()
    parts = []
    for part in images.split(64):
        pictures = part.float().div(255).expand(-1, 3, -1, -1)
        if pictures.shape[-1] < 32:
            pictures = interpolate(pictures, size=32, mode="bilinear")
        found = encoder.features(pictures, POOLED_LAYERS)
        parts.append(torch.cat([found[layer].mean((2, 3)) for layer in POOLED_LAYERS], 1))
    return torch.cat(parts)


@dataclass(frozen=True)
class Progress:
    """What an evaluation is doing: share of the way, 0..1, and a word for it."""

    share: float
    text: str


def evaluate(
    model: Model, count: int = MOST_PICTURES, own: Dataset | None = None
) -> Generator[Progress, None, Report]:
    """Measure a model with seeds 0 to count - 1, truncation 1, all classes in turn.

    Yields what it is doing; the report is the generator's return value.

    Raises:
        GanError: as `references_for`, and on a count out of range.
    """
    if not FEWEST_PICTURES <= count <= MOST_PICTURES:
        raise GanError(f"Measure with {FEWEST_PICTURES} to {MOST_PICTURES:,} pictures.")
    yield Progress(0.0, "Preparing real pictures")
    references = references_for(model, count, own)
    count = len(references.reals)
    yield Progress(0.1, f"Drawing {count:,} pictures")
    images = torch.from_numpy(model.sample(range(count))).permute(0, 3, 1, 2).contiguous()
    extractor = extractor_for(model, own)
    yield Progress(0.3, f"Looking at them with: {extractor.name}")
    fake, real, other = (
        extractor.features(part) for part in (images, references.reals.images, references.others.images)
    )
    yield Progress(0.6, "Comparing them with real ones")
    scores, floor = measure(real, fake), measure(real, other)
    copied = None
    if references.training is not None:
        yield Progress(0.85, "Looking for copies of training pictures")
        training = extractor.features(references.training)
        copied = copies(nearest_distances(fake, training), nearest_distances(real, training))
    judge = extractor.judge
    return Report(
        checkpoint=model.reference,
        features=extractor.name,
        pictures=count,
        held_out=references.held_out,
        scores=scores,
        floor=floor,
        attributes=attributes_made(judge, fake, asked_labels(model.config, count)) if judge else {},
        unclear=unclear(judge, fake) if judge else None,
        floor_unclear=unclear(judge, real) if judge else None,
        copies=copied,
    )


def measure(real: Tensor, fake: Tensor) -> Scores:
    """All measures of features `[N, F]` against those of real pictures `[M, F]`."""
    shape: Manifold = manifold(real, fake, NEIGHBOURS)
    return Scores(frechet_distance(real, fake), kernel_distance(real, fake), **asdict(shape))


def asked_labels(network: NetworkConfig, count: int) -> Tensor | None:
    """What the pictures of seeds 0, 1, ... are asked to be, `[count, columns]`; None where it is open."""
    labels = preview_latents(network, count)[1]
    return labels if labels is None or labels.ndim == 2 else labels[:, None]


def attributes_made(judge: Judge, features: Tensor, asked: Tensor | None) -> dict[str, ValuesMade]:
    """What the classifier sees in generated pictures, by attribute; `asked` has a column for each."""
    made, (readings, _, visible) = {}, read(judge, features)
    for column, attribute in enumerate(judge.attributes):
        shown = visible[:, column]
        seen, count = readings[shown, column], _tellable(attribute)
        recognised = None
        if asked is not None and column < asked.shape[1] and len(seen):
            recognised = float((seen == _as_seen(asked[shown, column], attribute)).float().mean())
        values = len(attribute.values)
        made[attribute.name] = ValuesMade(shares(seen, values), values_made(seen, values), count, recognised)
    return made


def _as_seen(values: Tensor, attribute: Attribute) -> Tensor:
    """Values of an attribute with those that look the same made one."""
    return merged(values[:, None], (attribute,))[:, 0]


def _tellable(attribute: Attribute) -> int:
    """How many values of an attribute look different."""
    every = torch.arange(len(attribute.values))[:, None]
    return len(merged(every, (attribute,)).unique())


def read(judge: Judge, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the classifier sees in pictures, each `[N, A]`.

    Returns:
        The likeliest value of each attribute (int64), whether it gets more than one half, and whether nothing
        else that is seen hides it.
    """
    surest = [answer.max(1) for answer in judge.probabilities(features)]
    values = torch.stack([answer.indices for answer in surest], 1)
    clear = torch.stack([answer.values for answer in surest], 1) > CLEAR
    return values, clear, ~hidden(values, judge.attributes)


def unclear(judge: Judge, features: Tensor) -> float:
    """Share of pictures in which some attribute can be seen and yet not be told: no value gets over half."""
    _, clear, visible = read(judge, features)
    return float((visible & ~clear).any(1).float().mean())
