"""Is it a copy? The training pictures nearest to a generated one, and how near that is as such things go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from gan.datasets import Dataset, to_bytes, to_unit
from gan.errors import GanError
from gan.evaluate import MOST_PICTURES, Extractor, extractor_for, references_for
from gan.metrics import nearest_distances
from gan.model import Model

MOST_NEAREST = 12
MOST_HELD_OUT = 1000
FEWEST_HELD_OUT = 20
COPY = 0.01
NEAR = 0.10
HELD_OUT_SHARE = 10


@dataclass(frozen=True, eq=False)
class Archive:
    """What a generator learned from, in features, and how near pictures lie to it that it did not learn from.

    Attributes:
        training: uint8 `[N, C, H, W]`; features `[N, F]`.
        held_out: distance of real pictures to the nearest training picture, ascending `[M]`.
        strange: whether those are pictures that the generator never saw; else they are training pictures, and
            the distance is to the nearest other one.
    """

    extractor: Extractor
    training: Tensor
    features: Tensor
    held_out: Tensor
    strange: bool


@dataclass(frozen=True, eq=False)
class Nearest:
    """The answer.

    Attributes:
        pictures: the nearest training pictures, `[K, C, H, W]` in [-1, 1], nearest first.
        distances: theirs, `[K]`, in features that mean nothing by themselves.
        share: of real pictures that lie nearer to the training pictures than this one does, 0..1.
        sentence: what that means.
    """

    pictures: Tensor
    distances: Tensor
    share: float
    sentence: str


def archive_of(model: Model, own: Dataset | None = None) -> Archive:
    """The archive of a model; takes seconds to a minute, and is kept for the next time.

    Args:
        own: the visitor's pictures that the model learned from, where it did.

    Raises:
        GanError: where nobody knows, or has here, what the generator learned from.
    """
    if own is not None:
        return _own_archive(model, own)
    return _shipped_archive(model)


@lru_cache(maxsize=2)
def _shipped_archive(model: Model) -> Archive:
    references = references_for(model, min(MOST_HELD_OUT, MOST_PICTURES))
    if references.training is None:
        raise GanError("The pictures that this generator learned from are not here, so nobody can compare.")
    extractor = extractor_for(model)
    features = extractor.features(references.training)
    held_out = nearest_distances(extractor.features(references.reals.images), features)
    return Archive(extractor, references.training, features, held_out.sort().values, references.held_out)


def _own_archive(model: Model, own: Dataset) -> Archive:
    side = model.config.resolution
    if own.images.shape[1:] != (model.config.channels, side, side):
        raise GanError("These pictures have another size or other colours than the generator's.")
    if len(own) < FEWEST_HELD_OUT:
        raise GanError(f"{len(own)} pictures are too few to say what is near; {FEWEST_HELD_OUT} are needed.")
    extractor = extractor_for(model, own)
    features = extractor.features(own.images)
    return Archive(extractor, own.images, features, nearest_others(features).sort().values, strange=False)


def nearest_others(features: Tensor, most: int = MOST_HELD_OUT) -> Tensor:
    """Distance of pictures spread over the data set to the nearest one that is not themselves, `[M]`."""
    chosen = torch.linspace(0, len(features) - 1, min(len(features), most)).long().unique()
    distance = torch.cdist(features[chosen].double(), features.double())
    distance[torch.arange(len(chosen)), chosen] = float("inf")
    return distance.amin(1).float()


def nearest_training(archive: Archive, picture: Tensor, count: int = 4) -> Nearest:
    """The training pictures nearest to one picture `[1, C, H, W]` in [-1, 1], and whether it is a copy.

    A distance between features means nothing by itself, so it is ranked among those of real pictures: a
    picture nearer to a training picture than 99 % of them is called a copy or nearly one. Idea of the
    calibration: Meehan et al. 2020 (arXiv 2004.05675).
    """
    features = archive.extractor.features(to_bytes(picture))
    distance = torch.cdist(features.double(), archive.features.double())[0].float()
    nearest = distance.argsort(stable=True)[: min(count, MOST_NEAREST)]
    share = float((archive.held_out < distance[nearest[0]]).float().mean())
    return Nearest(
        to_unit(archive.training[nearest]),
        distance[nearest],
        share,
        sentence(share, archive.strange),
    )


def sentence(share: float, strange: bool) -> str:
    """What a rank among real pictures means: share of them that lie nearer to a training picture."""
    others = "real pictures that it never saw" if strange else "training pictures to each other"
    farther = round(100 * (1 - share))
    if share <= COPY:
        return f"A copy, or nearly one: it lies nearer to a training picture than {farther} % of {others}."
    if share <= NEAR:
        return (
            f"Very like a training picture: it lies nearer to one than {farther} % of {others}. One in ten "
            "does by chance."
        )
    return (
        f"Not a copy: {round(100 * share)} % of {others} lie nearer to a training picture than this one does."
    )
