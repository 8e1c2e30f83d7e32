"""Checkpoint folders: what goes in comes out, what lies is refused, and an interrupted save harms nothing."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as to_bytes

from checkpoints import folders, store
from checkpoints.errors import CheckpointError
from checkpoints.store import Checkpoint
from checkpoints.weights import read_tensors
from tests.checkpoints.conftest import weights

Make = Callable[..., Checkpoint]
ROOT = Path(__file__).resolve().parents[2]


def write_weights(checkpoint: Checkpoint, content: bytes) -> None:
    (checkpoint.folder / "generator.safetensors").write_bytes(content)


def with_header(header: dict[str, Any] | list[Any], data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


def test_what_is_saved_comes_back_bit_for_bit(make: Make) -> None:
    saved = make()
    found = store.find(saved.reference)
    assert found.reference == f"runs/{1:032x}"
    assert found.config == saved.config
    assert (found.title, found.kind) == ("Small cats", "gan")
    assert found.document("training.json") == {"step": 7}
    tensors, expected = found.tensors(), weights(1)
    assert tensors.keys() == expected.keys()
    for name, value in expected.items():
        assert tensors[name].dtype == value.dtype
        assert torch.equal(tensors[name], value)


def test_saving_again_replaces_the_whole_folder(make: Make) -> None:
    make(title="Old")
    again = make(training=False, title="New")
    assert store.find(again.reference).title == "New"
    assert not again.has("training.safetensors")
    assert [path.name for path in again.folder.parent.iterdir()] == ["checkpoint"]


def test_two_steps_do_where_the_disk_cannot_exchange_names(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    make(title="Old")
    again = make(title="New")
    assert store.find(again.reference).title == "New"
    assert [path.name for path in again.folder.parent.iterdir()] == ["checkpoint"]


def test_a_save_that_fails_leaves_the_old_one(make: Make) -> None:
    old = make(title="Old")
    with pytest.raises(TypeError):
        make(title="New", network={"unserialisable": object()})
    assert store.find(old.reference).title == "Old"
    assert torch.equal(store.find(old.reference).tensors()["weight"], weights(1)["weight"])
    assert [path.name for path in old.folder.parent.iterdir()] == ["checkpoint"]


def test_a_process_killed_while_saving_leaves_the_old_one(make: Make) -> None:
    old = make(title="Old")
    program = f"""
import os, signal, sys
from pathlib import Path
from checkpoints import folders
with folders.replacing(Path({str(old.folder)!r})) as fresh:
    (fresh / "config.json").write_text("{{")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT)
    assert ended.returncode == -signal.SIGKILL
    assert store.find(old.reference).title == "Old"
    left = [path for path in old.folder.parent.iterdir() if path != old.folder]
    assert len(left) == 1
    os.utime(left[0], (0, 0))
    make(title="New")
    assert [path.name for path in old.folder.parent.iterdir()] == ["checkpoint"]


def test_a_reader_never_sees_a_missing_folder(make: Make) -> None:
    saved = make()
    titles: set[str] = set()
    failures: list[CheckpointError] = []
    done = threading.Event()

    def read_all_the_time() -> None:
        while not done.is_set():
            try:
                titles.add(store.find(saved.reference).title)
            except CheckpointError as error:
                failures.append(error)

    reader = threading.Thread(target=read_all_the_time)
    reader.start()
    for number in range(40):
        make(title=f"Number {number}")
    done.set()
    reader.join()
    assert failures == []
    assert len(titles) > 1


@pytest.mark.parametrize("cleared", [False, True])
def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, cleared: bool
) -> None:
    """Whether what was left of the old folder still made sense or not."""
    saved = make(title="Old")
    check, replaced = store.check, threading.Event()

    def check_while_another_is_saved(path: Path, title: str) -> None:
        check(path, title)
        if not replaced.is_set():
            replaced.set()
            make(title="New")
            if cleared:
                raise CheckpointError("The rest of the old folder is gone.")

    monkeypatch.setattr(store, "check", check_while_another_is_saved)
    assert store.find(saved.reference).title == "New"


def test_a_name_that_leads_elsewhere_is_not_written(home: Path, config: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError):
        store.save(home / "x", config, {"generator.safetensors": weights()}, {"../escaped.txt": "no"})
    assert not list(home.rglob("escaped.txt"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a safetensors file"),
        (b"\x08\0\0\0", "not a safetensors file"),
        ((2**63).to_bytes(8, "little") + b"{}", "not a safetensors file"),
        (with_header([1, 2]), "not a safetensors file"),
        ((4).to_bytes(8, "little") + b"{{{{", "damaged"),
        (with_header({}), "0 tensors"),
        (with_header(entry(), b"\0" * 4), "lies about the size"),
        (with_header(entry(offsets=(0, 4)), b"\0" * 4), "lies about the size"),
        (with_header(entry(shape=(2**40,), offsets=(0, 8)), b"\0" * 8), "damaged"),
        (with_header(entry(shape=(-2,), offsets=(0, 8)), b"\0" * 8), "damaged"),
        (with_header(entry(offsets=(0,)), b"\0" * 8), "damaged"),
        (with_header({"a": 3}, b"\0" * 8), "damaged"),
        (with_header(entry(), b"\0" * 12), "longer or shorter"),
        (with_header(entry(dtype="F8_E4M3", offsets=(0, 2)), b"\0" * 2), "number format"),
        (with_header(entry(dtype="I16", offsets=(0, 4)), b"\0" * 4), "number format"),
        (with_header({f"t{i}": 0 for i in range(5_000)}), "5000 tensors"),
        (pickle.dumps({"weight": [1.0]}), "pickle"),
    ],
)
def test_files_that_lie_are_refused(make: Make, content: bytes, says: str) -> None:
    checkpoint = make()
    write_weights(checkpoint, content)
    with pytest.raises(CheckpointError, match=says):
        store.find(checkpoint.reference)
    with pytest.raises(CheckpointError, match=says):
        checkpoint.tensors()


def test_a_torch_save_in_disguise_is_called_a_pickle(make: Make) -> None:
    checkpoint = make()
    torch.save({"weight": torch.ones(2)}, checkpoint.folder / "generator.safetensors")
    assert zipfile.is_zipfile(checkpoint.folder / "generator.safetensors")
    with pytest.raises(CheckpointError, match="pickle in disguise"):
        store.find(checkpoint.reference)


def test_a_header_that_begins_like_a_pickle_is_read(make: Make) -> None:
    """640 = 0x0280: its first two bytes are those of a pickle of protocol 2."""
    checkpoint = make()
    header = json.dumps(entry()).encode().ljust(640)
    write_weights(checkpoint, (640).to_bytes(8, "little") + header + b"\0" * 8)
    assert torch.equal(checkpoint.tensors()["a"], torch.zeros(2))


def test_overlapping_tensors_are_refused(make: Make) -> None:
    checkpoint = make()
    both = {**entry(), "b": entry()["a"]}
    write_weights(checkpoint, with_header(both, b"\0" * 8))
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.tensors()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_values_that_are_no_numbers_are_refused(make: Make, value: float, dtype: torch.dtype) -> None:
    checkpoint = make()
    write_weights(checkpoint, to_bytes({"ok": torch.ones(2), "bad": torch.tensor([1.0, value]).to(dtype)}))
    with pytest.raises(CheckpointError, match="'bad' that are no numbers"):
        checkpoint.tensors()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "generator.safetensors"
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            read_tensors(path, "Anything")


@settings(deadline=None)
@given(st.data())
def test_a_damaged_byte_in_the_header_never_crashes(data: st.DataObject) -> None:
    good = bytearray(to_bytes({"a": torch.ones(4), "b": torch.zeros(2, 3)}))
    header = 8 + int.from_bytes(good[:8], "little")
    good[data.draw(st.integers(0, header - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "generator.safetensors"
        path.write_bytes(bytes(good))
        try:
            tensors = read_tensors(path, "Anything")
        except CheckpointError:
            return
    assert all(torch.isfinite(t).all() for t in tensors.values() if t.is_floating_point())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not valid JSON"),
        ('{"format": 2, "kind": "gan"}', "another format"),
        ('{"format": 1}', "another format"),
        ('{"format": 1, "kind": ["gan"]}', "another format"),
        ('{"format": 1, "kind": "gan", "title": "' + "x" * 1_000_000 + '"}', "too large"),
        ('{"a": ' + "9" * 10_000 + "}", "not valid JSON"),
        ("\udcff", "not valid JSON"),
    ],
)
def test_configs_that_are_none_are_refused(make: Make, text: str, says: str) -> None:
    checkpoint = make()
    (checkpoint.folder / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CheckpointError, match=says):
        store.find(checkpoint.reference)


def test_missing_parts_are_named(make: Make) -> None:
    checkpoint = make()
    (checkpoint.folder / "generator.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"generator\.safetensors"):
        store.find(checkpoint.reference)
    with pytest.raises(CheckpointError, match=r"lacks generator\.safetensors"):
        checkpoint.tensors()
    with pytest.raises(CheckpointError, match=r"lacks other\.json"):
        checkpoint.document("other.json")
    (checkpoint.folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"lacks config\.json"):
        store.find(checkpoint.reference)


def test_links_out_of_the_folder_are_refused(make: Make, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"token": "x"}')
    checkpoint = make()
    (checkpoint.folder / "training.json").unlink()
    (checkpoint.folder / "training.json").symlink_to(secret)
    with pytest.raises(CheckpointError, match="leads out"):
        checkpoint.document("training.json")
    with pytest.raises(CheckpointError, match="leads out"):
        store.find(checkpoint.reference)
    with pytest.raises(CheckpointError):
        checkpoint.document("../../../secret.json")
    assert not checkpoint.has("../checkpoint/config.json")


def test_titles_are_one_printable_line(make: Make) -> None:
    assert make(title="a\nb\x00c\u202ed " + "x" * 200).title == ("a b c d " + "x" * 200)[:80]
    assert make(title="").title == "checkpoint"
    assert make(title=" \n ").title == "Untitled"
    assert make(title=["no", "text"]).title == "['no', 'text']"


@settings(deadline=None)
@given(st.text(max_size=80) | st.from_regex(r"(runs|pulled|private|\.\.|/)[a-z0-9./\\-]{0,60}"))
def test_no_reference_leads_out_of_the_known_places(reference: str) -> None:
    try:
        folder = store.folder_of(reference)
    except CheckpointError:
        return
    allowed = (store.SHIPPED, *(store.home() / name for name in ("runs", "pulled", "private")))
    assert os.path.normpath(folder) == str(folder)
    assert any(folder.is_relative_to(place) and folder != place for place in allowed)


@pytest.mark.parametrize(
    "reference",
    [
        "", ".", "..", "../cats", "cats/..", "/etc", "runs/", "runs/" + "a" * 31, "runs/" + "A" * 32,
        "runs/" + "a" * 32 + "\n", "runs/" + "a" * 32 + "/..", "pulled/a", "pulled/../b", "pulled/a/..",
        "pulled/a/b/c", "pulled/.a/b", "pulled/a/.b", "pulled//b", "pulled/a\\b/c", "pulled/a/b\n",
        "private/", "private/" + "a" * 31, "private/.secret", "private/" + "a" * 32 + "/..",
        "__pycache__", "C:\\x", "~", "cats\x00", None, 3, ["cats"], {"a": 1},
    ],
)  # fmt: skip
def test_references_from_the_page_are_strict(reference: Any) -> None:
    with pytest.raises(CheckpointError, match="not the name of a checkpoint"):
        store.find(reference)


def test_a_reference_to_nothing_says_so(home: Path) -> None:
    with pytest.raises(CheckpointError, match="is not here"):
        store.find("runs/" + "0" * 32)
    with pytest.raises(CheckpointError, match="is not here"):
        store.find("nothing")
    assert not home.exists()


def test_the_list_skips_what_cannot_be_read(make: Make) -> None:
    good, bad = make(1), make(2)
    write_weights(bad, b"broken")
    untrusted: list[Any] = [
        good.reference,
        good.reference,
        bad.reference,
        "../..",
        None,
        4,
        "runs/" + "0" * 32,
    ]
    shipped = [c.reference for c in store.shipped()]
    found = [c.reference for c in store.list_checkpoints([*untrusted, *shipped])]
    assert found == [*shipped, good.reference]
    assert all(c.kind == "gan" for c in store.shipped())
    assert store.local_references() == [good.reference, bad.reference]


def test_broken_shipped_folders_do_not_hide_the_others(
    make: Make, config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    store.save(tmp_path / "shipped" / "cats", config, {"generator.safetensors": weights()})
    store.save(
        tmp_path / "shipped" / "vgg", {**config, "kind": "encoder"}, {"encoder.safetensors": weights()}
    )
    broken = tmp_path / "shipped" / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    assert [c.reference for c in store.shipped()] == ["cats"]
    assert store.find("vgg").kind == "encoder"


def test_callers_may_name_folders_but_pages_may_not(make: Make) -> None:
    checkpoint = make()
    assert store.find_anywhere(str(checkpoint.folder)).title == "Small cats"
    assert store.find_anywhere(checkpoint.reference).reference == checkpoint.reference
    with pytest.raises(CheckpointError):
        store.find(str(checkpoint.folder))
    with pytest.raises(CheckpointError, match=re.escape("not here")):
        store.find_anywhere("no-such-thing")
