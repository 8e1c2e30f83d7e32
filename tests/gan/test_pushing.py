"""A training elsewhere that is watched: the real client against a Hub on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from checkpoints.errors import CheckpointError
from checkpoints.store import Checkpoint
from gan import pushing
from gan.__main__ import main
from gan.pushing import Pusher
from gan.tab_afar import afar_html, look
from tests.hub_server import HubServer

TINY = ["train", "--data", "fashion", "--preset", "lesson-mlp", "--z-dim", "8", "--batch", "8"]


@pytest.fixture(scope="module")
def running() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(autouse=True)
def hub(running: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HubServer:
    running.reset()
    monkeypatch.setenv("HF_ENDPOINT", running.url)
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "home"))
    return running


def test_a_training_is_pushed_and_watched(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = ["--steps", "3", "--title", "Far <away>", "--out", str(out), "--push", "alice/far"]
    assert main([*TINY, *options, "--film", str(tmp_path / "film.gif")]) == 0
    assert hub.repositories["alice/far"].private
    assert "training.safetensors" in hub.files("alice/far")
    html, timer, *_ = look("alice/far")
    assert timer.active
    assert "3 steps" in html
    assert "24 pictures seen" in html
    assert "Far &lt;away&gt;" in html
    assert 'src="data:image/png;base64,' in html
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    html, timer, *_ = look("alice/far")
    assert not timer.active
    assert "private" in html


def test_a_push_that_cannot_work_is_known_at_once_and_a_later_one_may_fail(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main([*TINY, "--steps", "2", "--out", str(out), "--push", "bob/far"]) == 2
    assert "bob/far" in capsys.readouterr().err
    monkeypatch.setattr(pushing, "EVERY_SECONDS", 0.0)
    pusher = Pusher(out, "alice/far")
    pusher.push()
    first = hub.repositories["alice/far"].branches["main"]
    hub.repositories["alice/far"].private = False  # what was private must not become public by itself
    pusher.push()
    pusher.finish()
    assert "public" in capsys.readouterr().err
    assert hub.repositories["alice/far"].branches["main"] == first
    with pytest.raises(CheckpointError):
        Pusher(out, "no name").push()


def test_what_a_checkpoint_claims_is_not_believed(tmp_path: Path) -> None:
    wrong = {"title": "<b>x</b>", "training": {"step": "9", "images_seen": -1, "trained_seconds": "x"}}
    assert afar_html(Checkpoint(tmp_path, "x", wrong)) == (
        '<div class="afar"><p>&lt;b&gt;x&lt;/b&gt;</p></div>'
    )
    assert "<img" not in look("<img src=x>")[0]
    assert isinstance(look("")[1], gr.Timer)
