"""How long the server takes to show a slider's picture: call, request, page; idle and under load.

    python tests/bench/slider_latency.py [--events 150] [--load] [--checkpoint cats]

Starts `app.py` on a free port and moves the first direction slider, in a page that is kept from drawing by
itself (for the two ways beside each other see browser_latency.py). With --load it measures a second time
while a training run and a stylisation, both started through the page, are going. Compare the ratios inside
one table: milliseconds depend on the machine and on what else it does.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
START_SECONDS = 120

# One event at a time: from the slider's input event to the next picture, decoded.
ONE_BY_ONE = """
async (events) => {
  const slider = document.querySelector('input[data-direction="0"]');
  const picture = document.querySelector('.explore-view canvas');
  const times = [];
  for (let i = 0; i < events; i++) {
    const shown = new Promise((done) => {
      const watcher = new MutationObserver(() => { watcher.disconnect(); done(); });
      watcher.observe(picture, { attributes: true, attributeFilter: ['data-frame'] });
    });
    const started = performance.now();
    slider.value = (((i * 7) % 60) - 30) / 10 + (i % 2 ? 0.1 : 0);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await shown;
    times.push(performance.now() - started);
    await new Promise((done) => setTimeout(done, 5));
  }
  return times;
}
"""

# A drag: an event every 16 ms, whatever the server does. How many pictures, and how late is the last one?
DRAG = """
async (events) => {
  const slider = document.querySelector('input[data-direction="0"]');
  const picture = document.querySelector('.explore-view canvas');
  let pictures = 0, last = 0;
  new MutationObserver(() => { pictures++; last = performance.now(); })
    .observe(picture, { attributes: true, attributeFilter: ['data-frame'] });
  for (let i = 0; i < events; i++) {
    slider.value = -3 + 6 * i / events;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise((done) => setTimeout(done, 16));
  }
  const over = performance.now();
  await new Promise((done) => setTimeout(done, 1500));
  return { pictures, late: Math.max(0, last - over) };
}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_process(command: list[str], home: Path) -> Iterator[tuple[str, int]]:
    """A Gradio app as a child process; yields its address and process number, and ends it."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "ATELIER_HOME": str(home)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for(url, process)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the app answers. Raises RuntimeError when it ends, or does not start at all."""
    for _ in range(START_SECONDS * 4):
        if process.poll() is not None:
            raise RuntimeError("app.py ended before it answered; start it by hand to see why.")
        try:
            httpx.get(url, timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.25)
    raise RuntimeError("app.py does not answer.")


def timed(act: Callable[[int], Any], events: int) -> list[float]:
    """Milliseconds that each of `events` calls took."""
    times = []
    for i in range(events):
        started = time.perf_counter()
        act(i)
        times.append(1000 * (time.perf_counter() - started))
    return times


def question(checkpoint: str, i: int) -> dict[str, Any]:
    """A state of the explorer in which the first slider stands somewhere else for every `i`."""
    return {"checkpoint": checkpoint, "seed": 3, "edits": [((i * 7) % 60 - 30) / 10]}


def call_times(checkpoint: str, events: int) -> list[float]:
    """The server's function alone, called in this process."""
    sys.path.insert(0, str(ROOT))
    from gan.tab_explore import answers, explore_render

    draw = answers(explore_render)
    draw(question(checkpoint, 0))
    return timed(lambda i: draw(question(checkpoint, i)), events)


def request_times(url: str, checkpoint: str, events: int) -> list[float]:
    """The request that the page makes, without the page."""
    components = httpx.get(f"{url}/config").json()["components"]
    explorer = next(c["id"] for c in components if c["props"].get("elem_id") == "explore")
    with httpx.Client(base_url=url) as client:

        def ask(i: int) -> None:
            body = {
                "data": question(checkpoint, i),
                "component_id": explorer,
                "fn_name": "explore_render",
                "session_hash": "bench",
            }
            answer = client.post("/gradio_api/component_server", json=body, timeout=60).raise_for_status()
            assert "picture" in answer.json(), answer.text[:200]

        ask(0)
        return timed(ask, events)


def open_explorer(browser: Browser, url: str, checkpoint: str) -> Page:
    """A page whose explorer is ready."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.route("**/atelier/**", lambda route: route.abort())
    page.goto(f"{url}/?checkpoint={checkpoint}&seed=3")
    page.wait_for_selector('input[data-direction="0"]')
    page.wait_for_selector(".explore-path[data-path=server]")
    page.wait_for_timeout(1000)
    return page


def measure(browser: Browser, url: str, checkpoint: str, events: int) -> dict[str, list[float]]:
    """All rows of one table, in milliseconds; prints what a drag does."""
    page = open_explorer(browser, url, checkpoint)
    rows = {
        "function call": call_times(checkpoint, events),
        "request": request_times(url, checkpoint, events),
        "page: event to painted picture": page.evaluate(ONE_BY_ONE, events),
    }
    drag = page.evaluate(DRAG, events)
    print(f"drag: {drag['pictures']} pictures for {events} events; the last came {drag['late']:.0f} ms after")
    page.close()
    return rows


def start_load(page: Page) -> None:
    """Start a training run of several minutes and a stylisation through the page, and see both going."""
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-minutes input[type=number]").fill("10")
    page.locator("button#train-start").click()
    page.wait_for_selector("button#train-stop:visible", timeout=120_000)
    page.get_by_role("tab", name="Stylise").click()
    page.locator("#style-examples .thumbnail-item").first.click()
    page.wait_for_selector("#style-painting img")
    page.locator("button#style-run").click()
    page.wait_for_function(
        "document.querySelector('#style-progress').textContent.trim() !== ''", timeout=120_000
    )


def report(title: str, rows: dict[str, list[float]], idle: dict[str, list[float]] | None = None) -> None:
    """Print a table: median and 95th percentile in ms, and their ratios to the idle ones."""
    print(f"\n{title:36}{'median':>10}{'95 %':>10}{'ratio':>9}{'ratio 95 %':>12}")
    for name, times in rows.items():
        middle, high = median(times), quantiles(times, n=20)[-1]
        before = (idle or rows)[name]
        ratios = middle / median(before), high / quantiles(before, n=20)[-1]
        print(f"{name:36}{middle:>10.1f}{high:>10.1f}{ratios[0]:>9.2f}{ratios[1]:>12.2f}")


def main() -> None:
    """Parse the options, measure, print."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=150, help="slider events for each row")
    parser.add_argument("--checkpoint", default="cats", help="which generator")
    parser.add_argument("--load", action="store_true", help="again while training and stylising")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        running_process([sys.executable, str(ROOT / "app.py")], Path(home)) as (url, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        idle = measure(browser, url, options.checkpoint, options.events)
        report("idle", idle)
        if options.load:
            working = browser.new_page()
            working.goto(url)
            start_load(working)
            loaded = measure(browser, url, options.checkpoint, options.events)
            report("training and stylising", loaded, idle)
            working.get_by_role("tab", name="Train").click()
            working.locator("button#train-stop").click()
        browser.close()


if __name__ == "__main__":
    main()
