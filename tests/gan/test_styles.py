"""Sliders, mixing and links of a generator with a style for each layer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from explorer_helpers import styled_cats_in
from PIL import Image

from checkpoints import store
from gan import tab_closer
from gan.__main__ import main
from gan.codes import decode_direction, encode_latent
from gan.direction_sets import all_directions, closed_directions, orthogonalised, pca_directions
from gan.directions import directions_of
from gan.errors import GanError
from gan.explorer import (
    ExplorerState,
    critic_labels,
    describe,
    edit_shift,
    latent,
    neighbours,
    opinion_of,
    render,
)
from gan.inversion import Search, best_of, project
from gan.latent import latents
from gan.mixing import arithmetic, cross, fine_groups, groups_of, mixed_state, mixing_grid
from gan.model import Model, load, load_reference
from gan.own_directions import from_sliders, from_two, keep, with_edit
from gan.strip import strip, within_layers
from gan.styles import layer_name, layer_ranges, mean_way, parse_layers, size_of, step_along, style_weights
from gan.supervised import supervised_directions
from gan.walk import walk_pictures

SIDES = (4, 4, 8, 16, 32, 64)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(home))


@pytest.fixture(scope="module")
def model(home: Path) -> Model:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return load_reference(styled_cats_in(home))


@pytest.fixture(scope="module")
def told(home: Path) -> Model:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return load_reference(styled_cats_in(home, "ab" * 16, told=True))


def test_layers_are_coarse_middle_and_fine() -> None:
    assert [(r.name, r.first, r.last) for r in layer_ranges(SIDES)] == [
        ("all layers", 0, 5),
        ("coarse: 4 px", 0, 1),
        ("middle: 8 to 16 px", 2, 3),
        ("fine: 32 to 64 px", 4, 5),
    ]
    assert layer_ranges(()) == ()
    assert layer_name(SIDES, 2) == "layer 3 · 8 px, middle"
    for text, between in (("all", (0, 5)), ("Fine", (4, 5)), ("3", (2, 2)), ("2-4", (1, 3))):
        assert parse_layers(text, SIDES) == between
    for wrong in ("", "0", "7", "4-2", "coarse-fine", "1-99999"):
        with pytest.raises(GanError):
            parse_layers(wrong, SIDES)
    with pytest.raises(GanError, match="style-based"):
        parse_layers("fine", ())


def test_a_step_in_all_layers_is_the_direction_of_w_and_ranges_add_up_to_it() -> None:
    way = torch.nn.functional.normalize(torch.randn(8), dim=0)
    step = step_along(way, 8, 3)
    assert torch.equal(step, way.repeat(3))
    assert torch.equal(step_along(way, 8, 3, (0, 2)), step)
    torch.testing.assert_close(step_along(way, 8, 3, (0, 0)) + step_along(way, 8, 3, (1, 2)), step)
    torch.testing.assert_close(step_along(step / step.norm(), 8, 3), step)
    assert torch.equal(step_along(way, 8), way)
    assert not step_along(way, 9, 3).any()


def test_a_slider_over_all_layers_is_a_step_in_w_and_over_some_moves_only_these(model: Model) -> None:
    direction, layers = directions_of(model)[0], len(model.generator.sides)
    plain = ExplorerState(model.reference, 3, 0.7, edits=(2.0,))
    still = latent(model, replace(plain, edits=()))
    w = model.point(latents([3], 16))[:, :16] * 0.7
    torch.testing.assert_close(latent(model, plain), (w + 2 * direction.vector).repeat(1, layers))
    everywhere = replace(plain, layers=((0, 0, layers - 1),))
    assert torch.equal(render(model, everywhere), render(model, plain))
    fine = latent(model, replace(plain, layers=((0, layers - 1, layers - 1),))) - still
    assert not fine[:, :-16].any()
    torch.testing.assert_close(fine[0, -16:], 2 * direction.vector, atol=1e-6, rtol=0)


def test_a_state_with_layers_survives_json_and_wrong_ones_are_refused() -> None:
    state = ExplorerState("x", edits=(1.0, 2.0), layers=((0, 1, 2), (1, 0, 0)))
    assert ExplorerState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert "layers" not in ExplorerState("x").to_json()
    assert ExplorerState.from_json({"checkpoint": "x", "layers": {"3": [99, -1]}}).layers == ((3, 0, 15),)
    for wrong in ([], {"a": [0, 1]}, {"0": [1]}, {"0": 3}, {"0": ["a", 1]}, {"-1": [0, 1]}, {"100": [0, 1]}):
        with pytest.raises(GanError):
            ExplorerState.from_json({"checkpoint": "x", "layers": wrong})


def test_truncation_goes_to_the_middle_of_w(model: Model) -> None:
    middle = render(model, ExplorerState(model.reference, 1, truncation=0.0))
    assert torch.equal(middle, render(model, ExplorerState(model.reference, 2, truncation=0.0)))
    torch.testing.assert_close(middle, model.draw(torch.zeros(1, size_of(model))))
    halfway = ExplorerState(model.reference, 1, truncation=0.5)
    drawn = torch.from_numpy(model.sample([1], 0.5)).permute(0, 3, 1, 2)
    assert (drawn.float() / 127.5 - 1 - render(model, halfway)).abs().max() < 0.01


def test_components_of_w_are_its_directions(model: Model) -> None:
    w = model.generator.first_layer(latents(range(4000), 16)).double()
    strongest = torch.linalg.svd(w - w.mean(0), full_matrices=False).Vh[0]
    assert abs(float(strongest @ pca_directions(model)[0].vector.double())) > 0.95
    closed = torch.linalg.svd(style_weights(model).double(), full_matrices=False).Vh[0]
    assert abs(float(closed @ closed_directions(model)[0].vector.double())) > 0.999


def test_directions_of_every_method_have_the_length_of_w_and_can_be_kept_apart(told: Model) -> None:
    found = all_directions(told)
    assert {d.method for d in found} == {"pca", "closed-form", "supervised"}
    for direction in found:
        assert direction.vector.shape == (told.config.z_dim,)
        assert float(direction.vector.norm()) == pytest.approx(1, abs=1e-4)
    apart = orthogonalised(found[0], found[12:14])
    assert all(abs(float(apart.vector @ other.vector)) < 1e-5 for other in found[12:14])


def test_the_way_of_a_label_leaves_independent_labels_alone() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(4000), torch.randn(4000)
    ways = torch.linalg.qr(torch.randn(6, 2)).Q.T
    w = first[:, None] * ways[0] + 3 * second[:, None] * ways[1] + 0.1 * torch.randn(4000, 6)
    way, share = mean_way(w, first)
    assert float(way @ ways[0]) > 0.98
    assert share > 0.9
    assert mean_way(w, torch.ones(4000))[1] == 0


def test_named_sliders_grow_what_they_name(told: Model) -> None:
    named = supervised_directions(told)
    assert any(d.name.startswith("background") for d in named)
    assert all(2.0 <= d.limit <= 8.0 for d in named)


def test_crossover_at_no_layer_and_at_all_layers_is_one_of_the_two(model: Model) -> None:
    row, column = (ExplorerState(model.reference, seed, 0.8) for seed in (1, 2))
    layers = len(groups_of(model))
    assert layers == len(model.generator.sides)
    for crossover, parent in ((0, column), (layers, row)):
        mixed = mixing_grid(model, [row], [column], fine_groups(model, crossover))[0]
        torch.testing.assert_close(mixed, render(model, parent), atol=1e-5, rtol=0)
        state = mixed_state(model, row, column, fine_groups(model, crossover))
        assert (render(model, ExplorerState.from_json(state.to_json())) - mixed).abs().max() < 0.02
    half = latent(model, mixed_state(model, row, column, fine_groups(model, 2)))
    torch.testing.assert_close(half[:, :32], latent(model, row)[:, :32], atol=2e-4, rtol=0)
    torch.testing.assert_close(half[:, 32:], latent(model, column)[:, 32:], atol=2e-4, rtol=0)
    for wrong in (-1, layers + 1):
        with pytest.raises(GanError):
            fine_groups(model, wrong)
    with pytest.raises(GanError, match="no styles by layer"):
        fine_groups(load("cats"), 1)


def test_children_sums_walks_and_neighbours_are_pictures(model: Model) -> None:
    a, b, c = (
        ExplorerState(model.reference, seed, 0.8, edits=(1.0,), layers=((0, 0, 1),)) for seed in (1, 2, 3)
    )
    for state in (*(child.state for child in cross(model, a, b, 2)), arithmetic(model, a, b, c)):
        assert latent(model, state).shape == (1, size_of(model))
    torch.testing.assert_close(
        latent(model, arithmetic(model, a, b, b)), latent(model, a), atol=0.05, rtol=0.5
    )
    assert walk_pictures(model, a, [1, 2], 3).shape == (6, 3, 32, 32)
    assert {state.layers for state, _ in neighbours(model, a, 3)} == {a.layers}


def test_a_slider_of_one_s_own_keeps_the_layers_from_which_it_was_made(model: Model) -> None:
    narrow = ExplorerState(model.reference, 5, 0.7, edits=(2.0,), layers=((0, 1, 1),))
    still = replace(narrow, edits=(), layers=())
    own = from_sliders(model, narrow, "coarse only")
    amount = float(edit_shift(model, narrow).norm()) / len(model.generator.sides) ** 0.5
    there = latent(model, with_edit(still, replace(own, amount=amount)))
    torch.testing.assert_close(there, latent(model, narrow), atol=0.05, rtol=0)
    assert len(decode_direction(from_sliders(model, replace(narrow, layers=()), "all").vector)) == 16
    assert len(decode_direction(from_two(model, still, replace(still, seed=6), "there").vector)) == 16
    keep(model, [own])
    again = load_reference(model.reference)
    kept = describe(again)["kept"]
    assert [entry["name"] for entry in kept] == ["coarse only"]
    moved = render(again, replace(narrow, layers=()))
    torch.testing.assert_close(moved, render(model, replace(narrow, layers=())), atol=1e-4, rtol=0)


def test_nobody_knows_the_attributes_of_mixed_styles(told: Model) -> None:
    state = ExplorerState(told.reference, 1)
    labels = critic_labels(told, state)
    assert labels is not None
    assert labels.shape == (1, len(told.config.attributes))
    mixed = mixed_state(told, state, replace(state, seed=2), fine_groups(told, 2))
    assert critic_labels(told, mixed) is None
    assert opinion_of(told, mixed, render(told, mixed)) is not None


def test_a_photo_is_looked_for_in_z(model: Model) -> None:
    target = model.draw(latents([77], 16))
    found = best_of(project(model, target, Search(samples=30, starts=1, steps=2, rounds=0)))
    assert found.state(model.reference).base == encode_latent(found.z)
    assert (render(model, found.state(model.reference))[0] - found.picture).abs().max() < 0.05


def test_a_strip_within_layers(model: Model) -> None:
    direction = directions_of(model)[0]
    state = within_layers(model, ExplorerState(model.reference, 4), direction, (1, 2))
    assert state.layers == ((0, 1, 2),)
    low, *_, high = strip(model, state, direction)
    whole = strip(model, replace(state, layers=()), direction)
    assert (low - high).abs().max() > 0
    assert not torch.equal(low, whole[0])


def test_the_panel_offers_a_crossover_for_styles_alone(model: Model) -> None:
    text = json.dumps(ExplorerState(model.reference, 1).to_json())
    layers = [group.name for group in groups_of(model)]
    shown = tab_closer.offered_crossover(text, [])
    assert (shown.visible, shown.maximum, shown.value) == (True, len(layers) - 1, len(layers) // 2)
    assert tab_closer.offered_groups(text, []).value == layers[len(layers) // 2 :]
    assert tab_closer.crossed(text, 1).value == layers[1:]
    for odd in (None, "x", float("nan"), 1e9, -3, float("inf")):
        assert set(tab_closer.crossed(text, odd).value) <= set(layers)
    plain = json.dumps(ExplorerState("cats", 1).to_json())
    assert tab_closer.offered_crossover(plain, []).visible is False
    tiles, states = tab_closer.mix(text, "1,2", "3", layers[2:])[:2]
    assert tiles.visible
    # Two rows of one mixture, with a head each, and above them a corner and the column's own.
    assert len(json.loads(states)) == 6


def test_commands_mix_and_strip_by_layers(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid, row = tmp_path / "grid.png", tmp_path / "strip.png"
    name = str(store.find(model.reference).folder)
    assert main(["mix", name, "--rows", "1,2", "--columns", "3", "--crossover", "2", "-o", str(grid)]) == 0
    assert Image.open(grid).size[0] < Image.open(grid).size[1]
    assert main(["strip", name, "1", "--layers", "fine", "-o", str(row)]) == 0
    assert main(["strip", name, "1", "--layers", "finest", "-o", str(row)]) == 2
    assert main(["mix", "cats", "--crossover", "2", "-o", str(grid)]) == 2
    assert "Name layers as" in capsys.readouterr().err
    assert main(["layers", name]) == 0
    assert "StyledConvolution" in capsys.readouterr().out
