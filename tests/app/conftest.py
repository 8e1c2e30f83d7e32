"""The real app in a process of its own, a loopback Hub beside it, and a real browser in front."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(scope="session")
def app_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("atelier")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(
    url: str, hub: HubServer, home: Path, gradio: Path, huggingface: Path
) -> subprocess.Popen[bytes]:
    """`python app.py` at a local address, which writes into these folders alone; its log is `app.log`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "GRADIO_"))} | {
        "GRADIO_SERVER_PORT": url.rsplit(":", 1)[1],
        "GRADIO_TEMP_DIR": str(gradio),
        "ATELIER_HOME": str(home),
        "HF_HOME": str(huggingface),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
    }
    with (home / "app.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )


@pytest.fixture(scope="session")
def app_url(hub: HubServer, app_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py` as a visitor's machine would run it, with everything it writes in temporary folders."""
    url = f"http://127.0.0.1:{free_port()}"
    folders = [tmp_path_factory.mktemp(name) for name in ("gradio", "huggingface")]
    process = start_app(url, hub, app_home, *folders)
    log = app_home / "app.log"
    try:
        wait_until_served(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait()
    assert "Traceback" not in log.read_text(), log.read_text()[-3000:]
    assert [path for path in files_below(app_home, *folders) if holds(path, hub.tokens)] == []


def files_below(*folders: Path) -> list[Path]:
    """All files that the app has written."""
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def holds(path: Path, tokens: Iterable[str]) -> bool:
    """Whether a visitor's token stands in a file or its name; none may be kept or logged."""
    content = path.read_bytes()
    return any(token.encode() in content or token in str(path) for token in tokens)


def wait_until_served(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert process.poll() is None, f"the app ended by itself:\n{log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(url) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def any_page(request: pytest.FixtureRequest, browser: Browser, app_url: str) -> Iterator[Page]:
    """The page at desktop and at phone width."""
    yield from _open(browser, app_url, request.param)


@pytest.fixture
def page(browser: Browser, app_url: str) -> Iterator[Page]:
    """The page in a fresh browser context: a new visitor."""
    yield from _open(browser, app_url, DESKTOP)


def _open(browser: Browser, app_url: str, size: dict[str, int]) -> Iterator[Page]:
    context = browser.new_context(viewport=size, has_touch=size is PHONE, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app_url)
    page = context.new_page()
    page.set_default_timeout(600_000)
    errors: list[str] = []
    elsewhere: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    own = (app_url, "data:", "blob:", "about:")
    page.on("request", lambda r: None if r.url.startswith(own) else elsewhere.append(r.url))
    page.goto(app_url)
    yield page
    context.close()
    assert errors == []
    assert elsewhere == [], "the page asked other hosts for something"


def collect_a_picture(page: Page) -> None:
    """Paint an example at once and put it with the pictures to share."""
    page.get_by_role("tab", name="Stylise").click()
    page.locator("#style-examples button").first.click()
    page.locator("#style-collect").click()
    expect(page.locator("#style-collected")).to_contain_text("1 picture is collected.")
