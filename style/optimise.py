"""Stylisation by optimisation, coarse to fine: large shapes are painted small, where a step is cheap.

The objective is Gatys' (arXiv 1508.06576) with the balanced losses of `style.losses`; the optimiser is L-BFGS
without line search, one evaluation a step, which on this objective was both faster and less grainy than Adam.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from style import losses
from style.encoder import Encoder, load_encoder
from style.errors import StyleError
from style.images import SHORTEST_SIDE, Picture, fit, to_tensor
from style.iterate import Iterate, Losses
from style.lbfgs import LimitedMemoryBFGS
from style.lesson import follow_lesson
from style.machine import fastest_type
from style.recipe import Recipe
from style.schedule import COARSEST, Clock, scales_up_to

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
FIRST_STEP = 0.01
NOISE = 0.05


def stylise(
    photo: Picture | Tensor,
    paintings: Sequence[Picture | Tensor],
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
    *,
    every: float = 1.0,
) -> Iterator[Iterate]:
    """Paints the photo in the manner of the paintings; closing the iterator stops the work.

    Args:
        photo: a picture, or float `[1, 3, H, W]` in [0, 1].
        paintings: one or more of the same kinds; of several, the mean of their statistics is used.
        recipe: all settings.
        every: seconds between two iterates; 0 yields after every step.

    Yields:
        The first step, then one iterate about every `every` seconds, and the last step of each scale.

    Raises:
        StyleError: if a picture is unsuitable.
    """
    if not paintings:
        raise StyleError("Please choose a painting first.")
    for picture in (photo, *paintings):
        _check(picture)
    if recipe.mode == "lesson":
        if len(paintings) > 1:
            raise StyleError("The lesson knows one painting; please choose a single one.")
        return follow_lesson(_whole(photo), _whole(paintings[0]), recipe, every=every)
    return _Studio(photo, paintings, recipe, every).run()


@dataclass(frozen=True, eq=False)
class _Targets:
    content: Tensor
    grams: dict[str, Tensor]


class _Studio:
    """One stylisation: holds what stays the same over the scales."""

    def __init__(
        self, photo: Picture | Tensor, paintings: Sequence[Picture | Tensor], recipe: Recipe, every: float
    ) -> None:
        self._photo = photo
        self._paintings = paintings
        self._recipe = recipe
        self._every = every

    def run(self) -> Iterator[Iterate]:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        scales = scales_up_to(self._recipe.size)
        clock = Clock(self._recipe, scales)
        encoder = load_encoder("replicate", fastest_type(device), device)
        before: tuple[Tensor, Tensor] | None = None
        for index, scale in enumerate(scales):
            if not clock.enter(index):
                continue
            photo = _at_size(self._photo, scale).to(device)
            start = self._first_picture(photo) if before is None else self._carry_over(photo, *before)
            targets = self._find_targets(encoder, photo, scale)
            before = photo, (yield from self._paint(encoder, start, targets, clock, scale))

    def _carry_over(self, photo: Tensor, small_photo: Tensor, painted: Tensor) -> Tensor:
        """Enlarges the painted picture and adds the photo's detail that the smaller size could not hold.

        That is a level of the photo's Laplacian pyramid. Without it each scale begins blurred, and its
        first ten steps go into bringing edges back.
        """
        size = photo.shape[-2:]
        enlarged = _resize(painted, size)
        if self._recipe.content_weight == 0:
            return enlarged
        return (enlarged + photo - _resize(small_photo, size)).clamp(0, 1)

    def _first_picture(self, photo: Tensor) -> Tensor:
        if self._recipe.start == "photo":
            return photo
        generator = torch.Generator().manual_seed(self._recipe.seed)
        noise = torch.randn(photo.shape, generator=generator).to(photo.device)
        # Faint noise in the photo's mean colour: strong noise never quite leaves the picture again.
        return (photo.mean(dim=(2, 3), keepdim=True) + NOISE * noise).clamp(0, 1)

    def _find_targets(self, encoder: Encoder, photo: Tensor, scale: int) -> _Targets:
        with torch.no_grad():
            content = encoder.features(photo, [CONTENT_LAYER])[CONTENT_LAYER].float()
            grams = [self._grams_of(encoder, painting, scale) for painting in self._paintings]
        mean = {layer: torch.stack([found[layer] for found in grams]).mean(0) for layer in STYLE_LAYERS}
        return _Targets(content, mean)

    def _grams_of(self, encoder: Encoder, painting: Picture | Tensor, scale: int) -> dict[str, Tensor]:
        # A painting is never enlarged: that would teach the style of a blurred copy.
        size = min(scale, max(_extent(painting)))
        found = encoder.features(_at_size(painting, size).to(encoder.device), STYLE_LAYERS)
        return {layer: losses.gram_matrix(found[layer].float()) for layer in STYLE_LAYERS}

    def _evaluate(self, encoder: Encoder, picture: Tensor, targets: _Targets) -> Tensor:
        """Returns content, style, variation and weighted total as one tensor `[4]`, from one encoder pass."""
        found = encoder.features(picture, (CONTENT_LAYER, *STYLE_LAYERS))
        content = losses.balanced_content(found[CONTENT_LAYER].float(), targets.content)
        grams = {layer: losses.gram_matrix(found[layer].float()) for layer in STYLE_LAYERS}
        style = losses.balanced_style(grams, targets.grams)
        variation = losses.balanced_variation(picture)
        total = (
            self._recipe.content_weight * content
            + self._recipe.style_weight * style
            + self._recipe.variation_weight * variation
        )
        return torch.stack([content, style, variation, total])

    def _paint(
        self, encoder: Encoder, start: Tensor, targets: _Targets, clock: Clock, scale: int
    ) -> Generator[Iterate, None, Tensor]:
        """Optimises at one scale; returns the best picture `[1, 3, H, W]`, clipped to [0, 1]."""
        canvas = _Canvas(start, lambda picture: self._evaluate(encoder, picture, targets))
        shown, step = time.monotonic(), 0
        while step < clock.steps:
            canvas.improve()
            step += 1
            clock.tick(step)
            is_first = step == 1 and scale <= COARSEST
            if is_first or step >= clock.steps or time.monotonic() - shown >= self._every:
                shown = time.monotonic()
                yield canvas.tell(scale, step, clock)
        return canvas.best.clamp(0, 1)


class _Canvas:
    """The picture at one scale under L-BFGS, and the best of it so far.

    Comparisons stay tensors: nothing waits for the device until somebody asks for a snapshot.
    """

    def __init__(self, start: Tensor, evaluate: Callable[[Tensor], Tensor]) -> None:
        self._evaluate = evaluate
        self._variable = start.clone().requires_grad_()
        self._optimiser = LimitedMemoryBFGS(first_step=FIRST_STEP)
        self._values = start.new_zeros(4)
        self._least = start.new_tensor(float("inf"))
        self._is_best = torch.ones((), dtype=torch.bool, device=start.device)
        self.best = start.clone()

    def improve(self) -> None:
        """Does one step: one encoder pass forward and back."""
        values = self._evaluate(self._variable)
        (gradient,) = torch.autograd.grad(values[3], self._variable)
        with torch.no_grad():
            self._values = values.detach()
            self._is_best = self._values[3] < self._least
            self._least = torch.fmin(self._values[3], self._least)
            self.best = torch.where(self._is_best, self._variable, self.best)
            self._variable.add_(self._optimiser.propose(gradient))

    def tell(self, scale: int, step: int, clock: Clock) -> Iterate:
        """Returns a snapshot; mends the picture first if a step without line search leapt out of range."""
        if not torch.isfinite(self._variable).all():
            with torch.no_grad():
                self._variable.copy_(self.best)
                self._values = self._evaluate(self.best)
            self._optimiser = LimitedMemoryBFGS(first_step=FIRST_STEP)
        progress, elapsed, left = clock.tell(step)
        return Iterate(
            scale=scale,
            step=step,
            steps=clock.steps,
            losses=Losses(*self._values.tolist()),
            picture=self.best.clamp(0, 1).cpu(),
            is_best=bool(self._is_best),
            progress=progress,
            seconds_elapsed=elapsed,
            seconds_left=left,
        )


def _check(picture: Picture | Tensor) -> None:
    if isinstance(picture, Tensor) and (picture.ndim != 4 or picture.shape[:2] != (1, 3)):
        raise StyleError("A picture is a tensor [1, 3, H, W] with values from 0 to 1.")
    if min(_extent(picture)) < SHORTEST_SIDE:
        raise StyleError(f"A picture needs at least {SHORTEST_SIDE} pixels a side; please use a larger one.")


def _extent(picture: Picture | Tensor) -> tuple[int, int]:
    """Width and height in pixels."""
    if isinstance(picture, Picture):
        return picture.size
    return picture.shape[-1], picture.shape[-2]


def _whole(picture: Picture | Tensor) -> Tensor:
    return to_tensor(picture) if isinstance(picture, Picture) else picture.float()


def _at_size(picture: Picture | Tensor, longer: int) -> Tensor:
    """Returns float32 `[1, 3, H, W]` in [0, 1] whose longer side is `longer`."""
    if isinstance(picture, Picture):
        return to_tensor(picture, longer)
    width, height = fit(_extent(picture), longer)
    return _resize(picture.float(), (height, width))


def _resize(picture: Tensor, size: Sequence[int]) -> Tensor:
    """Resizes `[1, 3, H, W]` to (height, width), antialiased, clipped to [0, 1]."""
    resized = F.interpolate(picture, size=tuple(size), mode="bicubic", align_corners=False, antialias=True)
    return resized.clamp(0, 1)
