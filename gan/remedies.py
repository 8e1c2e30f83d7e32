"""What to do about each verdict: in words, and as levers of the running training where levers can do it."""

from __future__ import annotations

from gan.config import TrainConfig
from gan.levers import LEVERS, value_of

# Rates at which the small networks here play well (tests/bench/RESULTS.md): remedies lead towards them.
GENERATOR_LR, DISCRIMINATOR_LR = 1e-3, 1e-3
GENTLE_LR = 2e-4
# Of the DCGAN; what has more of it overshoots.
USUAL_MOMENTUM = 0.5
MOST_SEEDS = 2**31
# Below it nothing moves in the minutes of a run.
LOWEST_LR = 1e-5

REMEDIES = {
    "divergence": (
        "Lower both learning rates to a tenth, and the momentum, and let a gradient penalty (r1+r2) keep the "
        "game together. Networks whose numbers have grown for long do not come back: both begin anew."
    ),
    "memorising": (
        "Show more pictures, or stop here: it will only get worse. Augmentation helps a little, and "
        "beginning with a checkpoint that has seen more pictures helps much."
    ),
    "discriminator too strong": (
        "Let the discriminator learn more slowly than the generator, in single steps, and let it see both "
        "kinds through noise that fades. A gradient penalty helps, too."
    ),
    "mode collapse": (
        "Lower the generator's learning rate and let the discriminator make two steps for each of its own, "
        "so that it can punish sameness; noise softens its judgement. The relativistic loss with both "
        "penalties helps, too, and for the next run default initialisation."
    ),
    "generator too strong": (
        "Let the discriminator learn faster, or make two steps for each of the generator's, and lower the "
        "generator's learning rate."
    ),
    "oscillation": (
        "Lower both learning rates: smaller steps circle less widely. Less momentum (beta 1) and a "
        "gradient penalty help, too: they damp the circling."
    ),
    "too few pictures": (
        "Show the discriminator changed pictures (augmentation), so that it cannot know them by heart; give "
        "it more pictures, or begin with a checkpoint."
    ),
    "healthy, improving": "",
    "healthy, done": "Keep it. More time gives little; a wider network or more pictures would give more.",
    "too early to say": "",
}


def remedy_for(name: str, config: TrainConfig, lost: bool = False) -> tuple[str, dict[str, float | str]]:
    """Words and levers, those alone that differ from what is in force.

    Args:
        lost: whether no good state of the run is left to go on from, if it diverges.
    """
    wanted = _wanted(name, config)
    if name == "divergence" and lost:
        wanted["seed"] = (config.seed + 1) % MOST_SEEDS
    if wanted.get("penalty", config.penalty) == "none":
        wanted.pop("gamma", None)  # it would do nothing
    levers = {lever: wanted[lever] for lever in LEVERS if lever in wanted}
    return REMEDIES[name], {n: value for n, value in levers.items() if value_of(config, n) != value}


def _lowered(rate: float, times: float) -> float:
    """The rate that many times lower, at most the sound one; never raised."""
    return min(rate, max(LOWEST_LR, min(rate / times, GENERATOR_LR)))


def _wanted(name: str, config: TrainConfig) -> dict[str, float | str]:
    calm = min(config.generator_lr, GENERATOR_LR)
    if name == "divergence":
        return {
            "generator_lr": _lowered(config.generator_lr, 10),
            "discriminator_lr": _lowered(config.discriminator_lr, 10),
            "beta1": min(config.beta1, USUAL_MOMENTUM),
            "penalty": "r1+r2",
            "gamma": max(config.gamma, 1.0),
        }
    if name == "discriminator too strong":
        return {
            "generator_lr": max(config.generator_lr, GENERATOR_LR),
            "discriminator_lr": GENTLE_LR,
            "discriminator_steps": 1,
            "noise": max(config.noise, 0.3),
            "gamma": max(config.gamma, 1.0),
        }
    if name == "mode collapse":
        return {
            "generator_lr": _lowered(config.generator_lr, 4),
            "discriminator_lr": max(config.discriminator_lr, DISCRIMINATOR_LR),
            "discriminator_steps": max(config.discriminator_steps, 2),
            "noise": max(config.noise, 0.2),
        }
    if name == "generator too strong":
        return {"generator_lr": calm, "discriminator_lr": max(config.discriminator_lr, 2 * DISCRIMINATOR_LR)}
    if name == "oscillation":
        return {
            "generator_lr": _lowered(config.generator_lr, 5),
            "discriminator_lr": _lowered(config.discriminator_lr, 5),
        }
    if name in ("memorising", "too few pictures"):
        return {"augment": max(config.augment, 0.8), "only_first": 0}
    return {}
