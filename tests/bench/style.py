"""The studio against other ways to optimise, at equal time and at equal loss; run this file.

Equal time: every way paints the same pairs for the same seconds and is scored as a stranger would: on the
8-bit picture, with encoder layers that nobody optimised on, at full and at half size. Higher is better:

    structure  1 - |F(x) - F(photo)|^2 / |F(grey) - F(photo)|^2 at relu4_3
    texture    1 - D(x) / D(photo), D the relative distance of Gram matrices at relu1_2, 2_2, 3_2, 4_3
    likeness   structural similarity of the luma with the photo's (Wang et al. 2004)

Equal loss: how long the studio's optimiser takes to reach the value of the lesson's loss that the lesson's
own recipe has at its end, and that of a Gram objective which 500 evaluations of L-BFGS from the photo reach.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from style import Recipe, instant, lesson, losses, stylise  # noqa: E402
from style.encoder import Encoder, load_encoder  # noqa: E402
from style.images import Picture, read_picture, to_image, to_tensor  # noqa: E402
from style.lbfgs import LimitedMemoryBFGS  # noqa: E402
from style.objective import CONTENT_LAYER, STYLE_LAYERS  # noqa: E402
from style.optimise import FIRST_STEP  # noqa: E402
from style.schedule import scales_up_to  # noqa: E402
from style.shipped import paintings, pairs, photos  # noqa: E402

UNSEEN_CONTENT = "relu4_3"
UNSEEN_STYLE = ("relu1_2", "relu2_2", "relu3_2", "relu4_3")
STYLE_WEIGHT = 30.0
CLASSIC_LAYERS = (*STYLE_LAYERS, "relu5_1")
CLASSIC_EVALUATIONS = 500
Paint = Callable[[Picture, Picture, int, float], Tensor]


class Objective:
    """Content and Gram losses of one photo and painting at one size; the studio's balance, no smoothing."""

    def __init__(self, photo: Tensor, painting: Tensor, layers: tuple[str, ...] = STYLE_LAYERS) -> None:
        self._encoder = load_encoder("replicate")
        self._layers = layers
        with torch.no_grad():
            self._content = self._encoder.features(photo, [CONTENT_LAYER])[CONTENT_LAYER]
            found = self._encoder.features(painting, layers)
            self._grams = {layer: losses.gram_matrix(found[layer]) for layer in layers}

    def __call__(self, picture: Tensor) -> Tensor:
        found = self._encoder.features(picture, (CONTENT_LAYER, *self._layers))
        grams = {layer: losses.gram_matrix(found[layer]) for layer in self._layers}
        content = losses.balanced_content(found[CONTENT_LAYER], self._content)
        return content + STYLE_WEIGHT * losses.balanced_style(grams, self._grams)


def studio(photo: Picture, painting: Picture, size: int, seconds: float) -> Tensor:
    """The studio as it is."""
    return _last(stylise(photo, [painting], Recipe(size=size, seconds=int(seconds)), every=seconds))


def instant_only(photo: Picture, painting: Picture, size: int, seconds: float) -> Tensor:
    """The instant mode, which does not use the seconds."""
    return _last(stylise(photo, [painting], Recipe(mode="instant", size=size)))


def _last(iterates: Iterator) -> Tensor:
    *_, last = iterates
    return last.picture


def lesson_recipe(photo: Picture, painting: Picture, size: int, seconds: float) -> Tensor:
    """The lesson's third run: its losses, weights, darkened start and Adam, at this size."""
    until = time.monotonic() + seconds
    shown = to_tensor(photo, size)
    encoder, run = load_encoder(), lesson.RUNS["c"]
    targets = lesson.find_targets(encoder, shown, to_tensor(painting, size))
    variable = lesson.starting_picture(shown, run, 0).requires_grad_()
    optimiser = lesson.KerasAdam(variable)
    while time.monotonic() < until:
        total = lesson.evaluate(encoder, variable, targets, run)[3]
        optimiser.step(torch.autograd.grad(total, variable)[0])
    return variable.detach()


def single_scale(photo: Picture, painting: Picture, size: int, seconds: float) -> Tensor:
    """L-BFGS from the photo at one size, as the tools that are not coarse to fine have it."""
    until = time.monotonic() + seconds
    shown = to_tensor(photo, size)
    return _torch_lbfgs(shown, Objective(shown, to_tensor(painting, size)), lambda _: _is_over(until))[0]


def adam_pyramid(photo: Picture, painting: Picture, size: int, seconds: float) -> Tensor:
    """Adam (0.02) over octaves from 128 pixels, each with time in proportion to its side."""
    began, done = time.monotonic(), 0
    scales = scales_up_to(size)
    picture: Tensor | None = None
    for scale in scales:
        done += scale
        until = began + seconds * done / sum(scales)
        shown = to_tensor(photo, scale)
        picture = shown if picture is None else F.interpolate(picture, size=shown.shape[-2:], mode="bicubic")
        picture = picture.clone().requires_grad_()
        objective = Objective(shown, to_tensor(painting, scale))
        optimiser = torch.optim.Adam([picture], lr=0.02, betas=(0.9, 0.99))
        while not _is_over(until):
            (picture.grad,) = torch.autograd.grad(objective(picture), picture)
            optimiser.step()
        picture = picture.detach()
    assert picture is not None
    return picture


class _EnoughError(Exception):
    pass


def _torch_lbfgs(
    start: Tensor, objective: Callable[[Tensor], Tensor], enough: Callable[[int], bool]
) -> tuple[Tensor, float]:
    """Torch's L-BFGS until `enough(evaluations)`; returns the best picture and its loss."""
    picture = start.clone().requires_grad_()
    best, least, count = start, float("inf"), itertools.count(1)

    def closure() -> Tensor:
        nonlocal best, least
        loss = objective(picture)
        (picture.grad,) = torch.autograd.grad(loss, picture)
        value = float(loss.detach())
        if value < least:
            best, least = picture.detach().clone(), value
        if enough(next(count)):
            raise _EnoughError
        return loss

    optimiser = torch.optim.LBFGS(
        [picture], max_iter=10**9, max_eval=10**9, tolerance_grad=-1, tolerance_change=-1
    )
    with contextlib.suppress(_EnoughError):
        optimiser.step(closure)  # type: ignore[arg-type]
    return best, least


def _is_over(until: float) -> bool:
    return time.monotonic() >= until


WAYS: dict[str, Paint] = {
    "studio": studio,
    "instant": instant_only,
    "lesson": lesson_recipe,
    "single-scale": single_scale,
    "adam-pyramid": adam_pyramid,
}


@dataclass(frozen=True)
class Marks:
    """The three scores of one picture at one size."""

    structure: float
    texture: float
    likeness: float

    def above(self, other: Marks) -> bool:
        """Whether each of the three is higher than the other's."""
        mine, theirs = vars(self).values(), vars(other).values()
        return all(one > another for one, another in zip(mine, theirs, strict=True))


@torch.inference_mode()
def marks(result: Tensor, photo: Tensor, painting: Tensor) -> Marks:
    """Scores a result `[1, 3, H, W]` beside its photo and the painting as large as it was used."""
    encoder = load_encoder()
    found, wanted, grey = (_unseen(encoder, x) for x in (result, photo, torch.full_like(photo, 0.5)))
    style = _grams(_unseen(encoder, painting))
    content = wanted[UNSEEN_CONTENT]
    furthest = losses.balanced_content(grey[UNSEEN_CONTENT], content)
    unpainted = losses.balanced_style(_grams(wanted), style)
    return Marks(
        structure=float(1 - losses.balanced_content(found[UNSEEN_CONTENT], content) / furthest),
        texture=float(1 - losses.balanced_style(_grams(found), style) / unpainted),
        likeness=structural_similarity(_luma(result), _luma(photo)),
    )


def _unseen(encoder: Encoder, picture: Tensor) -> dict[str, Tensor]:
    return encoder.features(picture, (UNSEEN_CONTENT, *UNSEEN_STYLE))


def _grams(found: dict[str, Tensor]) -> dict[str, Tensor]:
    return {layer: losses.gram_matrix(found[layer]) for layer in UNSEEN_STYLE}


def _luma(picture: Tensor) -> Tensor:
    return (picture * picture.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)


def structural_similarity(one: Tensor, other: Tensor) -> float:
    """Mean SSIM of two `[1, 1, H, W]` in [0, 1] with a Gaussian window of 11 pixels and deviation 1.5."""
    line = torch.exp(-(torch.arange(-5.0, 6.0) ** 2) / (2 * 1.5**2))
    window = torch.outer(line, line)[None, None] / line.sum() ** 2

    def local(values: Tensor) -> Tensor:
        return F.conv2d(values, window)

    mean, other_mean = local(one), local(other)
    spread, other_spread = local(one**2) - mean**2, local(other**2) - other_mean**2
    together = local(one * other) - mean * other_mean
    upper = (2 * mean * other_mean + 0.01**2) * (2 * together + 0.03**2)
    lower = (mean**2 + other_mean**2 + 0.01**2) * (spread + other_spread + 0.03**2)
    return float((upper / lower).mean())


def tell_equal_time(
    names: list[str], chosen: list[tuple[Path, Path]], size: int, seconds: float, sheet: Path | None
) -> None:
    """Prints a row for each way and pair, medians, and on how many pairs the studio is above each."""
    found: dict[str, list[tuple[Marks, Marks]]] = {name: [] for name in names}
    rows = []
    print(f"{size} px, {seconds:g} s: structure texture likeness, at full and at half size")
    for photo_path, painting_path in chosen:
        photo, painting = read_picture(photo_path), read_picture(painting_path)
        shown, style = to_tensor(photo, size), to_tensor(painting, size)
        row = [shown, F.interpolate(style, size=shown.shape[-2:], mode="area")]
        for name in names:
            result = (WAYS[name](photo, painting, size, seconds).clamp(0, 1) * 255).round() / 255
            row.append(result)
            full = marks(result, shown, style)
            half = marks(*(F.interpolate(x, scale_factor=0.5, mode="area") for x in (result, shown, style)))
            found[name].append((full, half))
            pair = f"{photo_path.stem} x {painting_path.stem}"
            print(f"{pair:<34}{name:<14}{_numbers(full)}   {_numbers(half)}", flush=True)
        rows.append(torch.cat(row, 3))
    for name, values in found.items():
        full, half = (_median([value[index] for value in values]) for index in (0, 1))
        print(f"{'median':<34}{name:<14}{_numbers(full)}   {_numbers(half)}")
    for name in names:
        if name != "studio" and "studio" in found:
            pairs_above = sum(
                mine[0].above(theirs[0]) and mine[1].above(theirs[1])
                for mine, theirs in zip(found["studio"], found[name], strict=True)
            )
            print(f"studio above {name} in all three scores at both sizes: {pairs_above} of {len(chosen)}")
    if sheet is not None:
        width = max(row.shape[3] for row in rows)
        to_image(torch.cat([F.pad(row, (0, width - row.shape[3], 0, 4)) for row in rows], 2)).save(sheet)


def tell_equal_loss(size: int, lesson_steps: int, evaluations: int) -> None:
    """Prints the share of the baseline's time in which our optimiser reaches the baseline's last loss."""
    photo, painting = (read_picture(item.path) for item in pairs()[1])
    for name, (start, baseline, ours) in {
        f"the lesson's loss, {lesson_steps} steps of its Adam": _lesson_race(photo, painting, lesson_steps),
        f"Gram objective, {size} px, {evaluations} evaluations of L-BFGS": _classic_race(
            photo, painting, size, evaluations
        ),
    }.items():
        began = time.perf_counter()
        wanted = baseline()
        seconds = time.perf_counter() - began
        began, steps = time.perf_counter(), 0
        least = float("inf")
        while least > wanted and time.perf_counter() - began < seconds:
            least = min(least, ours())
            steps += 1
        share = (time.perf_counter() - began + start) / seconds
        verdict = f"{share:.3f} of the time" if least <= wanted else f"not reached: {least:.4g}"
        print(f"{name}: {wanted:.4g} after {seconds:.0f} s; ours: {verdict}, {steps} steps", flush=True)


def tell_memory(mode: str, size: int) -> None:
    """Prints the peak memory of this process above what it has with torch and the encoder loaded."""
    load_encoder("replicate")
    rgb = read_picture(photos()[0].path).rgb
    square = Picture(rgb=rgb[: min(rgb.shape[:2]), : min(rgb.shape[:2])], alpha=None, note="")
    painting = read_picture(paintings()[0].path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _last(stylise(square, [painting], Recipe(mode=mode, size=size, steps=2)))  # type: ignore[arg-type]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{mode}, {size} x {size} px: {(after - before) / 2**20:.2f} GB above {before / 2**20:.2f} GB")


Race = tuple[float, Callable[[], float], Callable[[], float]]


def _lesson_race(photo: Picture, painting: Picture, steps: int) -> Race:
    """Both from the notebook's start, in one encoder pass a step; the notebook itself needs two."""
    encoder, run = load_encoder(), lesson.RUNS["c"]
    one, other = lesson.square(to_tensor(photo)), lesson.square(to_tensor(painting))
    targets = lesson.find_targets(encoder, one, other)
    start = lesson.starting_picture(one, run, 0)

    def runner(kind: type) -> Callable[[], float]:
        variable = start.clone().requires_grad_()
        optimiser = kind(variable)

        def step() -> float:
            total = lesson.evaluate(encoder, variable, targets, run)[3]
            optimiser.step(torch.autograd.grad(total, variable)[0])
            return float(total.detach())

        return step

    adam, quick = runner(lesson.KerasAdam), runner(lesson.QuickSteps)
    return 0.0, lambda: [adam() for _ in range(steps)][-1], quick


def _classic_race(photo: Picture, painting: Picture, size: int, evaluations: int) -> Race:
    """Torch's L-BFGS from the photo against the studio's from the instant picture, whose time counts."""
    shown = to_tensor(photo, size)
    objective = Objective(shown, to_tensor(painting, size), CLASSIC_LAYERS)
    began = time.perf_counter()
    picture = instant(photo, [painting], size=size).clone()
    seconds = time.perf_counter() - began
    optimiser = LimitedMemoryBFGS(first_step=FIRST_STEP)

    def step() -> float:
        variable = picture.detach().requires_grad_()
        total = objective(variable)
        picture.add_(optimiser.propose(torch.autograd.grad(total, variable)[0]))
        return float(total.detach())

    return seconds, lambda: _torch_lbfgs(shown, objective, lambda count: count >= evaluations)[1], step


def _numbers(value: Marks) -> str:
    return "".join(f"{number:7.2f}" for number in vars(value).values())


def _median(values: list[Marks]) -> Marks:
    return Marks(*(statistics.median(getattr(value, name) for value in values) for name in vars(values[0])))


def main() -> None:
    """Prints the tables that are asked for."""
    parser = argparse.ArgumentParser(description="Measures the studio against other optimisers.")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seconds", type=float, nargs="*", default=[60, 180])
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--all-pairs", action="store_true", help="every photo with every painting")
    parser.add_argument("--equal-loss", action="store_true", help="the races instead of the table")
    parser.add_argument("--memory", choices=("instant", "studio"), help="peak memory of that at --size")
    parser.add_argument("--lesson-steps", type=int, default=1000)
    parser.add_argument("--evaluations", type=int, default=CLASSIC_EVALUATIONS)
    parser.add_argument("--pairs", type=int, default=100, help="of the example pairs so many")
    parser.add_argument("--sheet", type=Path, help="PNG to write: photo, painting and one picture a way")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory:
        tell_memory(options.memory, options.size)
        return
    if options.equal_loss:
        tell_equal_loss(options.size, options.lesson_steps, options.evaluations)
        return
    chosen = list(itertools.product(photos(), paintings())) if options.all_pairs else pairs()
    paths = [(photo.path, painting.path) for photo, painting in chosen[: options.pairs]]
    for seconds in options.seconds:
        tell_equal_time(options.ways, paths, options.size, seconds, options.sheet)


if __name__ == "__main__":
    main()
