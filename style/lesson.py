"""The lesson's notebook, exactly: one size, VGG-16 as it was trained, its losses, weights and Adam.

Or, at a quick pace, the same with L-BFGS instead of Adam.

Departures that change no number: one encoder pass a step instead of two, and each run has an optimiser of
its own, while in the notebook run b goes on with the moments of run a.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from style import losses
from style.encoder import Encoder, load_encoder
from style.errors import StyleError
from style.iterate import Iterate, Losses
from style.lbfgs import LimitedMemoryBFGS
from style.recipe import Recipe

SIDE = 256
STEPS = 1000
QUICK_STEPS = 100
CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
LEARNING_RATE = 0.002
BETAS = (0.99, 0.999)
EPSILON = 0.1
_FIRST_QUICK_STEP = 0.01
NOISE_MEAN = -0.3
NOISE_DEVIATION = 0.3


@dataclass(frozen=True)
class Run:
    """Weights of one of the notebook's three runs and where it starts."""

    content: float
    style: float
    variation: float
    from_noise: bool


RUNS = {
    "a": Run(content=1.0, style=0.0, variation=0.0, from_noise=True),
    "b": Run(content=2.0, style=1.0, variation=0.0, from_noise=True),
    "c": Run(content=1.0, style=150.0, variation=30.0, from_noise=False),
}


class KerasAdam:
    """Adam in Keras' "epsilon hat" form, which at epsilon 0.1 is another method than torch's.

    Kingma and Ba 2015 (arXiv 1412.6980), end of section 2, with t counted from 1:

        m <- b1 m + (1 - b1) g
        v <- b2 v + (1 - b2) g^2
        x <- x - lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)
    """

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self.mean = torch.zeros_like(variable)
        self.square = torch.zeros_like(variable)
        self.step_count = 0

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """Changes the variable in place; `gradient` has its shape."""
        first, second = BETAS
        self.step_count += 1
        self.mean.lerp_(gradient, 1 - first)
        self.square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        rate = LEARNING_RATE * (1 - second**self.step_count) ** 0.5 / (1 - first**self.step_count)
        self.variable.addcdiv_(self.mean, self.square.sqrt().add_(EPSILON), value=-rate)


class QuickSteps:
    """L-BFGS behind the same call as `KerasAdam`."""

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self._optimiser = LimitedMemoryBFGS(first_step=_FIRST_QUICK_STEP)

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """Changes the variable in place; `gradient` has its shape."""
        self.variable.add_(self._optimiser.propose(gradient))


def square(picture: Tensor) -> Tensor:
    """Cuts the middle square of `[1, 3, H, W]` and resizes it to `[1, 3, 256, 256]`, bilinear.

    As in the notebook there is no antialiasing.
    The notebook's own crops fit its own two pictures alone.
    """
    side = min(picture.shape[-2:])
    top, left = ((length - side) // 2 for length in picture.shape[-2:])
    middle = picture[..., top : top + side, left : left + side]
    return F.interpolate(middle, size=(SIDE, SIDE), mode="bilinear", align_corners=False)


def starting_picture(photo: Tensor, run: Run, seed: int) -> Tensor:
    """Runs a and b: uniform noise in [0, 1]; c: the photo plus N(-0.3, 0.3), clipped, a darkening noise."""
    generator = torch.Generator().manual_seed(seed)
    if run.from_noise:
        return torch.rand(photo.shape, generator=generator)
    noise = torch.randn(photo.shape, generator=generator) * NOISE_DEVIATION + NOISE_MEAN
    return (photo + noise).clamp(0, 1)


@dataclass(frozen=True, eq=False)
class Targets:
    """What the lesson compares with: the photo's relu4_2 and the painting's Gram matrices."""

    content: Tensor
    grams: dict[str, Tensor]


def find_targets(encoder: Encoder, photo: Tensor, painting: Tensor) -> Targets:
    """Encodes both pictures, `[1, 3, 256, 256]` in [0, 1]."""
    with torch.no_grad():
        content = encoder.features(photo, [CONTENT_LAYER])[CONTENT_LAYER]
        painted = encoder.features(painting, STYLE_LAYERS)
        return Targets(content, {layer: losses.gram_matrix(painted[layer]) for layer in STYLE_LAYERS})


def evaluate(encoder: Encoder, picture: Tensor, targets: Targets, run: Run) -> Tensor:
    """Returns content, style, variation and weighted total as one tensor `[4]`, from one encoder pass."""
    found = encoder.features(picture, (CONTENT_LAYER, *STYLE_LAYERS))
    content = losses.content(found[CONTENT_LAYER], targets.content)
    grams = {layer: losses.gram_matrix(found[layer]) for layer in STYLE_LAYERS}
    style = losses.style(grams, targets.grams)
    variation = losses.variation(picture)
    total = run.content * content + run.style * style + run.variation * variation
    return torch.stack([content, style, variation, total])


def follow_lesson(photo: Tensor, painting: Tensor, recipe: Recipe, *, every: float) -> Iterator[Iterate]:
    """Repeats the run that the recipe names; arguments as for `style.optimise.stylise`."""
    run = RUNS[recipe.lesson_run]
    encoder = load_encoder("zeros", torch.float32, "cuda" if torch.cuda.is_available() else "cpu")
    photo, painting = square(photo), square(painting)
    variable = starting_picture(photo, run, recipe.seed).to(encoder.device).requires_grad_()
    targets = find_targets(encoder, photo.to(encoder.device), painting.to(encoder.device))
    is_quick = recipe.lesson_pace == "quick"
    optimiser = QuickSteps(variable) if is_quick else KerasAdam(variable)
    steps = recipe.steps or (QUICK_STEPS if is_quick else STEPS)
    best = variable.detach().clone()
    least = torch.tensor(float("inf"), device=encoder.device)
    began = shown = time.monotonic()
    for step in range(1, steps + 1):
        values = evaluate(encoder, variable, targets, run)
        (gradient,) = torch.autograd.grad(values[3], variable)
        values = values.detach()
        is_best, least = values[3] <= least, torch.minimum(values[3], least)
        if is_quick:
            # A step without line search can go astray. The notebook shows where Adam is.
            best = torch.where(is_best, variable.detach(), best)
        optimiser.step(gradient)
        now = time.monotonic()
        if step not in (1, steps) and now - shown < every:
            continue
        shown = now
        content, style, variation, total = values.tolist()
        numbers = Losses(content, style, variation, 0.0, total)
        if not torch.isfinite(values).all():
            raise StyleError("The lesson's sums overflowed on this picture; please try another one.")
        yield Iterate(
            scale=SIDE,
            step=step,
            steps=steps,
            losses=numbers,
            picture=(best if is_quick else variable.detach()).clamp(0, 1).cpu(),
            is_best=bool(is_best),
            progress=step / steps,
            seconds_elapsed=now - began,
            seconds_left=(now - began) / step * (steps - step),
        )
