"""Each sign against what it should be for sets of pictures of which one knows what they are."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from math import log
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gan import run_files, run_status, runs, watching
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Dataset, open_dataset, to_unit
from gan.run_files import Request
from gan.run_status import read_snapshot
from gan.signals import (
    change,
    copies,
    copy_limit,
    counted,
    energy_distance,
    entropy,
    kinds_made,
    most_copied,
    nearness,
    ranked_higher,
    spread,
)
from gan.state import TrainState, fitted, new_state
from gan.steps import draw_batch
from gan.training import train
from gan.watching import Watch, split, watched
from gan.worker import run_folder

CPU = torch.device("cpu")
SMALL = NetworkConfig("swift", 28, 1, z_dim=8, width=4, batch_norm=True, spectral=True, dropout=0.5)
CONFIG = TrainConfig(network=SMALL, seconds=0, steps=4, batch=8, told=False)


def cloud(count: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(seed)) * scale + shift


def test_spread_is_the_ratio_of_mean_distances() -> None:
    real = torch.tensor([[0.0], [2.0]])
    assert spread(real, torch.tensor([[0.0], [1.0], [3.0]])) == pytest.approx(2 / 2)
    assert spread(real, torch.ones(3, 1)) == 0
    assert spread(cloud(300, 0), cloud(300, 1, scale=0.5)) == pytest.approx(0.5, rel=0.05)


def test_one_picture_for_each_class_is_no_variety() -> None:
    classes = torch.arange(40) % 4
    one_each = torch.eye(4)[classes] * 9
    real = one_each + cloud(40, 0)[:, :4]
    assert spread(real, one_each) > 0.8
    assert spread(real, one_each, classes, classes) == pytest.approx(0, abs=1e-6)
    assert spread(real, real, classes, classes) == pytest.approx(1)


def test_energy_distance_is_none_between_likes_and_grows_with_the_shift() -> None:
    real = cloud(400, 0)
    assert abs(energy_distance(real, cloud(400, 1))) < 0.01
    near, far = (energy_distance(real, cloud(400, 1, shift=shift)) for shift in (0.5, 2.0))
    assert 0.01 < near < far
    two = torch.tensor([[0.0], [2.0]])
    # 2 E|r - f| = 2, E|f - f'| = 0, E|r - r'| = 2
    assert energy_distance(two, torch.ones(2, 1)) == pytest.approx((2 * 1 - 0 - 2) / 2)


def test_change_counts_in_differences_between_real_pictures() -> None:
    real = torch.tensor([[0.0], [4.0]])
    before = torch.zeros(5, 1)
    assert change(before, before, real) == 0
    assert change(before, before + 2, real) == pytest.approx(0.5)


def test_ranked_higher_counts_pairs() -> None:
    assert ranked_higher(torch.tensor([3.0, 1.0]), torch.tensor([2.0, 1.0])) == pytest.approx(2.5 / 4)
    same = torch.ones(7)
    assert ranked_higher(same, same) == 0.5
    scores = cloud(50, 3)[:, 0]
    assert ranked_higher(scores, scores * 2 - 9) == 1 - ranked_higher(scores * 2 - 9, scores) > 0.9


def test_copies_are_found_and_new_pictures_are_none() -> None:
    training = cloud(300, 0)
    limit = copy_limit(training)
    assert copies(training[:50] + 0.01, training, limit) == 1
    assert copies(cloud(200, 1), training, limit) == pytest.approx(0.05, abs=0.05)
    between = (training[:50] + training[50:100]) / 2
    assert copies(between, training, limit) < 0.2
    ratio = nearness(training, training, own=True)
    assert ((ratio > 0) & (ratio <= 1)).all()


def test_the_most_copied_pictures_come_first_with_what_they_copy() -> None:
    training = cloud(100, 0)
    between = (training[:3] + training[3:6]) / 2
    pictures = torch.cat([between, training[[40]] + 1e-4, training[[7]]])
    assert most_copied(pictures, training, 2) == ((4, 7), (3, 40))
    assert len(most_copied(pictures, training, 99)) == 5


def test_kinds_are_counted_in_pairs() -> None:
    assert counted(torch.tensor([0, 0, 2]), torch.tensor([1]), 3) == ((0, 2), (1, 0), (0, 1))


def test_entropy_and_kinds() -> None:
    assert entropy(torch.zeros(9, dtype=torch.long), 4) == 0
    assert entropy(torch.arange(8) % 4, 4) == pytest.approx(log(4))
    real = [torch.arange(40) % 4]
    assert kinds_made(real, real, [4]) == (4, 4)
    assert kinds_made(real, [torch.zeros(40, dtype=torch.long)], [4]) == (1, 4)
    rare = torch.tensor([0] * 38 + [1] * 2)  # one in twenty, a fifth of one in four
    assert kinds_made(real, [rare], [4]) == (2, 4)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=300)


def weights(state: TrainState) -> list[Tensor]:
    networks = (state.generator, state.discriminator, state.average)
    return [value.clone() for network in networks for value in network.state_dict().values()]


def test_a_look_changes_nothing(garments: Dataset) -> None:
    """Not even with batch norm, spectral norm and dropout, which all remember or draw."""
    dataset, held_out = split(garments)
    config = fitted(CONFIG, dataset)
    alone, looked_at = new_state(config, CPU), new_state(config, CPU)
    watch = Watch(dataset, held_out)
    torch.manual_seed(0)  # dropout draws from it
    list(train(config, dataset, alone, every=0))
    torch.manual_seed(0)
    for _ in train(config, dataset, looked_at, every=0):
        signals = watch.look(looked_at)
    assert all(map(torch.equal, weights(alone), weights(looked_at)))
    assert looked_at.generator.training
    assert looked_at.discriminator.training
    assert signals.pictures == 300
    assert signals.favoured is not None
    assert signals.copies is not None
    assert signals.change is not None
    assert signals.of == 10
    assert signals.kinds is not None
    (garment,) = signals.kinds
    assert [sum(column) for column in zip(*garment, strict=True)] == [80, 240]
    assert sum(1 for made, _ in garment if made) >= (signals.made or 0)
    assert signals.nearest is not None
    assert len(signals.nearest) == 8
    assert all(0 <= row < 32 and 0 <= picture < 300 for row, picture in signals.nearest)


def test_a_look_follows_when_the_run_goes_on_with_fewer_pictures(garments: Dataset) -> None:
    config = fitted(replace(CONFIG, only_first=20), garments)
    only = {"first": 0}
    watch = Watch(garments, None, lambda: only["first"])
    state = new_state(config, CPU)
    assert watch.look(state).pictures == 300
    only["first"] = 20
    few = watch.look(state)
    assert few.pictures == 20
    assert few.told_apart == Watch(garments.first(20), None).look(state).told_apart
    only["first"] = 1_000
    assert watch.look(state).pictures == 300


def test_only_the_first_pictures_are_drawn(garments: Dataset) -> None:
    config = fitted(replace(CONFIG, only_first=2, batch=64), garments)
    batch = draw_batch(config, garments, new_state(config, CPU))
    both = to_unit(garments.images[:2])
    assert all(any(torch.equal(real, picture) for picture in both) for real in batch.real.contiguous())


def test_looks_are_few_but_the_last_snapshot_has_one(
    garments: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EARLY_LOOKS", 0)
    now = iter([0.0, 0.1, 0.5, 1.05, 1.2, 2.0, 3.0, 9.0])
    config = fitted(replace(CONFIG, steps=6), garments)
    state = new_state(config, CPU)
    snapshots = watched(
        train(config, garments, state, every=0), state, Watch(garments, None), lambda: next(now)
    )
    # A look that took 0.1 s is due again after 0.1 / 3 % of a second.
    assert [snapshot.signals is not None for snapshot in snapshots] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


def test_what_is_held_out_is_never_learned(garments: Dataset) -> None:
    learned, others = split(garments)
    assert len(learned) == 300
    assert others is not None
    assert len(others) == 80
    assert torch.equal(others.images[-1], open_dataset("fashion").last(9_700).images[79])
    own = replace(garments, name="own")
    learned, others = split(own)
    assert others is not None
    assert (len(learned), len(others)) == (270, 30)
    assert split(own.first(79))[1] is None
    assert split(open_dataset("fashion"))[1] is None
    cats, strangers = split(open_dataset("cats", 32, limit=50))
    assert len(cats) == 50
    assert strangers is not None
    assert not any(torch.equal(strangers.images[0], picture) for picture in cats.images)


def test_a_run_writes_its_signals_and_reads_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    run_id = runs.create(Request("fashion", 28, "Garments", "mine", fitted(CONFIG, open_dataset("fashion"))))
    folder = run_files.run_folder(run_id)
    assert run_folder(folder, lambda: False) == 0
    history = run_status.history(run_id)
    signals = history[-1].signals
    assert signals is not None
    assert 0 <= signals.told_apart <= 1
    assert read_snapshot(json.loads(json.dumps(asdict(history[-1])))) == history[-1]
    line = asdict(history[-1]) | {"signals": {"spread": 1.0}}
    damaged = read_snapshot(line)
    assert damaged is not None
    assert damaged.signals is None
