"""What all tests share: libraries that keep to this machine, and one real browser."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

# The Hub's client and Gradio read these when they are imported.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    # Workers share the processors; torch would give all of them to each.
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

# The default of five seconds would be a time limit, and say nothing about the page on a busy machine.
expect.set_options(timeout=600_000)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Tests that a shell runs in its background ignore Ctrl-C, and the programs that they start would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; the browser tests must run here.")
        pytest.skip("the browser tests want Chromium, for example Debian's package chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield running
        running.close()
