"""The clock under a clock of the test's own: budgets are kept, no scale that matters is left out."""

from __future__ import annotations

import pytest

from style import schedule
from style.recipe import Recipe
from style.schedule import FEWEST_STEPS, Clock, scales_up_to


class Time:
    """Stands for the module `time`; a step takes `cost` seconds at 128 px, four times that at 256."""

    def __init__(self, cost: float) -> None:
        self.now, self.cost = 100.0, cost

    def monotonic(self) -> float:
        return self.now


def run(
    monkeypatch: pytest.MonkeyPatch, recipe: Recipe, cost: float
) -> tuple[dict[int, int], list[float], float]:
    """Steps by scale, progress after every step, and seconds of the whole."""
    time = Time(cost)
    monkeypatch.setattr(schedule, "time", time)
    scales = scales_up_to(recipe.size)
    clock, steps, progress = Clock(recipe, scales), {}, []
    for index, scale in enumerate(scales):
        if not clock.enter(index):
            continue
        step = 0
        while step < clock.steps:
            time.now += time.cost * (scale / 128) ** 2
            step += 1
            clock.tick(step)
            progress.append(clock.tell(step)[0])
        steps[scale] = step
    return steps, progress, time.now - 100.0


@pytest.mark.parametrize("cost", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("seconds", [15, 60, 300])
def test_a_budget_is_used_and_kept(monkeypatch: pytest.MonkeyPatch, seconds: int, cost: float) -> None:
    steps, progress, used = run(monkeypatch, Recipe(size=512, seconds=seconds), cost)
    a_step_at_the_end = cost * (max(steps) / 128) ** 2
    assert used <= seconds + a_step_at_the_end
    assert used >= seconds - 2 * a_step_at_the_end
    assert list(steps) == scales_up_to(max(steps))
    assert min(steps.values()) >= FEWEST_STEPS
    assert (max(steps) == 512) == (seconds * 4 / 7 >= FEWEST_STEPS * cost * 16)
    assert progress == sorted(progress)
    assert (progress[-1] == 1.0) == (max(steps) == 512)
    assert all(share < 1 for share in progress[:-1])


def test_with_time_enough_a_step_more_costs_the_same_at_every_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, _, _ = run(monkeypatch, Recipe(size=512, seconds=300), 0.05)
    assert steps[128] > 1.5 * steps[256] > 2 * steps[512]


def test_a_slow_machine_gives_the_coarsest_scale_the_time_of_those_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps, _, used = run(monkeypatch, Recipe(size=512, seconds=5), 1.0)
    assert steps == {128: 5}
    assert used == 5


def test_a_number_of_steps_is_exactly_that_on_every_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, progress, _ = run(monkeypatch, Recipe(size=512, steps=7), 0.5)
    assert steps == {128: 7, 256: 7, 512: 7}
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
