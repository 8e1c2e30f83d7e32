"""The Train tab without a browser: its form, its HTML, and what its events answer to an untrusted page."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import gradio as gr
import pytest

from gan import run_files, run_levers, run_status, runs, tab_own, tab_train
from gan import tab_train_events as events
from gan.cats import cats_attribute_sizes
from gan.config import FROM_A_CHECKPOINT, PRESETS, NetworkConfig, preset_config
from gan.curves import curves_html
from gan.datasets import open_dataset
from gan.errors import GanError
from gan.levers import LEVERS, Change, lever_settings
from gan.own_pictures import load_pictures
from gan.run_status import Status
from gan.state import fitted
from gan.tab_timer import LAST_LOOKS
from gan.train_form import SETTING_GROUPS, form_settings, request_from_form, setting_values
from gan.train_view import examples_html, in_words, parameter_counts, progress_html, strip_html, trouble_html
from gan.training import Snapshot

PHOTOS = Path(__file__).resolve().parents[2] / "data" / "pictures" / "photos"
MINUTE = preset_config("in-a-minute", "attributes")
DEFAULTS = setting_values(MINUTE)
OWN = setting_values(preset_config("in-a-minute", "nothing"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "advance", lambda *_: None)  # nothing is trained here
    return tmp_path


def test_every_setting_and_every_lever_stands_in_one_group() -> None:
    grouped = [name for group in SETTING_GROUPS.values() for name in group]
    offered = {setting.name for setting in [*form_settings(), *lever_settings()]}
    assert sorted(grouped) == sorted(offered)


def snapshot(step: int) -> Snapshot:
    return Snapshot(step, step * 64, step * 1.5, 0.3, 2.0, 0.9, 0.1, 1.0, 1.0, 1234.5, step / 10, 75.0)


def status(state: str = "running", message: str = "", place: int = 0, step: int = 4) -> Status:
    return Status("0" * 32, state, message, place, snapshot(step) if step else None, True, False)


def with_setting(name: str, value: Any) -> list[Any]:
    return [value if f.name == name else v for f, v in zip(form_settings(), DEFAULTS, strict=True)]


def test_the_form_of_a_preset_is_the_preset() -> None:
    request = request_from_form("cats", 32, "in-a-minute", 3, DEFAULTS)
    sizes = cats_attribute_sizes()
    network = replace(MINUTE.network, resolution=32, channels=3, attributes=sizes, z_dim=72)
    assert request.config == replace(MINUTE, network=network, seconds=180.0, steps=0)
    assert (request.preset, request.title) == ("in-a-minute", "Cats, in a minute, 3 min")
    classes = setting_values(preset_config("in-a-minute", "classes"))
    fashion = request_from_form("fashion", 64, "in-a-minute", 1, classes).config.network
    assert (fashion.resolution, fashion.channels, fashion.classes, fashion.attributes) == (28, 1, 10, ())
    own = request_from_form("own", 64, "in-a-minute", 1, DEFAULTS).config.network
    assert (own.resolution, own.channels, own.classes, own.attributes) == (64, 3, 0, ())


def test_the_lessons_networks_are_told_nothing() -> None:
    for preset in ("lesson-dcgan", "lesson-mlp"):
        settings = setting_values(preset_config(preset, "classes"))
        network = request_from_form("fashion", 32, preset, 1, settings).config.network
        assert (network.classes, network.attributes, network.resolution) == (0, (), 28)


def test_the_config_of_every_recipe_is_the_one_that_the_worker_would_fit() -> None:
    for name, side in (("fashion", 28), ("cats", 32), ("cats", 64)):
        dataset = open_dataset(name, side, limit=None if name == "fashion" else 16)
        for preset in PRESETS:
            if preset == FROM_A_CHECKPOINT:
                continue
            settings = setting_values(preset_config(preset, dataset.labels_tell))
            config = request_from_form(name, max(32, side), preset, 1, settings).config
            assert config == fitted(config, dataset)


def test_a_changed_setting_is_used_and_said() -> None:
    request = request_from_form("cats", 64, "in-a-minute", 1, with_setting("gamma", 9.0))
    assert request.config.gamma == 9
    assert request.preset == "in-a-minute, changed"


def test_a_number_of_steps_is_a_budget_and_no_change_of_the_recipe() -> None:
    request = request_from_form("cats", 32, "in-a-minute", 2, with_setting("steps", 500))
    assert (request.config.steps, request.config.seconds, request.preset) == (500, 120, "in-a-minute")
    assert request.title == "Cats, in a minute, 500 steps"


def test_each_data_set_gets_the_settings_that_suit_it_and_changes_by_hand_survive() -> None:
    shown, minutes, side, *values = events.settings_for(
        "fashion", "in-a-minute", "", "in-a-minute attributes"
    )
    assert (minutes, side, values) == (1, 32, setting_values(preset_config("in-a-minute", "classes")))
    assert events.settings_for("cats", "in-a-minute", "", shown)[3:] == DEFAULTS
    assert events.settings_for("cats", "in-five-minutes", "", shown)[1:3] == [5, 64]
    shown, *values = events.settings_for("own", "in-a-minute", "", "in-a-minute nothing")
    assert values == [gr.skip()] * (2 + len(form_settings()))


def test_what_the_form_shows_for_fashion_is_what_is_trained() -> None:
    shown, settings = "in-a-minute classes", setting_values(preset_config("in-a-minute", "classes"))
    run_id, message, _ = events.start("", "", shown, "fashion", 64, "in-a-minute", "", 1, False, *settings)
    assert message == ""
    request = run_files.read_request(run_files.run_folder(run_id))
    assert request.preset == "in-a-minute"
    assert request.config.network.spectral
    assert request.config.loss == "soft-hinge"


def test_a_run_can_begin_with_a_checkpoint_that_fits() -> None:
    assert events.show_beginnings("cats", "in-a-minute", []) == gr.update(visible=False)
    offered = events.show_beginnings("own", "from-a-checkpoint", [])
    assert offered["visible"]
    assert offered["value"] == "cats"
    assert events.show_beginnings("fashion", "from-a-checkpoint", [])["value"] == "fashion"
    assert {value for _, value in offered["choices"]} == {"cats", "fashion"}
    settings = setting_values(preset_config("from-a-checkpoint", "classes"))
    asked = ["from-a-checkpoint", "fashion", 1, False, *settings]
    _, message, _ = events.start("", "", "from-a-checkpoint attributes", "cats", 64, *asked)
    assert "28 px, grey, with 10 classes" in message
    shown = "from-a-checkpoint classes"
    run_id, message, _ = events.start("", "", shown, "fashion", 64, *asked)
    assert message == ""
    request = run_files.read_request(run_files.run_folder(run_id))
    assert (request.start_from, request.config.frozen) == ("fashion", 2)
    for nothing in ("", None, "nothing", "../../etc"):
        asked = ["from-a-checkpoint", nothing, 1, False, *settings]
        _, message, _ = events.start("", "", shown, "fashion", 64, *asked)
        assert message.startswith("⚠️")
    assert "28 px" in events.describe_recipe("fashion", "", 28, "from-a-checkpoint", "fashion", 24)


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 60), (10, 600), (9999, 600), (-5, 60), (None, 60)])
def test_the_time_budget_stays_within_ten_minutes(minutes: float, seconds: float) -> None:
    assert request_from_form("cats", 32, "in-a-minute", minutes, DEFAULTS).config.seconds == seconds


@pytest.mark.parametrize(
    ("data", "resolution", "preset", "settings"),
    [
        ("../../etc", 64, "in-a-minute", DEFAULTS),
        ("cats", 4096, "in-a-minute", DEFAULTS),
        ("cats", 64, "huge", DEFAULTS),
        ("cats", 64, "in-a-minute", with_setting("batch", 10**9)),
        ("cats", 64, "in-a-minute", with_setting("generator_lr", None)),
        ("cats", 64, "in-a-minute", with_setting("width", "wide")),
        ("cats", 64, "in-a-minute", with_setting("loss", "none")),
    ],
)
def test_a_form_that_no_page_would_send_is_refused(
    data: str, resolution: int, preset: str, settings: list[Any]
) -> None:
    with pytest.raises(GanError):
        request_from_form(data, resolution, preset, 1, settings)


def start(
    run_id: str = "", data: str = "cats", upload_id: str = "", options: Any = ()
) -> tuple[Any, str, Any]:
    shown = events.shown_for(data, "in-a-minute")
    return events.start(run_id, upload_id, shown, data, 32, "in-a-minute", "", 1, options, *DEFAULTS)


def test_a_click_before_the_answer_starts_the_recipe_that_was_chosen() -> None:
    """The page still has the settings for cats in a minute, and Start is clicked already."""
    shown = events.shown_for("cats", "in-a-minute")
    for preset in ("lesson-mlp", "in-five-minutes"):
        run_id, message, _ = events.start("", "", shown, "fashion", 32, preset, "", 1, False, *DEFAULTS)
        assert message == ""
        request = run_files.read_request(run_files.run_folder(run_id))
        wanted = preset_config(preset, "classes")
        assert request.preset == preset
        assert request.config.seconds == wanted.seconds
        assert request.config.loss == wanted.loss


def test_start_stop_and_look() -> None:
    run_id, message, title = start()
    assert (message, title) == ("", "Cats, in a minute, 1 min")
    assert "Number 1 in the queue" in events.look_anew(run_id)[1]
    _, message, _ = start(run_id)
    assert "still training" in message
    events.stop(run_id)
    assert run_status.status(run_id).state == "stopped"
    with pytest.raises(gr.Error, match="no longer here"):
        events.stop("../" + run_id)


def test_a_run_that_is_not_the_visitors_shows_nothing() -> None:
    start()
    for stranger in ("", "0" * 32, None, ["x"]):
        pictures, progress, curves, *_ = events.look_anew(stranger)  # type: ignore[arg-type]
        assert (pictures, progress, curves) == ({}, "", "")


def test_only_new_pictures_are_sent() -> None:
    run_id, _, _ = start()
    folder = run_files.run_folder(run_id)
    for name in ("preview.png", "real.png"):
        (folder / name).write_bytes(b"\x89PNG")
    first, *_, shown, _ = events.look(run_id, events.NOTHING_SHOWN)
    assert first["samples"].startswith("data:image/png;base64,")
    assert "samples" not in events.look(run_id, shown)[0]
    (folder / "scale-7.png").write_bytes(b"\x89PNG")
    os.utime(folder / "scale-7.png", ns=(0, shown[0] + 10**9))
    newer, *_, shown, _ = events.look(run_id, shown)
    assert "7 px" in newer["scales"]
    assert "samples" not in events.look(run_id, shown)[0]
    lines = [json.dumps(asdict(snapshot(step))) for step in (1, 2)]
    (folder / "metrics.jsonl").write_text("\n".join(lines))
    _, _, curves, *_, shown, _ = events.look(run_id, shown)
    assert "<svg" in curves
    assert events.look(run_id, shown)[2] == gr.skip()


def test_a_late_answer_does_not_end_the_looks_at_a_run_that_goes_on_again() -> None:
    run_id, _, _ = start()
    *_, shown, timer = events.look(run_id, events.NOTHING_SHOWN)
    assert timer.active
    runs.request_stop(run_id)
    assert events.look_anew(run_id)[-1] == gr.skip()
    for looks in range(1, LAST_LOOKS + 2):
        *_, shown, timer = events.look(run_id, shown)
        assert timer == gr.skip() if looks < LAST_LOOKS else not timer.active
    events.go_on(run_id)
    *_, shown, timer = events.look(run_id, shown)
    assert timer.active
    *_, shown, timer = events.look("", shown)
    assert timer == gr.skip()


def test_keeping_adds_to_whatever_the_page_calls_its_library() -> None:
    run_id, _, _ = start()
    runs.request_stop(run_id)
    _, message, _ = events.keep(run_id, "Name", [])
    assert "nothing to keep" in message
    folder = run_files.run_folder(run_id) / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    for library in ([], None, {"a": 1}, [f"runs/{run_id}"]):
        mine, message, _ = events.keep(run_id, "Name", library)
        assert mine == [f"runs/{run_id}"]
        assert "Explore" in message
    assert events.keep(run_id, "Name", ["cats"])[0] == ["cats", f"runs/{run_id}"]


def test_uploaded_pictures_are_understood_and_used(tmp_path: Path) -> None:
    assert tab_own.understand([])[:2] == ("", "")
    upload_id, text, _ = tab_own.understand([str(next(PHOTOS.glob("*.jpg")))] * 2)
    assert upload_id == ""
    assert "Only 2 of these pictures" in text
    assert "Choose your pictures first" in start(data="own", upload_id="")[1]

    upload_id, text, augment = tab_own.understand([str(f) for f in [*PHOTOS.glob("*.jpg")] * 3])
    assert "pictures used" in text
    assert "<img" in text
    assert augment == 1  # so few pictures could be learned by heart
    where = 3 + [setting.name for setting in form_settings()].index("augment")
    for preset in ("in-five-minutes", "from-a-checkpoint"):
        assert events.settings_for("own", preset, upload_id, "another")[where] == 1
        assert events.settings_for("own", preset, "", "another")[where] == 0
    own = [1.0 if f.name == "augment" else v for f, v in zip(form_settings(), OWN, strict=True)]
    assert request_from_form("own", 32, "in-a-minute", 1, own).preset == "in-a-minute"
    assert "few: expect copies" in text
    asked = (upload_id, 32, [], "in-a-minute", "")
    assert tab_own.usual_recipe("own", *asked) == "from-a-checkpoint"
    assert tab_own.usual_recipe("hub", *asked) == gr.skip()
    assert "Fetch a data set first" in start(data="hub", upload_id="")[1]
    assert "Choose your pictures first" in start(data="hub", upload_id=upload_id)[1]
    run_id, message, _ = start(data="own", upload_id=upload_id, options=["mirror", "grey"])
    assert message == ""
    assert run_files.read_request(run_files.run_folder(run_id)).data == "own"
    trained = load_pictures(run_files.run_folder(run_id))
    assert trained.images.shape[1:] == (1, 32, 32)
    assert trained.mirror
    asked = [
        "from-a-checkpoint",
        "cats",
        1,
        ["grey"],
        *setting_values(preset_config("from-a-checkpoint", "nothing")),
    ]
    refused = events.start("", upload_id, "from-a-checkpoint nothing", "own", 64, *asked)[1]
    assert "in colour" in refused


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("options", [[], ["grey"], ["mirror", "grey"]])
def test_what_is_proposed_for_few_pictures_can_be_started(side: int, options: list[str]) -> None:
    upload_id = tab_own.understand([str(f) for f in [*PHOTOS.glob("*.jpg")] * 3])[0]
    recipe, beginning = "in-a-minute", ""
    for proposed in (tab_own.usual_recipe, tab_own.recipe_that_fits, tab_own.recipe_that_fits):
        answer = proposed("own", upload_id, side, options, recipe, beginning)
        recipe = recipe if answer == gr.skip() else answer
        beginning = events.show_beginnings("own", recipe, []).get("value", "")
    expected = "in-a-minute" if options or side == 32 else "from-a-checkpoint"
    assert recipe == expected
    shown, settings = f"{recipe} nothing", setting_values(preset_config(recipe, "nothing"))
    assert events.start("", upload_id, shown, "own", side, recipe, beginning, 1, options, *settings)[1] == ""
    # Whoever asks for grey after the checkpoint was proposed is led away from it.
    led = {32: "in-a-minute", 64: "in-five-minutes"}[side]
    assert tab_own.recipe_that_fits("own", upload_id, side, ["grey"], "from-a-checkpoint", "cats") == led
    for wrong in ("../x", None, "runs/none"):
        asked = ("own", upload_id, side, options, "from-a-checkpoint", wrong)
        assert tab_own.recipe_that_fits(*asked) == gr.skip()


def test_of_a_folder_the_pictures_are_taken() -> None:
    files = ["/x/a.JPG", "/x/.DS_Store", "/x/b/c.png", "/x/d.zip", "/x/film.mp4"]
    assert tab_own.pictures_of(files) == (["/x/a.JPG", "/x/b/c.png", "/x/d.zip"], gr.skip())
    for nothing in ([], None, ["/x/notes.txt"]):
        files, said = tab_own.pictures_of(nothing)
        assert files == gr.skip()
        assert "no pictures in this folder" in said


def test_what_comes_from_outside_cannot_become_html() -> None:
    evil = '<img src=x onerror="alert(1)">'
    pictures = open_dataset("cats", 32, limit=2).images.float() / 255
    for html in (trouble_html(evil), strip_html(pictures, evil), progress_html(status(message=evil))):
        assert evil not in html
        assert "&lt;img" in html


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (status(), "1 min 15 s left"),
        (status("waiting", place=1, step=0), "Number 1 in the queue: next"),
        (status("waiting", place=3, step=0), "Number 3 in the queue: 2 waiting before you"),
        (status("finished"), "Finished after 6 s"),
        (status("stopped"), "Stopped after 6 s"),
        (status("stopped", step=0), "Stopped before it began"),
        (status("failed", "It broke."), "It broke."),
    ],
)
def test_progress_in_words(seen: Status, says: str) -> None:
    html = progress_html(seen)
    assert says in html
    assert ("1,234 pictures a second" in html) == (seen.snapshot is not None)


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (-3, "0 s")])
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_curves_hold_every_point_inside_the_picture() -> None:
    assert curves_html([]) == curves_html([snapshot(1)]) == ""
    history = [replace(snapshot(i), generator_loss=10.0 ** (i % 7 - 2)) for i in range(1, 60)]
    root = ElementTree.fromstring(curves_html(history))
    lines = root.findall(".//polyline")
    assert len(lines) == 4
    for line in lines:
        points = [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]
        assert len(points) == 59
        assert all(0 <= x <= 420 and 0 <= y <= 190 for x, y in points)
        assert points == sorted(points, key=lambda point: point[0])


def test_a_run_that_went_back_says_so() -> None:
    told = replace(status(), snapshot=replace(snapshot(4), note="The training <diverged> at step 9."))
    assert "The training &lt;diverged&gt; at step 9." in progress_html(told)
    assert "diverged" not in progress_html(status())


def test_parameters_are_counted_without_building_the_network() -> None:
    assert parameter_counts(NetworkConfig("dcgan", 28, 1, z_dim=100)) == (600_512, 661_248)


@pytest.mark.parametrize(("data", "resolution"), [("cats", 32), ("cats", 64), ("fashion", 28)])
def test_examples_name_their_makers(data: str, resolution: int) -> None:
    html = examples_html(data, resolution)
    assert ("David Revoy" in html) == (data == "cats")
    assert ("Zalando" in html) == (data == "fashion")


def test_the_page_can_be_laid_out() -> None:
    with gr.Blocks() as demo:
        tab_train.build(gr.BrowserState([]))
    ids = {c["props"].get("elem_id") for c in demo.get_config_file()["components"]}
    wanted = "data files recipe beginning minutes start stop continue keep name live progress curves message"
    assert {f"train-{name}" for name in [*wanted.split(), "levers", "pulled"]} <= ids
    assert {f"lever-{name.replace('_', '-')}" for name in LEVERS} <= ids


def test_a_lever_says_what_it_did_and_shows_what_is_asked_for() -> None:
    run_id, _, _ = start()
    value, text = events.pull("generator_lr", run_id, 5e-4)
    assert value == 5e-4
    assert text == "Generator learning rate 0.002 → 0.0005, from the next step on."
    assert events.pull("generator_lr", run_id, 5e-4) == (gr.skip(), gr.skip())
    value, text = events.pull("generator_lr", run_id, 99)
    assert value == 5e-4
    assert text.startswith("⚠️")
    assert events.pull("batch", run_id, None)[0] == MINUTE.batch
    assert 5e-4 in events.look_anew(run_id)
    assert 5e-4 not in events.look(run_id, events.NOTHING_SHOWN)  # the visitor may be typing
    value, text = events.pull("penalty", run_id, "none")
    assert (value, text) == ("none", "Penalty r1+r2 → none, from the next step on.")
    assert "begin anew (seed 4)" in events.pull("seed", run_id, 4)[1]


def test_a_stranger_and_an_ended_run_move_no_lever() -> None:
    run_id, _, _ = start()
    for stranger in ("", "0" * 32, None, ["x"], "../" + run_id):
        value, text = events.pull("gamma", stranger, 1.0)  # type: ignore[arg-type]
        assert value == gr.skip()
        assert "no longer here" in text
    runs.request_stop(run_id)
    assert "has ended" in events.pull("gamma", run_id, 1.0)[1]
    assert run_levers.levers(run_id)["gamma"] == MINUTE.gamma


def test_the_panel_is_there_while_a_run_trains_only() -> None:
    run_id, _, _ = start()
    where = 8  # in the order of `Live.refreshed`
    assert events.look_anew(run_id)[where] == gr.update(visible=False)  # it waits
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    run_files.write_status(folder, "running", "")
    with open(folder / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert events.look_anew(run_id)[where] == gr.update(visible=True)
    assert events.look_anew(run_id)[where] == gr.update(visible=False)


def test_changes_are_numbered_lines_on_both_charts_and_sentences_below() -> None:
    moved = Change(320, 3.0, "generator_lr", 2e-3, 5e-4)
    later = [Change(900, 9.0, "gamma", 2.0, 4.0), Change(900, 9.0, "batch", 8, 16)]
    history = [snapshot(i) for i in range(1, 9)]
    history[2] = replace(history[2], changes=(moved,))
    history[7] = replace(history[7], changes=tuple(later))
    html = curves_html(history)
    root = ElementTree.fromstring(f"<div>{html}</div>")
    marks = root.findall(".//line[@class='mark']")
    assert len(marks) == 4
    assert all(0 <= float(mark.attrib["x1"]) <= 420 for mark in marks)
    assert [item.text for item in root.findall(".//li")] == [
        "2: penalty strength (gamma) 2 → 4, batch 8 → 16 at step 900",
        "1: generator learning rate 0.002 → 0.0005 at step 320",
    ]
    assert "<li>" not in curves_html([snapshot(1), snapshot(2)])


def test_skipped_steps_are_counted_on_the_page() -> None:
    counted = replace(status(), snapshot=replace(snapshot(4), skipped=1234))
    assert "1,234 discriminator steps skipped" in progress_html(counted)
    assert "skipped" not in progress_html(status())
