from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from explorer_helpers import cats_in, fashion_in
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from checkpoints import store
from gan.direction_files import Direction
from gan.directions import directions_of
from gan.errors import GanError
from gan.explorer import (
    ExplorerState,
    checkpoint_choices,
    describe,
    latent_of,
    neighbours,
    opinion_json,
    opinion_sentence,
    page_latent,
    png,
    render,
)
from gan.latent import latents, slerp
from gan.model import Model, Opinion, load_reference
from gan.pictures import to_images


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(home))


@pytest.fixture(scope="module")
def models(home: Path) -> dict[str, Model]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return {"fashion": load_reference(fashion_in(home)), "cats": load_reference(cats_in(home))}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
keys = st.sampled_from(
    ["checkpoint", "seed", "truncation", "class", "mode", "edits", "raw", "between", "other"]
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(keys, values))
def test_whatever_a_page_sends_becomes_a_valid_state_or_a_sentence(sent: dict[str, Any]) -> None:
    try:
        state = ExplorerState.from_json({"checkpoint": "cats", **sent})
    except GanError:
        return
    assert 0 <= state.seed < 2**32
    assert 0 <= state.truncation <= 2
    assert all(-20 <= edit <= 20 for edit in state.edits)
    assert all(0 <= index < 1000 and -4 <= value <= 4 for index, value in state.raw)
    assert ExplorerState.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize("number", [10**400, float("inf"), -(10**400)])
def test_numbers_beyond_all_bounds_are_moved_into_their_limits(number: float) -> None:
    state = ExplorerState.from_json({"checkpoint": "cats", "seed": number, "truncation": number})
    assert (state.seed, state.truncation) == ((2**32 - 1, 2.0) if number > 0 else (0, 0.0))


@pytest.mark.parametrize("sent", [None, [], "cats", {}, {"checkpoint": ""}, {"checkpoint": 5}])
def test_a_state_needs_a_checkpoint(sent: object) -> None:
    with pytest.raises(GanError):
        ExplorerState.from_json(sent)


def test_numbers_are_rounded_and_moved_into_their_limits() -> None:
    sent = {"seed": -3, "truncation": 9, "edits": [0.123, -99, -0.0, 0], "raw": {"2": 7, "0": 1.005}}
    state = ExplorerState.from_json({"checkpoint": "cats", **sent})
    assert state == ExplorerState("cats", 0, 2.0, edits=(0.12, -20.0), raw=((0, 1.0), (2, 4.0)))


def test_the_latent_vector_is_seed_times_truncation_plus_edits_then_raw_coordinates() -> None:
    directions = [Direction("a", "pca", torch.eye(6)[1]), Direction("b", "pca", torch.eye(6)[4], limit=2.0)]
    state = ExplorerState("x", 3, 0.5, edits=(1.5, -9.0, 4.0), raw=((0, 2.5), (99, 1.0)))
    expected = 0.5 * latents([3], 6)
    expected[0, 1] += 1.5
    expected[0, 4] -= 2.0
    expected[0, 0] = 2.5
    torch.testing.assert_close(latent_of(state, directions, 6), expected)


@pytest.mark.parametrize(
    ("place", "corner"), [([0, 0], 2), ([1, 0], 4), ([0, 1], 6), ([1, 1], 8), ([-3, 0.00001], 2)]
)
def test_a_plane_has_its_four_seeds_in_its_corners(place: list[float], corner: int) -> None:
    state = ExplorerState.from_json(
        {"checkpoint": "x", "truncation": 0.5, "between": {"seeds": [2, 4, 6, 8], "place": place}}
    )
    torch.testing.assert_close(latent_of(state, [], 6), 0.5 * latents([corner], 6))
    assert ExplorerState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_place_on_an_edge_is_on_the_walk_between_two_seeds() -> None:
    state = ExplorerState("x", corners=(1, 5, 1, 5), place=(0.3, 0.0))
    expected = slerp(*latents([1, 5], 6), torch.tensor([0.3]))
    torch.testing.assert_close(latent_of(state, [], 6), expected)


@pytest.mark.parametrize("between", [5, [], {}, {"seeds": [1, 2], "place": [0, 0]}, {"seeds": "1234"}])
def test_a_place_that_is_none_is_a_sentence(between: object) -> None:
    with pytest.raises(GanError):
        ExplorerState.from_json({"checkpoint": "x", "between": between})


def test_the_same_state_is_the_same_picture_to_the_byte_and_each_part_counts(
    models: dict[str, Model],
) -> None:
    model = models["fashion"]
    state = ExplorerState(model.reference, 4, 0.9, 2, edits=(0.5, -1.0), raw=((3, 2.0),))
    again = ExplorerState.from_json(json.loads(json.dumps(state.to_json())))
    first = png(render(model, state)[0])
    assert png(render(model, again)[0]) == first
    for other in (
        replace(state, seed=5),
        replace(state, truncation=1.0),
        replace(state, label=3),
        replace(state, edits=(0.5, 1.0)),
        replace(state, raw=()),
    ):
        assert not torch.equal(render(model, other), render(model, state))
    assert torch.equal(render(model, replace(state, mode="raw")), render(model, state))


def test_a_plain_state_is_the_models_own_sample(models: dict[str, Model]) -> None:
    for model in models.values():
        shown = np.asarray(to_images(render(model, ExplorerState(model.reference, 7)))[0])
        sampled = model.sample([7], label=0 if model.classes else None)[0]
        np.testing.assert_array_equal(shown, sampled[..., 0] if sampled.shape[2] == 1 else sampled)


def test_a_class_beyond_the_last_is_the_last(models: dict[str, Model]) -> None:
    model = models["fashion"]
    states = [ExplorerState(model.reference, label=label) for label in (9, 500)]
    assert torch.equal(render(model, states[0]), render(model, states[1]))


def test_jumping_to_a_neighbour_shows_exactly_its_picture(models: dict[str, Model]) -> None:
    model = models["cats"]
    state = ExplorerState(model.reference, 2, edits=(3.0,))
    near = neighbours(model, state, 6)
    assert len(near) == 6
    assert len({each.edits for each, _ in near}) == 6
    for each, picture in near:
        jumped = ExplorerState.from_json(json.loads(json.dumps(each.to_json())))
        torch.testing.assert_close(render(model, jumped)[0], picture, atol=2e-5, rtol=0)
        assert jumped.seed == state.seed
        limits = [d.limit for d in directions_of(model)]
        assert all(abs(edit) <= limit for edit, limit in zip(jumped.edits, limits, strict=False))
    again = neighbours(model, replace(state, mode="raw"), 6)
    assert [each.edits for each, _ in again] == [each.edits for each, _ in near]


def test_the_opinion_is_a_comparison_in_words(models: dict[str, Model]) -> None:
    model = models["cats"]
    state = ExplorerState(model.reference, 1)
    told = opinion_json(model, state, render(model, state))
    assert "than" in told["sentence"]
    assert 0 <= told["generated"] <= 1
    assert opinion_sentence(model, Opinion(1.0, 0.63, 0.12)) == (
        "The discriminator finds this picture more convincing than 63 % of this generator's pictures "
        "and 12 % of the real ones."
    )
    assert "score of -0.50" in opinion_sentence(replace(model, critic={}), Opinion(-0.5, 0.5, 0.5))
    alone = opinion_json(replace(model, discriminator=None), state, render(model, state))
    assert "without its discriminator" in alone["sentence"]
    assert alone["real"] is None


def test_the_description_has_what_the_page_needs(models: dict[str, Model]) -> None:
    told = json.loads(json.dumps(describe(models["fashion"])))
    assert told["title"] == "Small fashion"
    assert told["classes"][8] == "bag"
    assert len(told["directions"]) == 10
    assert told["directions"][0]["name"].startswith("Direction 1")
    assert told["coordinates"] == [f"z {i}" for i in range(16)]
    assert told["resolution"] == 28
    assert "Zalando" in told["credit"]
    assert told["judged"]
    assert describe(models["cats"])["classes"] == []
    assert "David Revoy" in describe(models["cats"])["credit"]


def test_the_page_sees_the_latent_vector(models: dict[str, Model]) -> None:
    model = models["cats"]
    shown = page_latent(model, ExplorerState(model.reference, 5, raw=((1, -2.5),)))
    assert len(shown) == 16
    assert shown[1] == -2.5
    assert shown[0] == round(float(latents([5], 16)[0, 0]), 2)


def test_a_downloaded_picture_says_how_to_draw_it_again(models: dict[str, Model]) -> None:
    model = models["cats"]
    state = ExplorerState(model.reference, 8, 0.8, edits=(1.0, 0.5))
    image = Image.open(BytesIO(png(render(model, state)[0], 512, state)))
    assert image.size == (512, 512)
    assert ExplorerState.from_json(json.loads(image.text["latent-atelier"])) == state
    assert Image.open(BytesIO(png(render(model, state)[0]))).size == (32, 32)
    assert Image.open(BytesIO(png(render(model, state)[0], 10**9))).size == (1024, 1024)


def test_the_choice_is_shipped_checkpoints_and_the_visitors_own(
    models: dict[str, Model], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHIPPED", home / "shipped")
    own = models["fashion"].reference
    (home / "shipped").mkdir(exist_ok=True)
    assert checkpoint_choices([]) == []
    assert checkpoint_choices("no list") == []
    sent = [own, own, "runs/" + "0" * 32, "../../etc", 7, None]
    assert checkpoint_choices(sent) == [
        {"checkpoint": own, "title": "Small fashion", "group": "Trained here"}
    ]
