"""How long until somebody can use it: installation, the program's start, the first picture, memory at rest.

    python -m tests.bench.cold_start [--install] [--torch-index URL]

`--install` makes a virtual environment in a temporary folder: download and installation are timed apart, so
that the second does not depend on the network. Everything else happens in a fresh home, with headless
Chromium.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.bench.slider_latency import CHROMIUM, CHROMIUM_OPTIONS, ROOT, free_port, wait_for

READY = "document.querySelector('.explore-view canvas')?.dataset.frame > 0"
REST_SECONDS = 10


def megabytes(folder: Path) -> int:
    """What all files of a folder hold."""
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


def installation(index: str | None) -> dict[str, Any]:
    """Seconds and megabytes of `pip install -r requirements.txt`."""
    with tempfile.TemporaryDirectory() as folder:
        wheels, environment = Path(folder, "wheels"), Path(folder, "venv")
        venv.create(environment, with_pip=True)
        pip = [str(environment / "bin" / "pip"), "--disable-pip-version-check", "-q"]
        extra = ["--extra-index-url", index] if index else []
        wanted = ["-r", str(ROOT / "requirements.txt")]
        began = time.monotonic()
        subprocess.run([*pip, "download", "-d", str(wheels), *extra, *wanted], check=True)
        downloaded = time.monotonic()
        subprocess.run([*pip, "install", "--no-index", "--find-links", str(wheels), *wanted], check=True)
        installed = time.monotonic()
        return {
            "download, s": round(downloaded - began),
            "download, MB": megabytes(wheels),
            "installation, s": round(installed - downloaded),
            "installed, MB": megabytes(environment),
        }


def start() -> dict[str, Any]:
    """Seconds until the page is served and until a first picture is in it, and memory some seconds later."""
    from burden import memory

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        port = free_port()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        page = browser.new_page()
        page.set_default_timeout(600_000)
        environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "ATELIER_HOME": home}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        try:
            wait_for(f"http://127.0.0.1:{port}", process)
            served, processor = time.monotonic(), processor_seconds(process.pid)
            page.goto(f"http://127.0.0.1:{port}")
            page.wait_for_function(READY)
            drawn = time.monotonic()
            time.sleep(REST_SECONDS)
            held = memory(process.pid)
        finally:
            process.terminate()
            process.wait()
            browser.close()
    return {
        "start to page, s": round(served - began, 1),
        "start to page, processor seconds": round(processor, 1),
        "page to first picture, s": round(drawn - served, 1),
        "memory at rest, MB": round((held or 0) / 1e6),
    }


def processor_seconds(process: int) -> float:
    """User and system time of a process so far; on a busy machine they tell more than the clock."""
    values = Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def slowest_imports(count: int = 12) -> list[str]:
    """The modules with the longest `import`, with all that they import, in milliseconds."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import app"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [line.split("|") for line in ended.stderr.splitlines() if line.startswith("import time:")]
    times = [(int(row[1]), row[2].strip()) for row in rows if row[1].strip().isdecimal()]
    return [f"{microseconds // 1000} {name}" for microseconds, name in sorted(times, reverse=True)[:count]]


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.bench.cold_start", description=__doc__.split("\n")[0])
    parser.add_argument("--install", action="store_true", help="also install everything anew")
    parser.add_argument("--torch-index", help="an index of PyTorch's CPU builds")
    options = parser.parse_args()
    told = installation(options.torch_index) if options.install else {}
    told |= start()
    told["slowest imports, ms"] = slowest_imports()
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
