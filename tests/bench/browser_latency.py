"""From a slider's event to the painted picture: in the browser, by the server, and in a plain Gradio app.

    python -m tests.bench.browser_latency [--events 150] [--pages 20] [--checkpoint cats]

All rows are measured by the page itself in headless Chromium. `painted` ends when the canvas (or the decoded
image) holds the new pixels, `next frame` when the browser has begun the frame after it: up to 16.7 ms of that
are spent waiting for the screen. Then `--pages` pages move their sliders at once, and the server's own
counters say what that cost it. Compare the ratios inside one table.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.slider_latency import CHROMIUM, CHROMIUM_OPTIONS, ROOT, running_process

Times = dict[str, list[float]]
WARM_UP = 5

MEASURE = """
async ({ events, slider, next }) => {
  const range = document.querySelector(slider);
  const painted = [], framed = [];
  for (let i = 0; i < events; i++) {
    const shown = eval(next)();
    const started = performance.now();
    const value = (((i * 7) % 60) - 30) / 10 + (i % 2 ? 0.1 : 0);
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(range, value);
    range.dispatchEvent(new Event('input', { bubbles: true }));
    await shown;
    painted.push(performance.now() - started);
    await new Promise((done) => requestAnimationFrame(done));
    framed.push(performance.now() - started);
    await new Promise((done) => setTimeout(done, 5 + (i * 5) % 17));
  }
  return { painted, framed };
}
"""
# A promise of the next picture: the canvas counts its frames, an image changes its source and is decoded.
NEXT_FRAME = """() => new Promise((done) => {
  const watcher = new MutationObserver(() => { watcher.disconnect(); done(); });
  watcher.observe(document.querySelector('.explore-view canvas'), { attributeFilter: ['data-frame'] });
})"""
NEXT_IMAGE = """() => new Promise((done) => {
  const frame = document.querySelector('#plain-picture');
  const watcher = new MutationObserver(async () => {
    watcher.disconnect();
    await frame.querySelector('img').decode().catch(() => {});
    done();
  });
  watcher.observe(frame, { attributes: true, attributeFilter: ['src'], subtree: true, childList: true });
})"""

# Every page moves its slider for a while, each at its own pace, whatever else happens.
MOVE = """
async (milliseconds) => {
  const slider = document.querySelector('input[data-direction="0"]');
  const canvas = document.querySelector('.explore-view canvas');
  const before = Number(canvas.dataset.frame), over = performance.now() + milliseconds;
  let events = 0;
  while (performance.now() < over) {
    slider.value = 3 * Math.sin(events++ / 9);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise((done) => setTimeout(done, 50));
  }
  return [events, Number(canvas.dataset.frame) - before];
}
"""
PLAIN = """
import sys
sys.path.insert(0, {root!r})
import gradio as gr
from gan.model import load_reference
from gan.explorer import ExplorerState, render
from gan.pictures import to_images
def draw(value):
    state = ExplorerState.from_json({{"checkpoint": {checkpoint!r}, "seed": 3, "edits": [value]}})
    return to_images(render(load_reference({checkpoint!r}), state))[0]
with gr.Blocks() as demo:
    slider = gr.Slider(-4, 4, 0, step=0.1, elem_id="plain-slider")
    picture = gr.Image(elem_id="plain-picture", type="pil")
    slider.change(draw, slider, picture)
    demo.load(draw, slider, picture)
demo.launch(ssr_mode=False)
"""


@contextmanager
def plain_app(home: Path, checkpoint: str) -> Iterator[str]:
    """What a first Gradio app would be: a slider whose change draws a gr.Image."""
    file = home / "plain.py"
    file.write_text(PLAIN.format(root=str(ROOT), checkpoint=checkpoint))
    with running_process([sys.executable, str(file)], home) as (url, _):
        yield url


def open_page(browser: Browser, url: str, checkpoint: str, path: str) -> Page:
    """A page whose explorer draws by `path`, `browser` or `server`."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    if path == "server":
        page.route("**/atelier/**", lambda route: route.abort())
    page.goto(f"{url}/?checkpoint={checkpoint}&seed=3", timeout=120_000)
    page.wait_for_selector(f".explore-path[data-path={path}]", timeout=120_000)
    page.wait_for_function("document.querySelector('.explore-picture').ariaBusy === 'false'")
    page.wait_for_timeout(2000)
    return page


def measured(page: Page, events: int, slider: str, following: str) -> Times:
    """Two lists of milliseconds: until the picture was painted, and until the frame after it."""
    given = {"events": events + WARM_UP, "slider": slider, "next": following}
    times: Times = page.evaluate(MEASURE, given)
    return {name: values[WARM_UP:] for name, values in times.items()}


def alone(browser: Browser, url: str, home: Path, checkpoint: str, events: int) -> dict[str, Times]:
    """One page at a time, each way to draw after the other."""
    rows = {}
    for path in ("browser", "server"):
        page = open_page(browser, url, checkpoint, path)
        rows[f"Explore, drawn by the {path}"] = measured(page, events, "[data-direction='0']", NEXT_FRAME)
        page.close()
    with plain_app(home, checkpoint) as plain:
        page = browser.new_page()
        page.goto(plain)
        page.wait_for_selector("#plain-picture img")
        page.wait_for_timeout(2000)
        slider = "#plain-slider input[type=range]"
        rows["plain gr.Slider to gr.Image"] = measured(page, events, slider, NEXT_IMAGE)
        page.close()
    return rows


def cpu_seconds(process: int) -> float:
    """Processor time that a process has used, user and system, from Linux's /proc."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def together(
    browser: Browser, url: str, process: int, checkpoint: str, pages: int, path: str, seconds: float
) -> dict[str, float]:
    """What `pages` pages that move their sliders for some seconds cost the server."""
    opened = [open_page(browser, url, checkpoint, path) for _ in range(pages)]
    requests: list[str] = []
    for page in opened:
        page.on("request", lambda request: requests.append(request.url))
    still = cpu_seconds(process)
    time.sleep(seconds)
    before, started = cpu_seconds(process), time.perf_counter()
    for page in opened:
        page.evaluate(f"() => {{ window.moved = ({MOVE})({1000 * seconds}); }}")
    moved = [page.evaluate("() => window.moved") for page in opened]
    used, lasted = cpu_seconds(process) - before, time.perf_counter() - started
    for page in opened:
        page.close()
    return {
        "events": sum(events for events, _ in moved),
        "pictures": sum(pictures for _, pictures in moved),
        "requests": len(requests),
        "processor": used / lasted,
        "still": (before - still) / seconds,
    }


def report(rows: dict[str, Times]) -> None:
    """Print medians and 95th percentiles in ms."""
    print(f"\n{'ms':36}{'painted':>9}{'95 %':>8}{'next frame':>12}{'95 %':>8}")
    for name, times in rows.items():
        cells = [f(values) for values in times.values() for f in (median, lambda v: quantiles(v, n=20)[-1])]
        print(f"{name:36}{cells[0]:>9.1f}{cells[1]:>8.1f}{cells[2]:>12.1f}{cells[3]:>8.1f}", flush=True)


def main() -> None:
    """Parse the options, measure, print."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=150, help="slider events for each row")
    parser.add_argument("--pages", type=int, default=20, help="pages that move sliders at once, 0 for none")
    parser.add_argument("--seconds", type=float, default=10, help="for how long they do")
    parser.add_argument("--checkpoint", default="cats", help="which generator")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        running_process([sys.executable, str(ROOT / "app.py")], Path(home)) as (url, process),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        report(alone(browser, url, Path(home), options.checkpoint, options.events))
        for path in ("browser", "server") if options.pages else ():
            cost: dict[str, Any] = together(
                browser, url, process, options.checkpoint, options.pages, path, options.seconds
            )
            print(
                f"{options.pages} pages, drawn by the {path}: {cost['events']} events, {cost['pictures']} "
                f"pictures, {cost['requests']} requests, server {100 * cost['processor']:.1f} % of a core "
                f"(while they stood still {100 * cost['still']:.1f} %)",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
