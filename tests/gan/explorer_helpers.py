"""Checkpoints for the tests of the explorer: small networks, trained for a few steps on real pictures."""

from __future__ import annotations

from pathlib import Path

from gan.checkpoint import save_run
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Dataset, open_dataset
from gan.state import network_for, new_state
from gan.training import train

RUN = "ab" * 16
REFERENCE = f"runs/{RUN}"


def write_checkpoint(
    folder: Path,
    dataset: Dataset,
    title: str,
    steps: int = 4,
    told: bool = True,
    architecture: str = "compact",
) -> Path:
    """A network of few channels after `steps` steps, as a checkpoint in `folder`."""
    network = network_for(dataset, NetworkConfig(architecture, z_dim=16, width=8), told)
    config = TrainConfig(network=network, seconds=0, steps=steps, batch=16, told=told)
    state = new_state(config)
    for _ in train(config, dataset, state):
        pass
    save_run(folder, config, state, dataset, title)
    return folder


def fashion_in(home: Path, run: str = RUN) -> str:
    """A class-conditional 28 px checkpoint below `home`; returns its reference."""
    write_checkpoint(home / "runs" / run / "checkpoint", open_dataset("fashion", limit=256), "Small fashion")
    return f"runs/{run}"


def cats_in(home: Path, run: str = "cd" * 16) -> str:
    """An unconditional 32 px colour checkpoint below `home`; returns its reference."""
    folder, cats = home / "runs" / run / "checkpoint", open_dataset("cats", 32, limit=64)
    write_checkpoint(folder, cats, "Small cats", told=False)
    return f"runs/{run}"


def styled_cats_in(home: Path, run: str = "ef" * 16, told: bool = False) -> str:
    """A style-based 32 px colour checkpoint below `home`, which z tells attributes where `told`."""
    folder, cats = home / "runs" / run / "checkpoint", open_dataset("cats", 32, limit=64)
    write_checkpoint(folder, cats, "Styled cats", told=told, architecture="style")
    return f"runs/{run}"
