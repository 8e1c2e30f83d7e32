"""How often a run shows its pictures, those of its growth with them, and what that costs of its speed.

    python -m tests.bench.preview_rate [--steps 12]

Every step is followed by a drawing, as the worker does it, and by all else that is told of a moment; from
what these cost follows how often they come (`gan.worker.Pace`). Seconds are those of the processor on one
thread, so that other work on the machine counts little.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from gan import worker
from gan.config import preset_config
from gan.datasets import open_dataset
from gan.rescue import is_sound
from gan.run_files import write_status
from gan.state import new_state
from gan.train_form import labels_tell, request_from_form, setting_values
from gan.training import train

RUNS = (
    ("fashion", 28, "growing"),
    ("cats", 32, "growing"),
    ("cats", 32, "all-scales"),
    ("fashion", 28, "in-a-minute"),
    ("cats", 32, "in-a-minute"),
    ("cats", 64, "in-five-minutes"),
)
EVERY = (1.0, worker.PREVIEW_EVERY)
CATS = 2_000


def measured(data: str, side: int, preset: str, steps: int, folder: Path) -> dict[str, object]:
    """What a step, a drawing at full size and all else that is told cost, and what follows from it."""
    settings = setting_values(preset_config(preset, labels_tell(data)))
    request = request_from_form(data, max(32, side), preset, 1, settings)
    config = replace(request.config, seconds=0.0, steps=steps, growth=0.0)
    dataset = open_dataset(data, request.resolution, limit=CATS if data == "cats" else None)
    run = worker.Run(folder, config, new_state(config), dataset)
    learning, drawing, telling = list[float](), list[float](), list[float]()
    rows = list[float]()
    begun = time.process_time()
    for snapshot in train(config, dataset, run.state, every=0.0):
        learning.append(time.process_time() - begun)
        drawing.append(seconds(run.draw))
        rows.append(seconds(run.draw_rows) if run.state.average.several_scales else 0.0)
        telling.append(seconds(write_status, folder, "running", "", snapshot) + seconds(is_sound, run.state))
        begun = time.process_time()
    draw, row, tell = median(drawing), median(rows), median(telling)
    limit = worker.PREVIEW_SHARE / 2 if row else worker.PREVIEW_SHARE
    costs = [min(draw / every, limit) + min(row / every, limit) + tell / every for every in EVERY]
    return {
        "data": data, "side": side, "preset": preset, "ms a step": round(1000 * median(learning), 1),
        "ms all": round(1000 * draw, 1), "all a second": round(min(1 / EVERY[1], limit / draw), 2),
        "ms rows": round(1000 * row, 1), "rows a second": round(min(1 / EVERY[1], limit / max(row, 1e-9)), 2),
        "ms told": round(1000 * tell, 1), "cost once a second": f"{costs[0]:.1%}",
        "cost now": f"{costs[1]:.1%}",
    }  # fmt: skip


def seconds(act: Callable[..., Any], *arguments: Any) -> float:
    """How long it takes."""
    begun = time.process_time()
    act(*arguments)
    return time.process_time() - begun


def main() -> None:
    """Print one JSON line a run."""
    parser = ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=12, help="of each run (default: 12)")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    for each in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measured(*each, steps, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
