"""The verdicts on the recorded runs of the bench, which are real ones, and on what is made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from gan import run_diagnosis, run_files, run_levers, run_status, runs, tab_diagnosis, worker
from gan.__main__ import main
from gan.config import TrainConfig, from_mapping, to_mapping
from gan.course import FEWEST_LOOKS, course_of, swing, trend
from gan.datasets import open_dataset
from gan.diagnosis import CHECKS, HEALTHY, SENTENCES, Verdict, _distance, as_text, diagnose
from gan.diagnosis_view import verdict_html
from gan.errors import GanError
from gan.failures import FAILURES, SOUND, failure
from gan.levers import LEVERS, Change, with_levers
from gan.own_pictures import as_dataset, load_pictures
from gan.remedies import REMEDIES, remedy_for
from gan.run_diagnosis import turning
from gan.run_files import Request
from gan.state import fitted
from gan.training import Snapshot
from gan.uploads import save_upload
from gan.worker import run_folder
from tests.bench.diagnosis import CASES, Case, read_record, table

RECORDED = [case for case in CASES if case.path.is_file()]
FAILED = [each.verdict for each in FAILURES]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "advance", lambda *_: None)
    return tmp_path


def recorded(verdict: str, data: str = "fashion") -> tuple[list[Snapshot], TrainConfig, str]:
    return read_record(Case(verdict, data, 0).path)


def test_the_diagnosis_is_as_right_on_recorded_runs_as_the_results_say() -> None:
    """Nine of ten were asked for, and at most one healthy run called sick (tests/bench/RESULTS.md)."""
    found = table()
    assert found["of"] >= 30
    wrong = [
        (row["verdict"], row["data"], row["seed"], row["said"]) for row in found["rows"] if not row["right"]
    ]
    assert found["right"] >= 0.9 * found["of"], wrong
    assert found["healthy_called_sick"] <= 1, wrong


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_every_part_of_a_run_has_a_verdict_that_says_why(case: Case) -> None:
    history, config, trouble = read_record(case.path)
    for length in range(0, len(history) + 1, 3):
        for verdict in diagnose(history[:length], config):
            assert verdict.sentence == SENTENCES[verdict.name]
            assert verdict.healthy == (verdict.name in HEALTHY)
            assert verdict.evidence
            assert verdict.healthy or verdict.remedy
            with_levers(config, verdict.levers)  # raises unless they are levers, and allowed
    assert "<script" not in verdict_html(diagnose(history, config, f"{trouble}<script>"))


def test_nothing_is_said_before_there_is_a_course() -> None:
    history, config, _ = recorded("discriminator too strong")
    assert diagnose([], config)[0].name == "too early to say"
    assert diagnose(history[: FEWEST_LOOKS - 1], config)[0].name == "too early to say"
    assert diagnose(history[:FEWEST_LOOKS], config)[0].name != "too early to say"
    unseen = [replace(snapshot, signals=None) for snapshot in history]
    assert diagnose(unseen, config)[0].name == "too early to say"


def test_a_moved_lever_begins_a_new_course() -> None:
    history, config, _ = recorded("discriminator too strong")
    change = Change(history[30].step, 1.0, "discriminator_lr", 1e-2, 1e-4)
    history[30] = replace(history[30], changes=(change,))
    early = diagnose(history[:33], config)[0]
    assert early.name == "too early to say"
    assert "since a lever was moved" in early.evidence[0]
    course = course_of(history, config)
    assert course is not None
    assert course.looks == len(history) - 30


def test_a_run_that_broke_off_has_diverged_whatever_else_was_seen() -> None:
    history, config, _ = recorded("healthy, improving")
    said = diagnose(history, config, "The training diverged 4 times, at last at step 12.")[0]
    assert said.name == "divergence"
    assert not said.healthy
    assert float(said.levers["generator_lr"]) < config.generator_lr
    assert said.levers["seed"] == config.seed + 1
    assert "both networks begin anew (seed 1), generator learning rate to" in said.moves()
    assert diagnose(history, config, "There is not enough memory.")[0].name != "divergence"


def test_a_rescue_counts_once_and_is_forgotten_after_the_next_lever() -> None:
    history, config, _ = recorded("healthy, improving")
    note = "The training diverged at step 9, so it went back to step 1 and goes on with 0.5 times the rates."
    noted = history[:10] + [replace(snapshot, note=note) for snapshot in history[10:]]
    said = diagnose(noted, config)[0]
    assert said.name == "divergence"
    assert "seed" not in said.levers  # it has a good state
    change = Change(noted[20].step, 1.0, "gamma", 1, 2)
    noted[20] = replace(noted[20], changes=(change,))
    assert diagnose(noted, config)[0].name != "divergence"


@pytest.mark.parametrize("name", SENTENCES)
def test_every_verdict_has_a_remedy_that_levers_allow_and_that_ends(name: str) -> None:
    assert name in REMEDIES
    config = SOUND if name in HEALTHY else failure(name).config()
    for _ in range(6):
        _, levers = remedy_for(name, config)
        moved = with_levers(config, levers)
        assert (moved is config) == (not levers)
        config = moved
    assert config.generator_lr >= 1e-6
    assert set(remedy_for(name, config)[1]) <= set(LEVERS)


@pytest.mark.parametrize("verdict", FAILED)
def test_a_failure_is_a_sound_run_with_something_wrong(verdict: str) -> None:
    chosen = failure(verdict)
    assert chosen.verdict in CHECKS
    config = chosen.config()
    assert from_mapping(TrainConfig, to_mapping(config)) == config
    assert config != SOUND or chosen.pictures
    moved = turning(chosen)
    assert set(moved) <= set(LEVERS)
    assert not moved or with_levers(SOUND, moved) != SOUND


def test_a_run_is_broken_and_mended_by_its_levers() -> None:
    run_id, title = run_diagnosis.start_failing("discriminator too strong", "fashion")
    assert "discriminator too strong" in title
    folder = run_files.run_folder(run_id)
    history, _, _ = recorded("discriminator too strong")
    lines = [json.dumps(_plain(snapshot)) for snapshot in history]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert run_diagnosis.verdicts(run_id)[0].name == "discriminator too strong"
    before = run_levers.levers(run_id)
    assert "discriminator learning rate to" in run_diagnosis.mend(run_id)
    assert run_levers.levers(run_id)["discriminator_lr"] < before["discriminator_lr"]
    run_diagnosis.turn(run_id, "divergence")
    assert run_levers.levers(run_id)["generator_lr"] == failure("divergence").config().generator_lr
    with pytest.raises(GanError, match="before the start"):
        run_diagnosis.turn(run_id, "mode collapse")


@pytest.mark.parametrize("verdict", ["memorising", "too few pictures"])
def test_a_run_goes_on_with_few_of_its_pictures_and_gets_the_rest_back(verdict: str) -> None:
    run_id = runs.create(Request("fashion", 28, "Garments", "mine", SOUND))
    run_diagnosis.turn(run_id, verdict)
    asked = run_levers.levers(run_id)
    assert asked["only_first"] == failure(verdict).pictures
    said = Verdict(verdict, False, "", levers=remedy_for(verdict, with_levers(SOUND, asked))[1])
    assert said.levers["only_first"] == 0
    assert "number of pictures to all" in said.moves()


def test_passes_are_counted_since_the_pictures_were_others() -> None:
    history, config, _ = recorded("too few pictures")
    many = [
        replace(snapshot, signals=replace(snapshot.signals, pictures=4000)) if snapshot.signals else snapshot
        for snapshot in history
    ]
    course = course_of([*many[:12], *history[12:]], config)
    assert course is not None
    assert course.passes == (history[-1].images_seen - history[11].images_seen) / 80


def test_a_trend_is_not_turned_by_odd_looks() -> None:
    falling = [1.0, 0.9, 0.8, 5.0, 0.6, 0.5, 0.4, -3.0, 0.2]
    assert trend(falling) == pytest.approx(-0.1)
    assert swing(falling) == pytest.approx(0.0)
    assert swing([0.0, 1.0] * 6) == pytest.approx(0.5, abs=0.1)
    assert trend([1.0]) == 0.0


def test_restless_pictures_are_no_trouble_while_they_get_nearer() -> None:
    history, config, _ = recorded("oscillation")
    assert diagnose(history, config)[0].name == "oscillation"
    nearer = [
        replace(s, signals=replace(s.signals, distance=1 - number / 30)) if s.signals else s
        for number, s in enumerate(history)
    ]
    verdict = diagnose(nearer, config)[0]
    assert verdict.name == "healthy, improving"
    below = [
        replace(s, signals=replace(s.signals, distance=s.signals.distance - 0.9)) if s.signals else s
        for s in nearer
    ]
    told = [line for line in diagnose(below, config)[0].evidence if line.startswith("The distance")]
    assert all("distance from real pictures is 0.00, 100% nearer" in line for line in told)
    assert told


def test_no_change_is_told_of_a_distance_in_which_none_can_be_seen() -> None:
    history, config, _ = recorded("healthy, done")
    course = course_of(history, config)
    assert course is not None
    words = {
        (before, distance): _distance(replace(course, before=before, distance=distance))
        for before, distance in ((0.004, 0.0049), (0.0049, 0.004), (0.2, 0.25), (0.2, 0.15))
    }
    assert ["no nearer" in each for each in words.values()] == [True, True, False, False]
    assert "25% farther" in words[0.2, 0.25]
    assert "25% nearer" in words[0.2, 0.15]


def test_a_generator_that_has_not_begun_has_not_collapsed() -> None:
    history, config, _ = recorded("healthy, improving", "cats")
    flat = [
        replace(s, progress=s.progress / 3, signals=replace(s.signals, spread=0.02, live_spread=0.03))
        if s.signals
        else s
        for s in history
    ]
    assert diagnose(flat, config)[0].name == "healthy, improving"
    late = [replace(s, progress=s.progress * 3) for s in flat]
    assert diagnose(late, config)[0].name == "mode collapse"


def test_what_was_hardly_seen_is_not_known_by_heart() -> None:
    history, config, _ = recorded("memorising")
    assert diagnose(history, config)[0].name == "memorising"
    many = [
        replace(s, signals=replace(s.signals, pictures=4000, copies=None)) if s.signals else s
        for s in history
    ]
    assert diagnose(many, config)[0].name not in ("memorising", "too few pictures")


def _plain(snapshot: Snapshot) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(snapshot)


def test_memorising_learns_from_a_handful_of_pictures() -> None:
    run_id, _ = run_diagnosis.start_failing("memorising", "fashion")
    folder = run_files.run_folder(run_id)
    request = run_files.read_request(folder)
    run_files.write_request(folder, replace(request, config=replace(request.config, seconds=0.0, steps=2)))
    assert run_folder(folder, lambda: False) == 0
    signals = run_status.history(run_id)[-1].signals
    assert signals is not None
    assert signals.pictures == 16
    assert signals.favoured is not None
    for verdict, data in (("memorising", "own"), ("sleepy", "cats"), ("divergence", "/etc")):
        with pytest.raises(GanError):
            run_diagnosis.start_failing(verdict, data)


def test_a_run_whose_losses_have_grown_without_end_gets_well_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page does it: the run ends, is diagnosed and mended, and goes on."""
    # Looks are counted by progress then, however fast the machine is.
    monkeypatch.setattr(worker, "PREVIEW_EVERY", 0.0)
    failing = replace(failure("divergence").config(), batch=16, seconds=0.0, steps=60)
    dataset = open_dataset("fashion", limit=2000)
    run_id = runs.create(Request("fashion", 28, "Broken", "broken", fitted(failing, dataset), pictures=2000))
    folder = run_files.run_folder(run_id)
    assert run_folder(folder, lambda: False) in (0, 1)
    (folder / "waiting").unlink()
    history = run_status.history(run_id)
    assert max(abs(s.generator_loss) for s in history) > 100
    assert "Against divergence: both networks begin anew (seed 1)" in run_diagnosis.mend(run_id)
    request = run_files.read_request(folder)
    run_files.write_request(folder, replace(request, config=replace(request.config, seconds=0.0, steps=200)))
    assert run_folder(folder, lambda: False) == 0
    mended = run_status.history(run_id)[-1]
    assert mended.step == 200
    assert abs(mended.generator_loss) < 10
    assert mended.signals is not None
    assert mended.signals.distance < history[-1].signals.distance


@pytest.mark.parametrize("data", ["own", "hub"])
def test_the_visitors_own_pictures_are_broken_where_they_are_chosen(data: str) -> None:
    images = torch.arange(100, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 64, 64)
    name = "hub:eve/greys" if data == "hub" else "own"
    upload = save_upload(as_dataset(images, "Greys", name=name))
    started, said, _ = tab_diagnosis.break_it("memorising", "", data, upload, ["grey"])
    assert "Broken on purpose" in said
    folder = run_files.run_folder(started)
    request = run_files.read_request(folder)
    assert (request.data, request.config.network.channels, request.config.only_first) == ("own", 1, 16)
    assert not request.config.stop_at_copies
    assert torch.equal(load_pictures(folder).images, images[:, :1, :32, :32])
    run_files.write_request(folder, replace(request, config=replace(request.config, seconds=0.0, steps=2)))
    assert run_folder(folder, lambda: False) == 0
    signals = run_status.history(started)[-1].signals
    assert signals is not None
    assert (signals.pictures, signals.favoured is None) == (16, False)


def test_nothing_is_broken_while_no_pictures_are_chosen() -> None:
    for data, sentence in (("own", "Choose your pictures first"), ("hub", "Fetch a data set first")):
        started, said, _ = tab_diagnosis.break_it("divergence", "", data, "", [])
        assert started == gr.skip()
        assert sentence in said


def test_what_is_healthy_is_not_mended() -> None:
    run_id = runs.create(Request("fashion", 28, "Garments", "mine", SOUND))
    with pytest.raises(GanError, match="Nothing is wrong"):
        run_diagnosis.mend(run_id)
    for stranger in ("", "0" * 32, None):
        with pytest.raises(GanError, match="no longer here"):
            run_diagnosis.mend(stranger)  # type: ignore[arg-type]


def test_the_command_speaks_json_and_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history, config, _ = recorded("discriminator too strong")
    run_id = runs.create(Request("fashion", 28, "Garments", "mine", config))
    folder = run_files.run_folder(run_id)
    (folder / "metrics.jsonl").write_text("\n".join(json.dumps(_plain(s)) for s in history) + "\n")
    assert main(["diagnose", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said[0]["name"] == "discriminator too strong"
    assert said[0]["levers"]
    assert main(["diagnose", str(folder)]) == 0
    text = capsys.readouterr().out
    assert text.startswith(as_text(diagnose(history, config)[0]))
    assert main(["diagnose", str(tmp_path)]) == 2
    assert "no run's folder" in capsys.readouterr().err
