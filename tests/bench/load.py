"""Many visitors at once: browsers that move sliders, programs, two painters, a training run, and a crash.

    python -m tests.bench.load [--visitors 50] [--minutes 15]

One visitor in five is a page of headless Chromium that moves a slider all the time (it shares the machine
with the app, and more of them would measure little but Chromium), the others call `/sample` like programs.
Two more paint (one at once, one in the studio), another trains. In the middle the app is killed and started
again on the same port: pages and programs come back, and the run must be there with all it had. It ends
with status 1 when anything failed apart from that gap, when memory grew by more than 10 % after the warm-up
(a fifth of the time before and after the crash), or when the run was lost.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from gradio_client import Client, handle_file
from playwright.sync_api import Error as PageError
from playwright.sync_api import Page, sync_playwright

from tests.bench.slider_latency import CHROMIUM, CHROMIUM_OPTIONS, ROOT, free_port, wait_for

PHOTO = ROOT / "data" / "pictures" / "photos" / "cat.jpg"
WARM_UP = 0.2
MOST_GROWTH = 0.10
PAUSE = 0.5
VISITORS_A_PAGE = 5
SLIDER = "input[data-direction='0']"
READY = "document.querySelector('.explore-view canvas')?.dataset.frame > 0"
# Every page moves its slider at its own pace, and keeps how long each picture took.
MOVE = """
async (pause) => {
  const canvas = document.querySelector('.explore-view canvas');
  window.took = [], window.missed = 0;
  for (let i = 1; ; i++) {
    const slider = document.querySelector("input[data-direction='0']");
    const drawn = new Promise((done) => {
      const watcher = new MutationObserver(() => { watcher.disconnect(); done(true); });
      watcher.observe(canvas, { attributeFilter: ['data-frame'] });
      setTimeout(() => { watcher.disconnect(); done(false); }, 30000);
    });
    const started = performance.now();
    slider.value = 3 * Math.sin(i / 9);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    if (await drawn) window.took.push(performance.now() - started); else window.missed += 1;
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())));
  }
}
"""


@dataclass
class Seen:
    """What happened; times in milliseconds, memory as (seconds since the start, bytes)."""

    page: list[float] = field(default_factory=list)
    program: list[float] = field(default_factory=list)
    painted: int = 0
    painted_in_studio: int = 0
    failures: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    run: dict[str, Any] = field(default_factory=dict)


class App:
    """The app as a process that can be killed and started again on its port."""

    def __init__(self, home: Path) -> None:
        self.port, self._home = free_port(), home
        self.url = f"http://127.0.0.1:{self.port}"
        self.gap = threading.Event()
        self.log = (home / "app.log").open("ab")
        self.start()

    def start(self) -> None:
        environment = os.environ | {
            "GRADIO_SERVER_PORT": str(self.port),
            "ATELIER_HOME": str(self._home),
            "GRADIO_TEMP_DIR": str(self._home / "gradio"),
        }
        command = [sys.executable, "app.py"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self.log, stderr=self.log, start_new_session=True
        )
        wait_for(self.url, self.process)

    def crash(self) -> None:
        """Killed without a word, as a machine that loses its memory does it, and started again."""
        self.gap.set()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()
        self.gap.clear()

    def client(self) -> Client:
        """A program's connection; it is asked for again after a crash."""
        return Client(self.url, verbose=False, httpx_kwargs={"timeout": 120}, download_files=False)


class Visitors:
    """Threads that use the app until they are told to stop; what fails outside of the gap is written down."""

    def __init__(self, app: App, seen: Seen) -> None:
        self._app, self._seen, self._over = app, seen, threading.Event()
        self._threads: list[threading.Thread] = []

    def come(self, what: str, act: Callable[[Client], None], pause: float = PAUSE) -> None:
        thread = threading.Thread(target=self._use, args=(what, act, pause), name=what, daemon=True)
        self._threads.append(thread)
        thread.start()

    def leave(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(120)

    def _use(self, what: str, act: Callable[[Client], None], pause: float) -> None:
        client: Client | None = None
        while not self._over.wait(pause):
            began_in_gap, life = self._app.gap.is_set(), self._app.process.pid
            try:
                client = client or self._app.client()
                act(client)
            except Exception as error:
                client = None
                crossed = began_in_gap or self._app.gap.is_set() or self._app.process.pid != life
                if not crossed and not self._over.is_set():
                    self._seen.failures.append(f"{what}: {error!r:.300}")


def sample(seen: Seen, number: int) -> Callable[[Client], None]:
    """A program that draws."""

    def act(client: Client) -> None:
        started = time.perf_counter()
        client.predict("cats", number, 0.7, 0, [started % 3], api_name="/sample")
        seen.program.append(1000 * (time.perf_counter() - started))

    return act


def paint(seen: Seen, studio: bool) -> Callable[[Client], None]:
    """A program that paints, at once or in the studio."""

    def act(client: Client) -> None:
        settings: dict[str, Any] = {"size": 256, **({"seconds": 20} if studio else {})}
        name = "/stylise" if studio else "/stylise_instantly"
        client.predict(handle_file(PHOTO), ["great_wave"], None, settings, api_name=name)
        if studio:
            seen.painted_in_studio += 1
        else:
            seen.painted += 1

    return act


def open_pages(browser: Any, app: App, count: int, seen: Seen) -> list[Page]:
    """Each in a browser context of its own: a visitor, not a tab."""
    pages = []
    for _ in range(count):
        page = browser.new_context().new_page()
        page.set_default_timeout(300_000)
        page.on("pageerror", lambda error: app.gap.is_set() or seen.failures.append(f"page: {error}"))
        pages.append(page)
    visit(pages, app, seen)
    return pages


def visit(pages: list[Page], app: App, seen: Seen) -> None:
    """Open the explorer in every page and let it move its slider; who gets no page tries again."""
    for page in pages:
        try:
            page.goto(app.url)
        except PageError as error:
            seen.failures.append(f"page: {error!r:.300}")
            page.wait_for_timeout(5000)
            page.goto(app.url)
        page.wait_for_function(READY)
        page.wait_for_selector(SLIDER)
        page.evaluate(f"(pause) => {{ ({MOVE})(pause); }}", 1000 * PAUSE)


def collect(pages: list[Page], seen: Seen) -> None:
    """Take over what the pages have measured."""
    for page in pages:
        took, missed = page.evaluate("() => [window.took.splice(0), window.missed]")
        seen.page += took
        if missed:
            seen.failures.append(f"page: {missed} slider events without a picture")
            page.evaluate("() => { window.missed = 0; }")


def watch(app: App, pages: list[Page], seen: Seen, started: float, until: float) -> None:
    """Look at memory and pages once in a while."""
    from burden import memory

    while time.monotonic() < until:
        pages[0].wait_for_timeout(2000)
        held = memory(app.process.pid)
        if held is not None:
            seen.memory.append((time.monotonic() - started, held))
        collect(pages, seen)


def growth(seen: Seen, begin: float, end: float) -> float:
    """How much more memory the last fifth of a stretch holds than the fifth after its warm-up, as a share."""
    length = end - begin
    early = [held for at, held in seen.memory if WARM_UP <= (at - begin) / length < 2 * WARM_UP]
    late = [held for at, held in seen.memory if 1 - WARM_UP <= (at - begin) / length <= 1]
    return median(late) / median(early) - 1 if early and late else 0.0


def run_load(visitors: int, minutes: float) -> dict[str, Any]:
    """The whole thing; returns the report."""
    seen, half = Seen(), 30 * minutes
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        app = App(Path(home))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        people = Visitors(app, seen)
        try:
            run_id = app.client().predict("fashion", "in-five-minutes", 10, api_name="/train_start")["run_id"]
            pages = open_pages(browser, app, max(1, visitors // VISITORS_A_PAGE), seen)
            for number in range(visitors - len(pages)):
                people.come("program", sample(seen, number))
            people.come("painter", paint(seen, studio=False), pause=5)
            people.come("studio", paint(seen, studio=True), pause=5)
            began = time.monotonic()
            say("everybody is here")
            watch(app, pages, seen, began, began + half)
            middle = time.monotonic() - began
            before = app.client().predict(run_id, api_name="/train_status")
            say("the app is killed")
            app.crash()
            visit(pages, app, seen)
            say("everybody is back")
            again = time.monotonic() - began
            watch(app, pages, seen, began, time.monotonic() + half)
            after = app.client().predict(run_id, api_name="/train_status")
            seen.run = {"before": _told(before), "after": _told(after)}
            grown = [growth(seen, 0, middle), growth(seen, again, time.monotonic() - began)]
            app.client().predict(run_id, api_name="/train_stop")
        finally:
            for folder in Path(home, "runs").glob("*"):
                (folder / "stop").touch()  # a run outlives its app
            people.leave()
            browser.close()
            app.process.terminate()
            app.process.wait()
            app.log.close()
        trace = (Path(home) / "app.log").read_text(errors="replace")
    if "Traceback" in trace:
        seen.failures.append(trace[trace.index("Traceback") :][:1500])
    return report(seen, visitors, minutes, grown)


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _told(status: dict[str, Any]) -> dict[str, Any]:
    snapshot = status["snapshot"] or {}
    return {"state": status["state"], "pictures": snapshot.get("images_seen", 0)}


def report(seen: Seen, visitors: int, minutes: float, grown: list[float]) -> dict[str, Any]:
    """The numbers and whether all is well."""
    before, after = seen.run["before"], seen.run["after"]
    kept = after["state"] in ("running", "waiting", "finished") and after["pictures"] >= before["pictures"]
    return {
        "visitors": visitors,
        "minutes": minutes,
        "slider in the page, ms": spread(seen.page),
        "/sample, ms": spread(seen.program),
        "painted at once": seen.painted,
        "painted in the studio": seen.painted_in_studio,
        "training": seen.run,
        "run kept": kept,
        "memory, MB": [round(held / 1e6) for _, held in seen.memory[:: max(1, len(seen.memory) // 20)]],
        "memory growth before and after the crash": [round(share, 3) for share in grown],
        "failures": seen.failures[:20],
        "well": kept and not seen.failures and max(grown) <= MOST_GROWTH,
    }


def spread(times: list[float]) -> dict[str, Any]:
    """Count, median and 95th percentile."""
    if len(times) < 2:
        return {"count": len(times)}
    return {
        "count": len(times),
        "median": round(median(times), 1),
        "p95": round(quantiles(times, n=20)[-1], 1),
    }


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.bench.load", description=__doc__.split("\n")[0])
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=15)
    told = run_load(**vars(parser.parse_args()))
    print(json.dumps(told, indent=1))
    return 0 if told["well"] else 1


if __name__ == "__main__":
    sys.exit(main())
