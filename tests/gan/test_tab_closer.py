"""The panels below the explorer: what their functions answer, also to what no page would send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gan import closer_view, tab_closer
from gan.codes import encode_latent
from gan.explorer import ExplorerState, latent
from gan.inversion import Search, project
from gan.latent import latents
from gan.mixing import groups_of
from gan.mixing_sheet import mixing_tiles
from gan.model import Model, load

PHOTO = Path(__file__).resolve().parents[2] / "data" / "pictures" / "photos" / "cat.jpg"
CATS = json.dumps(ExplorerState("cats", seed=3).to_json())
FASHION = json.dumps(ExplorerState("fashion", seed=3, label=2).to_json())


def last_look(text: str, what: str) -> str:
    *_, last = tab_closer.look(text, what)
    return last


@pytest.mark.parametrize("text", [CATS, FASHION])
@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("heat", "Red places speak for the picture"),
        ("inside", "Conv2d: "),
        ("layers", "learned numbers"),
    ],
)
def test_every_look_shows_pictures_or_a_table(text: str, what: str, says: str) -> None:
    shown = last_look(text, what)
    assert says in shown
    assert ("<table>" in shown) == (what == "layers")
    assert ("data:image/png" in shown) == (what != "layers")


def test_the_cats_are_compared_at_once_with_what_ships() -> None:
    (only,) = tab_closer.look(CATS, "copies")
    assert "real pictures that it never saw" in only
    assert "data:image/png" in only


def test_the_garments_are_compared_at_once_with_sketches_of_what_does_not_ship() -> None:
    (only,) = tab_closer.look(FASHION, "copies")
    assert "real pictures that it never saw" in only
    assert "They are small sketches" in only
    assert "data:image/png" in only


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"checkpoint": "../etc"}', '{"checkpoint": 5}'])
def test_what_no_page_would_send_is_a_sentence(text: str) -> None:
    for answer in (last_look(text, "heat"), tab_closer.compare_with(text, "cats")):
        assert answer.startswith('<div class="closer"><p>')
    assert tab_closer.mix(text, "1", "2", [])[1] == ""
    assert tab_closer.compare_with(CATS, ["x"]).endswith("first.</p></div>")
    for cells, index in (("", 0), ("[]", 0), ("[1]", 3), ("[1]", -1), ('{"a": 1}', 0), ("[1]", "0")):
        assert tab_closer.cell_state(cells, index) == ""
    assert "Choose a look" in last_look(CATS, "everything")


def test_words_from_a_checkpoint_cannot_become_html() -> None:
    assert "<img src=x" not in closer_view.note_html('<img src=x onerror="alert(1)">')


def test_the_grid_takes_from_the_column_what_is_ticked() -> None:
    model = load("cats")
    grid, cells, message, _ = tab_closer.mix(CATS, "1, 5", "2, 4, 6", ["body", "background"])
    assert "Download the grid" in message
    assert len(grid.value) == 3 * 4
    assert tab_closer.cell_state(cells, 0) == ""
    heads = [ExplorerState.from_json(state).seed for state in json.loads(cells)[1:5]]
    assert heads == [2, 4, 6, 1]
    states = [ExplorerState.from_json(state or {"checkpoint": "-"}) for state in json.loads(cells)]
    taken = {group.name: group.basis for group in groups_of(model)}
    truncation = ExplorerState.from_json(json.loads(CATS)).truncation
    row, column = (latent(model, ExplorerState("cats", seed, truncation)) for seed in (5, 2))
    found = latent(model, states[9])  # second row, first column
    for name, basis in taken.items():
        source = column if name in ("body", "background") else row
        assert torch.allclose(found @ basis.T, source @ basis.T, atol=1e-3), name


def test_rows_and_columns_may_be_favourites_and_the_present_picture() -> None:
    liked = [
        ExplorerState("cats", 8, 0.7, edits=(2.0,)),
        ExplorerState("cats", base=encode_latent(latents([4], 72)[0])),
    ]
    strange = ExplorerState("fashion", 1)
    asked = {**json.loads(CATS), "edits": [1.0], "favourites": [each.to_json() for each in (*liked, strange)]}
    _, cells, _, _ = tab_closer.mix(json.dumps(asked), "1", "2", ["body"], ["present", "rows", "columns"])
    states = [state and ExplorerState.from_json(state) for state in json.loads(cells)]
    assert states[1:3] == liked
    assert states[3] == ExplorerState("cats", 3, 1.0, edits=(1.0,))
    assert states[6::3] == liked
    captions = [tile.caption for tile in mixing_tiles(load("cats"), states[3:4], liked, ["body"])]
    assert captions[1:4] == ["column, seed 8", "column, your picture", "row, seed 3"]
    assert captions[4:] == ["3 with 8", "3 with yours"]
    for sent in (None, [], [strange.to_json()], [5]):
        *_, message, _ = tab_closer.mix(json.dumps({**asked, "favourites": sent}), "1", "2", [], ["rows"])
        assert message.startswith('<div class="closer"><p>')


def test_a_search_that_waits_knows_how_many_are_before_it() -> None:
    assert tab_closer.searches(None) == 0
    waiting = [SimpleNamespace(session_hash=name) for name in ("b", "c")]
    queue = SimpleNamespace(queue=waiting, current_concurrency=1)
    queues = {"closer-search": queue, "other": SimpleNamespace(queue=[], current_concurrency=5)}
    demo: Any = SimpleNamespace(_queue=SimpleNamespace(event_queue_per_concurrency_id=queues))
    assert [tab_closer.searches(demo, name) for name in (None, "a", "b", "c")] == [3, 0, 1, 2]
    assert "1 is before yours" in tab_closer.waiting_words(1)
    assert "2 are before yours" in tab_closer.waiting_words(2)


def test_the_parts_on_offer_are_the_generator_s() -> None:
    offered = tab_closer.offered_groups(CATS, ["mouth", "sleeves"])
    assert [name for name, _ in offered.choices] == [
        "body", "fur", "eyes", "mouth", "accessories", "background",
    ]  # fmt: skip
    assert offered.value == ["mouth"]


def test_two_checkpoints_are_compared_in_words() -> None:
    shown = tab_closer.compare_with(CATS, "fashion")
    assert "Seeds 3 to 10: Cats above, Fashion below" in shown
    assert "differ in length" in shown


def test_a_search_tells_its_progress_and_its_best_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(model: Model, target: torch.Tensor) -> Iterator[Any]:
        return project(model, target, Search(samples=4, rounds=0, starts=1, steps=10))

    monkeypatch.setattr(tab_closer, "project", short)
    answers = list(tab_closer.search(FASHION, str(PHOTO)))
    words = [answer[0] for answer in answers if isinstance(answer[0], str)]
    assert "Trying many pictures" in words[0]
    assert any("Step 10 of 10" in each for each in words)
    assert words[-1] == closer_view.note_html("Done.")
    best = ExplorerState.from_json(json.loads(answers[-2][2]))
    assert best.reference == "fashion"
    assert best.base


def test_a_search_without_a_picture_or_with_a_bad_one_is_a_sentence(tmp_path: Path) -> None:
    (only,) = tab_closer.search(CATS, None)
    assert "Choose a picture first" in only[0]
    (tmp_path / "bad.png").write_bytes(b"no picture")
    *_, last = tab_closer.search(CATS, str(tmp_path / "bad.png"))
    assert last[0].startswith('<div class="closer"><p>')
    assert last[2] == ""
