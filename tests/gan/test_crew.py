"""Several processes learn what one would: the same weights, and the same command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gan.config import NetworkConfig, TrainConfig
from gan.crew import ALONE, Shares, check_can_be_shared, from_environment
from gan.errors import GanError
from gan.model import load
from tests.gan.crew_program import CONFIGS

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def test_two_processes_learn_the_same_weights_as_one(tmp_path: Path) -> None:
    folders = tmp_path / "one", tmp_path / "two"
    for folder, launcher in zip(folders, ([sys.executable, "-m"], TORCHRUN), strict=True):
        folder.mkdir()
        program = [*launcher, "tests.gan.crew_program", str(folder)]
        subprocess.run(program, cwd=ROOT, env=ENVIRONMENT, check=True)
    for name in CONFIGS:
        one, two = (load_file(folder / f"{name}.safetensors") for folder in folders)
        assert one.keys() == two.keys()
        worst = max(float((one[key].double() - two[key].double()).abs().max()) for key in one)
        # A wrong gradient would move a weight by about a learning rate, a thousandth, in each step.
        assert worst < 1e-6, (name, worst)
        assert all(
            float(value.double().abs().max()) > 0 for key, value in one.items() if "running_mean" in key
        )


def test_the_command_trains_in_two_processes_and_the_first_one_writes(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--data", "fashion", "--preset", "lesson-mlp", "--z-dim", "8", "--batch", "8", "--steps", "4"]
    command = [*TORCHRUN, "gan", "train", *options, "--out", str(out), "--film", str(tmp_path / "film.gif")]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{out}\n"
    assert done.stderr.count("100.0 %") == 1
    trained = json.loads((out / "config.json").read_text())["training"]
    assert (trained["step"], trained["images_seen"], trained["batch"]) == (4, 32, 8)
    assert load(str(out)).sample([0]).shape == (1, 28, 28, 1)


def test_shares_of_a_drawing_are_every_nth_row_of_the_whole() -> None:
    def draw(random: torch.Generator, rows: int) -> list[torch.Tensor]:
        numbers = [torch.rand(rows, 1, 1, generator=random), torch.randn((rows, 3), generator=random)]
        numbers += [
            torch.randint(7, (rows,), generator=random),
            torch.randint(2, 9, (rows, 2), generator=random),
        ]
        return [*numbers, torch.randn(torch.Size([rows, 2]), generator=random)]

    whole = draw(torch.Generator().manual_seed(5), 6)
    for rank in range(3):
        random = torch.Generator().manual_seed(5)
        with Shares(random, rank, 3):
            parts = draw(random, 2)
            other = torch.rand(4, generator=torch.Generator().manual_seed(1))
        assert all(torch.equal(part, all_[rank::3]) for part, all_ in zip(parts, whole, strict=True))
        assert torch.equal(other, torch.rand(4, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (TrainConfig(batch=9), "--batch is 9"),
        (TrainConfig(batch=2), "--batch"),
        (TrainConfig(batch=8, penalty_share=0.4), "penalty-share is 3"),
        (TrainConfig(skip_below=0.1), "--skip-below 0"),
        (TrainConfig(network=NetworkConfig(dropout=0.2)), "--dropout 0"),
        (TrainConfig(network=NetworkConfig(components=8), anchored=0.2), "anchored is 3"),
    ],
)
def test_what_cannot_be_shared_is_refused(config: TrainConfig, says: str) -> None:
    with pytest.raises(GanError, match=says):
        check_can_be_shared(config, 2)
    check_can_be_shared(TrainConfig(), 2)


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert from_environment() is ALONE
    assert ALONE.leads
    assert ALONE.agreed(1.5) == 1.5
