"""Which of the 60,000 training garments are nearest to a picture, by what ships beside the classifier.

The pictures themselves take 26 MB and do not ship. Of each, two sketches do: its 128 features in their 32
strongest principal components, and its pixels in their 64 strongest. The first tell what is near; the second
show it. Where the pictures are found on disk, they only choose candidates, which are ranked by their exact
features and shown as they are. To make the file again, after a change of the classifier, with the full data
set where `gan.datasets.fashion` looks for it:

    python -m gan.fashion_sketches
"""

from __future__ import annotations

import sys
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from checkpoints import store
from checkpoints.weights import digest
from gan.cat_sketches import CANDIDATES, FILE, HELD_OUT
from gan.classifier import ENCODER, SHIPPED, Judge, shipped_judge
from gan.datasets import fashion
from gan.errors import GanError
from gan.evaluate import Extractor
from gan.metrics import nearest_distances

PICTURES = 60_000
SIDE = 28
FEATURE_COMPONENTS, PIXEL_COMPONENTS = 32, 64
# A step of the codes, as a share of the spread of the faintest component that is kept: coarser is smaller.
FEATURE_STEP, PIXEL_STEP = 0.5, 1.0


@dataclass(frozen=True, eq=False)
class Sketches:
    """Rows `[N, D]` in their K strongest principal components, each number a whole number of steps.

    Attributes:
        codes: int8 `[N, K]`; basis `[D, K]`, orthonormal columns, applied after `mean` `[D]` is taken away.
        step: how much one of the codes is worth, `[1]`.
    """

    codes: Tensor
    basis: Tensor
    mean: Tensor
    step: Tensor

    @property
    def rows(self) -> Tensor:
        """The sketches as points, float `[N, K]`."""
        return self.codes * self.step

    def points(self, rows: Tensor) -> Tensor:
        """Where other rows `[M, D]` lie among the sketches, `[M, K]`."""
        return (rows - self.mean) @ self.basis

    def drawn(self, index: Tensor) -> Tensor:
        """The rows `[M, D]` that some sketches stand for, as far as they tell."""
        return self.codes[index] * self.step @ self.basis.T + self.mean

    def packed(self, name: str) -> dict[str, Tensor]:
        """Tensors for a file; the codes are compressed, component by component."""
        content = zlib.compress(self.codes.T.contiguous().numpy().tobytes(), 9)
        codes = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        return {f"{name}.codes": codes} | {f"{name}.{k}": getattr(self, k) for k in ("basis", "mean", "step")}

    @classmethod
    def unpacked(cls, name: str, tensors: dict[str, Tensor]) -> Sketches:
        """What `packed` wrote. Raises zlib.error or RuntimeError for anything else."""
        basis, mean, step = (tensors[f"{name}.{key}"] for key in ("basis", "mean", "step"))
        size = PICTURES * basis.shape[1]
        content = zlib.decompressobj().decompress(tensors[f"{name}.codes"].numpy().tobytes(), size)
        codes = torch.frombuffer(bytearray(content), dtype=torch.int8).view(basis.shape[1], PICTURES)
        return cls(codes.T.contiguous(), basis, mean, step)

    @classmethod
    def of(cls, rows: Tensor, components: int, share: float) -> Sketches:
        """The sketches of rows `[N, D]`."""
        mean = rows.mean(0)
        spread, axes = torch.linalg.eigh(torch.cov((rows - mean).T))
        basis = axes[:, -components:].flip(1).contiguous()
        points = (rows - mean) @ basis
        step = torch.maximum(share * spread[-components].sqrt(), points.abs().max() / 127)[None]
        return cls((points / step).round().to(torch.int8), basis, mean, step)


@dataclass(frozen=True, eq=False)
class FashionSketches:
    """The training garments as sketches; see `gan.nearest.Archive`, whose part it takes.

    Attributes:
        held_out: distance of pictures that no generator saw to the nearest training picture, ascending `[M]`.
        training: uint8 `[60000, 1, 28, 28]` where they are on disk, else None.
    """

    extractor: Extractor
    held_out: Tensor
    features: Sketches
    pixels: Sketches
    training: Tensor | None
    strange: bool = True

    @property
    def sketched(self) -> bool:
        """Whether what `nearest` shows are sketches, too."""
        return self.training is None

    def nearest(self, features: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The training garments nearest to features `[1, 128]`: uint8 `[K, 1, 28, 28]`, distances `[K]`."""
        rough = torch.cdist(self.features.points(features), self.features.rows)[0]
        candidates = rough.topk(min(CANDIDATES, len(rough)), largest=False)
        if self.training is None:
            chosen = candidates.indices[:count]
            drawn = self.pixels.drawn(chosen).clamp(0, 255).round().to(torch.uint8)
            return drawn.view(-1, 1, SIDE, SIDE), candidates.values[:count]
        pictures = self.training[candidates.indices]
        distance = torch.cdist(features.double(), self.extractor.features(pictures).double())[0].float()
        order = distance.argsort(stable=True)[:count]
        return pictures[order], distance[order]


@lru_cache(maxsize=1)
def fashion_sketches() -> FashionSketches | None:
    """The shipped sketches; None where there are none, or where they belong to another classifier."""
    path = _path()
    try:
        with safe_open(path, framework="pt") as file:
            made_for = (file.metadata() or {}).get("weights")
        if made_for != digest(path.parent / ENCODER):
            return None
        kept = load_file(path)
        features, pixels = (Sketches.unpacked(name, kept) for name in ("features", "pixels"))
    except (SafetensorError, OSError):
        return None
    training = fashion().images if len(fashion()) == PICTURES else None
    held_out = kept["held_out.rough" if training is None else "held_out.exact"]
    return FashionSketches(_extractor(shipped_judge("fashion")), held_out, features, pixels, training)


def make_sketches() -> dict[str, Tensor]:
    """The tensors of the file; takes about a minute. Raises GanError without the full data set."""
    judge, training = shipped_judge("fashion"), fashion().images
    if len(training) != PICTURES:
        raise GanError("Put the four .gz files of Fashion-MNIST into data/fashion-mnist below ATELIER_HOME.")
    exact, strange = judge.features(training), judge.features(fashion(embedded=True).images[:HELD_OUT])
    features = Sketches.of(exact, FEATURE_COMPONENTS, FEATURE_STEP)
    pixels = Sketches.of(training.flatten(1).float(), PIXEL_COMPONENTS, PIXEL_STEP)
    rough = nearest_distances(features.points(strange), features.rows)
    held_out = {
        "held_out.exact": nearest_distances(strange, exact).sort().values,
        "held_out.rough": rough.sort().values,
    }
    return held_out | features.packed("features") | pixels.packed("pixels")


def _extractor(judge: Judge) -> Extractor:
    return Extractor(judge.name, judge.features, judge)


def _path() -> Path:
    return store.SHIPPED / SHIPPED["fashion"] / FILE


def main() -> int:
    """Write the file beside the classifier and print where."""
    path = _path()
    try:
        made = make_sketches()
    except GanError as error:
        print(f"gan: {error}", file=sys.stderr)
        return 2
    save_file(made, path, metadata={"weights": digest(path.parent / ENCODER)})
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
