"""A training of a checkpoint goes on as a run of its own; what comes from the Hub is not believed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from safetensors.torch import load_file, save_file

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan import continuing, run_files, run_status, runs, uploads, worker
from gan import tab_train_events as events
from gan.checkpoint import load_run, save_run
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Attribute, Dataset
from gan.errors import GanError
from gan.own_pictures import as_dataset
from gan.run_files import Request
from gan.state import new_state
from gan.train_view import NOT_TO_CONTINUE, START_INSTEAD, continuing_texts
from gan.training_film import frames_of

TINY = TrainConfig(
    network=NetworkConfig("mlp", 28, 1, z_dim=8, classes=10), seconds=0, steps=3, batch=16, generator_lr=7e-4
)
OWN = replace(TINY, network=NetworkConfig("mlp", 32, 3, z_dim=8), told=False, stop_at_copies=False)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "advance", lambda *_: None)  # workers run here when they are called
    return tmp_path


def pictures(count: int = 20, name: str = "own") -> Dataset:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 255, (count, 3, 32, 32), generator=random, dtype=torch.uint8)
    return as_dataset(images, "Mine", name=name)


def trained(data: str = "fashion", config: TrainConfig = TINY, own: Dataset | None = None) -> str:
    """A run that has ended and was kept; returns its reference."""
    request = Request(data, config.network.resolution, "Garments", "lesson-mlp", config)
    run_id = runs.create(request, own)
    (run_files.run_folder(run_id) / "waiting").unlink()
    assert worker.run_folder(run_files.run_folder(run_id), lambda: False) == 0
    return runs.keep(run_id, "Garments").reference


def pulled(reference: str, name: str = "pulled/ada/hers") -> str:
    """A copy of the checkpoint where pulled ones lie."""
    store.copy(store.find(reference), store.folder_of(name), continuing.FILES)
    return name


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def go_on(run_id: str) -> Path:
    """Let a new run take three steps, whatever time it has."""
    folder = run_files.run_folder(run_id)
    (folder / "waiting").unlink()
    assert worker.run_folder(folder, lambda: len(lines(folder)) >= 4) == 0
    return folder


def lines(folder: Path) -> list[str]:
    path = folder / "metrics.jsonl"
    return path.read_text().splitlines() if path.is_file() else []


@pytest.mark.parametrize("make", [lambda reference: reference, pulled], ids=["kept", "pulled"])
def test_a_training_goes_on_where_it_stopped_as_a_run_of_its_own(make: Callable[[str], str]) -> None:
    reference = make(trained())
    training = continuing.unfinished(reference)
    before, folder = files_of(training.checkpoint.folder), training.checkpoint.folder
    run_id = continuing.start(training, 2, None)
    assert run_status.status(run_id).state == "waiting"
    request = run_files.read_request(run_files.run_folder(run_id))
    assert (request.data, request.title, request.preset) == ("fashion", "Garments, continued", "lesson-mlp")
    assert request.config == replace(TINY, seconds=training.seconds + 120, steps=0)

    _, was = load_run(store.find(reference))
    config, state = load_run(store.read(run_files.run_folder(run_id) / "checkpoint"))
    assert (config, state.step) == (TINY, 3)
    for player in ("generator", "discriminator", "average", "generator_optimiser"):
        one, other = (str(getattr(each, player).state_dict()) for each in (was, state))
        assert one == other

    mine = go_on(run_id)
    assert worker.load_run(store.read(mine / "checkpoint"))[1].step > 3
    assert store.find(f"runs/{run_id}").title == "Garments, continued"
    assert files_of(folder) == before
    assert not run_status.status(run_id).kept


def test_a_training_on_labelled_pictures_goes_on_with_pictures_of_as_many_kinds() -> None:
    kinds = (Attribute("kind", ("cat", "dog")),)
    labelled = replace(
        pictures(name="hub:eve/pets"),
        attributes=kinds,
        condition="kind",
        labels=torch.arange(20)[:, None] % 2,
    )
    told = replace(OWN, network=replace(OWN.network, classes=2), told=True)
    here = trained("own", told, labelled)
    go_on(continuing.start(continuing.unfinished(here), 1, None))
    from_elsewhere = continuing.unfinished(pulled(here))
    with pytest.raises(GanError, match="told of 2 kinds of pictures, and these are of 0"):
        continuing.start(from_elsewhere, 1, pictures())
    go_on(continuing.start(from_elsewhere, 1, labelled))


def test_a_kept_run_goes_on_with_its_curves_and_its_film() -> None:
    reference = trained()
    old = store.folder_of(reference).parent
    run_id = continuing.start(continuing.unfinished(reference), 1, None)
    new = run_files.run_folder(run_id)
    assert lines(new) == lines(old) != []
    assert [frame.step for frame in frames_of(new)] == [frame.step for frame in frames_of(old)] != []
    again = continuing.start(continuing.unfinished(f"runs/{run_id}"), 1, None)
    assert run_files.read_request(run_files.run_folder(again)).title == "Garments, continued"


def test_own_pictures_are_found_again_by_whoever_keeps_the_run_alone() -> None:
    mine = pictures()
    reference = trained("own", OWN, mine)
    training = continuing.unfinished(reference)
    assert training.finds_its_pictures
    folder = go_on(continuing.start(training, 1, None))
    assert torch.equal(load_file(folder / "data.safetensors")["images"], mine.images)

    hers = continuing.unfinished(pulled(reference))
    assert not hers.finds_its_pictures
    with pytest.raises(GanError, match="not here: choose “My own pictures”"):
        continuing.start(hers, 1, None)
    other = pictures(30)
    folder = go_on(continuing.start(hers, 1, other))
    assert torch.equal(load_file(folder / "data.safetensors")["images"], other.images)


def test_a_training_from_the_hubs_pictures_says_which() -> None:
    reference = pulled(trained("own", OWN, pictures(name="hub:eve/butterflies")))
    with pytest.raises(GanError, match="eve/butterflies on the Hub"):
        continuing.start(continuing.unfinished(reference), 1, None)


def form(reference: str, data: str = "cats", upload: str = "", run_id: str = "") -> tuple[Any, str, Any]:
    return events.continue_training(run_id, upload, data, reference, 1, ["mirror"])


def test_the_form_takes_the_visitors_pictures_where_the_training_does_not_find_its_own() -> None:
    reference = trained("own", OWN, pictures())
    upload = uploads.save_upload(
        replace(pictures(), images=torch.full((20, 3, 64, 64), 9, dtype=torch.uint8))
    )
    run_id, message, title = form(reference, "own", upload)
    assert (message, title) == ("", "Garments, continued")
    assert load_file(run_files.run_folder(run_id) / "data.safetensors")["images"].max() > 9
    assert "still training" in form(reference, run_id=run_id)[1]
    hers = pulled(reference)
    assert "not here" in form(hers)[1]
    assert "Choose your pictures first" in form(hers, "own")[1]
    run_id, message, _ = form(hers, "own", upload)
    assert message == ""
    assert torch.equal(
        load_file(run_files.run_folder(run_id) / "data.safetensors")["images"],
        torch.full((20, 3, 32, 32), 9, dtype=torch.uint8),
    )


def test_the_page_says_whether_and_how_it_goes_on() -> None:
    reference = trained("own", OWN, pictures())
    assert continuing_texts("") == []
    assert continuing_texts("cats") == [NOT_TO_CONTINUE]
    (text,) = continuing_texts(reference)
    assert "goes on where it stopped, after" in text
    assert "choose “My own pictures”" in continuing_texts(pulled(reference))[1]
    note = events.describe_recipe("cats", "", 32, "from-a-checkpoint", reference, 16)
    assert "\n\n“Continue this training” goes on" in note
    shown = [events.show_continuing("from-a-checkpoint", each) for each in (reference, "cats", "", None)]
    assert shown == [gr.update(visible=visible) for visible in (True, False, False, False)]
    assert events.show_continuing("in-a-minute", reference) == gr.update(visible=False)


def document(name: str, **changes: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**values, **changes}))

    return damage


def tensor(name: str, value: torch.Tensor | None) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "training.safetensors")
        tensors.pop(name) if value is None else tensors.update({name: value})
        save_file(tensors, folder / "training.safetensors")

    return damage


def cut(folder: Path) -> None:
    path = folder / "training.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


WIDE = {"config": {"network": {"architecture": "dcgan", "resolution": 28, "channels": 1, "width": 128}}}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (tensor("generator_optimiser.0.exp_avg", torch.zeros(2)), "optimiser belongs to another network"),
        (tensor("generator_optimiser.0.exp_avg", None), "optimiser belongs to another network"),
        (tensor("discriminator_optimiser.0.step", torch.tensor(-5.0)), "optimiser is damaged"),
        (tensor("random", torch.zeros(3, dtype=torch.uint8)), "random state is damaged"),
        (tensor("generator.body.0.weight", torch.full((2,), float("nan"))), "that are no numbers"),
        (tensor("generator.more", torch.zeros(2)), "which the network does not know"),
        (cut, "damaged|longer or shorter|lies about"),
        (document("training.json", **WIDE), "that of another network"),
        (document("training.json", step=10**400), "training.json is damaged"),
        (document("training.json", seconds=1e11), "seconds must lie between"),
        (document("training.json", config={"batch": 10**9}), "batch must lie between"),
        (document("config.json", data={"name": "cats"}), "other pictures than those that it names"),
        (lambda folder: (folder / "training.json").write_text("{"), "not valid JSON"),
        (lambda folder: (folder / "training.json").unlink(), "no training state"),
    ],
)
def test_a_bad_state_from_the_hub_ends_as_a_sentence_and_leaves_nothing(
    damage: Callable[[Path], None], sentence: str
) -> None:
    reference = pulled(trained())
    damage(store.folder_of(reference))
    before = sorted(run_files.runs_folder().iterdir())
    with pytest.raises((GanError, CheckpointError), match=sentence):
        continuing.start(continuing.unfinished(reference), 1, None)
    assert form(reference)[1].startswith("⚠️")
    assert sorted(run_files.runs_folder().iterdir()) == before
    assert continuing_texts(reference)[-1].endswith(START_INSTEAD)


@pytest.mark.parametrize(
    "reference", ["", None, "nobody", "../../etc", "runs/" + "0" * 32, ["cats"], "fashion"]
)
def test_what_no_page_would_send_is_refused(reference: Any) -> None:
    run_id, message, _ = form(reference)
    assert run_id == gr.skip()
    assert message.startswith("⚠️")


def test_a_count_of_pictures_from_the_hub_cannot_fill_the_memory(home: Path) -> None:
    network = NetworkConfig("compact", 32, 3, z_dim=72, width=4, attributes=(15, 10, 15, 10, 16, 6))
    config = TrainConfig(network=network, seconds=0, steps=1)
    cats = replace(pictures(), name="cats")
    for count, wanted in ((10**7, 0), (500, 500), (-1, 0), ("many", 0), (True, 0)):
        folder = home / "pulled" / "ada" / "cats"
        shutil.rmtree(folder, ignore_errors=True)
        unseen = replace(config, told=False, network=replace(network, attributes=(), z_dim=8))
        save_run(folder, unseen, new_state(unseen), cats, "Cats")
        data = {"name": "cats", "pictures": count}
        document("config.json", data=data)(folder)
        assert continuing.unfinished("pulled/ada/cats").pictures == wanted
