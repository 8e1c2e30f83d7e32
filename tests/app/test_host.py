"""A good host: what the status line says, a queue that one visitor cannot fill, a GPU that is lent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio.context import LocalContext
from playwright.sync_api import Page, expect
from starlette.requests import Request

import burden
import tab_status
from burden import Burden
from gan import run_files, runs, tab_diagnosis, tab_train_events, tab_versus
from gan.config import preset_config
from gan.errors import GanError
from gan.train_form import setting_values

ROOT = Path(__file__).resolve().parents[2]
FAKE_SPACES = """
import sys
assert "torch" not in sys.modules, "spaces must be imported before torch"
decorated, calls = [], []
def GPU(duration):
    def decorate(function):
        decorated.append(function.__name__)
        def lent(*arguments, **options):
            calls.append(duration(*arguments, **options))
            yield from function(*arguments, **options)
        return lent
    return decorate
"""
PAINT = """
import app, spaces
app.build()
import torch
from style import Recipe
from style.tab import stylise
assert spaces.decorated == ["stylise"], spaces.decorated
grey = torch.full((1, 3, 32, 32), 0.5)
list(stylise(grey, [grey], Recipe(mode="instant", size=128)))
print(spaces.calls)
"""


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Burden(0, 0, 0, 0, None, None), "Nobody is waiting"),
        (Burden(1, 2, 0, 0, None, None), "1 network is training, 2 wait"),
        (
            Burden(2, 0, 1, 1, 3 << 29, 16 << 30),
            "2 networks are training · 1 picture is being painted, 1 waits",
        ),
    ],
)
def test_the_line_says_what_goes_on(seen: Burden, words: str) -> None:
    assert seen.words.startswith(words)
    assert ("1.5 of 16 GB" in seen.words) == (seen.memory is not None)


def test_memory_counts_this_process_and_its_children() -> None:
    before = burden.memory()
    assert before is not None
    child = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(b'1') * 200_000_000; print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    held = burden.memory()
    child.communicate(b"\n")
    assert held is not None
    assert held - before > 190_000_000
    limit = burden.memory_limit()
    assert limit is not None
    assert limit > held


@pytest.fixture
def busy() -> Iterator[tuple[str, threading.Event]]:
    """An app that does nothing until the event is set, with the fair queue before it."""
    go_on = threading.Event()
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Button("wait").click(lambda: go_on.wait() and None, api_name="wait", concurrency_limit=1)
    _, url, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, app_kwargs={"middleware": [tab_status.fair_queue(demo)]}
    )
    yield url, go_on
    go_on.set()
    demo.close()


DOORS: dict[str, dict[str, Any]] = {
    "queue/join": {"data": [], "fn_index": 0},
    "call/wait": {"data": []},
    "call/wait/": {"data": []},
    "call/v2/wait": {},
    "call/v2/wait/": {},
}


def join(url: str, address: str, door: str = "queue/join") -> httpx.Response:
    headers = {"x-forwarded-for": f"{address}, 10.0.0.1"} if address else {}
    body = DOORS[door] | ({"session_hash": os.urandom(6).hex()} if door == "queue/join" else {})
    return httpx.post(f"{url}gradio_api/{door}", json=body, headers=headers, timeout=None)


@pytest.mark.parametrize("door", DOORS)
def test_one_address_cannot_fill_the_queue(busy: tuple[str, threading.Event], door: str) -> None:
    url, _ = busy
    answers = [join(url, "203.0.113.7", door) for _ in range(tab_status.MOST_OF_ONE + 2)]
    assert [answer.status_code for answer in answers[: tab_status.MOST_OF_ONE]] == [
        200
    ] * tab_status.MOST_OF_ONE
    assert answers[-1].status_code == 429
    assert "waiting here already" in answers[-1].json()["detail"]
    assert all(join(url, "203.0.113.7", each).status_code == 429 for each in DOORS), "there is one limit"
    assert join(url, "203.0.113.8").status_code == 200, "others are not refused"
    assert join(url, "").status_code == 200, "nor is whoever sits at the machine"


def test_no_call_passes_by_the_queue(app_url: str) -> None:
    for door in ("run", "api"):
        answer = httpx.post(f"{app_url}/gradio_api/{door}/checkpoints", json={"data": [None]}, timeout=None)
        assert answer.status_code == 404
        assert "queue" in answer.json()["detail"]


def test_one_address_cannot_fill_the_waiting_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    config = preset_config("in-a-minute", "classes")
    request = run_files.Request("fashion", 28, "Fashion", "in-a-minute", config)
    for _ in range(runs.MOST_WAITING_OF_ONE):
        runs.create(request, visitor="one")
    with pytest.raises(GanError, match="from your address"):
        runs.create(request, visitor="one")
    runs.create(request, visitor="another")
    runs.create(request)


@pytest.fixture
def from_afar() -> Iterator[None]:
    """What happens now is asked for from another address."""
    headers = [(b"x-forwarded-for", b"203.0.113.7")]
    request = gr.Request(Request({"type": "http", "headers": headers, "client": ("10.0.0.1", 1)}))
    token = LocalContext.request.set(request)
    yield
    LocalContext.request.reset(token)


def test_neither_two_runs_nor_a_broken_nor_a_continued_one_go_around_that_limit(
    from_afar: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "advance", lambda *_: None)  # nothing is trained here
    settings = setting_values(preset_config("lesson-mlp", "classes"))
    shown = tab_train_events.shown_for("fashion", "lesson-mlp")
    form = ["", shown, "fashion", 32, "lesson-mlp", "", 1, [], *settings]
    begun = [
        tab_train_events.start("", *form),
        tab_versus.start("", "gamma", "9", *form),
        tab_diagnosis.break_it("divergence", "", "fashion", "", []),
        tab_train_events.start("", *form),
    ]
    assert len(begun) == runs.MOST_WAITING_OF_ONE
    assert [message for _, message, *_ in begun if message.startswith("⚠️")] == []
    for refused in (
        tab_train_events.start("", *form),
        tab_versus.start("", "gamma", "9", *form),
        tab_diagnosis.break_it("divergence", "", "fashion", "", []),
    ):
        assert refused[0] == gr.skip()
        assert "from your address are waiting already" in refused[1]

    ended = begun[0][0]
    runs.request_stop(ended)
    tab_train_events.start("", *form)
    with pytest.raises(gr.Error, match="from your address"):
        tab_train_events.go_on(ended)


def test_a_full_disk_takes_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "LEAST_FREE_BYTES", 1 << 60)
    request = run_files.Request(
        "fashion", 28, "Fashion", "in-a-minute", preset_config("in-a-minute", "classes")
    )
    with pytest.raises(GanError, match="disk"):
        runs.create(request)


def test_a_lent_gpu_is_asked_for_by_painting_alone(tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text(FAKE_SPACES)
    environment = {**os.environ, "SPACES_ZERO_GPU": "true", "ATELIER_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
    ended = subprocess.run(
        [sys.executable, "-c", PAINT], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.splitlines()[-1] == "[20]"


def test_the_page_shows_the_line(any_page: Page) -> None:
    expect(any_page.locator("#status-line")).to_contain_text("GB memory")
    assert any_page.locator("#duplicate").count() == 0, "there is nothing to duplicate off a Space"


def test_a_space_can_be_duplicated(monkeypatch: pytest.MonkeyPatch) -> None:
    def buttons() -> list[object]:
        with gr.Blocks(analytics_enabled=False) as demo:
            tab_status.build()
        return [block for block in demo.blocks.values() if isinstance(block, gr.DuplicateButton)]

    monkeypatch.delenv("SYSTEM", raising=False)
    assert buttons() == []
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", "alice/atelier")
    assert len(buttons()) == 1
