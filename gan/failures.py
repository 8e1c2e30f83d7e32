"""How a training is made to fail on purpose: the settings that bring about each failure, and why they do.

Each is a start: a small network, and what is wrong with its settings. `gan.diagnosis` should see it, and its
remedy should help.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from gan.config import NetworkConfig, TrainConfig
from gan.errors import GanError

SMALL = NetworkConfig("swift", z_dim=32, width=8, critic_width=8)
# What goes well with networks of this size: the start of all failures, and the healthy run beside them.
SOUND = TrainConfig(
    network=SMALL, seconds=60.0, batch=32, loss="relativistic", penalty="r1+r2", gamma=1.0,
    generator_lr=2e-3, discriminator_lr=2e-3, told=False, final_lr=0.1, average=2_000.0,
)  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """A way to fail.

    Attributes:
        verdict: what `gan.diagnosis` should call it.
        title: what a button says.
        why: what is wrong, in one sentence.
        network, settings: what is changed in `SOUND`.
        pictures: how many pictures to learn from; 0 for all.
    """

    verdict: str
    title: str
    why: str
    network: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    pictures: int = 0

    def config(self) -> TrainConfig:
        """The settings of a run that fails this way."""
        return replace(SOUND, network=replace(SMALL, **self.network), **self.settings)


_PLAIN = {"loss": "bce", "penalty": "none", "final_lr": 1.0}

FAILURES = (
    Failure(
        "mode collapse",
        "Mode collapse",
        "No penalty, no norm layers, and weights that begin near zero: the generator finds one picture that "
        "passes, and draws it for every latent vector.",
        {"architecture": "compact", "initialisation": "normal"},
        {**_PLAIN, "generator_lr": 4e-3, "discriminator_lr": 2e-3, "beta1": 0.5},
    ),
    Failure(
        "discriminator too strong",
        "Discriminator too strong",
        "The discriminator learns fifty times faster and without a penalty: soon it is so sure that the "
        "generator gets no gradient to learn from.",
        {"critic_width": 16},
        {**_PLAIN, "generator_lr": 1e-4, "discriminator_lr": 5e-3, "discriminator_steps": 2},
    ),
    Failure(
        "generator too strong",
        "Generator too strong",
        "The discriminator hardly learns, so that whatever the generator draws passes for real.",
        {},
        {**_PLAIN, "generator_lr": 4e-3, "discriminator_lr": 2e-6},
    ),
    Failure(
        "oscillation",
        "Oscillation",
        "Both players take large steps with momentum and no penalty, and a bounded discriminator (spectral "
        "norm) keeps either from winning: they run after each other, and the pictures jump instead of "
        "getting better. Hardly any averaging, so that it can be seen.",
        {"spectral": True, "gain": 2.0},
        {
            **_PLAIN,
            "loss": "hinge",
            "generator_lr": 2e-2,
            "discriminator_lr": 2e-2,
            "beta1": 0.5,
            "average": 16.0,
        },
    ),
    Failure(
        "divergence",
        "Divergence",
        "Learning rates a hundred times too high, with much momentum: the numbers grow until they are none.",
        {},
        {**_PLAIN, "loss": "hinge", "generator_lr": 0.1, "discriminator_lr": 0.1, "beta1": 0.99},
    ),
    Failure(
        "memorising",
        "Learning by heart",
        "Sixteen pictures, a weak penalty and no augmentation: there is nothing to learn but these pictures "
        "themselves.",
        {"critic_width": 16},
        {"generator_lr": 2e-3, "discriminator_lr": 4e-3, "gamma": 0.1, "final_lr": 1.0},
        pictures=16,
    ),
    Failure(
        "too few pictures",
        "Too few pictures",
        "Eighty pictures: the discriminator gets to know each of them, and takes all others for fakes.",
        {"critic_width": 16},
        {"generator_lr": 1e-3, "discriminator_lr": 3e-3, "gamma": 0.1, "final_lr": 1.0},
        pictures=80,
    ),
)  # fmt: skip


def failure(verdict: str) -> Failure:
    """The failure that is called so. Raises GanError when there is none."""
    for each in FAILURES:
        if each.verdict == verdict:
            return each
    raise GanError("Choose one of the failures that the page offers.")
