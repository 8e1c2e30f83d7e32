from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from explorer_helpers import cats_in, fashion_in

from gan.attributes import chosen
from gan.errors import GanError
from gan.explorer import ExplorerState, latent, render
from gan.latent import latents
from gan.mixing import arithmetic, cross, groups_of, mix, mixed_state, mixing_grid, standing, with_parents
from gan.model import Model, load, load_reference
from gan.state_keys import key_of


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return {
            "small": load_reference(fashion_in(home)),
            "plain": load_reference(cats_in(home)),
            "cats": load("cats"),
            "fashion": load("fashion"),
        }


@pytest.mark.parametrize("name", ["small", "plain", "cats", "fashion"])
def test_groups_part_the_whole_latent_space(name: str, models: dict[str, Model]) -> None:
    model = models[name]
    groups = groups_of(model)
    basis = torch.cat([group.basis for group in groups])
    size = model.config.z_dim
    torch.testing.assert_close(basis @ basis.T, torch.eye(size), atol=1e-4, rtol=0)
    assert len({group.name for group in groups}) == len(groups) > 1


def test_groups_have_the_names_of_what_they_hold(models: dict[str, Model]) -> None:
    assert [g.name for g in groups_of(models["cats"])] == [a.name for a in models["cats"].attributes]
    kinds = groups_of(models["fashion"])
    assert [g.name for g in kinds] == ["kind", "large shapes", "smaller shapes", "details"]
    assert len(kinds[0].basis) == models["fashion"].config.halvings
    assert groups_of(models["plain"])[0].name == "strongest"


@pytest.mark.parametrize("name", ["plain", "cats", "fashion"])
def test_mixing_nothing_and_everything_gives_the_two_pictures(name: str, models: dict[str, Model]) -> None:
    model = models[name]
    a, b = latents([1], model.config.z_dim), latents([2], model.config.z_dim)
    names = [group.name for group in groups_of(model)]
    assert torch.equal(mix(model, a, b, []), a)
    torch.testing.assert_close(mix(model, a, b, names), b, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        mix(model, a, b, names[:1]) + mix(model, b, a, names[:1]), a + b, atol=1e-4, rtol=0
    )


def test_a_cats_body_comes_from_the_column_and_the_rest_from_the_row(models: dict[str, Model]) -> None:
    model, sizes = models["cats"], models["cats"].config.attributes
    row, column = ExplorerState("cats", 1), ExplorerState("cats", 5)
    mixed = latent(model, mixed_state(model, row, column, ["body"]))
    assert chosen(mixed, sizes)[0, 0] == chosen(latent(model, column), sizes)[0, 0]
    assert torch.equal(chosen(mixed, sizes)[0, 1:], chosen(latent(model, row), sizes)[0, 1:])


def test_a_mixing_grid_has_a_picture_for_each_row_and_column(models: dict[str, Model]) -> None:
    model = models["small"]
    rows = [ExplorerState(model.reference, seed, label=2) for seed in (1, 2)]
    columns = [ExplorerState(model.reference, seed) for seed in (3, 4, 5)]
    grid = mixing_grid(model, rows, columns, ["strongest"])
    assert grid.shape == (2, 3, 1, 28, 28)
    expected = render(model, mixed_state(model, rows[1], columns[2], ["strongest"]))[0]
    torch.testing.assert_close(grid[1, 2], expected, atol=2e-3, rtol=0)


def test_mistakes_of_mixing_are_sentences(models: dict[str, Model]) -> None:
    model, state = models["cats"], ExplorerState("cats")
    with pytest.raises(GanError, match="no group 'tail'"):
        mixed_state(model, state, state, ["tail"])
    with pytest.raises(GanError, match="1 to 8 rows"):
        mixing_grid(model, [], [state], [])
    with pytest.raises(GanError, match="different generators"):
        cross(model, state, ExplorerState("fashion"))
    for wrong in ({"count": 0}, {"count": 99}, {"mutation": -1.0}, {"mutation": 1.5}):
        with pytest.raises(GanError):
            cross(model, state, replace(state, seed=1), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["plain", "cats", "fashion"])
def test_children_without_mutation_have_every_group_from_a_parent(
    name: str, models: dict[str, Model]
) -> None:
    model = models[name]
    a, b = (ExplorerState(model.reference, seed, label=seed % 2) for seed in (1, 2))
    children = cross(model, a, b, count=4, mutation=0.0, seed=7)
    assert children == cross(model, a, b, count=4, mutation=0.0, seed=7)
    assert children != cross(model, a, b, count=4, mutation=0.0, seed=8)
    first, second = latent(model, a)[0], latent(model, b)[0]
    for child in children:
        assert child.parents == (key_of(a), key_of(b))
        z = latent(model, child.state)[0]
        sides = []
        for group in groups_of(model):
            near = [float((group.basis @ (z - parent)).norm()) for parent in (first, second)]
            assert min(near) < 1e-2
            sides.append(near[0] < near[1])
        assert any(sides)
        assert not all(sides)
        assert ExplorerState.from_json(json.loads(json.dumps(child.to_json()))["state"]) == child.state


def test_mutation_changes_children_and_keeps_their_length(models: dict[str, Model]) -> None:
    model = models["plain"]
    a, b = (ExplorerState(model.reference, seed) for seed in (1, 2))
    bred = cross(model, a, b, count=24, mutation=0.6)
    lengths = torch.stack([latent(model, child.state).square().mean() for child in bred])
    assert len({child.key for child in bred}) == 24
    assert float(lengths.mean()) == pytest.approx(1, abs=0.5)


def test_a_child_that_was_changed_has_another_key_and_the_same_parents(models: dict[str, Model]) -> None:
    model = models["plain"]
    child = cross(model, ExplorerState(model.reference, 1), ExplorerState(model.reference, 2), 1)[0]
    changed = with_parents(replace(child.state, edits=(1.0,)), child)
    assert changed.parents == child.parents
    assert changed.key == key_of(changed.state) != child.key
    assert key_of(replace(child.state, mode="raw")) == child.key


def test_arithmetic_gives_c_what_a_has_and_b_has_not(models: dict[str, Model]) -> None:
    model = models["plain"]
    a, b, c = (ExplorerState(model.reference, seed) for seed in (1, 2, 3))
    torch.testing.assert_close(latent(model, arithmetic(model, a, a, c)), latent(model, c), atol=1e-3, rtol=0)
    za, zb, zc = (latent(model, state)[0] for state in (a, b, c))
    found = latent(model, arithmetic(model, a, b, c))[0]
    assert float(torch.cosine_similarity(found, za - zb + zc, dim=0)) > 0.9999
    assert float(found.norm()) == pytest.approx(float(zc.norm()), abs=1e-2)
    middle = standing(a, torch.zeros(16))
    assert not latent(model, arithmetic(model, a, a, middle)).any()


def test_on_cats_arithmetic_moves_the_attribute(models: dict[str, Model]) -> None:
    model, sizes = models["cats"], models["cats"].config.attributes
    c = ExplorerState("cats", 3)
    other = mixed_state(model, c, ExplorerState("cats", 5), ["background"])
    result = arithmetic(model, other, c, c)
    assert torch.equal(chosen(latent(model, result), sizes), chosen(latent(model, other), sizes))
