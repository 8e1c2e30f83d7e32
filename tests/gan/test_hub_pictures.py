"""Data sets of the Hub: the real client against a Hub on this machine."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from PIL import Image

from checkpoints.card import model_card
from checkpoints.store import Checkpoint
from gan import hub_pictures as hp
from gan import memorising
from gan.config import preset_config
from gan.datasets import open_dataset
from gan.errors import GanError
from gan.how_many import beginning_for
from gan.hub_pictures import fetching, hub_pictures, parse_dataset, parse_kind
from gan.own_pictures import load_pictures, save_pictures
from gan.parquet_pictures import PictureFile, RemoteFile
from gan.state import fitted, new_state
from gan.training import train
from tests.hub_server import HubServer

CARD = b"---\nlicense: cc-by-4.0\n---\n# Squares"


@pytest.fixture(scope="module")
def running() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def hub(running: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HubServer:
    running.reset()
    monkeypatch.setenv("HF_ENDPOINT", running.url)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    return running


def square(level: int, side: int = 40) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (level, 255 - level, 100)).save(stream, "PNG")
    return stream.getvalue()


def parquet(levels: list[int], *, rows: int = 10, plain: bool = False, **more: pa.Array) -> bytes:
    pictures = [square(level) for level in levels]
    column = pa.array(
        pictures if plain else [{"bytes": p, "path": f"{i}.png"} for i, p in enumerate(pictures)]
    )
    stream = io.BytesIO()
    pq.write_table(pa.table({**more, "image": column}), stream, row_group_size=rows)
    return stream.getvalue()


def levels_of(images: torch.Tensor) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def test_a_data_set_of_parquet_brings_its_pictures_licence_and_origin(hub: HubServer) -> None:
    label = pa.array(list(range(30)))
    files = {"data/train-0.parquet": parquet(list(range(30)), label=label), "README.md": CARD}
    commit = hub.add("datasets/ann/squares", files)
    dataset = open_dataset("hub:ann/squares", 32)
    assert dataset.images.shape == (30, 3, 32, 32)
    assert levels_of(dataset.images) == list(range(30))
    assert (dataset.name, dataset.title, dataset.licence) == ("hub:ann/squares", "squares", "cc-by-4.0")
    assert "ann/squares" in dataset.attribution
    assert commit[:12] in dataset.attribution
    assert dataset.note.startswith("30 of 30 pictures used.")
    data = {"name": dataset.name, "title": dataset.title, "licence": dataset.licence}
    card = model_card(Checkpoint(Path(), "x", {"title": "X", "kind": "gan", "data": data}))
    assert "datasets:\n- ann/squares" in card
    assert "license: cc-by-4.0" in card


def test_of_a_large_data_set_pictures_from_all_over_it_are_taken(hub: HubServer) -> None:
    shards = {f"data/train-{n}.parquet": parquet([100 * n + i for i in range(50)]) for n in range(2)}
    test = {"data/test-0.parquet": parquet([255] * 20), "other/train-0.parquet": parquet([254] * 20)}
    hub.add("datasets/ann/sorted", shards | test)
    dataset = hub_pictures("ann/sorted", 32, most=20)
    taken = levels_of(dataset.images)
    assert len(dataset) == 20
    assert not {254, 255} & set(taken)  # another split, another version
    assert sum(level < 100 for level in taken) in (10, 11)
    for low in range(0, 50, 10):
        assert any(low <= level < low + 10 for level in taken)
    assert "the most that is read" in dataset.note
    assert "names no licence" in dataset.note


def test_only_what_is_looked_at_is_fetched() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 300_000), np.uint8)
    table = pa.table(
        {"image": pa.array([square(1)] * 64), "video": pa.array([row.tobytes() for row in noise])}
    )
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=1)
    content, fetched = stream.getvalue(), []

    def fetch(start: int, end: int) -> bytes:
        fetched.append(end - start)
        return content[start:end]

    assert len(list(PictureFile(fetch, len(content)).rows(2))) == 2
    whole = RemoteFile(fetch, len(content))
    assert whole.read() == content
    whole.seek(-4, io.SEEK_END)
    assert whole.read(100) == b"PAR1"
    assert len(content) > 3 * hp.MOST_SHARDS * 300_000


def test_plain_bytes_and_picture_files_will_do_and_what_is_no_picture_is_told(hub: HubServer) -> None:
    hub.add("datasets/ann/plain", {"a.parquet": parquet(list(range(16)), plain=True)})
    assert levels_of(hub_pictures("ann/plain", 32).images) == list(range(16))
    files = {f"animals/{level:03d}.png": square(level) for level in range(17)}
    hub.add("datasets/ann/files", files | {"animals/no.jpg": b"no picture", "notes.txt": b"x"})
    dataset = hub_pictures("https://huggingface.co/datasets/ann/files/tree/main", 32, grey=True, mirror=True)
    assert dataset.images.shape == (17, 1, 32, 32)
    assert dataset.mirror
    assert "17 of 18 pictures used; 1 was not readable" in dataset.note
    assert "no.jpg" in dataset.note


def test_what_the_hub_converted_is_found(hub: HubServer) -> None:
    hub.add("datasets/ann/script", {"data.tar": b"x"})
    with pytest.raises(GanError, match="neither parquet"):
        hub_pictures("ann/script", 32)
    repository = hub.repositories["datasets/ann/script"]
    from tests.hub_server import Entry

    content = parquet(list(range(16)))
    repository.commit({"default/train/0.parquet": Entry(content, True, len(content))}, hp.CONVERTED)
    assert len(hub_pictures("ann/script", 32)) == 16


def test_progress_is_told_and_a_stop_keeps_what_came(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hp, "TELL_EVERY", 0.0)
    hub.add("datasets/ann/many", {"a.parquet": parquet(list(range(60)))})
    seen: list[hp.Fetched] = []
    steps = fetching("ann/many", 32, should_stop=lambda: bool(seen) and seen[-1].used >= 20)
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            dataset = end.value
            break
    used = [step.used for step in seen]
    assert used == sorted(used)
    assert seen[-1].seconds_left is not None
    assert seen[-1].examples is not None
    assert seen[-1].examples.shape == (8, 3, 32, 32)
    assert len(dataset) == 21


def test_what_goes_wrong_is_one_sentence(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    content = parquet(list(range(16)))
    hub.add("datasets/ann/private", {"a.parquet": content}, private=True)
    hub.add("datasets/ann/gated", {"a.parquet": content}, gated=True)
    text = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"] * 20}), text)
    hub.add("datasets/ann/text", {"a.parquet": text.getvalue()})
    hub.add("datasets/ann/damaged", {"a.parquet": content[: len(content) // 2]})
    torn = bytearray(content)
    torn[100:1500] = bytes(1400)
    hub.add("datasets/ann/torn", {"a.parquet": bytes(torn)})
    hub.add("datasets/ann/few", {"a.parquet": parquet([1, 2])})
    says = {
        "private": "private", "nothing": "There is no ann/nothing", "gated": "gated", "text": "no column",
        "damaged": "damaged", "torn": "damaged|can be used", "few": "Only 2",
    }  # fmt: skip
    for name, words in says.items():
        with pytest.raises(GanError, match=words):
            hub_pictures(f"ann/{name}", 32)
    hub.add("datasets/ann/slow", {"a.parquet": content})
    hub.fail("GET /datasets/ann/slow", 500, times=99)
    with pytest.raises(GanError, match="trouble"):
        hub_pictures("ann/slow", 32)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(GanError, match="cannot be reached"):
        hub_pictures("ann/squares", 32)


KINDS = ("airplane", "automobile", "bird")


def labelled(levels: list[int], kinds: list[int | None], names: object = KINDS, **more: pa.Array) -> bytes:
    """A file as the `datasets` library writes one of CIFAR-10: `img`, and a `label` whose names it knows."""
    pictures = pa.array([{"bytes": square(level, 32), "path": None} for level in levels])
    feature = {"names": names, "_type": "ClassLabel"}
    told = {"info": {"features": {"label": feature, "img": {"_type": "Image"}}}}
    table = pa.table({"img": pictures, "label": pa.array(kinds, pa.int64()), **more})
    stream = io.BytesIO()
    schema = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(schema, stream, row_group_size=10)
    return stream.getvalue()


def test_the_networks_are_told_what_the_labels_say(hub: HubServer, tmp_path: Path) -> None:
    levels = list(range(60))
    files = {
        "plain_text/train-0.parquet": labelled(levels, [level % 3 for level in levels]),
        "README.md": CARD,
    }
    hub.add("datasets/ann/things", files)
    dataset = hub_pictures("ann/things", 32)
    assert (dataset.classes, dataset.condition) == (KINDS, "label")
    assert dataset.class_labels is not None
    assert dataset.class_labels.tolist() == [level % 3 for level in levels_of(dataset.images)]
    assert "3 kinds, and the networks are told which: airplane, automobile, bird." in dataset.note
    assert beginning_for(dataset) == ""  # no checkpoint that ships knows these
    save_pictures(tmp_path, dataset)
    again = load_pictures(tmp_path)
    assert (again.classes, again.note) == (dataset.classes, dataset.note)
    assert torch.equal(again.labels, dataset.labels)

    config = replace(preset_config("in-a-minute", dataset.labels_tell), seconds=0.0, steps=2)
    assert fitted(config, dataset).network.classes == 3
    assert [shot.step for shot in train(config, dataset)] == [1, 2]
    state = new_state(fitted(config, dataset))
    watch = memorising.watch_for(config, dataset)
    assert watch is not None
    watch.look(state)
    untold = fitted(replace(config, told=False), dataset)
    assert untold.network.classes == 0


def test_one_kind_is_taken_from_all_over_the_data_set(hub: HubServer) -> None:
    levels = list(range(200))
    content = labelled(levels, [level % 10 for level in levels], [str(digit) for digit in range(10)])
    card = b"---\nlicense: mit\n---\n"
    hub.add("datasets/ann/digits", {"train.parquet": content, "README.md": card})
    dataset = open_dataset("hub:ann/digits#7", 32, limit=16)
    taken = levels_of(dataset.images)
    assert len(taken) == 16
    assert all(level % 10 == 7 for level in taken)
    assert min(taken) < 50 < 150 < max(taken)
    assert (dataset.name, dataset.title) == ("hub:ann/digits#7", "digits, 7")
    assert dataset.classes == ()
    data = {"name": dataset.name, "title": dataset.title, "licence": dataset.licence}
    assert "datasets:\n- ann/digits" in model_card(
        Checkpoint(Path(), "x", {"title": "X", "kind": "gan", "data": data})
    )
    assert sorted(levels_of(hub_pictures("ann/digits", 32, kind="7").images)) == [*range(7, 200, 10)]
    for kind in ("11", "seven"):
        with pytest.raises(GanError, match=f"has no '{kind}'; it has 0, 1, 2"):
            hub_pictures(f"ann/digits#{kind}", 32)


def test_of_a_sorted_data_set_only_the_parts_with_the_kind_are_fetched() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 9_000), np.uint8)
    more = {"sound": pa.array([row.tobytes() for row in noise])}
    content = labelled([n % 250 for n in range(400)], [n // 100 for n in range(400)], list("abcd"), **more)
    fetched = 0

    def fetch(start: int, end: int) -> bytes:
        nonlocal fetched
        fetched += end - start
        return content[start:end]

    file = PictureFile(fetch, len(content))
    (label,) = file.labels
    opened = fetched
    assert len(list(file.rows(1000, label, 9))) == 0
    assert fetched == opened
    assert {row.kind for row in file.rows(1000, label, 2)} == {2}


def test_a_card_names_the_kinds_where_the_files_do_not(hub: HubServer) -> None:
    names = {str(number): name for number, name in enumerate(KINDS)}
    features = [
        {"name": "image", "dtype": "image"},
        {"name": "style", "dtype": {"class_label": {"names": names}}},
        {"name": "missing", "dtype": {"class_label": {"names": {"0": "x", "1": "y"}}}},
    ]
    card = f"---\n{yaml.safe_dump({'dataset_info': [{'features': features}]})}---\n".encode()
    style = pa.array([n % 3 for n in range(60)])
    hub.add("datasets/ann/art", {"a.parquet": parquet(list(range(60)), style=style), "README.md": card})
    assert hub_pictures("ann/art", 32).classes == KINDS
    assert sorted(levels_of(hub_pictures("ann/art#Bird", 32).images)) == [*range(2, 60, 3)]


def test_labels_that_cannot_be_believed_are_left_alone(hub: HubServer) -> None:
    some = [None if n == 5 else n % 2 for n in range(20)]
    unknown = [7 if n == 5 else n % 2 for n in range(20)]
    one = [0] * 20
    hostile = ["<b>a</b>\n", {"x": 1}, "a"]
    odd = {
        "some": labelled(list(range(20)), some), "unknown": labelled(list(range(20)), unknown),
        "one": labelled(list(range(20)), one), "hostile": labelled(list(range(20)), some, hostile),
        "same": labelled(list(range(20)), one, ["a", "a"]), "none": labelled(list(range(20)), one, 5),
    }  # fmt: skip
    for name, content in odd.items():
        hub.add(f"datasets/ann/{name}", {"a.parquet": content})
        assert hub_pictures(f"ann/{name}", 32).classes == (), name
    with pytest.raises(GanError, match="does not say what its pictures show"):
        hub_pictures("ann/none#cat", 32)
    hub.add("datasets/ann/bare", {f"{n}.png": square(n) for n in range(16)})
    with pytest.raises(GanError, match="does not say what its pictures show"):
        hub_pictures("ann/bare#cat", 32)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hub:a/b#cat", "cat"),
        ("a/b# grey  cat ", "grey cat"),
        ("https://hf.co/datasets/a/b#uses", ""),
        ("a/b", ""),
    ],
)
def test_a_kind_follows_the_name(text: str, kind: str) -> None:
    assert parse_kind(text) == ("a/b", kind)


@pytest.mark.parametrize(
    "text", ["hub:a/b", "a/b", "datasets/a/b", "https://huggingface.co/datasets/a/b/viewer"]
)
def test_names_of_data_sets(text: str) -> None:
    assert parse_dataset(text) == "a/b"


@pytest.mark.parametrize("text", ["", "mnist", "a/b/c", "../etc", "a/../b", "https://example.org/a/b"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(GanError, match="owner/name"):
        parse_dataset(text)
