from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from explorer_helpers import cats_in, styled_cats_in

from gan.codes import encode_latent
from gan.comparing import drawn_at, shared_state
from gan.direction_sets import all_directions
from gan.directions import directions_of
from gan.explorer import ExplorerState, OwnEdit, latent, render
from gan.latent import latents
from gan.model import Model, load, load_reference


@pytest.fixture(scope="module")
def cats() -> Model:
    return load("cats")


def test_the_same_generator_under_another_name_gets_the_whole_picture(cats: Model) -> None:
    other = replace(cats, reference="runs/" + "ab" * 16)
    named = next(i for i, d in enumerate(all_directions(cats)) if d.name == "background · warmer")
    edits = (1.5, *[0.0] * (named - 1), 3.0)
    own = OwnEdit("mine", "AQID" + "A" * 92, 2.0)
    state = ExplorerState("cats", 5, 0.7, edits=edits, raw=((3, 2.0),), own=(own,))
    shared = shared_state(cats, other, state)
    assert shared.left_out == ()
    assert "slider background · warmer" in shared.used
    torch.testing.assert_close(latent(other, shared.second), latent(cats, state))
    torch.testing.assert_close(drawn_at(cats, shared.first, [5]), render(cats, state))


@pytest.mark.parametrize(
    "more",
    [
        {"base": encode_latent(latents([9], 72)[0])},
        {"corners": (1, 5, 1, 5), "place": (0.25, 0.0)},
    ],
)
def test_what_stands_in_the_seed_s_place_is_compared_or_named(more: dict[str, Any], cats: Model) -> None:
    other = replace(cats, reference="runs/" + "ab" * 16)
    state = ExplorerState("cats", 5, 0.7, edits=(1.0,), **more)
    shared = shared_state(cats, other, state)
    assert shared.left_out == ()
    pictures = drawn_at(other, shared.second, [5, 6])
    torch.testing.assert_close(pictures[:1], render(cats, state))
    torch.testing.assert_close(pictures[1:], render(cats, ExplorerState("cats", 6, 0.7, edits=(1.0,))))
    named = shared_state(cats, load("fashion"), state).left_out
    assert {"a picture of its own, from no seed", "the place between seeds"} & set(named)


def test_the_layers_of_a_slider_are_compared_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr("gan.comparing.all_directions", directions_of)
    styled, plain = load_reference(styled_cats_in(tmp_path)), load_reference(cats_in(tmp_path))
    state = ExplorerState(styled.reference, 5, edits=(2.0, 1.0), layers=((0, 1, 2), (4, 0, 0)))
    same = shared_state(styled, replace(styled, reference="runs/" + "ab" * 16), state)
    assert same.second.layers == ((0, 1, 2),)
    torch.testing.assert_close(drawn_at(styled, same.second, [5]), render(styled, state))
    assert "layers that sliders move" in same.used
    monkeypatch.setattr("gan.comparing.all_directions", lambda _: directions_of(styled))
    other = shared_state(styled, plain, state)
    assert other.second.layers == ()
    assert "layers that sliders move" in other.left_out


def test_another_generator_gets_what_means_the_same_and_the_rest_is_named(cats: Model) -> None:
    fashion = load("fashion")
    places = {d.name: i for i, d in enumerate(all_directions(fashion))}
    brighter = next(
        name for name, d in zip(places, all_directions(fashion), strict=True) if d.method == "supervised"
    )
    edits = [0.0] * (places[brighter] + 1)
    edits[0], edits[-1] = 2.0, 3.0
    state = ExplorerState("fashion", 2, 0.9, label=3, edits=tuple(edits), raw=((1, 1.0),))
    shared = shared_state(fashion, cats, state)
    assert shared.second.edits == ()
    assert shared.first.edits == ()
    assert set(shared.left_out) >= {"class dress", f"slider {all_directions(fashion)[0].name}"}
    assert "1 chosen numbers of z" in shared.left_out
    assert shared.used[0] == "truncation 0.9"
    assert shared.sentence().startswith("Used for both: truncation 0.9")


def test_a_slider_of_the_same_name_is_used_by_each_in_its_own_way() -> None:
    fashion = load("fashion")
    found = all_directions(fashion)
    place = next(i for i, d in enumerate(found) if d.method == "supervised")
    turned = replace(found[place], vector=found[place].vector.flip(0))
    edits = (*[0.0] * place, 2.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan.comparing.all_directions", lambda _: (turned,))
        shared = shared_state(fashion, fashion, ExplorerState("fashion", 2, edits=edits))
    assert shared.first.edits == edits
    assert shared.second.edits == (2.0,)
