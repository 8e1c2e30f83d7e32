"""How often two runs side by side tell of themselves, with their previews and checkpoints written.

    python -m tests.bench.versus_rate [--seconds 12]

Seconds are those of the processor on one thread, so that other work on the machine does not count.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import itertools

import torch

from gan import run_files, versus_run, versus_worker, worker
from gan.config import preset_config
from gan.train_form import labels_tell, request_from_form, setting_values

PAIRS = (
    ("fashion", "in-a-minute", "discriminator_lr", "0.01"),
    ("cats", "in-a-minute", "penalty", "none"),
    ("fashion", "lesson-mlp", "discriminator_lr", "0.001"),
    ("fashion", "lesson-mlp", "preset", "lesson-dcgan"),
)


def measured(data: str, preset: str, name: str, value: str, seconds: float) -> dict[str, object]:
    """Train a pair and look at when it told something."""
    told = labels_tell(data)
    first = request_from_form(data, 32, preset, 1, setting_values(preset_config(preset, told)))
    first = replace(first, config=replace(first.config, seconds=seconds / 2))
    run_id = versus_run.create(first, versus_run.request_against(first, name, value, told))
    folder, moments = run_files.run_folder(run_id), [time.process_time()]

    def never() -> bool:
        moments.append(time.process_time())
        return False

    worker.run_folder(folder, never, versus_worker.work_on_both)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    steps = [history[-1].step for history in versus_run.look(run_id).histories]
    return {
        "data": data, "first": preset, "change": f"{name}={value}", "steps": steps,
        "a second": round(len(gaps) / sum(gaps), 2), "longest gap": round(max(gaps), 2),
    }  # fmt: skip


def main() -> None:
    """Print one JSON line a pair."""
    parser = ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=12.0, help="for both together (default: 12)")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    time.perf_counter = time.monotonic = time.process_time  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATELIER_HOME"] = home
        for pair in PAIRS:
            print(json.dumps(measured(*pair, seconds)), flush=True)


if __name__ == "__main__":
    main()
