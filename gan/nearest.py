"""Is it a copy? The training pictures nearest to a generated one, and how near that is as such things go."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from checkpoints import store
from gan.cat_sketches import PICTURES, SIDE, CatSketches, cat_sketches
from gan.datasets import Dataset, to_bytes, to_unit
from gan.errors import GanError
from gan.evaluate import MOST_PICTURES, Extractor, Progress, extractor_for, references_for
from gan.fashion_sketches import PICTURES as GARMENTS
from gan.fashion_sketches import SIDE as GARMENT_SIDE
from gan.fashion_sketches import FashionSketches, fashion_sketches
from gan.metrics import nearest_distances
from gan.model import Model
from gan.own_pictures import load_pictures

MOST_NEAREST = 12
MOST_HELD_OUT = 1000
FEWEST_HELD_OUT = 20
COPY = 0.01
NEAR = 0.10
CHUNK = 256


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

    def nearest(self, features: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The training pictures nearest to features `[1, F]`: uint8 `[K, C, H, W]` and distances `[K]`."""
        distance = torch.cdist(features.double(), self.features.double())[0].float()
        order = distance.argsort(stable=True)[:count]
        return self.training[order], distance[order]


# What a picture can be compared with.
Comparable = Archive | CatSketches | FashionSketches


@dataclass(frozen=True, eq=False)
class Nearest:
    """The answer.

    Attributes:
        pictures: the nearest training pictures, `[K, C, H, W]` in [-1, 1], nearest first.
        distances: theirs, `[K]`, in features that mean nothing by themselves.
        share: of real pictures that lie nearer to the training pictures than this one does, 0..1.
        sentence: what that means.
        sketched: whether the pictures are sketches, because the training pictures themselves are not here.
    """

    pictures: Tensor
    distances: Tensor
    share: float
    sentence: str
    sketched: bool = False


def archive_of(model: Model, own: Dataset | None = None) -> Comparable:
    """The archive of a model; as `archive_steps`, without telling how far it is."""
    steps = archive_steps(model, own)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Comparable = end.value
            return found


def archive_steps(model: Model, own: Dataset | None = None) -> Generator[Progress, None, Comparable]:
    """The archive of a model, which is the generator's return value; yields how far it is.

    At once for cats of 64 px and garments, of which sketches ship, and for a model whose archive was made
    before.

    Args:
        own: the visitor's pictures that the model learned from. Those of a run on this machine are found.

    Raises:
        GanError: where nobody knows, or has here, what the generator learned from.
    """
    if own is not None:
        return (yield from _own_archive(model, own))
    sketches = _shipped_sketches(model)
    if sketches is not None:
        return sketches
    shelf = _shelf(model)
    if "archive" not in shelf:
        pictures = pictures_of(model)
        steps = _own_archive(model, pictures) if pictures else _known_archive(model)
        shelf["archive"] = yield from steps
    return shelf["archive"]


@lru_cache(maxsize=2)
def _shelf(model: Model) -> dict[str, Archive]:
    """Where a model's archive is kept; the newest two models have one."""
    return {}


def _shipped_sketches(model: Model) -> CatSketches | FashionSketches | None:
    """What ships of the pictures that a model learned from; None where that is not all of them."""
    data = model.document.get("data")
    data = data if isinstance(data, Mapping) else {}
    learned = data.get("pictures")
    side, learned = model.config.resolution, learned if isinstance(learned, int) else 0
    if data.get("name") == "cats" and side == SIDE and learned >= PICTURES:
        return cat_sketches()
    if data.get("name") == "fashion" and side == GARMENT_SIDE and learned == GARMENTS:
        return fashion_sketches()
    return None


def pictures_of(model: Model) -> Dataset | None:
    """The visitor's own pictures that a run on this machine learned from; None for any other model."""
    data = model.document.get("data")
    if not isinstance(data, Mapping) or data.get("name") != "own":
        return None
    if not model.reference.startswith("runs/"):
        raise GanError(
            "This generator learned from somebody's own pictures, which did not come with it, so nobody can "
            "compare here. Whoever has them can: python -m gan nearest NAME 0 --data FOLDER -o nearest.png"
        )
    return load_pictures(store.find(model.reference).folder.parent)


def _known_archive(model: Model) -> Generator[Progress, None, Archive]:
    yield Progress(0.0, "Drawing the pictures that it learned from")
    references = references_for(model, min(MOST_HELD_OUT, MOST_PICTURES))
    if references.training is None:
        raise GanError("The pictures that this generator learned from are not here, so nobody can compare.")
    extractor = extractor_for(model)
    features = yield from _features(extractor, references.training, 0.95)
    held_out = nearest_distances(extractor.features(references.reals.images), features)
    return Archive(extractor, references.training, features, held_out.sort().values, references.held_out)


def _own_archive(model: Model, own: Dataset) -> Generator[Progress, None, Archive]:
    side = model.config.resolution
    if own.images.shape[1:] != (model.config.channels, side, side):
        raise GanError("These pictures have another size or other colours than the generator's.")
    if len(own) < FEWEST_HELD_OUT:
        raise GanError(f"{len(own)} pictures are too few to say what is near; {FEWEST_HELD_OUT} are needed.")
    extractor = extractor_for(model, own)
    features = yield from _features(extractor, own.images, 1.0)
    return Archive(extractor, own.images, features, nearest_others(features).sort().values, strange=False)


def _features(extractor: Extractor, images: Tensor, end: float) -> Generator[Progress, None, Tensor]:
    """Features of all images `[N, F]`; the share of the way goes up to `end`."""
    parts: list[Tensor] = []
    for start in range(0, len(images), CHUNK):
        yield Progress(end * start / len(images), f"Looking at {len(images):,} training pictures")
        parts.append(extractor.features(images[start : start + CHUNK]))
    return torch.cat(parts)


def nearest_others(features: Tensor, most: int = MOST_HELD_OUT) -> Tensor:
    """Distance of pictures spread over the data set to the nearest one that is not themselves, `[M]`."""
    chosen = torch.linspace(0, len(features) - 1, min(len(features), most)).long().unique()
    distance = torch.cdist(features[chosen].double(), features.double())
    distance[torch.arange(len(chosen)), chosen] = float("inf")
    return distance.amin(1).float()


def nearest_training(archive: Comparable, picture: Tensor, count: int = 4) -> Nearest:
    """The training pictures nearest to one picture `[1, C, H, W]` in [-1, 1], and whether it is a copy.

    A distance between features means nothing by itself, so it is ranked among those of real pictures: a
    picture nearer to a training picture than 99 % of them is called a copy or nearly one. Idea of the
    calibration: Meehan et al. 2020 (arXiv 2004.05675).
    """
    features = archive.extractor.features(to_bytes(picture))
    pictures, distance = archive.nearest(features, min(count, MOST_NEAREST))
    share = float((archive.held_out < distance[0]).float().mean())
    sketched = isinstance(archive, FashionSketches) and archive.sketched
    return Nearest(to_unit(pictures), distance, share, sentence(share, archive.strange), sketched)


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
