"""What a process of a crew does in `test_crew.py`: trains a few configs in float64 and writes the weights.

`python -m torch.distributed.run --nproc-per-node 2 -m tests.gan.crew_program FOLDER`, or without torchrun.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from gan import layout, steps
from gan.config import NetworkConfig, TrainConfig
from gan.crew import Crew, Processes, from_environment
from gan.datasets import Dataset, open_dataset
from gan.own_pictures import as_dataset
from gan.state import fitted, new_state
from gan.training import train

SHORT = TrainConfig(seconds=0, steps=3, batch=8, penalty_share=0.25, augment=0.7, noise=0.1)
SMALL = NetworkConfig(z_dim=8, width=4)
CONFIGS = {
    "compact": replace(SHORT, network=replace(SMALL, components=4, halvings=1), likeness=5.0, anchored=0.5),
    "attributes": replace(SHORT, network=SMALL, likeness=5.0),
    "classes": replace(
        SHORT,
        network=replace(SMALL, architecture="swift", spectral=True, gain=4.0),
        loss="soft-hinge",
        penalty="none",
    ),
    "turns": replace(
        SHORT, network=replace(SMALL, batch_norm=True), loss="hinge", penalty="r1", discriminator_steps=2
    ),
    "dcgan": replace(
        SHORT, network=NetworkConfig("dcgan", z_dim=8), loss="bce", at_once=False, smoothing=0.1
    ),
    "growing": replace(
        SHORT, network=replace(SMALL, architecture="progressive", components=4, halvings=1), growth=0.5
    ),
    "all-scales": replace(SHORT, network=replace(SMALL, architecture="multiscale"), penalty="r1"),
    "style": replace(SHORT, network=replace(SMALL, architecture="style"), likeness=5.0),
    "mlp": replace(SHORT, network=NetworkConfig("mlp", z_dim=8), loss="least-squares", penalty="none"),
}


def pictures(name: str) -> Dataset:
    if name == "attributes":
        return open_dataset("cats", 32, limit=40)
    if name in ("classes", "mlp"):
        return open_dataset("fashion", limit=200)
    return replace(as_dataset(open_dataset("cats", 32, limit=40).images, title="Cats"), mirror=True)


def trained(name: str, crew: Crew) -> dict[str, torch.Tensor]:
    """Weights of both players and of the average after three steps."""
    dataset = pictures(name)
    config = fitted(CONFIGS[name], dataset)
    state = new_state(config, torch.device("cpu"))
    if isinstance(crew, Processes):
        crew.join(config, state, dataset)
    for _ in train(config, dataset, state, crew=crew):
        pass
    networks = {"g": state.generator, "d": state.discriminator, "a": state.average}
    return {
        f"{k}.{n}": v.clone().contiguous() for k, net in networks.items() for n, v in net.state_dict().items()
    }


def main() -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    for module in (steps, layout):
        # Rounding in float32 grows within a few steps of a game to more than a test can bear.
        module.to_unit = lambda images: images.double() / 127.5 - 1
    crew = from_environment()
    for name in CONFIGS:
        weights = trained(name, crew)
        if crew.leads:
            save_file(weights, Path(sys.argv[1]) / f"{name}.safetensors")


if __name__ == "__main__":
    main()
