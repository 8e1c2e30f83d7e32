"""Two runs as a folder: queued and worked on like one, either kept as a run; page and command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from checkpoints import store
from gan import run_files, run_status, runs, tab_train_events, tab_versus, versus_run, versus_view, worker
from gan.__main__ import main
from gan.checkpoint import load_run
from gan.config import NetworkConfig, TrainConfig, preset_config
from gan.errors import GanError
from gan.run_files import Request
from gan.state import TrainState
from gan.tab_timer import LAST_LOOKS
from gan.train_form import labels_tell, request_from_form, setting_values
from gan.training import train
from gan.versus import RECIPE, changeable
from gan.versus_worker import work_on_both

MINUTE = setting_values(preset_config("in-a-minute", "classes"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    return tmp_path


def request(steps: int = 3) -> Request:
    network = NetworkConfig("swift", 28, 1, z_dim=8, width=4, classes=10)
    config = TrainConfig(network=network, seconds=0.0, steps=steps, batch=4)
    return Request("fashion", 28, "Garments", "in-a-minute", config)


def trained(steps: int = 3, change: tuple[str, str] = ("discriminator_lr", "0.01")) -> str:
    first = request(steps)
    run_id = versus_run.create(first, versus_run.request_against(first, *change, "classes"))
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    assert worker.run_folder(folder, lambda: False, work_on_both) == 0
    return run_id


def test_two_runs_train_are_told_apart_and_either_can_be_kept_and_continued() -> None:
    run_id = trained()
    both = versus_run.look(run_id)
    assert both.status.state == "finished"
    assert [s.step for s in both.histories[0]] == [s.step for s in both.histories[1]]
    assert both.histories[0][-1].step == 3
    assert [(d.name, d.a, d.b) for d in both.different] == [("discriminator_lr", 0.001, 0.01)]
    html = versus_view.both_html(both)
    assert html.count("<svg") == 4
    assert html.count("<polyline") == 8
    assert html.count("data:image/png") == 2
    assert "discriminator learning rate 0.01" in html

    library, words = tab_versus.keep("a", run_id, ["runs/other"])
    assert library[0] == "runs/other"
    assert store.find(library[1])
    assert "Kept run A" in words
    kept = versus_run.keep(run_id, "b", "The faster one")
    assert kept.kept
    assert kept.run_id != run_id
    config, state = load_run(store.find(kept.reference))
    assert (config.discriminator_lr, state.step) == (0.01, 3)
    assert store.find(kept.reference).title == "The faster one"
    assert run_status.history(kept.run_id)[-1].step == 3
    runs.continue_run(kept.run_id, 60)
    assert worker.open_run(run_files.run_folder(kept.run_id)).config.discriminator_lr == 0.01


def test_after_a_crash_both_can_still_be_kept() -> None:
    run_id = trained()
    folder = run_files.run_folder(run_id)
    run_files.write_status(folder, "running", "")
    both = versus_run.look(run_id)
    assert (both.status.state, both.status.message) == ("stopped", versus_run.INTERRUPTED)
    assert both.can_keep("a")
    (folder / "b" / "request.json").write_text("{}")
    with pytest.raises(GanError, match="damaged"):
        versus_run.look(run_id)


def timed(seconds: float = 0.5) -> str:
    first = request(steps=0)
    first = replace(first, config=replace(first.config, seconds=seconds))
    return versus_run.create(first, versus_run.request_against(first, "discriminator_lr", "0.01", "classes"))


def work(run_id: str) -> versus_run.Both:
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    assert worker.run_folder(folder, lambda: False, work_on_both) == 0
    return versus_run.look(run_id)


def steps_of(both: versus_run.Both) -> tuple[list[int], list[int]]:
    first, second = ([snapshot.step for snapshot in history] for history in both.histories)
    return first, second


def saved(folder: Path) -> TrainState:
    return load_run(store.read(folder / "checkpoint"))[1]


def test_two_that_have_ended_go_on_together() -> None:
    run_id = timed()
    before = work(run_id)
    assert before.can_go_on
    trained = sum(saved(folder).seconds for folder in before.folders) / 2
    runs.continue_run(run_id, 0.5)
    assert versus_run.look(run_id).status.state == "waiting"
    after = work(run_id)
    first, second = steps_of(after)
    assert first == second == sorted(set(first))
    assert first[: len(before.histories[0])] == steps_of(before)[0]
    assert first[-1] > before.histories[0][-1].step
    assert [request.config.seconds for request in after.requests] == pytest.approx([trained + 0.5] * 2)
    assert [saved(folder).step for folder in after.folders] == [first[-1]] * 2


@pytest.mark.parametrize("behind", [0, 1])
def test_one_that_was_saved_earlier_catches_up(behind: int, tmp_path: Path) -> None:
    run_id = timed()
    folder = work(run_id).folders[behind]
    shutil.copytree(folder / "checkpoint", tmp_path / "earlier")
    runs.continue_run(run_id, 0.5)
    lost = work(run_id).histories[0][-1].step
    shutil.rmtree(folder / "checkpoint")
    (tmp_path / "earlier").rename(folder / "checkpoint")
    runs.continue_run(run_id, 2.0)
    after = work(run_id)
    first, second = steps_of(after)
    assert first[-1] == second[-1] > lost
    assert saved(after.folders[0]).step == saved(after.folders[1]).step


def test_without_both_checkpoints_both_begin_again() -> None:
    run_id = timed()
    shutil.rmtree(work(run_id).folders[1] / "checkpoint")
    runs.continue_run(run_id, 0.5)
    first, second = steps_of(work(run_id))
    assert first == second
    assert first[0] == 1


def test_the_kept_first_run_is_the_run_alone() -> None:
    run_id = trained()
    _, kept = load_run(store.find(versus_run.keep(run_id, "a", "A").reference))
    first = request()
    dataset = worker.open_dataset("fashion", 28)
    config, alone = worker.begin(first, dataset)
    list(train(config, dataset, alone))
    ours, theirs = kept.generator.state_dict(), alone.generator.state_dict()
    assert all((ours[name] == theirs[name]).all() for name in ours)


def test_a_recipe_against_another_and_a_stop_that_keeps_both() -> None:
    first = request(steps=50)
    second = versus_run.request_against(first, RECIPE, "lesson-mlp", "classes")
    run_id = versus_run.create(first, second)
    folder = run_files.run_folder(run_id)
    with pytest.raises(GanError, match="nothing to keep"):
        versus_run.keep(run_id, "a", "Too early")
    (folder / "waiting").unlink()
    worker.run_folder(folder, lambda: True, work_on_both)
    both = versus_run.look(run_id)
    assert both.status.state == "stopped"
    assert 0 < both.histories[1][-1].step < 50
    assert "in-a-minute" in versus_view.both_html(both)
    assert "lesson-mlp" in versus_view.both_html(both)
    assert store.find(versus_run.keep(run_id, "b", "").reference).config["network"]["architecture"] == "mlp"


def test_one_that_cannot_be_trained_fails_with_a_sentence() -> None:
    first = request()
    second = replace(versus_run.request_against(first, "gamma", "5", "classes"), start_from="nowhere")
    run_id = versus_run.create(first, second)
    (run_files.run_folder(run_id) / "waiting").unlink()
    assert worker.run_folder(run_files.run_folder(run_id), lambda: False, work_on_both) == 1
    assert "nowhere" in versus_run.look(run_id).status.message
    with pytest.raises(GanError, match="stay as they are"):
        versus_run.request_against(replace(first, start_from="fashion"), "width", "8", "classes")
    with pytest.raises(GanError, match="no longer here"):
        versus_run.look(runs.create(first))


def test_a_worker_of_its_own_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    class Process:
        def __init__(self, command: list[str], **_: Any) -> None:
            started.append(command)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Process)
    first = request()
    versus_run.create(first, versus_run.request_against(first, "gamma", "5", "classes"))
    runs.create(first)
    monkeypatch.setattr(runs, "_see_off", lambda *_: None)
    runs.advance(most=2)
    assert [command[2] for command in started] == ["gan.versus_worker", "gan.worker"]


def form() -> list[Any]:
    shown = tab_train_events.shown_for("fashion", "in-a-minute")
    return ["", shown, "fashion", 32, "in-a-minute", "", 1, False, *MINUTE]


def test_the_page_starts_both_offers_values_and_answers_untrusted_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "advance", lambda *_: None)
    offered, *_ = tab_versus.offer("discriminator_lr", *form())
    assert "0.02" in [value for _, value in offered.choices]
    assert tab_versus.offer("no such", *form())[0].choices == []
    assert {name for _, name in tab_versus.what_differs()} == {RECIPE, *changeable()}
    for title, (data, recipe, name, value, words) in tab_versus.EXPERIMENTS.items():
        assert len(tab_versus.experiment(title)) == 5
        assert words
        preset = recipe or "in-a-minute"
        told = labels_tell(data or "fashion")
        settings = setting_values(preset_config(preset, told))
        asked = request_from_form(data or "fashion", 32, preset, 1, settings)
        assert versus_run.request_against(asked, name, value, told) != asked
    assert "Choose what differs" in tab_versus.start("", "gamma", None, *form())[1]
    assert "between" in tab_versus.start("", "gamma", "-3", *form())[1]
    run_id, message = tab_versus.start("", "gamma", "9", *form())
    assert message == ""
    both = versus_run.look(run_id)
    assert [request.config.seconds for request in both.requests] == [30.0, 30.0]
    assert both.requests[1].config.gamma == 9
    assert "still train" in tab_versus.start(run_id, "gamma", "9", *form())[1]
    html, stop, *_, timer, looks = tab_versus.look(run_id)
    assert "in the queue" in html
    assert stop["visible"]
    assert timer.active
    assert looks == 0
    tab_versus.stop(run_id)
    assert tab_versus.look(run_id, looks)[-2:] == [gr.skip(), 1]
    assert not tab_versus.look(run_id, LAST_LOOKS - 1)[-2].active
    assert "nothing to keep" in tab_versus.keep("a", run_id, [])[1]
    assert tab_versus.look("../../etc")[0] == versus_view.EMPTY
    with pytest.raises(gr.Error):
        tab_versus.stop("not a run")


def test_the_command_writes_two_checkpoints_and_says_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    words = ["versus", "--data", "fashion", "--preset", "lesson-mlp", "--steps", "2", "--set", "batch=4"]
    assert main([*words, "--change", "discriminator_lr=0.01", "--out", a, b]) == 0
    told, lines = capsys.readouterr()
    document = json.loads(told)
    assert document["different"] == {"discriminator_lr": [0.0002, 0.01]}
    assert (document["a"]["step"], document["b"]["step"]) == (2, 2)
    assert load_run(store.find_anywhere(b))[0].discriminator_lr == 0.01
    assert "A: loss G" in lines
    for change, out, sentence in (
        ("discriminator-lr=x", b, "should be like"),
        ("gamma", b, "NAME=VALUE"),
        ("gamma=7", a, "two different folders"),
    ):
        assert main([*words, "--change", change, "--out", a, out]) == 2
        assert sentence in capsys.readouterr().err
