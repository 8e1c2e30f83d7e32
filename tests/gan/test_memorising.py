from __future__ import annotations

import torch

from gan.config import NetworkConfig, TrainConfig
from gan.datasets import open_dataset, to_unit
from gan.memorising import TOO_MANY, Watch, features, nearness, share_of_copies, watch_for
from gan.own_pictures import as_dataset
from gan.state import new_state


def test_nearness_is_the_nearest_over_the_mean_of_the_next_ones() -> None:
    distances = torch.tensor([[4.0, 2.0, 6.0], [0.0, 3.0, 3.0], [5.0, 5.0, 5.0]])
    assert torch.allclose(nearness(distances), torch.tensor([0.5, 0.0, 1.0]))


def test_copies_are_told_from_new_pictures_and_blur_is_no_copy() -> None:
    cats = features(to_unit(open_dataset("cats", 32, limit=400).images))
    training, new = cats[:300], cats[300:]
    noise = torch.randn(100, cats.shape[1], generator=torch.Generator().manual_seed(0))
    assert share_of_copies(training[:100] + 0.02 * noise, training) == 1.0
    assert share_of_copies(new, training) < 0.2
    blurred = torch.lerp(new, training.mean(0), 0.5)
    assert share_of_copies(blurred, training) < 0.2
    half = torch.cat([training[:50], new[:50]])
    assert abs(share_of_copies(half, training) - (0.5 + share_of_copies(new[:50], training) / 2)) < 1e-6


class Copyist(torch.nn.Module):
    """A generator that knows nothing but its training pictures."""

    z_dim = 8
    classes = 0

    def __init__(self, pictures: torch.Tensor) -> None:
        super().__init__()
        self.pictures = pictures

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return self.pictures[(1000 * z[:, 0].abs()).long() % len(self.pictures)]


def test_a_run_is_called_copying_after_two_looks_in_a_row() -> None:
    dataset = as_dataset(open_dataset("cats", 32, limit=60).images, title="Cats")
    config = TrainConfig(network=NetworkConfig("mlp", 32, 3, z_dim=8))
    state = new_state(config)
    watch = watch_for(config, dataset)
    assert isinstance(watch, Watch)
    fresh = state.average
    for copying, copies in ((False, True), (False, False), (False, True), (True, True)):
        state.average = Copyist(to_unit(dataset.images).flip(0)) if copies else fresh  # type: ignore[assignment]
        watch.look(state)
        assert watch.suspicious == copies == (watch.share > TOO_MANY)
        assert watch.copying == copying
    assert "100 of 100" in watch.sentence()


def test_only_own_pictures_are_watched() -> None:
    cats = open_dataset("cats", 32, limit=60)
    assert watch_for(TrainConfig(), cats) is None
    own = as_dataset(cats.images, title="x", name="hub:a/b")
    assert watch_for(TrainConfig(), own) is not None
    assert watch_for(TrainConfig(stop_at_copies=False), own) is None
