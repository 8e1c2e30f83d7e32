from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.checkpoint import load_run, network_to_start_from, save_run, start_from
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Dataset, open_dataset
from gan.direction_files import Direction, save_directions, visitors_directions
from gan.errors import GanError
from gan.model import load_checkpoint
from gan.state import TrainState, fitted, new_state
from gan.training import preview, preview_latents, train

CPU = torch.device("cpu")
SMALL = NetworkConfig("compact", 28, 1, z_dim=8, width=8, classes=10, spectral=True)
CONFIG = TrainConfig(network=SMALL, seconds=0, steps=6, batch=8)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=500)


def trained(config: TrainConfig, dataset: Dataset, steps: int) -> TrainState:
    state = new_state(config, CPU)
    run = train(config, dataset, state, every=0.0)
    while state.step < steps:
        next(run)
    return state


@pytest.fixture
def saved(tmp_path: Path, garments: Dataset) -> Path:
    save_run(tmp_path / "run", CONFIG, trained(CONFIG, garments, 2), garments, "Garments", "compact")
    return tmp_path / "run"


def everything(state: TrainState) -> dict[str, Tensor]:
    tensors = {"random": state.random.get_state()}
    for name in ("generator", "discriminator", "average"):
        tensors |= {f"{name}.{k}": v for k, v in getattr(state, name).state_dict().items()}
    for name in ("generator_optimiser", "discriminator_optimiser"):
        for index, values in getattr(state, name).state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{k}": v for k, v in values.items()}
    return tensors


@pytest.mark.parametrize("architecture", ["compact", "dcgan", "mlp"])
def test_a_resumed_run_equals_the_uninterrupted_one(
    tmp_path: Path, garments: Dataset, architecture: str
) -> None:
    network = replace(SMALL, architecture=architecture, spectral=architecture == "compact")
    config = replace(CONFIG, network=network)
    whole = trained(config, garments, 6)

    half = trained(config, garments, 3)
    save_run(tmp_path / "half", config, half, garments, "Half")
    loaded, resumed = load_run(store.read(tmp_path / "half"))
    assert loaded == config
    list(train(loaded, garments, resumed))

    expected, found = everything(whole), everything(resumed)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert (resumed.step, resumed.images_seen) == (6, 48)


def test_saving_changes_nothing_about_the_run_that_goes_on(tmp_path: Path, garments: Dataset) -> None:
    config = replace(CONFIG, network=replace(SMALL, architecture="dcgan", spectral=False))
    undisturbed = trained(config, garments, 4)
    state = new_state(config, CPU)
    for snapshot in train(config, garments, state, every=0.0):
        preview(state)
        save_run(tmp_path / "run", config, state, garments, "Garments")
        if snapshot.step == 4:
            break
    expected, found = everything(undisturbed), everything(state)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert state.discriminator.training


def test_the_checkpoint_says_what_it_is(saved: Path, garments: Dataset) -> None:
    config = store.read(saved).config
    assert config["title"] == "Garments"
    assert config["data"]["licence"] == "mit"
    assert config["data"]["classes"] == list(garments.classes)
    assert config["training"]["step"] == 2
    for quantiles in config["critic"].values():
        assert quantiles == sorted(quantiles)
    assert (saved / "preview.png").read_bytes().startswith(b"\x89PNG")


def test_what_opens_draws_what_was_trained(tmp_path: Path, garments: Dataset) -> None:
    state = trained(CONFIG, garments, 2)
    model = load_checkpoint(save_run(tmp_path / "run", CONFIG, state, garments, "Garments"))
    torch.testing.assert_close(model.draw(*preview_latents(SMALL)), preview(state).clamp(-1, 1))
    assert model.discriminator is not None
    assert not model.discriminator.training
    assert model.classes == garments.classes


def test_a_run_saved_before_its_first_step_can_be_resumed(tmp_path: Path, garments: Dataset) -> None:
    save_run(tmp_path / "run", CONFIG, new_state(CONFIG, CPU), garments, "New")
    config, state = load_run(store.read(tmp_path / "run"))
    assert list(train(config, garments, state))[-1].step == 6


def change(folder: Path, file: str, name: str, value: Tensor | None) -> None:
    tensors = load_file(folder / file)
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    save_file(tensors, folder / file)


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("generator.safetensors", "stem.0.weight", torch.zeros(3, 3)),
        ("generator.safetensors", "stem.0.weight", None),
        ("generator.safetensors", "stem.9.weight", torch.zeros(1)),
        ("discriminator.safetensors", "features.0.bias", None),
        ("training.safetensors", "generator_optimiser.0.exp_avg", torch.zeros(2)),
        ("training.safetensors", "generator_optimiser.0.exp_avg_sq", torch.zeros(2)),
        ("training.safetensors", "generator_optimiser.0.step", torch.zeros(2)),
        ("training.safetensors", "random", torch.zeros(7, dtype=torch.uint8)),
        ("training.safetensors", "random", torch.full((5056,), 255, dtype=torch.uint8)),
        ("training.safetensors", "random", None),
    ],
)
def test_wrong_tensors_are_refused_with_a_sentence(
    saved: Path, file: str, name: str, value: Tensor | None
) -> None:
    change(saved, file, name, value)
    with pytest.raises(GanError, match="checkpoint"):
        load_run(store.read(saved))


@pytest.mark.parametrize("key", ["step", "images_seen", "seconds"])
@pytest.mark.parametrize("value", [None, "many", [1], -1, float("inf"), float("nan")])
def test_damaged_progress_is_refused_with_a_sentence(saved: Path, key: str, value: object) -> None:
    path = saved / "training.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(GanError, match="damaged"):
        load_run(store.read(saved))


class Explodes:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickle was run",)


def test_a_pickle_is_never_run(saved: Path) -> None:
    (saved / "training.safetensors").write_bytes(pickle.dumps(Explodes()))
    with pytest.raises(CheckpointError, match="pickle"):
        load_run(store.read(saved))


def test_a_checkpoint_without_training_state_can_be_drawn_but_not_resumed(saved: Path) -> None:
    (saved / "training.safetensors").unlink()
    checkpoint = store.read(saved)
    assert load_checkpoint(checkpoint).sample([0]).shape == (1, 28, 28, 1)
    with pytest.raises(GanError, match="no training state"):
        load_run(checkpoint)


def test_a_new_run_can_start_from_what_another_has_learned(saved: Path, garments: Dataset) -> None:
    other = replace(CONFIG, seed=5, steps=1)
    state = new_state(other, CPU)
    start_from(state, other, store.read(saved))
    model = load_checkpoint(store.read(saved))
    assert model.discriminator is not None
    for network, source in (
        (state.generator, model.generator),
        (state.average, model.generator),
        (state.discriminator, model.discriminator),
    ):
        expected = source.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())
    assert state.step == 0
    list(train(other, garments, state))
    assert not torch.equal(preview(state), preview(new_state(other, CPU)))


@pytest.fixture(scope="module")
def few_cats() -> Dataset:
    return open_dataset("cats", 32, limit=64)


@pytest.fixture
def saved_cats(tmp_path: Path, few_cats: Dataset) -> Path:
    config = fitted(TrainConfig(network=NetworkConfig(width=8), seconds=0, steps=2, batch=8), few_cats)
    save_run(tmp_path / "cats", config, trained(config, few_cats, 2), few_cats, "Few cats")
    return tmp_path / "cats"


def test_a_checkpoint_names_what_its_latent_vector_chooses(saved_cats: Path) -> None:
    model = load_checkpoint(store.read(saved_cats))
    assert model.config.attributes == (15, 10, 15, 10, 16, 6)
    assert [a.name for a in model.attributes] == ["body", "fur", "eyes", "mouth", "accessories", "background"]
    assert model.attributes[5].values[0] == "#b6e3f4"
    assert model.sample([0, 1]).shape == (2, 32, 32, 3)
    document = json.loads((saved_cats / "config.json").read_text())
    document["data"]["attributes"][0]["values"] = ["only one"]
    (saved_cats / "config.json").write_text(json.dumps(document))
    assert load_checkpoint(store.read(saved_cats)).attributes[0].values[3] == "body 3"


def test_what_knows_attributes_goes_on_with_pictures_of_which_nothing_is_known(
    saved_cats: Path, few_cats: Dataset
) -> None:
    unknown = replace(few_cats, name="own", attributes=(), labels=few_cats.labels[:, :0])
    checkpoint = store.read(saved_cats)
    network = network_to_start_from(checkpoint, unknown)
    assert network.attributes == (15, 10, 15, 10, 16, 6)
    config = TrainConfig(network=network, seconds=0, steps=3, batch=8, frozen=2, augment=0.5, likeness=5.0)
    state = new_state(config, CPU)
    start_from(state, config, checkpoint)
    before = {name: value.clone() for name, value in state.discriminator.state_dict().items()}
    list(train(config, unknown, state))
    changed = {n for n, v in state.discriminator.state_dict().items() if not torch.equal(v, before[n])}
    assert changed
    assert not any(name.startswith(("features.0.", "features.2.")) for name in changed)


def test_pictures_of_another_kind_are_refused_as_a_beginning(saved_cats: Path, garments: Dataset) -> None:
    checkpoint = store.read(saved_cats)
    with pytest.raises(GanError, match="Few cats draws pictures of 32 px, in colour, with no classes"):
        network_to_start_from(checkpoint, garments)


def test_a_frozen_run_resumes_like_any_other(tmp_path: Path, garments: Dataset) -> None:
    config = replace(CONFIG, frozen=1, augment=0.5)
    whole, half = trained(config, garments, 6), trained(config, garments, 3)
    half.calm = whole.calm = 1.0
    save_run(tmp_path / "half", config, half, garments, "Half")
    loaded, resumed = load_run(store.read(tmp_path / "half"))
    list(train(loaded, garments, resumed))
    expected, found = everything(whole), everything(resumed)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_how_calm_a_run_has_become_is_kept(tmp_path: Path, garments: Dataset) -> None:
    state = trained(CONFIG, garments, 1)
    state.calm = 0.25
    save_run(tmp_path / "run", CONFIG, state, garments, "Calm")
    assert load_run(store.read(tmp_path / "run"))[1].calm == 0.25
    document = json.loads((tmp_path / "run" / "training.json").read_text())
    (tmp_path / "run" / "training.json").write_text(json.dumps({**document, "calm": 0}))
    with pytest.raises(GanError, match="damaged"):
        load_run(store.read(tmp_path / "run"))


def test_only_the_same_networks_can_be_started_from(saved: Path) -> None:
    other = replace(CONFIG, network=replace(SMALL, width=16))
    with pytest.raises(GanError, match="another network"):
        start_from(new_state(other, CPU), other, store.read(saved))
    (saved / "discriminator.safetensors").unlink()
    with pytest.raises(GanError, match="discriminator"):
        start_from(new_state(CONFIG, CPU), CONFIG, store.read(saved))


def test_a_run_that_goes_on_keeps_the_directions_that_a_visitor_saved(saved: Path, garments: Dataset) -> None:
    torch.manual_seed(0)
    first, own = (torch.nn.functional.normalize(torch.randn(8), dim=0) for _ in range(2))
    theirs = Direction("opens the eyes", "saved", own, 6.0)
    save_directions(saved, [Direction("Direction 1", "pca", first), theirs])
    save_run(saved, CONFIG, trained(CONFIG, garments, 3), garments, "Garments", "compact")
    (kept,) = visitors_directions(saved, 8)
    assert (kept.name, kept.method, kept.limit) == ("opens the eyes", "saved", 6.0)
    assert torch.allclose(kept.vector, own)
    assert visitors_directions(saved, 9) == ()
