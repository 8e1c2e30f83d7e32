"""Levers of a running training: what may be changed, when it is in force, and that it stays so."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gan import run_files, run_levers, run_status, runs
from gan.augmentation import noisy
from gan.checkpoint import load_run, save_run
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.levers import LEVERS, Change, changes_between, lever_settings, with_levers
from gan.losses import ADVERSARIAL, bce_discriminator_loss, least_squares_discriminator_loss
from gan.networks import build_discriminator, build_generator
from gan.rescue import begin_anew
from gan.run_files import Request
from gan.state import TrainState, new_state
from gan.steps import discriminator_step, draw_batch, play, plays_at_once
from gan.training import Snapshot, prepare, train
from gan.worker import Run, open_run, run_folder

CPU = torch.device("cpu")
SMALL = NetworkConfig("compact", 28, 1, z_dim=8, width=8, classes=10)
CONFIG = TrainConfig(network=SMALL, seconds=0, steps=6, batch=8, final_lr=1.0)
MOVED: dict[str, Any] = {
    "seed": 1,
    "beta1": 0.5,
    "loss": "hinge",
    "penalty": "none",
    "dropout": 0.5,
    "generator_lr": 5e-4,
    "discriminator_lr": 5e-4,
    "discriminator_steps": 2,
    "skip_below": 50.0,
    "smoothing": 0.2,
    "noise": 0.3,
    "gamma": 9.0,
    "augment": 0.5,
    "only_first": 20,
    "batch": 12,
    "average": 1.0,
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "advance", lambda *_: None)  # what is trained is trained in this process
    return tmp_path


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=500)


def weights(state: TrainState) -> list[Tensor]:
    networks = (state.generator, state.discriminator, state.average)
    return [value.clone() for network in networks for value in network.state_dict().values()]


def trained(config: TrainConfig, dataset: Dataset, state: TrainState, until: int, **levers: Any) -> None:
    for snapshot in train(config, dataset, state, every=0, **levers):
        if snapshot.step == until:
            break


def test_every_lever_is_tried_here() -> None:
    assert set(MOVED) == set(LEVERS) == {setting.name for setting in lever_settings()}


@pytest.mark.parametrize("name", [name for name in LEVERS if name != "seed"])
def test_a_lever_moved_on_the_way_is_a_run_that_goes_on_with_it(garments: Dataset, name: str) -> None:
    changed = with_levers(CONFIG, {name: MOVED[name]})
    moved, continued, untouched = (new_state(CONFIG, CPU) for _ in range(3))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)  # of dropout
        trained(CONFIG, garments, moved, 6, levers=lambda config: changed if moved.step >= 3 else config)
        torch.manual_seed(3)
        trained(CONFIG, garments, continued, 3)
        trained(changed, garments, continued, 6)
    assert all(map(torch.equal, weights(moved), weights(continued)))
    trained(CONFIG, garments, untouched, 6)
    assert not all(map(torch.equal, weights(moved), weights(untouched)))


def test_another_seed_begins_anew_with_fresh_networks(garments: Dataset) -> None:
    changed = with_levers(CONFIG, {"seed": 1, "beta1": 0.5})
    state, fresh = new_state(CONFIG, CPU), new_state(changed, CPU)
    told = []
    for snapshot in train(
        CONFIG, garments, state, every=0, levers=lambda config: changed if state.step >= 3 else config
    ):
        told += [(change.name, change.step) for change in snapshot.changes]
        if snapshot.step == 4:
            break
    assert told == [("seed", 3), ("beta1", 3)]
    trained(changed, garments, fresh, 1)
    learned = [dict(network.named_parameters()) for network in (state.generator, fresh.generator)]
    assert all(torch.equal(value, learned[1][name]) for name, value in learned[0].items())
    assert state.generator_optimiser.state_dict()["state"][0]["step"] == 1
    assert (state.step, state.calm) == (4, 1.0)


def test_a_space_that_is_laid_out_stays_when_a_run_begins_anew(garments: Dataset) -> None:
    config = replace(CONFIG, network=NetworkConfig("swift", 28, 1, 10, width=4, components=8, halvings=2))
    state = new_state(config, CPU)
    prepare(state, garments)
    begin_anew(state, new_state(replace(config, seed=1), CPU))
    assert state.generator.layout is not None
    assert state.generator.layout.laid_out
    assert state.average.layout is state.generator.layout


def test_a_change_is_told_once_with_its_step_and_both_values(garments: Dataset) -> None:
    changed = with_levers(CONFIG, {"generator_lr": 5e-4, "noise": 0.3})
    state = new_state(CONFIG, CPU)
    told = [
        snapshot.changes
        for snapshot in train(
            CONFIG, garments, state, every=0, levers=lambda config: changed if state.step >= 2 else config
        )
    ]
    assert [len(changes) for changes in told] == [0, 0, 2, 0, 0, 0]
    one, two = told[2]
    assert (one.step, one.name, one.old, one.new) == (2, "generator_lr", 2e-3, 5e-4)
    assert (two.name, two.old, two.new) == ("noise", 0.0, 0.3)
    assert changes_between(CONFIG, CONFIG, 2, 1.0) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("generator_lr", 1.0),
        ("generator_lr", float("nan")),
        ("batch", 10**9),
        ("batch", "many"),
        ("gamma", None),
        ("noise", -0.1),
        ("smoothing", [0.1]),
        ("smoothing", True),
        ("loss", "wasserstein"),
        ("penalty", 2),
        ("dropout", 1.0),
        ("width", 8),
        ("seconds", 1e6),
        ("network", {"width": 128}),
        ("../stop", 1),
    ],
)
def test_unsafe_values_and_what_is_no_lever_are_refused(name: str, value: Any) -> None:
    with pytest.raises(GanError) as caught:
        with_levers(CONFIG, {name: value})
    assert str(caught.value).endswith(".")
    run_id = runs.create(Request("fashion", 28, "Garments", "mine", CONFIG))
    with pytest.raises(GanError):
        run_levers.set_lever(run_id, name, value)
    assert not (run_files.run_folder(run_id) / "levers.json").exists()


def test_an_unchanged_lever_gives_the_same_object() -> None:
    assert with_levers(CONFIG, {"gamma": CONFIG.gamma}) is CONFIG
    assert with_levers(CONFIG, {}) is CONFIG


@pytest.mark.parametrize("at_once", [True, False])
def test_the_discriminator_waits_below_the_threshold_and_the_count_says_so(
    garments: Dataset, at_once: bool
) -> None:
    config = replace(CONFIG, skip_below=100.0, at_once=at_once, discriminator_steps=2)
    state = new_state(config, CPU)
    before = [p.clone() for p in state.discriminator.parameters()]
    generator = [p.clone() for p in state.generator.parameters()]
    counts = [snapshot.skipped for snapshot in train(config, garments, state, every=0)]
    assert counts == [2, 4, 6, 8, 10, 12]
    assert all(map(torch.equal, before, state.discriminator.parameters()))
    assert not any(map(torch.equal, generator, state.generator.parameters()))
    state = new_state(config, CPU)
    last = [*train(replace(config, skip_below=1e-9), garments, state)][-1]
    assert last.skipped == 0


def test_noise_fades_to_nothing_over_the_run(garments: Dataset) -> None:
    config = replace(CONFIG, noise=0.5)
    state = new_state(config, CPU)
    batch = draw_batch(config, garments, state)
    losses = []
    for progress in (0.0, 0.9, 1.0):
        twin = new_state(config, CPU)
        twin.progress = progress
        with torch.random.fork_rng(devices=[]):
            losses.append(float(discriminator_step(twin, batch, replace(config, penalty="none")).loss))
    clean = float(discriminator_step(new_state(CONFIG, CPU), batch, replace(CONFIG, penalty="none")).loss)
    assert losses[2] == clean
    assert abs(losses[1] - clean) < abs(losses[0] - clean)
    pictures = torch.zeros(50, 1, 28, 28)
    assert noisy(pictures, 0.0, state.random) is pictures
    assert float(noisy(pictures, 0.3, state.random).std()) == pytest.approx(0.3, rel=0.02)


def test_smoothing_asks_the_discriminator_to_be_less_sure() -> None:
    real, fake = torch.tensor([0.3, -1.2]), torch.tensor([-0.4, 0.8])
    for pair in ADVERSARIAL.values():
        assert torch.equal(pair.discriminator(real, fake, 0.0), pair.discriminator(real, fake))
    target = torch.full_like(real, 0.9)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(real, target)
    unsmoothed = torch.nn.functional.softplus(fake).mean()
    assert float(bce_discriminator_loss(real, fake, 0.1)) == pytest.approx(float(expected + unsmoothed) / 2)
    best = torch.tensor([0.9])
    assert float(least_squares_discriminator_loss(best, torch.zeros(1), 0.1)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", ["bce", "hinge", "soft-hinge", "relativistic"])
def test_only_the_real_half_is_smoothed(loss: str) -> None:
    """The gradient on generated pictures is the same, unless real and generated ones are judged in pairs."""
    pair = ADVERSARIAL[loss]
    real, fake = torch.tensor([0.3, -1.2]), torch.tensor([-0.4, 0.8], requires_grad=True)
    (plain,) = torch.autograd.grad(pair.discriminator(real, fake), fake)
    (smoothed,) = torch.autograd.grad(pair.discriminator(real, fake, 0.2), fake)
    assert torch.allclose(plain, smoothed) != pair.relative
    assert plays_at_once(replace(CONFIG, loss=loss, smoothing=0.2)) == (pair.steady and not pair.relative)


def test_an_undecided_pair_stays_undecided_when_it_is_smoothed() -> None:
    nothing = torch.zeros(3)
    assert float(ADVERSARIAL["relativistic"].discriminator(nothing, nothing, 0.3)) == pytest.approx(log(2))


def test_resuming_keeps_the_levers_and_the_count(garments: Dataset, tmp_path: Path) -> None:
    config = replace(CONFIG, steps=8)
    # Of these, one begins anew, and one draws random numbers that no checkpoint holds.
    changed = with_levers(config, {n: value for n, value in MOVED.items() if n not in ("seed", "dropout")})
    whole, first = new_state(config, CPU), new_state(config, CPU)
    trained(config, garments, whole, 3)
    trained(changed, garments, whole, 8)
    trained(config, garments, first, 3)
    trained(changed, garments, first, 5)
    resumed, state = load_run(save_run(tmp_path / "half", changed, first, garments, "Half"))
    assert resumed == changed
    assert state.skipped == first.skipped == 4
    trained(resumed, garments, state, 8)
    assert all(map(torch.equal, weights(state), weights(whole)))


@pytest.fixture
def waiting() -> str:
    config = replace(CONFIG, steps=4)
    return runs.create(Request("fashion", 28, "Garments", "mine", config))


def test_a_run_follows_its_folder_and_what_it_saves_is_what_was_in_force(waiting: str) -> None:
    run_levers.set_lever(waiting, "generator_lr", 5e-4)
    run_levers.set_levers(waiting, {"batch": 12.0, "loss": "hinge", "dropout": 0.25})
    assert run_levers.levers(waiting)["generator_lr"] == 5e-4
    assert run_levers.levers(waiting)["gamma"] == CONFIG.gamma
    folder = run_files.run_folder(waiting)
    assert run_folder(folder, lambda: False) == 0
    (folder / "waiting").unlink()
    told = [change for snapshot in run_status.history(waiting) for change in snapshot.changes]
    assert [(c.step, c.name, c.old, c.new) for c in told] == [
        (0, "generator_lr", 2e-3, 5e-4),
        (0, "loss", "relativistic", "hinge"),
        (0, "dropout", 0.0, 0.25),
        (0, "batch", 8, 12),
    ]
    saved = json.loads((folder / "checkpoint" / "training.json").read_text())["config"]
    assert (saved["generator_lr"], saved["batch"], saved["loss"]) == (5e-4, 12, "hinge")
    again = open_run(folder)
    assert again.config.batch == 12
    assert isinstance(again.state.discriminator.dropout, torch.nn.Dropout)
    assert again.levers(again.config) is again.config
    with pytest.raises(GanError, match="has ended"):
        run_levers.set_lever(waiting, "batch", 8)
    runs.continue_run(waiting, 30.0)
    assert run_files.read_request(folder).config.steps == 0  # all are made: it goes on by time


def test_a_worker_reads_the_file_only_when_it_was_replaced(
    waiting: str, garments: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, reads = run_files.run_folder(waiting), []
    run = Run(folder, CONFIG, new_state(CONFIG, CPU), garments)
    monkeypatch.setattr(
        "gan.worker.changed_config", lambda *a: reads.append(a) or run_levers.changed_config(*a)
    )
    assert run.levers(CONFIG) is CONFIG
    run_levers.set_lever(waiting, "gamma", 7)
    for _ in range(3):
        assert run.levers(run.config).gamma == 7
    run_levers.set_lever(waiting, "gamma", 8)
    assert run.levers(run.config).gamma == 8
    assert len(reads) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"batch": 1e12}', '{"loss": "wasserstein"}', '{"batch"'])
def test_a_damaged_file_changes_nothing(waiting: str, text: str) -> None:
    folder = run_files.run_folder(waiting)
    (folder / "levers.json").write_text(text)
    assert run_levers.changed_config(folder, CONFIG) is CONFIG
    assert run_levers.levers(waiting)["batch"] == 8


@pytest.mark.parametrize("stranger", ["", "0" * 32, "../x", None])
def test_nobody_moves_a_lever_without_the_runs_own_id(waiting: str, stranger: Any) -> None:
    for ask in (lambda: run_levers.set_lever(stranger, "gamma", 1), lambda: run_levers.levers(stranger)):
        with pytest.raises(GanError, match="no longer here"):
            ask()


def test_thinning_the_history_keeps_every_change(waiting: str) -> None:
    change = Change(500, 5.0, "gamma", 2.0, 4.0)
    lines = [
        Snapshot(i, i * 8, i / 100, 0.5, 0.5, 0.5, 0.5, 1, 1, 1, i / 1000, 1, changes=(change,) * (i == 501))
        for i in range(1000)
    ]
    path = run_files.run_folder(waiting) / "metrics.jsonl"
    path.write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines))
    history = run_status.history(waiting, most=10)
    assert len(history) < 20
    assert [change for snapshot in history for change in snapshot.changes] == [change]


@pytest.mark.parametrize("architecture", ["compact", "swift"])
def test_what_is_part_of_the_network_is_built_into_it(architecture: str) -> None:
    asked = replace(
        SMALL,
        architecture=architecture,
        batch_norm=True,
        dropout=0.5,
        initialisation="normal",
        upsampling="transposed",
        spectral=True,
    )
    generator, discriminator = build_generator(asked), build_discriminator(asked)
    pictures = generator(torch.randn(4, 8), torch.arange(4))
    assert pictures.shape == (4, 1, 28, 28)
    assert any(isinstance(part, torch.nn.ConvTranspose2d) for part in generator.modules())
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in discriminator.modules())
    wide = [p for name, p in discriminator.named_parameters() if "original" in name and p.numel() > 300]
    assert all(float(p.detach().std()) == pytest.approx(0.02, rel=0.2) for p in wide if p.ndim == 4)


@pytest.mark.parametrize("architecture", ["compact", "swift", "dcgan", "mlp"])
def test_dropout_weakens_learning_and_not_the_penalty(garments: Dataset, architecture: str) -> None:
    network = replace(SMALL, architecture=architecture, dropout=0.5)
    discriminator = build_discriminator(network)
    pictures, labels = torch.randn(4, 1, 28, 28), torch.arange(4)
    assert not torch.equal(discriminator(pictures, labels), discriminator(pictures, labels))
    steady = [discriminator(pictures, labels, drop=False) for _ in range(2)]
    assert torch.equal(*steady)
    config = replace(CONFIG, network=network)
    state = new_state(config, CPU)
    results = play(state, draw_batch(config, garments, state), config)
    assert all(result.loss.isfinite() for result in results)
