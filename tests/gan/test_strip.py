from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from explorer_helpers import fashion_in

from gan.direction_files import Direction
from gan.direction_sets import all_directions
from gan.errors import GanError
from gan.explorer import ExplorerState, render
from gan.latent import latents
from gan.model import Model, load_reference
from gan.strip import direction_by_name, moved_to, strip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return load_reference(fashion_in(home))


def test_a_strip_goes_from_low_to_high_through_the_middle(model: Model) -> None:
    direction = all_directions(model)[1]
    state = ExplorerState(model.reference, 4, label=3, edits=(1.0, 2.5))
    pictures = strip(model, state, direction)
    assert pictures.shape == (5, 1, 28, 28)
    for picture, place in zip(pictures, (-1.0, -0.5, 0.0, 0.5, 1.0), strict=True):
        at = replace(state, edits=(1.0, round(place * direction.limit, 2)))
        torch.testing.assert_close(picture, render(model, at)[0], atol=1e-4, rtol=0)


def test_a_direction_beyond_the_first_ten_is_a_place_in_the_link(model: Model) -> None:
    known = all_directions(model)
    moved = moved_to(model, ExplorerState(model.reference, 4), known[-1], 2.0)
    assert len(moved.edits) == len(known)
    assert moved.edits[-1] == 2.0
    assert not torch.equal(render(model, moved), render(model, ExplorerState(model.reference, 4)))


def test_a_direction_of_ones_own_has_a_strip_too(model: Model) -> None:
    own = Direction("mine", "saved", torch.nn.functional.normalize(latents([9], 16), dim=1)[0], 3.0)
    state = ExplorerState(model.reference, 4)
    pictures = strip(model, state, own, 3)
    torch.testing.assert_close(pictures[1], render(model, state)[0])
    assert not torch.equal(pictures[0], pictures[2])
    assert moved_to(model, state, own, 1.0).own[0].name == "mine"


def test_directions_are_found_by_number_and_name(model: Model) -> None:
    known = all_directions(model)
    assert direction_by_name(model, "3") is known[2]
    assert direction_by_name(model, known[4].name.upper()) is known[4]
    for wrong in ("0", "99", "nothing", ""):
        with pytest.raises(GanError, match="has no direction"):
            direction_by_name(model, wrong)
