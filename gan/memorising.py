"""Whether a generator has begun to learn its pictures by heart, so that a run can stop in time.

Distances between pixels say little by themselves: a blurred picture is near to everything. So a picture's
nearest training picture is compared with its next ones: a copy lies far nearer to one than to all others.
Carlini et al. 2023 (arXiv 2301.13188) find copies by this ratio. What is normal for a new picture of this
kind is told by the real ones themselves, each held against all others; idea of this calibration: Meehan et
al. 2020 (arXiv 2004.05675). No picture has to be kept out of the training for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from gan.config import TrainConfig
from gan.datasets import Dataset, to_unit
from gan.latent import latents
from gan.state import TrainState

SIDE = 16
NEIGHBOURS = 50
LOOKED_AT = 64
MOST_REFERENCES = 1_000
RARE = 0.05
TOO_MANY = 0.5
FIRST_SEED = 10_000


def features(pictures: Tensor) -> Tensor:
    """Pictures `[N, C, H, W]` in [-1, 1] as their averages over 16 x 16 fields, `[N, C * 256]`."""
    return adaptive_avg_pool2d(pictures, SIDE).flatten(1)


def nearness(distances: Tensor) -> Tensor:
    """How much nearer the nearest is than the next ones: d_1 / mean(d_1 .. d_50) of each row, in [0, 1].

    Args:
        distances: `[N, M]` to M training pictures, in no order; the mean is over as many as there are.

    Returns:
        `[N]`, near 0 for a copy of one picture and about 1 for what is like none in particular.
    """
    nearest = distances.topk(min(NEIGHBOURS, distances.shape[1]), largest=False).values
    return nearest[:, 0] / nearest.mean(1).clamp_min(1e-12)


def share_of_copies(generated: Tensor, training: Tensor) -> float:
    """Share of generated pictures that are nearer to one training picture than a new picture would be.

    Those whose `nearness` is below that of 95 % of the real pictures, each held against all others. 0.05 is
    chance, 1 means that everything is copied.

    Args:
        generated: features `[G, F]`.
        training: features `[N, F]`, N > 2.
    """
    chosen = torch.linspace(0, len(training) - 1, min(len(training), MOST_REFERENCES)).long().unique()
    distances = torch.cdist(training[chosen], training)
    distances[torch.arange(len(chosen)), chosen] = float("inf")
    others = distances.topk(min(NEIGHBOURS, len(training) - 1), largest=False).values
    nearest = torch.cdist(generated, training).topk(others.shape[1], largest=False).values
    return float((nearness(nearest) < nearness(others).quantile(RARE)).float().mean())


def watch_for(config: TrainConfig, dataset: Dataset) -> Watch | None:
    """Somebody who watches a run on own pictures, where its config wants that; else None."""
    return Watch(dataset) if config.stop_at_copies and dataset.own else None


@dataclass
class Watch:
    """Looks at a run from time to time; `copying` is true after two looks in a row with too many copies.

    Attributes:
        share: of copies at the last look.
        suspicious: whether the last look found too many.
    """

    dataset: Dataset
    share: float = 0.0
    suspicious: bool = False
    copying: bool = False
    _training: Tensor | None = field(default=None, init=False)

    @torch.inference_mode()
    def look(self, state: TrainState) -> None:
        """Draw some pictures that nobody chose, and compare them with the training pictures."""
        if self._training is None:
            parts = [features(to_unit(part)) for part in self.dataset.images.split(512)]
            if self.dataset.mirror:
                parts += [features(to_unit(part).flip(3)) for part in self.dataset.images.split(512)]
            self._training = torch.cat(parts)
        z = latents(range(FIRST_SEED, FIRST_SEED + LOOKED_AT), state.average.z_dim).to(state.device)
        classes = state.average.classes
        labels = torch.arange(LOOKED_AT, device=state.device) % classes if classes else None
        drawn = state.average.eval()(z, labels).cpu()
        before, self.share = self.suspicious, share_of_copies(features(drawn), self._training)
        self.suspicious = self.share > TOO_MANY
        self.copying = before and self.suspicious

    def sentence(self) -> str:
        """What was seen, and what helps."""
        return (
            f"Stopped because it learns its pictures by heart: {round(100 * self.share)} of 100 generated "
            "pictures are copies, or nearly. What it was before that is kept. More pictures help most; then "
            "more augmentation, or beginning with a checkpoint."
        )
