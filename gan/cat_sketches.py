"""Which of the 16,000 training cats are nearest to a picture, at once, by what ships beside the classifier.

A cat is made by its six labels, so no picture has to be kept. Their 128 features are kept in the 32 strongest
principal components, one byte each. These only choose candidates, which are drawn, and ranked by their exact
features. To make the file again, after a change of the classifier or of the cats:

    python -m gan.cat_sketches
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from checkpoints import store
from checkpoints.weights import digest
from gan.cats import cat_labels, cats, render_cats
from gan.classifier import ENCODER, SHIPPED, Judge, shipped_judge
from gan.evaluate import HELD_OUT_SEEDS, Extractor
from gan.metrics import nearest_distances

FILE = "nearest.safetensors"
SIDE = 64
PICTURES = 16_000
COMPONENTS = 32
CANDIDATES = 96
HELD_OUT = 1000
STEPS = 255
TENSORS = ("held_out", "codes", "scale", "low", "basis", "mean")


@dataclass(frozen=True, eq=False)
class CatSketches:
    """The training cats as sketches; see `gan.nearest.Archive`, whose part it takes.

    Attributes:
        held_out: distance of cats that no generator saw to the nearest training cat, exact, ascending `[M]`.
        codes: uint8 `[N, 32]`; sketch = code * scale + low.
        basis: `[128, 32]`, orthonormal columns, applied after `mean` `[128]` is taken away.
    """

    extractor: Extractor
    held_out: Tensor
    codes: Tensor
    scale: Tensor
    low: Tensor
    basis: Tensor
    mean: Tensor
    strange: bool = True

    def nearest(self, features: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The training cats nearest to features `[1, 128]`: uint8 `[K, 3, 64, 64]` and distances `[K]`."""
        sketch = (features - self.mean) @ self.basis
        rough = torch.cdist(sketch, self.codes * self.scale + self.low)[0]
        candidates = rough.topk(min(CANDIDATES, len(rough)), largest=False).indices
        pictures = render_cats(cat_labels(len(self.codes))[candidates], SIDE)
        distance = torch.cdist(features.double(), self.extractor.features(pictures).double())[0].float()
        order = distance.argsort(stable=True)[:count]
        return pictures[order], distance[order]


@lru_cache(maxsize=1)
def cat_sketches() -> CatSketches | None:
    """The shipped sketches; None where there are none, or where they belong to another classifier."""
    judge = shipped_judge("cats")
    path = _path()
    try:
        with safe_open(path, framework="pt") as file:
            made_for = (file.metadata() or {}).get("weights")
        if made_for != digest(path.parent / ENCODER):
            return None
        kept = load_file(path)
    except (SafetensorError, OSError):
        return None
    held_out, codes, scale, low, basis, mean = (kept[name] for name in TENSORS)
    return CatSketches(_extractor(judge), held_out, codes, scale, low, basis, mean)


def make_sketches() -> CatSketches:
    """The sketches of the first 16,000 cats, from their exact features; takes about ten seconds."""
    judge = shipped_judge("cats")
    features = judge.features(cats(SIDE, PICTURES).images)
    strange = judge.features(cats(SIDE, HELD_OUT, seed=HELD_OUT_SEEDS[0]).images)
    mean = features.mean(0)
    basis = torch.linalg.svd(features - mean, full_matrices=False).Vh[:COMPONENTS].T.contiguous()
    sketch = (features - mean) @ basis
    low, high = sketch.amin(0), sketch.amax(0)
    scale = (high - low) / STEPS
    codes = ((sketch - low) / scale).round().to(torch.uint8)
    held_out = nearest_distances(strange, features).sort().values
    return CatSketches(_extractor(judge), held_out, codes, scale, low, basis, mean)


def _extractor(judge: Judge) -> Extractor:
    return Extractor(judge.name, judge.features, judge)


def _path() -> Path:
    return store.SHIPPED / SHIPPED["cats"] / FILE


def main() -> int:
    """Write the file beside the classifier and print where."""
    made, path = make_sketches(), _path()
    tensors = {name: getattr(made, name).contiguous() for name in TENSORS}
    save_file(tensors, path, metadata={"weights": digest(path.parent / ENCODER)})
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
