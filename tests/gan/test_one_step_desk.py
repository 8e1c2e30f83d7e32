"""What visitors look at: taken back exactly, begun from anything that fits, bounded, in plain words."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch

from gan import one_step_view as view
from gan import run_files, runs, tab_one_step, tab_train_events
from gan.checkpoint import save_run
from gan.config import NetworkConfig, TrainConfig, preset_config
from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.listening import weights_digest
from gan.one_step_desk import Desk, Look, look_at_checkpoint, look_at_request
from gan.own_pictures import own_pictures
from gan.run_files import Request
from gan.state import fitted, new_state
from gan.train_form import setting_values
from gan.training import train

PICTURES = Path(__file__).resolve().parents[2] / "data" / "pictures" / "photos"
TINY = TrainConfig(
    network=NetworkConfig("compact", 28, 1, z_dim=8, width=4, classes=10), seconds=0, steps=2, batch=8
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=300)


def look(garments: Dataset) -> Look:
    return Look("Garments", TINY, garments, new_state(TINY))


def digests(look: Look) -> tuple[str, str, str]:
    state = look.state
    return weights_digest(state.generator), weights_digest(state.discriminator), weights_digest(state.average)


def test_what_is_taken_back_is_made_again_bit_for_bit(garments: Dataset) -> None:
    seen = look(garments)
    assert not seen.can_undo
    seen.whole_steps("both", 3, 60)
    after_three = digests(seen)
    first = seen.whole_steps("both", 1, 60)
    after_four = digests(seen)
    assert seen.state.step == 4
    seen.undo()
    assert digests(seen) == after_three
    assert not seen.can_undo
    again = [seen.next_part("both") for _ in range(10)][-1]
    assert torch.equal(again.turn.redrawn, first.turn.redrawn)
    seen.finish()
    assert digests(seen) == after_four
    seen.start_again()
    assert seen.state.step == 0
    assert digests(seen) == digests(look(garments))


def test_undo_in_the_middle_of_a_step_and_another_learner(garments: Dataset) -> None:
    seen = look(garments)
    before = digests(seen)
    for _ in range(7):
        seen.next_part("both")
    seen.undo()
    assert digests(seen) == before
    assert seen.next_part("generator").turn.player == "generator"
    with pytest.raises(GanError, match="who learns"):
        look(garments).next_part("nobody")


def test_a_desk_is_bounded_and_forgets(garments: Dataset) -> None:
    one, two = look(garments), look(garments)
    desk = Desk(most_parameters=one.parameters * 3 // 2, kept_seconds=10)
    first = desk.put(one, lambda: 0)
    assert desk.find(first, lambda: 9) is one
    assert desk.find(first, lambda: 18) is one
    assert desk.find(first, lambda: 29) is None
    first, second = desk.put(one, lambda: 30), desk.put(two, lambda: 31)
    assert first != second
    assert (desk.find(first, lambda: 32), desk.find(second, lambda: 32)) == (None, two)
    assert desk.find(["no id"], lambda: 32) is None  # type: ignore[arg-type]
    desk.drop(second)
    assert desk.find(second, lambda: 32) is None


def test_networks_that_are_too_large_or_of_other_pictures_are_refused(garments: Dataset) -> None:
    large = replace(
        TINY, network=replace(TINY.network, architecture="mlp", width=4, resolution=64, channels=3)
    )
    with pytest.raises(GanError, match="million weights"):
        Look("Large", large, garments, new_state(large))
    with pytest.raises(GanError, match="other pictures"):
        Look("Cats", TINY, open_dataset("cats", 32, limit=16), new_state(TINY))


@pytest.mark.parametrize("reference", ["fashion", "cats"])
def test_a_shipped_checkpoint_takes_a_step(reference: str) -> None:
    seen = look_at_checkpoint(reference)
    assert seen.state.step == 0
    part = seen.next_part("both")
    assert part.turn.proof.unchanged
    assert part.turn.real is not None


def test_a_run_goes_on_with_its_own_optimisers_and_pictures(home: Path, tmp_path: Path) -> None:
    pictures = own_pictures([PICTURES] * 8, 32)
    config = fitted(replace(preset_config("in-a-minute", "nothing"), steps=2, seconds=0), pictures)
    run_id = runs.create(Request("own", 32, "Mine", "in-a-minute", config), pictures)
    state = new_state(config)
    list(train(config, pictures, state))
    save_run(run_files.run_folder(run_id) / "checkpoint", config, state, pictures, "Mine")
    seen = look_at_checkpoint(f"runs/{run_id}")
    assert (seen.state.step, seen.title) == (2, "Mine")
    assert seen.state.generator_optimiser.state_dict()["state"]
    seen.whole_steps("both", 1, 60)
    assert seen.state.step == 3
    (run_files.run_folder(run_id) / "data.safetensors").unlink()
    with pytest.raises(GanError, match="pictures that Mine learned from are not here"):
        look_at_checkpoint(f"runs/{run_id}")


def test_the_page_goes_through_a_step_and_answers_untrusted_values() -> None:
    settings = setting_values(preset_config("in-a-minute", "classes"))
    form = [
        "",
        tab_train_events.shown_for("fashion", "in-a-minute"),
        "fashion",
        32,
        "in-a-minute",
        "",
        1,
        False,
    ]
    chosen = ["fresh", "", "", *form, *settings]
    events = tab_one_step.Events()
    look_id, html, undo = events.next_part("", "both", *chosen)
    assert 'data-part="sample"' in html
    assert 'class="scores"' not in html, "what belongs to a later part is not shown yet"
    for _ in range(9):
        same_id, html, undo = events.next_part(look_id, "both", *chosen)
        assert same_id == look_id
    assert 'data-player="generator" data-part="update"' in html
    assert "Not one of its weights changed." in html
    assert undo.interactive
    _, html, undo = events.undo(look_id)
    assert "after 0 steps" in html
    assert not undo.interactive
    assert events.begin(look_id)[0] == ""
    assert "trouble" in events.next_part(look_id, "nobody", *chosen)[1]
    assert "no training run yet" in events.next_part("", "both", "run", "", "../..", *form, *settings)[1]
    assert "trouble" in events.next_part("", "both", "checkpoint", "../../etc", "", *form, *settings)[1]
    assert (
        "Choose the checkpoint" in events.next_part("", "both", "checkpoint", None, "", *form, *settings)[1]
    )


def test_heat_is_red_where_brighter_helps_and_blue_where_darker_does() -> None:
    pull = torch.zeros(1, 3, 2, 2)
    pull[0, :, 0, 0], pull[0, :, 1, 1] = 1.0, -1.0
    picture = view.heated(torch.zeros(1, 3, 2, 2), pull)[0]
    assert picture[0, 0, 0] > 0.5 > picture[2, 0, 0]
    assert picture[2, 1, 1] > 0.5 > picture[0, 1, 1]
    assert (picture[:, 0, 1] == 0).all()


def test_pictures_that_are_changed_before_they_are_judged_are_called_so(garments: Dataset) -> None:
    noisy = replace(TINY, noise=0.5)
    seen = Look("Garments", noisy, garments, new_state(noisy))
    assert "changed at random" in view.part_html(seen.next_part("both"), "", noisy.loss, 1)
    assert "changed at random" not in view.part_html(look(garments).next_part("both"), "", TINY.loss, 1)


def test_a_title_cannot_become_markup(garments: Dataset) -> None:
    seen, numbers = look(garments), count()
    html = view.part_html(seen.next_part("both"), "<script>", TINY.loss, next(numbers))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_lessons_networks_can_be_looked_at() -> None:
    network = NetworkConfig("mlp", 28, 1, z_dim=16)
    config = TrainConfig(network=network, batch=8, told=False, loss="bce", penalty="none")
    seen = look_at_request(Request("fashion", 28, "Lesson", "lesson-mlp", config), None)
    assert seen.next_part("both").turn.proof.unchanged
