"""Stylisation by optimisation, coarse to fine: large shapes are painted small, where a step is cheap.

What is minimised is in `style.objective`; the optimiser is L-BFGS without line search, one evaluation a step,
which on this objective was both faster and less grainy than Adam.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from style.encoder import Encoder, load_encoder
from style.errors import StyleError
from style.images import Picture
from style.instant import follow_instant, paint
from style.iterate import Iterate, Losses
from style.lbfgs import LimitedMemoryBFGS
from style.lesson import follow_lesson
from style.machine import fastest_type
from style.objective import Evaluation, Objective, painting_grams, result_of
from style.recipe import Recipe
from style.regions import Regions, painting_weights
from style.scaling import at_size, check_picture, painting_at, resize, whole
from style.schedule import COARSEST, COARSEST_AFTER_INSTANT, Clock, scales_up_to

FIRST_STEP = 0.01
NOISE = 0.05
STARTS_WITH_INSTANT = ("both", "instant")
# Of the instant picture's large shapes and colours in a start that has the photo's lines.
INSTANT_SHARE = 0.5
COARSE = 0.25


def stylise(
    photo: Picture | Tensor,
    paintings: Sequence[Picture | Tensor],
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
    *,
    regions: Regions = Regions(),  # noqa: B008 - frozen
    every: float = 1.0,
) -> Iterator[Iterate]:
    """Paints the photo in the manner of the paintings; closing the iterator stops the work.

    Args:
        photo: a picture, or float `[1, 3, H, W]` in [0, 1].
        paintings: one to four of the same kinds; of several, statistics are mixed by the recipe's weights.
        recipe: all settings.
        regions: where each painting acts and what stays the photo; the lesson does not know them.
        every: seconds between two iterates; 0 yields after every step.

    Yields:
        Where it starts with the instant picture that start; then the first step, one iterate about every
        `every` seconds, and the last step of each scale; at the end, if there was no time to paint at the
        size that was asked for, the picture enlarged to it. While a step of a large picture lasts, the last
        iterate comes again after each of its strips, so that nobody has to wait for the step to stop.

    Raises:
        StyleError: if a picture is unsuitable, or masks or weights do not fit the paintings.
    """
    if not paintings:
        raise StyleError("Please choose a painting first.")
    for picture in (photo, *paintings):
        check_picture(picture)
    painting_weights(recipe.weights, len(paintings))
    regions.fits(len(paintings))
    if recipe.mode == "instant":
        return follow_instant(photo, paintings, recipe, regions)
    if recipe.mode == "lesson":
        if len(paintings) > 1:
            raise StyleError("The lesson knows one painting; please choose a single one.")
        return follow_lesson(whole(photo), whole(paintings[0]), recipe, every=every)
    return _Studio(photo, paintings, recipe, regions, every).run()


class _Studio:
    """One stylisation: holds what stays the same over the scales."""

    def __init__(
        self,
        photo: Picture | Tensor,
        paintings: Sequence[Picture | Tensor],
        recipe: Recipe,
        regions: Regions,
        every: float,
    ) -> None:
        self._photo = photo
        self._paintings = paintings
        self._recipe = recipe
        self._regions = regions
        self._weights = painting_weights(recipe.weights, len(paintings))
        self._every = every

    def run(self) -> Iterator[Iterate]:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        coarsest = COARSEST_AFTER_INSTANT if self._recipe.start in STARTS_WITH_INSTANT else COARSEST
        scales = scales_up_to(self._recipe.size, coarsest)
        clock = Clock(self._recipe, scales)
        encoder = load_encoder("replicate", fastest_type(device), device)
        before: tuple[Tensor, Tensor] | None = None
        painted_at = 0
        for index, scale in enumerate(scales):
            if not clock.enter(index):
                continue
            photo = at_size(self._photo, scale).to(device)
            start = self._first_picture(photo) if before is None else self._carry_over(photo, *before)
            if before is None and self._recipe.start in STARTS_WITH_INSTANT:
                yield _still(start, scale, clock.steps, clock.tell(0))
            objective = self._objective(encoder, photo, scale)
            before = photo, (yield from self._paint(objective, start, photo, clock, scale))
            painted_at = scale
        assert before is not None, "there is time for the first scale"
        if painted_at != scales[-1]:
            yield self._enlarged(*before, painted_at, clock)

    def _enlarged(self, small_photo: Tensor, painted: Tensor, painted_at: int, clock: Clock) -> Iterate:
        """The last picture at the size that was asked for, if there was no time to paint that large."""
        photo = at_size(self._photo, self._recipe.size).to(painted.device)
        picture = self._regions.restore(self._carry_over(photo, small_photo, painted), photo)
        return _still(picture, self._recipe.size, 0, clock.end(), painted_at)

    def _carry_over(self, photo: Tensor, small_photo: Tensor, painted: Tensor) -> Tensor:
        """Enlarges the painted picture and adds the photo's detail that the smaller size could not hold.

        That is a level of the photo's Laplacian pyramid. Without it each scale begins blurred, and its
        first ten steps go into bringing edges back.
        """
        size = photo.shape[-2:]
        enlarged = resize(painted, size)
        if self._recipe.content_weight == 0:
            return enlarged
        return (enlarged + photo - resize(small_photo, size)).clamp(0, 1)

    def _first_picture(self, photo: Tensor) -> Tensor:
        if self._recipe.start == "photo":
            return photo
        longer = max(photo.shape[-2:])
        if self._recipe.start == "instant":
            return paint(photo, self._paintings, replace(self._recipe, size=longer), self._regions).clone()
        if self._recipe.start == "both":
            # Half the size shows the same large shapes in a quarter of the time.
            recipe = replace(self._recipe, size=max(longer // 2, 128))
            painted = paint(photo, self._paintings, recipe, self._regions)
            change = _coarse(painted, photo.shape[-2:]) - _coarse(photo, photo.shape[-2:])
            return (photo + INSTANT_SHARE * change).clamp(0, 1)
        generator = torch.Generator().manual_seed(self._recipe.seed)
        noise = torch.randn(photo.shape, generator=generator).to(photo.device)
        # Faint noise in the photo's mean colour: strong noise never quite leaves the picture again.
        return (photo.mean(dim=(2, 3), keepdim=True) + NOISE * noise).clamp(0, 1)

    def _objective(self, encoder: Encoder, photo: Tensor, scale: int) -> Objective:
        shown = (painting_at(painting, scale, self._recipe.style_scale) for painting in self._paintings)
        grams = [painting_grams(encoder, painting.to(encoder.device)) for painting in shown]
        return Objective(encoder, photo, grams, self._weights, self._recipe, self._regions)

    def _paint(
        self, objective: Objective, start: Tensor, photo: Tensor, clock: Clock, scale: int
    ) -> Generator[Iterate, None, Tensor]:
        """Optimises at one scale; returns the best picture `[1, 3, H, W]`, clipped to [0, 1]."""
        canvas = _Canvas(
            start, objective.evaluate, lambda picture: self._regions.restore(picture.clamp(0, 1), photo)
        )
        shown, step, is_start = time.monotonic(), 0, clock.is_start
        told = _still(canvas.shown, scale, clock.steps, clock.tell(0))
        while step < clock.steps:
            for _ in canvas.improve():
                # The same again: it is for whoever follows to stop here, and not after minutes.
                yield told
            step += 1
            clock.tick(step)
            is_first = step == 1 and is_start
            if is_first or step >= clock.steps or time.monotonic() - shown >= self._every:
                shown = time.monotonic()
                told = canvas.tell(scale, step, clock)
                yield told
        return canvas.shown


def _coarse(picture: Tensor, size: Sequence[int]) -> Tensor:
    """The large shapes of a picture `[1, 3, h, w]`, at (height, width) `size`."""
    small = [max(1, round(side * COARSE)) for side in size]
    return resize(resize(picture, small), size)


def _still(
    picture: Tensor, scale: int, steps: int, told: tuple[float, float, float], enlarged_from: int = 0
) -> Iterate:
    """A picture that no step has made: the start with the instant picture, or one that was enlarged."""
    progress, elapsed, left = told
    return Iterate(
        scale=scale,
        step=0,
        steps=steps,
        losses=None,
        picture=picture.cpu(),
        is_best=True,
        progress=progress,
        seconds_elapsed=elapsed,
        seconds_left=left,
        enlarged_from=enlarged_from,
    )


class _Canvas:
    """The picture at one scale under L-BFGS, and the best of it so far.

    Comparisons stay tensors: nothing waits for the device until somebody asks for a snapshot.
    """

    def __init__(
        self,
        start: Tensor,
        objective: Callable[[Tensor], Evaluation],
        restore: Callable[[Tensor], Tensor],
    ) -> None:
        self._objective = objective
        self._restore = restore
        self._variable = start.clone()
        self._optimiser = LimitedMemoryBFGS(first_step=FIRST_STEP)
        self._values = start.new_zeros(5)
        self._least = start.new_tensor(float("inf"))
        self._is_best = torch.ones((), dtype=torch.bool, device=start.device)
        self.best = start.clone()

    @property
    def shown(self) -> Tensor:
        """The best picture in [0, 1], with the photo where it is to stay."""
        return self._restore(self.best)

    def improve(self) -> Iterator[None]:
        """Does one step: one encoder pass forward and back; yields between the strips of a large picture."""
        self._values, gradient = yield from self._objective(self._variable)
        total = self._values[-1]
        self._is_best = total < self._least
        self._least = torch.fmin(total, self._least)
        self.best = torch.where(self._is_best, self._variable, self.best)
        self._variable = self._variable + self._optimiser.propose(gradient)

    def tell(self, scale: int, step: int, clock: Clock) -> Iterate:
        """Returns a snapshot; mends the picture first if a step without line search leapt out of range."""
        if not torch.isfinite(self._variable).all():
            self._variable = self.best
            self._values, _ = result_of(self._objective(self.best))
            self._optimiser = LimitedMemoryBFGS(first_step=FIRST_STEP)
        progress, elapsed, left = clock.tell(step)
        return Iterate(
            scale=scale,
            step=step,
            steps=clock.steps,
            losses=Losses(*self._values.tolist()),
            picture=self.shown.cpu(),
            is_best=bool(self._is_best),
            progress=progress,
            seconds_elapsed=elapsed,
            seconds_left=left,
        )
