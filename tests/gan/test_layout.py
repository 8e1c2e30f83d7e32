from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from checkpoints import store
from gan.checkpoint import load_run, network_to_start_from, save_run, start_from
from gan.config import NetworkConfig, TrainConfig, from_mapping, preset_config
from gan.datasets import Dataset, open_dataset, to_unit
from gan.errors import GanError
from gan.explorer import coordinate_names, describe
from gan.latent import latents
from gan.layout import Layout, lay_out
from gan.model import load_checkpoint
from gan.state import SMALLEST_PART, network_for, new_state
from gan.steps import draw_batch
from gan.training import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=4000)


def laid_out(images: Tensor, labels: Tensor | None, groups: int, halvings: int, components: int) -> Layout:
    layout = Layout(images.shape[1], images.shape[-1], groups, halvings, components)
    lay_out(layout, images, labels)
    return layout


@pytest.fixture(scope="module")
def layout(garments: Dataset) -> Layout:
    return laid_out(garments.images, garments.class_labels, 10, 3, 24)


def test_codes_are_the_principal_components(garments: Dataset) -> None:
    layout = laid_out(garments.images, None, 1, 0, 12)
    x = to_unit(garments.images).flatten(1).double()
    x = x - x.mean(0)
    scales = torch.linalg.svdvals(x)[:12]
    code = layout.code(to_unit(garments.images)).double()
    torch.testing.assert_close(torch.cov(code.T), torch.eye(12).double(), atol=0.02, rtol=0)
    deviation = 1 / layout.basis.double().norm(dim=0)
    torch.testing.assert_close(deviation, scales / len(x) ** 0.5, rtol=0.01, atol=0)
    back = (code * deviation) @ (layout.basis.double() * deviation).T
    left = (x - back).square().sum()
    best = x.square().sum() - scales.square().sum()
    assert left < 1.005 * best


def test_addresses_are_distributed_like_the_pictures(layout: Layout, garments: Dataset) -> None:
    for garment in range(10):
        real = layout.code(to_unit(garments.images[garments.class_labels == garment]))
        asked = torch.full((4000,), garment)
        drawn = layout(latents(range(4000), 27), asked)
        assert (drawn.mean(0) - real.mean(0)).abs().max() < 0.15
        difference = torch.cov(drawn.T) - torch.cov(real.T)
        assert difference.norm() < 0.2 * torch.cov(real.T).norm()


def test_parts_are_equally_common_and_apart(layout: Layout) -> None:
    z = latents(range(8000), 27)
    z[:, 3:] = 0
    codes = layout(z, torch.zeros(8000, dtype=torch.int64))
    nearest = torch.cdist(codes, layout.means[0]).argmin(1)
    shares = torch.bincount(nearest, minlength=8) / 8000
    assert (shares - 1 / 8).abs().max() < 0.02


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), coordinate=st.integers(0, 26))
def test_a_slider_never_jumps(layout: Layout, seed: int, coordinate: int) -> None:
    z = latents([seed], 27).repeat(401, 1)
    z[:, coordinate] = torch.linspace(-4, 4, 401)
    codes = layout(z, torch.full((401,), seed % 10))
    steps = (codes[1:] - codes[:-1]).norm(dim=1)
    # Between two parts 0.02 of a slider is at most a tenth of the way.
    assert steps.max() <= 0.12 * (codes.max(0).values - codes.min(0).values).norm() + 0.05


def test_few_pictures_and_missing_classes_are_laid_out_too() -> None:
    images = torch.randint(0, 256, (20, 3, 64, 64), dtype=torch.uint8)
    layout = laid_out(images, torch.tensor([0, 2] * 10), 3, 2, 30)
    codes = layout(latents(range(30), 32), torch.arange(30) % 3)
    assert codes.isfinite().all()
    assert layout.code(to_unit(images)).isfinite().all()
    same = torch.full((30, 1, 28, 28), 200, dtype=torch.uint8)
    assert laid_out(same, None, 1, 1, 8)(latents([0], 9)).isfinite().all()


def test_components_that_are_known_are_kept_for_other_pictures(garments: Dataset) -> None:
    layout = laid_out(garments.images, None, 1, 1, 16)
    basis, means = layout.basis.clone(), layout.means.clone()
    trousers = garments.images[garments.class_labels == 1]
    lay_out(layout, trousers, None)
    assert torch.equal(layout.basis, basis)
    assert not torch.equal(layout.means, means)
    real, drawn = layout.code(to_unit(trousers)), layout(latents(range(2000), 17))
    assert (drawn.mean(0) - real.mean(0)).abs().max() < 0.15


def test_laying_out_leaves_the_global_random_numbers_alone(garments: Dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    laid_out(garments.images[:200], None, 1, 1, 8)
    assert torch.equal(torch.rand(3), expected)


def test_training_draws_from_the_codes_of_the_real_pictures(garments: Dataset) -> None:
    preset = preset_config("in-a-minute", "classes")
    config = replace(preset, seconds=0, steps=2, network=network_for(garments, preset.network))
    state = new_state(config, CPU)
    assert list(train(config, garments, state))
    layout = state.generator.layout
    assert layout is not None
    assert layout.laid_out
    assert state.average.layout is layout
    batch = draw_batch(config, garments, state)
    codes, anchored = layout.code(batch.real), round(config.anchored * config.batch)
    assert 0 < anchored < config.batch
    assert torch.equal(batch.code[:anchored], codes[:anchored])
    assert not torch.isclose(batch.code[anchored:], codes[anchored:]).all(1).any()
    whole = draw_batch(replace(config, anchored=1.0), garments, state)
    assert torch.equal(whole.code, layout.code(whole.real))


def test_the_space_has_no_more_parts_than_its_pictures_allow(garments: Dataset) -> None:
    wanted = NetworkConfig("swift", components=64, halvings=8)
    told, untold = (network_for(garments, wanted, told) for told in (True, False))
    assert len(garments) / 10 / 2**told.halvings >= SMALLEST_PART
    assert len(garments) / 2**untold.halvings >= SMALLEST_PART
    assert (told.z_dim, untold.z_dim) == (64 + told.halvings, 64 + untold.halvings)
    few = network_for(garments.first(20), wanted, False)
    assert (few.components, few.halvings) == (10, 1)


def test_attributes_and_lesson_networks_are_not_laid_out() -> None:
    cats = open_dataset("cats", 32, limit=50)
    assert network_for(cats, NetworkConfig(components=64, halvings=3)).components == 0
    lesson = network_for(cats, NetworkConfig("dcgan", z_dim=100, components=64, halvings=3))
    assert (lesson.components, lesson.halvings, lesson.z_dim) == (0, 0, 100)


@pytest.mark.parametrize(
    "network",
    [
        {"components": 8, "architecture": "mlp"},
        {"components": 8, "attributes": [2, 3]},
        {"components": 128, "halvings": 8, "classes": 1000},
    ],
)
def test_a_layout_that_cannot_be_is_refused(network: dict[str, object]) -> None:
    with pytest.raises(GanError):
        from_mapping(NetworkConfig, network)


def test_the_length_of_z_follows_from_the_layout() -> None:
    config = from_mapping(TrainConfig, {"network": {"components": 8, "halvings": 3, "z_dim": 64}})
    assert config.network.z_dim == 11


@pytest.fixture(scope="module")
def saved(garments: Dataset, tmp_path_factory: pytest.TempPathFactory) -> store.Checkpoint:
    network = network_for(garments, NetworkConfig("swift", components=12, halvings=2, width=8))
    config = TrainConfig(network=network, seconds=0, steps=3, batch=8, likeness=10.0, anchored=0.5)
    state = new_state(config, CPU)
    assert list(train(config, garments, state))
    return save_run(tmp_path_factory.mktemp("laid-out"), config, state, garments, "Laid out")


def test_a_saved_run_goes_on_in_the_same_space(saved: store.Checkpoint, garments: Dataset) -> None:
    assert not [name for name in saved.tensors("training.safetensors") if "layout" in name]
    config, state = load_run(saved)
    twin = deepcopy(state)
    for each in (state, twin):
        assert list(train(replace(config, steps=5), garments, each))
    layout = state.generator.layout
    assert layout is not None
    assert layout.laid_out
    assert state.average.layout is layout
    model = load_checkpoint(saved)
    assert torch.equal(model.generator.layout.means, layout.means)
    for one, two in zip(state.generator.parameters(), twin.generator.parameters(), strict=True):
        assert torch.equal(one, two)


def test_another_run_begins_among_the_same_components_with_its_own_places(
    saved: store.Checkpoint, garments: Dataset
) -> None:
    few = replace(garments, images=garments.images[:300], labels=garments.labels[:300])
    network = network_to_start_from(saved, few)
    config = TrainConfig(network=network, seconds=0, steps=1, batch=8, likeness=10.0)
    state = new_state(config, CPU)
    start_from(state, config, saved)
    assert list(train(config, few, state))
    before, now = load_checkpoint(saved).generator.layout, state.generator.layout
    assert torch.equal(before.basis, now.basis)
    assert not torch.equal(before.means, now.means)


def test_only_anchored_pictures_are_to_be_like_their_real_ones(garments: Dataset) -> None:
    network = network_for(garments, NetworkConfig("swift", components=12, halvings=2, width=8))
    config = TrainConfig(network=network, seconds=0, steps=1, batch=8, likeness=10.0, anchored=0.5)
    state = new_state(config, CPU)
    assert list(train(config, garments, state))
    batch = draw_batch(config, garments, state)
    codes = state.generator.layout.code(batch.real)
    assert torch.equal(batch.code[:4], codes[:4])
    assert not torch.isclose(batch.code[4:], codes[4:]).any()


def test_sliders_are_named_by_what_they_stand_for(saved: store.Checkpoint) -> None:
    model = load_checkpoint(saved)
    names = coordinate_names(model)
    assert names[:3] == ["halving 1", "halving 2", "component 1"]
    assert len(names) == model.config.z_dim == 14
    described = describe(model)
    assert "halving" in described["coordinates_hint"]
    assert len(described["directions"]) >= 8
