"""Own pictures on the Train tab without a browser: what its events answer to an untrusted page."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan import run_files, runs, tab_film, tab_own, uploads
from gan import tab_train_events as events
from gan.cats import cat_labels, render_cats
from gan.config import NetworkConfig, TrainConfig, preset_config
from gan.datasets import to_unit
from gan.how_many import FEW, advice, beginning_for
from gan.own_pictures import as_dataset, in_grey, load_pictures, reduced
from gan.run_files import Request
from gan.train_form import setting_values
from gan.training_film import add_frame
from tests.hub_server import HubServer


@pytest.fixture(scope="module")
def running() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(autouse=True)
def hub(running: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HubServer:
    running.reset()
    monkeypatch.setenv("HF_ENDPOINT", running.url)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "advance", lambda *_: None)
    return running


def cats(count: int, kinds: list[str] | None = None) -> dict[str, bytes]:
    """A data set of parquet; with `kinds` its labels go through these in turn."""
    pictures = []
    for image in render_cats(cat_labels(count, seed=1), 64):
        stream = io.BytesIO()
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(stream, "PNG")
        pictures.append({"bytes": stream.getvalue(), "path": None})
    table = pa.table({"image": pa.array(pictures)})
    if kinds:
        feature = {"label": {"names": kinds, "_type": "ClassLabel"}}
        labels = pa.array([number % len(kinds) for number in range(count)])
        table = table.append_column("label", labels)
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": feature}})})
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=10)
    return {"train.parquet": stream.getvalue(), "README.md": b"---\nlicense: cc-by-4.0\n---\n"}


def test_a_data_set_is_fetched_shown_and_can_be_trained(hub: HubServer) -> None:
    hub.add("datasets/ann/cats", cats(40))
    steps = list(tab_own.fetch("ann/cats", 2000, "centre"))
    first, last = steps[0], steps[-1]
    assert first[-2:] == (gr.update(interactive=False), gr.update(visible=True))
    assert last[-2:] == (gr.update(interactive=True), gr.update(visible=False))
    assert "Asking the Hub for ann/cats" in first[2]
    upload_id, html, augment = last[1:4]
    assert "40 of 40 pictures used." in html
    assert "cc-by-4.0" in html
    assert "very few" in html
    assert augment == 1.0
    assert tab_own.upload_of("hub", upload_id).name == "hub:ann/cats"
    assert tab_own.strip_of("own", upload_id) == ""  # a data set is no upload
    assert "<img" in tab_own.strip_of("hub", upload_id)
    assert tab_own.usual_recipe("hub", upload_id, 64, [], "in-a-minute", "") == "from-a-checkpoint"
    assert tab_own.usual_recipe("hub", upload_id, 64, [], "from-a-checkpoint", "cats") == gr.skip()
    assert "Fetch pictures" in tab_own.read_again("hub", [], "whole")[1]


def test_kinds_of_a_data_set_are_told_to_the_networks_or_one_is_chosen(hub: HubServer) -> None:
    hub.add("datasets/ann/pets", cats(60, ["tom", "tabby", "ginger"]))
    *_, last = tab_own.fetch("ann/pets", 2000, "centre")
    upload_id, html, _, kinds = last[1:5]
    assert "3 kinds, and the networks are told which: tom, tabby, ginger." in html
    assert [value for _, value in kinds["choices"]] == ["", "tom", "tabby", "ginger"]
    assert (kinds["value"], kinds["visible"]) == ("", True)
    assert tab_own.classes_of("hub", upload_id) == 3
    assert tab_own.classes_of("own", upload_id) == 0
    assert tab_own.usual_recipe("hub", upload_id, 64, [], "in-a-minute", "") == gr.skip()
    said = events.describe_recipe("hub", upload_id, 32, "in-a-minute", "", 32)
    assert "told which of 3 classes" in said
    shown, settings = "in-a-minute nothing", setting_values(preset_config("in-a-minute", "nothing"))
    asked = ("hub", 32, "in-a-minute", "", 1, [], *settings)
    run_id, message, _ = events.start("", upload_id, shown, *asked)
    assert message == ""
    folder = run_files.run_folder(run_id)
    assert run_files.read_request(folder).config.network.classes == 3
    assert load_pictures(folder).classes == ("tom", "tabby", "ginger")
    with_cats = setting_values(preset_config("from-a-checkpoint", "nothing"))
    asked = ("hub", 64, "from-a-checkpoint", "cats", 1, [], *with_cats)
    assert "with no classes" in events.start("", upload_id, "from-a-checkpoint nothing", *asked)[1]

    *_, last = tab_own.fetch("ann/pets", 2000, "centre", "tabby")
    assert "20 of 20 pictures used." in last[2]
    assert last[4]["value"] == "tabby"
    assert tab_own.upload_of("hub", last[1]).title == "pets, tabby"
    assert tab_own.classes_of("hub", last[1]) == 0
    *_, last = tab_own.fetch("ann/pets", 2000, "centre", "lion")
    assert "has no" in last[2]
    assert "it has tom, tabby, ginger" in last[2]


def test_a_stop_ends_the_fetching_with_what_has_come(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.hub_pictures.TELL_EVERY", 0.0)
    hub.add("datasets/ann/cats", cats(60))
    last: Any = None
    for number, step in enumerate(tab_own.fetch("ann/cats", 2000, "centre")):
        if number == 25:
            tab_own.stop_fetching(step[0])
        last = step
    assert len(tab_own.upload_of("hub", last[1])) < 60
    assert list(uploads.uploads_folder().glob("stop-*")) == []
    for wrong in ("", "../x", None, ["a"]):
        tab_own.stop_fetching(wrong)  # type: ignore[arg-type]
    assert list(uploads.uploads_folder().glob("stop-*")) == []


@pytest.mark.parametrize("name", ["", "cats", "ann/none", "<img src=x>/x", "../../etc"])
def test_what_cannot_be_fetched_is_a_sentence(name: str) -> None:
    *_, last = tab_own.fetch(name, 2000, "centre")
    assert last[1] == ""
    assert "⚠️" in last[2]
    assert "<img src=x>" not in last[2]
    assert list(tab_own.fetch("ann/cats", 2000, "sideways"))[-1][1] == ""


def test_how_many_are_enough_is_said_and_few_begin_with_a_checkpoint() -> None:
    assert "very few" in advice(99)
    assert "are few" in advice(FEW - 1)
    assert "enough" in advice(FEW)
    assert "plenty" in advice(10_000)
    few = as_dataset(render_cats(cat_labels(20, seed=1), 64), title="x")
    assert beginning_for(few) == "cats"
    assert beginning_for(in_grey(few)) == ""
    assert beginning_for(as_dataset(reduced(few.images, 32), title="x")) == ""
    assert beginning_for(as_dataset(few.images.repeat(100, 1, 1, 1), title="x")) == ""


def test_a_film_is_part_of_the_page_and_a_stranger_gets_none() -> None:
    config = TrainConfig(network=NetworkConfig("mlp", 28, 1))
    run_id = runs.create(Request("fashion", 28, "x", "mlp", config))
    assert "no film yet" in tab_film.film_html(run_id, ".gif")
    pictures = to_unit(render_cats(cat_labels(8, seed=1), 32))
    for step in (1, 2, 3):
        add_frame(run_files.run_folder(run_id), pictures * step / 3, step, step)
    assert 'src="data:image/gif;base64,' in tab_film.film_html(run_id, ".gif")
    assert "<video" in tab_film.film_html(run_id, ".mp4")
    for stranger in ("", "0" * 32, None):
        assert "no longer here" in tab_film.film_html(stranger, ".gif")  # type: ignore[arg-type]
    for wrong in (".exe", None, ["a"], {}):
        assert "⚠️" in tab_film.film_html(run_id, str(wrong))
