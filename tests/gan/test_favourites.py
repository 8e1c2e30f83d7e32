from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest
from explorer_helpers import cats_in, fashion_in
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan.errors import GanError
from gan.explorer import ExplorerState, png, render
from gan.favourites import Favourite, contact_sheet, read_favourites, read_state, write_favourites
from gan.model import Model, load_reference
from gan.pictures import to_images


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        found = [load_reference(fashion_in(home)), load_reference(cats_in(home))]
    return {model.reference: model for model in found}


def some(models: dict[str, Model]) -> list[Favourite]:
    first, second = models
    mother, father = Favourite(ExplorerState(first, 3)), Favourite(ExplorerState(first, 4, label=2))
    child = Favourite(ExplorerState(first, 5, edits=(1.5,)), "the nice one", (mother.key, father.key))
    return [mother, father, child, Favourite(ExplorerState(second, 6))]


def test_favourites_come_back_from_json_and_from_the_sheet(models: dict[str, Model]) -> None:
    favourites = some(models)
    assert read_favourites(write_favourites(favourites).encode()) == tuple(favourites)
    sheet = contact_sheet(favourites, columns=3, tile=56, open_model=models.__getitem__)
    assert read_favourites(sheet) == tuple(favourites)


def test_the_sheet_shows_each_picture_in_its_place(models: dict[str, Model]) -> None:
    favourites = some(models)
    sheet = np.asarray(Image.open(BytesIO(contact_sheet(favourites, 3, 56, models.__getitem__))))
    assert sheet.shape == (56 * 2 + 4, 56 * 3 + 8, 3)
    for i, favourite in enumerate(favourites):
        picture = to_images(render(models[favourite.state.reference], favourite.state))[0].convert("RGB")
        wanted = np.asarray(picture.resize((56, 56), Image.Resampling.LANCZOS))
        row, column = divmod(i, 3)
        np.testing.assert_array_equal(sheet[60 * row :, 60 * column :][:56, :56], wanted)


def test_the_picture_that_the_page_saves_gives_its_state_back(models: dict[str, Model]) -> None:
    state = ExplorerState(next(iter(models)), 7, edits=(1.0,))
    picture = render(models[state.reference], state)[0]
    assert read_state(png(picture, 64, state)) == state
    assert read_state(json.dumps(state.to_json()).encode()) == state
    with pytest.raises(GanError, match="no state"):
        read_state(png(picture))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"\x89PNG\r\n\x1a\nbroken",
        json.dumps({"format": "other", "favourites": []}).encode(),
        json.dumps({"format": "latent-atelier-favourites", "favourites": []}).encode(),
        json.dumps({"format": "latent-atelier-favourites", "favourites": [1]}).encode(),
        json.dumps({"format": "latent-atelier-favourites", "favourites": [{"state": {}}]}).encode(),
        json.dumps({"format": "latent-atelier-favourites", "favourites": [{}] * 101}).encode(),
        b" " * 9_000_000,
    ],
)
def test_other_files_are_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(GanError) as error:
        read_favourites(content)
    assert str(error.value).endswith(".")


@given(
    st.dictionaries(
        st.sampled_from(["note", "parents", "key", "x"]), st.text() | st.lists(st.text()) | st.none()
    )
)
def test_notes_and_parents_of_strangers_are_made_harmless(sent: dict[str, object]) -> None:
    found = Favourite.from_json({"state": {"checkpoint": "cats"}, **sent})
    assert len(found.note) <= 200
    assert found.note.isprintable()
    assert all(len(parent) == 16 for parent in found.parents)


def test_a_sheet_has_limits(models: dict[str, Model]) -> None:
    favourite = Favourite(ExplorerState(next(iter(models)), 1))
    for arguments in (([], 3, 56), ([favourite], 0, 56), ([favourite], 3, 9), ([favourite] * 101, 3, 56)):
        with pytest.raises(GanError):
            contact_sheet(*arguments, models.__getitem__)
