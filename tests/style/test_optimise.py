"""Stylisation as a whole, at sizes that take a second."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path

import pytest
import torch

from style import Recipe, StyleError, losses, schedule, stylise
from style.film import Film
from style.images import Picture, read_picture, to_tensor
from style.lbfgs import LimitedMemoryBFGS
from style.objective import Objective
from style.scaling import resize
from style.schedule import scales_up_to
from style.strips import strips_of

PICTURES = Path(__file__).parents[2] / "data" / "pictures"


@pytest.fixture(scope="module")
def photo() -> Picture:
    return read_picture(PICTURES / "photos" / "red_panda.jpg")


@pytest.fixture(scope="module")
def painting() -> Picture:
    return read_picture(PICTURES / "styles" / "starry_night.jpg")


@pytest.mark.parametrize("start", ["photo", "noise"])
def test_the_objective_falls(photo: Picture, painting: Picture, start: str) -> None:
    recipe = Recipe(size=128, steps=12, start=start)  # type: ignore[arg-type]
    iterates = list(stylise(photo, [painting], recipe, every=0))
    assert len(iterates) == 12
    first, last = iterates[0].losses, iterates[-1].losses
    assert last.total < first.total / 2
    assert last.style < first.style
    weights = recipe.content_weight, recipe.style_weight, recipe.variation_weight, recipe.edge_weight
    terms = last.content, last.style, last.variation, last.edges
    assert last.total == pytest.approx(sum(w * t for w, t in zip(weights, terms, strict=True)), rel=1e-3)


def test_the_best_picture_is_kept(photo: Picture, painting: Picture) -> None:
    iterates = list(stylise(photo, [painting], Recipe(size=128, steps=15, start="photo"), every=0))
    least = float("inf")
    for before, after in itertools.pairwise(iterates):
        least = min(least, before.losses.total)
        assert after.is_best == (after.losses.total < least)
        assert after.is_best != torch.equal(after.picture, before.picture)
    assert all(0 <= iterate.picture.min() <= iterate.picture.max() <= 1 for iterate in iterates)


def test_coarse_to_fine(photo: Picture, painting: Picture) -> None:
    iterates = list(stylise(photo, [painting], Recipe(size=256, steps=4, start="photo"), every=0))
    assert [iterate.scale for iterate in iterates] == [128] * 4 + [256] * 4
    assert [tuple(iterates[at].picture.shape) for at in (0, 4)] == [(1, 3, 72, 128), (1, 3, 144, 256)]
    progress = [iterate.progress for iterate in iterates]
    assert progress == sorted(progress)
    assert progress[-1] == 1
    assert max(progress[:-1]) < 1
    assert iterates[-1].seconds_left == 0


def test_the_photo_is_sharp_again_at_the_next_scale(photo: Picture, painting: Picture) -> None:
    recipe = Recipe(size=256, steps=1, style_weight=0.0, start="photo")
    last = list(stylise(photo, [painting], recipe, every=0))[-1]
    assert (last.picture - to_tensor(photo, 256)).abs().mean() < 0.02


def test_without_time_for_its_size_the_picture_is_enlarged_with_the_photo_s_lines(
    photo: Picture, painting: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "FEWEST_STEPS", 10**6)
    recipe = Recipe(size=256, seconds=5, start="photo")
    *_, painted, last = stylise(photo, [painting], recipe, every=0)
    assert (painted.scale, last.scale, last.enlarged_from, last.progress) == (128, 256, 128, 1.0)
    shown = to_tensor(photo, 256)
    assert last.picture.shape == shown.shape
    plain = resize(painted.picture, shown.shape[-2:])
    assert float(losses.balanced_edges(last.picture, shown)) < 0.7 * float(
        losses.balanced_edges(plain, shown)
    )


def test_a_budget_of_seconds_ends_the_work(photo: Picture, painting: Picture) -> None:
    iterates = list(stylise(photo, [painting], Recipe(size=128, seconds=5), every=0))
    assert iterates[-1].progress == 1
    assert iterates[-1].step == iterates[-1].steps >= 2
    assert iterates[-1].picture.shape[-1] == 128


def test_closing_stops_and_the_last_iterate_stays(photo: Picture, painting: Picture) -> None:
    iterates = stylise(photo, [painting], Recipe(size=128, seconds=900), every=0)
    first = next(iterates)
    iterates.close()  # type: ignore[attr-defined]
    assert next(iterates, None) is None
    assert first.picture.shape == (1, 3, 72, 128)


def test_a_large_picture_can_be_stopped_within_a_step(
    photo: Picture, painting: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In strips the iterate before comes again after each, twice a strip, and then that of the step."""
    monkeypatch.setattr("style.optimise.Objective", partial(Objective, largest=1))
    recipe = Recipe(size=128, steps=2, start="photo")
    iterates = list(stylise(photo, [painting], recipe, every=0))
    strips = len(strips_of((72, 128), 1))
    assert strips > 2
    before = [iterate for iterate in iterates if iterate.step == 0]
    assert len(before) == 2 * strips
    assert all(iterate is before[0] for iterate in before)
    assert [iterate.step for iterate in iterates[2 * strips :]] == [1] * (1 + 2 * strips) + [2]
    film = Film()
    for iterate in iterates:
        film.add(iterate)
    assert len(film.frames) == 3


def test_a_seed_is_one_noise(photo: Picture, painting: Picture) -> None:
    def picture(seed: int) -> torch.Tensor:
        recipe = Recipe(size=128, steps=1, start="noise", seed=seed)
        return next(iter(stylise(photo, [painting], recipe, every=0))).picture

    assert torch.equal(picture(1), picture(1))
    assert not torch.allclose(picture(1), picture(2), atol=0.02)


def test_tensors_and_several_paintings(photo: Picture, painting: Picture) -> None:
    both = [to_tensor(painting, 100), to_tensor(read_picture(PICTURES / "styles" / "great_wave.jpg"), 100)]
    recipe = Recipe(size=128, steps=2)
    mixed = list(stylise(to_tensor(photo, 200), both, recipe, every=0))[-1]
    single = list(stylise(to_tensor(photo, 200), both[:1], recipe, every=0))[-1]
    assert mixed.picture.shape == single.picture.shape
    assert not torch.equal(mixed.picture, single.picture)


def test_unsuitable_pictures_get_a_sentence(photo: Picture) -> None:
    with pytest.raises(StyleError, match="choose a painting"):
        stylise(photo, [])
    with pytest.raises(StyleError, match="16 pixels"):
        stylise(photo, [torch.zeros(1, 3, 8, 40)])
    with pytest.raises(StyleError, match="tensor"):
        stylise(torch.zeros(3, 40, 40), [photo])


def test_extreme_aspect_ratios_work(painting: Picture) -> None:
    strip = torch.rand(1, 3, 16, 2000)
    assert list(stylise(strip, [painting], Recipe(size=128, steps=1)))[-1].picture.shape == (1, 3, 16, 128)


def test_scales_are_octaves() -> None:
    assert scales_up_to(512) == [128, 256, 512]
    assert scales_up_to(128) == [128]
    assert scales_up_to(1024) == [128, 256, 512, 1024]
    assert all(128 <= scales_up_to(size)[0] < 256 for size in range(128, 1025))


def test_lbfgs_solves_a_quadratic() -> None:
    generator = torch.Generator().manual_seed(0)
    factor = torch.rand(12, 12, dtype=torch.float64, generator=generator)
    matrix = factor @ factor.T + torch.eye(12, dtype=torch.float64)
    solution = torch.rand(12, dtype=torch.float64, generator=generator)
    optimiser = LimitedMemoryBFGS(first_step=0.01, history=12)
    variable = torch.zeros(12, dtype=torch.float64)
    for _ in range(60):
        variable += optimiser.propose(matrix @ (variable - solution))
    assert torch.allclose(variable, solution, atol=1e-6)


def test_first_step_has_the_chosen_length() -> None:
    step = LimitedMemoryBFGS(first_step=0.01).propose(torch.tensor([3.0, -4.0]))
    assert step.square().mean().sqrt().item() == pytest.approx(0.01)
    assert step[0] < 0 < step[1]
