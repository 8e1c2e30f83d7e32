"""Pictures put aside to share: one visitor's own, kept over a restart, taken out and put back."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from checkpoints import collected, collected_view, tab_collected
from checkpoints.errors import CheckpointError
from checkpoints.pictures import RECIPE, read_finished
from style import tab_collect
from style.recipe import Recipe


def painted(folder: Path, name: str = "cat_x_wave.png", shade: int = 90) -> Path:
    information = PngInfo()
    information.add_text(RECIPE, Recipe(mode="instant").to_json())
    information.add_text("Comment", "my address")
    Image.new("RGB", (64, 48), (shade, 20, 30)).save(folder / name, pnginfo=information)
    return folder / name


def names(key: str) -> list[str]:
    return [path.name for path in collected.listed(key)]


def test_a_picture_is_kept_with_its_recipe_and_without_anything_else(tmp_path: Path) -> None:
    key, name, new = collected.add("", painted(tmp_path))
    assert (name, new) == ("001-cat_x_wave.png", True)
    (path,) = collected.listed(key)
    assert b"my address" not in path.read_bytes()
    assert read_finished(path, 1).recipe["mode"] == "instant"
    assert read_finished(path, 7).name == "007-cat_x_wave.png", "its number is not told twice"


def test_the_same_picture_is_there_once_and_others_follow(tmp_path: Path) -> None:
    key, first, _ = collected.add("", painted(tmp_path))
    assert collected.add(key, painted(tmp_path)) == (key, first, False)
    assert collected.add(key, painted(tmp_path, shade=200)) == (key, "002-cat_x_wave.png", True)
    assert names(key) == ["001-cat_x_wave.png", "002-cat_x_wave.png"]


def test_what_is_taken_out_can_be_put_back_in_its_place(tmp_path: Path) -> None:
    key, first, _ = collected.add("", painted(tmp_path))
    collected.add(key, painted(tmp_path, shade=200))
    assert collected.take_out(key, [first, "../x.png"]) == 1
    assert names(key) == ["002-cat_x_wave.png"]
    collected.add(key, painted(tmp_path, shade=10))
    assert collected.put_back(key) == 1
    assert names(key) == ["001-cat_x_wave.png", "002-cat_x_wave.png", "003-cat_x_wave.png"]
    assert collected.put_back(key) == 0
    collected.take_out(key, names(key)[:1])
    collected.take_out(key, names(key))
    assert (names(key), collected.put_back(key)) == ([], 2)


@pytest.mark.parametrize("key", ["", "../../etc", "A" * 32, "0" * 32, "0" * 31 + "/", None, 7, ["0" * 32]])
def test_another_s_collection_cannot_be_guessed(tmp_path: Path, key: object) -> None:
    own, _, _ = collected.add("", painted(tmp_path))
    assert collected.listed(key) == collected.taken_out(key) == []
    assert collected.take_out(key, names(own)) == collected.put_back(key) == 0
    other, _, _ = collected.add(key, painted(tmp_path))
    assert other not in (own, key)
    assert len(names(own)) == 1


def test_what_cannot_be_collected_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"<svg onload=alert(1)>")
    with pytest.raises(CheckpointError, match="no PNG"):
        collected.add("", fake)
    key, _, _ = collected.add("", painted(tmp_path))
    monkeypatch.setattr(collected, "MOST", 1)
    with pytest.raises(CheckpointError, match="1 pictures are collected already"):
        collected.add(key, painted(tmp_path, shade=200))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(CheckpointError, match="disk is nearly full"):
        collected.add("", painted(tmp_path))


def test_old_collections_and_what_was_taken_out_are_swept(tmp_path: Path) -> None:
    old, _, _ = collected.add("", painted(tmp_path))
    key, name, _ = collected.add("", painted(tmp_path))
    collected.add(key, painted(tmp_path, shade=200))
    collected.take_out(key, [name])
    assert collected.remove_old() == 0
    assert len(collected.taken_out(key)) == 1
    folder = collected.folder_of(old)
    assert folder is not None
    long_ago = time.time() - 40 * 86400
    for path in (*folder.iterdir(), folder, *collected.taken_out(key)):
        os.utime(path, (long_ago, long_ago))
    assert collected.remove_old() == 1
    assert (names(old), collected.taken_out(key)) == ([], [])
    assert len(names(key)) == 1


def test_stylise_adds_with_one_click_and_takes_out_with_another(tmp_path: Path) -> None:
    picture = str(painted(tmp_path))
    key, hidden, undo, told, added = tab_collect.add("", picture)
    assert (hidden.visible, undo.visible) == (False, True)
    assert "Added, with its recipe." in told
    assert "1 picture is collected." in told
    assert "there already" in tab_collect.add(key, picture)[3]
    shown, undo, told, left = tab_collect.take_out(key, added)
    assert (shown.visible, undo.visible, left, names(key)) == (True, False, [], [])
    assert "0 pictures are collected." in told
    assert "Share tab" not in told
    assert tab_collect.add("", None) == (gr.skip(),) * 5
    assert "missing" in tab_collect.add("", str(tmp_path / "none.png"))[3]


def test_a_batch_is_added_in_whole_and_taken_out_in_whole(tmp_path: Path) -> None:
    gallery = [(str(painted(tmp_path, f"{shade}.png", shade)), None) for shade in (10, 20)]
    key, _, _, told, added = tab_collect.add("", gallery)
    assert "Added, with their recipes." in told
    assert "2 pictures are collected." in told
    assert "They are there already." in tab_collect.add(key, gallery)[3]
    tab_collect.take_out(key, added)
    assert names(key) == []
    *_, told, added = tab_collect.add(key, [*gallery, (str(tmp_path / "none.png"), None)])
    assert "missing" in told
    assert names(key) == added, "what was good is kept, and can be taken out"


def test_the_shelf_shows_what_is_there_and_what_can_be_undone(tmp_path: Path) -> None:
    assert "Nothing is collected yet" in tab_collected.look("")[0]
    key, name, _ = collected.add("", painted(tmp_path))
    html, empty, back, panel = tab_collected.look(key)
    assert f'data-name="{name}"' in html
    assert "with its recipe" in html
    assert (empty.visible, back.visible, panel.open) == (False, False, True)
    html, empty, back = tab_collected.take_out(key, gr.EventData(None, {"name": name}))
    assert ("Nothing is collected" in html, back.visible) == (True, True)
    assert "1 picture is collected" in tab_collected.put_back(key)[0]
    assert "1 picture is collected" in tab_collected.take_out(key, gr.EventData(None, ["x"]))[0]
    assert "Nothing is collected" in tab_collected.take_all_out(key)[0]


def test_a_file_that_became_unreadable_is_left_out(tmp_path: Path) -> None:
    key, _, _ = collected.add("", painted(tmp_path))
    collected.listed(key)[0].write_bytes(b"")
    assert "<li>" not in collected_view.collected_html(collected.listed(key))
