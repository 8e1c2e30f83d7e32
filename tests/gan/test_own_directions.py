from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from explorer_helpers import cats_in, fashion_in

from checkpoints import store
from gan.codes import decode_direction, encode_latent
from gan.direction_files import save_directions
from gan.direction_sets import kept_directions
from gan.directions import directions_of
from gan.errors import GanError
from gan.explorer import ExplorerState, OwnEdit, latent, neighbours, render
from gan.latent import latents
from gan.model import Model, load_reference
from gan.own_directions import as_direction, as_edit, from_sliders, from_two, keep, with_edit


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        cats_in(home)
        fashion_in(home)
    return home


@pytest.fixture
def model(home: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("ATELIER_HOME", str(home))
    return load_reference("runs/" + "cd" * 16)


def through_a_link(state: ExplorerState) -> ExplorerState:
    return ExplorerState.from_json(json.loads(json.dumps(state.to_json())))


def test_the_direction_between_two_pictures_leads_from_one_to_the_other(model: Model) -> None:
    a, b = ExplorerState(model.reference, 1), ExplorerState(model.reference, 2, truncation=0.9)
    edit = from_two(model, a, b, "  from one\nto two ")
    assert edit.name == "from one to two"
    way = latent(model, b)[0] - latent(model, a)[0]
    there = with_edit(a, replace(edit, amount=float(way.norm())))
    torch.testing.assert_close(latent(model, there), latent(model, b), atol=0.05, rtol=0)
    assert through_a_link(there) == there
    assert torch.equal(render(model, through_a_link(there)), render(model, there))


def test_a_slider_of_all_sliders_does_what_they_do(model: Model) -> None:
    moved = ExplorerState(model.reference, 3, edits=(2.0, -1.0))
    edit = from_sliders(model, moved, "opens the eyes")
    length = float((latent(model, moved) - latent(model, replace(moved, edits=()))).norm())
    again = with_edit(ExplorerState(model.reference, 3), replace(edit, amount=length))
    torch.testing.assert_close(latent(model, again), latent(model, moved), atol=0.03, rtol=0)


def test_what_cannot_be_a_direction_is_a_sentence(model: Model) -> None:
    state = ExplorerState(model.reference, 3)
    with pytest.raises(GanError, match="Move at least one slider"):
        from_sliders(model, state, "x")
    with pytest.raises(GanError, match="same"):
        from_two(model, state, state, "x")
    with pytest.raises(GanError, match="a name"):
        from_two(model, state, replace(state, seed=4), " \n ")
    too_many = [OwnEdit(f"n{i}", as_edit(d).vector) for i, d in enumerate(directions_of(model)[:9])]
    for edit in too_many[:8]:
        state = with_edit(state, edit)
    with pytest.raises(GanError, match="at most 8"):
        with_edit(state, too_many[8])


@pytest.mark.parametrize(
    "sent",
    [
        {"own": "x"},
        {"own": [1]},
        {"own": [{"name": "x", "vector": 5}]},
        {"own": [{"name": "x", "vector": "AAAA"}]},
        {"own": [{"name": "x", "vector": "f4E", "amount": "far"}]},
        {"own": [{"vector": "f4E"}]},
        {"base": 3},
        {"base": "no"},
        {"base": None},
    ],
)
def test_damaged_own_directions_and_bases_are_refused(sent: dict[str, object]) -> None:
    with pytest.raises(GanError):
        ExplorerState.from_json({"checkpoint": "cats", **sent})


def test_links_without_the_new_parts_are_what_they_were() -> None:
    plain = ExplorerState("cats", 5, edits=(1.0,)).to_json()
    assert set(plain) == {"checkpoint", "seed", "truncation", "class", "mode", "edits", "raw"}


def test_a_base_takes_the_seeds_place_and_truncation_and_sliders_work_on_it(model: Model) -> None:
    z = latents([77], 16)
    state = ExplorerState(model.reference, 1, truncation=0.5, edits=(1.5,), base=encode_latent(z[0]))
    expected = 0.5 * z + 1.5 * directions_of(model)[0].vector
    torch.testing.assert_close(latent(model, state), expected, atol=1e-3, rtol=0)
    assert through_a_link(state) == state
    assert len(neighbours(model, state)) == 8


def test_what_belongs_to_another_length_of_z_counts_as_nothing(model: Model) -> None:
    other = ExplorerState(
        model.reference, 1, own=(OwnEdit("x", "f4E", 3.0),), base=encode_latent(torch.ones(9))
    )
    assert torch.equal(latent(model, other), latents([1], 16))


def test_own_directions_travel_in_the_folder_of_a_run_and_the_first_ten_stay(
    model: Model, home: Path
) -> None:
    before = [(d.name, d.vector) for d in directions_of(model)]
    edit = from_two(model, ExplorerState(model.reference, 1), ExplorerState(model.reference, 2), "mine")
    keep(model, [edit])
    keep(load_reference(model.reference), [replace(edit, name="second"), edit])
    fresh = load_reference(model.reference)
    assert fresh is not model
    kept = kept_directions(fresh)
    assert sorted(d.name for d in kept) == ["mine", "second"]
    torch.testing.assert_close(kept[0].vector, decode_direction(edit.vector))
    after = directions_of(fresh)
    assert [d.name for d in after] == [name for name, _ in before]
    for direction, (_, vector) in zip(after, before, strict=True):
        torch.testing.assert_close(direction.vector, vector)
    (store.find(model.reference).folder / "directions.safetensors").unlink()


def test_only_what_was_trained_here_can_keep_directions(model: Model) -> None:
    edit = as_edit(directions_of(model)[0])
    with pytest.raises(GanError, match="trained here"):
        keep(replace(model, reference="cats"), [edit])
    with pytest.raises(GanError, match="another generator"):
        keep(model, [OwnEdit("x", "f4E")])
    with pytest.raises(GanError, match="at most 20"):
        keep(model, [replace(edit, name=f"n{i}") for i in range(21)])


def test_a_folder_with_own_directions_alone_still_has_ten_to_begin_with(model: Model) -> None:
    folder = store.find(model.reference).folder
    path = save_directions(folder, [as_direction(as_edit(directions_of(model)[3]))])
    try:
        fresh = load_reference(model.reference)
        assert len(directions_of(fresh)) == 10
        assert len(kept_directions(fresh)) == 1
    finally:
        path.unlink()
