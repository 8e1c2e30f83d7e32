"""Seconds a step of both modes against the lesson as it was written; run this file.

All rows are measured in turns in one run, so that other work on the machine hits them alike: trust ratios
more than the seconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from style import lesson, losses  # noqa: E402
from style.encoder import Encoder, load_encoder  # noqa: E402
from style.images import read_picture, to_tensor  # noqa: E402
from style.lbfgs import LimitedMemoryBFGS  # noqa: E402
from style.machine import fastest_type  # noqa: E402

PICTURES = ROOT / "data" / "pictures"
LAYERS = lesson.STYLE_LAYERS
CONTENT = lesson.CONTENT_LAYER


def pictures(size: int) -> tuple[Tensor, Tensor]:
    """Photo and painting as squares of this size."""
    photo = to_tensor(read_picture(PICTURES / "photos" / "cat.jpg"), size)
    painting = to_tensor(read_picture(PICTURES / "styles" / "starry_night.jpg"), size)
    return photo, torch.nn.functional.interpolate(painting, size=(size, size), mode="bilinear")


def lesson_run(size: int) -> tuple[Encoder, lesson.Run, lesson.Targets, Tensor, lesson.KerasAdam]:
    """What the lesson's third run needs before its first step."""
    encoder = load_encoder()
    photo, painting = pictures(size)
    targets = lesson.find_targets(encoder, photo, painting)
    variable = photo.clone().requires_grad_()
    return encoder, lesson.RUNS["c"], targets, variable, lesson.KerasAdam(variable)


def two_passes(size: int) -> Callable[[], None]:
    """The notebook's step: content and style each send the picture through the encoder."""
    encoder, run, targets, variable, optimiser = lesson_run(size)

    def step() -> None:
        content = losses.content(encoder.features(variable, [CONTENT])[CONTENT], targets.content)
        found = encoder.features(variable, LAYERS)
        style = losses.style({layer: losses.gram_matrix(found[layer]) for layer in LAYERS}, targets.grams)
        total = run.content * content + run.style * style + run.variation * losses.variation(variable)
        optimiser.step(torch.autograd.grad(total, variable)[0])

    return step


def one_pass(size: int) -> Callable[[], None]:
    """Our lesson preset."""
    encoder, run, targets, variable, optimiser = lesson_run(size)

    def step() -> None:
        total = lesson.evaluate(encoder, variable, targets, run)[3]
        optimiser.step(torch.autograd.grad(total, variable)[0])

    return step


def studio(size: int) -> Callable[[], None]:
    """The studio's step at its finest scale."""
    encoder = load_encoder("replicate", fastest_type())
    photo, painting = pictures(size)
    with torch.no_grad():
        content = encoder.features(photo, [CONTENT])[CONTENT].float()
        painted = encoder.features(painting, LAYERS)
        grams = {layer: losses.gram_matrix(painted[layer].float()) for layer in LAYERS}
    variable = photo.clone().requires_grad_()
    optimiser = LimitedMemoryBFGS(first_step=0.01)

    def step() -> None:
        found = encoder.features(variable, (CONTENT, *LAYERS))
        mine = {layer: losses.gram_matrix(found[layer].float()) for layer in LAYERS}
        total = losses.balanced_content(found[CONTENT].float(), content)
        total = total + 30 * losses.balanced_style(mine, grams) + 20 * losses.balanced_variation(variable)
        (gradient,) = torch.autograd.grad(total, variable)
        with torch.no_grad():
            variable.add_(optimiser.propose(gradient))

    return step


def measure(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median seconds of each kind of step, taken in turns after one warm-up."""
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Measures seconds a step of style transfer.")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"threads {options.threads}, studio features in {str(fastest_type()).removeprefix('torch.')}")
    print(f"{'size':>5}  {'engine':<28}{'s a step':>9}{'ratio':>8}")
    for size in options.sizes:
        kinds = {
            "lesson as written, two passes": two_passes(size),
            "lesson preset, one pass": one_pass(size),
            "studio": studio(size),
        }
        seconds = measure(kinds, options.repeats)
        baseline = seconds["lesson as written, two passes"]
        for name, value in seconds.items():
            print(f"{size:>5}  {name:<30}{value:>7.3f}{value / baseline:>8.2f}")


if __name__ == "__main__":
    main()
