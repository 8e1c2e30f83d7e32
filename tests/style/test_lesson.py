"""The lesson preset against the notebook's formulas, written out again in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from style import Recipe, StyleError, stylise
from style.encoder import load_encoder
from style.images import read_picture, to_tensor
from style.lesson import RUNS, KerasAdam, evaluate, find_targets, square, starting_picture

PICTURES = Path(__file__).parents[2] / "data" / "pictures"


def photo() -> torch.Tensor:
    return to_tensor(read_picture(PICTURES / "photos" / "red_panda.jpg"), 64)


def painting() -> torch.Tensor:
    return to_tensor(read_picture(PICTURES / "styles" / "starry_night.jpg"), 64)


def test_adam_is_keras_epsilon_hat_form() -> None:
    generator = np.random.default_rng(0)
    variable = generator.random((2, 3))
    gradients = generator.normal(size=(7, 2, 3)) * 5
    tensor = torch.tensor(variable)
    optimiser = KerasAdam(tensor)
    mean, square_ = np.zeros((2, 3)), np.zeros((2, 3))
    for time, gradient in enumerate(gradients, start=1):
        mean = 0.99 * mean + 0.01 * gradient
        square_ = 0.999 * square_ + 0.001 * gradient**2
        rate = 0.002 * np.sqrt(1 - 0.999**time) / (1 - 0.99**time)
        variable = variable - rate * mean / (np.sqrt(square_) + 0.1)
        optimiser.step(torch.tensor(gradient))
    assert np.allclose(tensor.numpy(), variable, rtol=1e-10)


def test_it_differs_from_torchs_adam() -> None:
    ours, theirs = torch.zeros(1), torch.zeros(1, requires_grad=True)
    other = torch.optim.Adam([theirs], lr=0.002, betas=(0.99, 0.999), eps=0.1)
    KerasAdam(ours).step(torch.ones(1))
    theirs.grad = torch.ones(1)
    other.step()
    assert ours.item() == pytest.approx(-0.002 * 0.001**0.5 / 0.01 * 0.01 / (0.001**0.5 + 0.1), rel=1e-4)
    assert abs(ours.item() / theirs.item()) < 0.3


def test_square_is_the_middle() -> None:
    wide = torch.zeros(1, 3, 10, 30)
    wide[..., 10:20] = 1
    assert square(wide).shape == (1, 3, 256, 256)
    assert square(wide).min() == 1
    assert square(wide.transpose(2, 3)).min() == 1


def test_starts() -> None:
    grey = torch.full((1, 3, 256, 256), 0.5)
    noise = starting_picture(grey, RUNS["a"], seed=1)
    assert noise.mean().item() == pytest.approx(0.5, abs=0.01)
    assert noise.std().item() == pytest.approx(12**-0.5, abs=0.01)
    assert torch.equal(noise, starting_picture(grey, RUNS["b"], seed=1)), "a and b share their noise"
    dark = starting_picture(grey, RUNS["c"], seed=1)
    assert dark.min() == 0
    # E[clip(0.2 + 0.3 n, 0, 1)] = 0.2455
    assert dark.mean().item() == pytest.approx(0.2455, abs=0.01)


@pytest.mark.parametrize(("name", "weights"), [("a", (1, 0, 0)), ("b", (2, 1, 0)), ("c", (1, 150, 30))])
def test_losses_of_each_run(name: str, weights: tuple[float, float, float]) -> None:
    encoder = load_encoder()
    one, other = photo(), painting()
    picture = starting_picture(one, RUNS[name], 0)
    values = evaluate(encoder, picture, find_targets(encoder, one, other), RUNS[name])
    layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    with torch.no_grad():
        mine, theirs = encoder.features(picture, (*layers, "relu4_2")), encoder.features(other, layers)
        target = encoder.features(one, ["relu4_2"])["relu4_2"].double().numpy()
    content = 0.5 * ((mine["relu4_2"].double().numpy() - target) ** 2).sum()
    style = 0.0
    for layer in layers:
        grams = []
        for features in (mine[layer], theirs[layer]):
            array = features.double().permute(0, 2, 3, 1).numpy()
            height, width = array.shape[1:3]
            grams.append(np.einsum("bijc,bijd->bcd", array, array) / (height * width))
        style += ((grams[0] - grams[1]) ** 2).mean() / 4
    array = picture.double().numpy()
    variation = np.abs(np.diff(array, axis=2)).sum() + np.abs(np.diff(array, axis=3)).sum()
    expected = [content, style, variation, np.dot(weights, [content, style, variation])]
    assert values.tolist() == pytest.approx(expected, rel=1e-3)


def test_run_follows_the_notebook_step_by_step() -> None:
    recipe = Recipe(mode="lesson", lesson_run="c", steps=3, seed=4)
    iterates = list(stylise(photo(), [painting()], recipe, every=0))
    assert [iterate.step for iterate in iterates] == [1, 2, 3]
    assert iterates[-1].progress == 1
    assert iterates[-1].picture.shape == (1, 3, 256, 256)
    encoder = load_encoder()
    one, other = square(photo()), square(painting())
    variable = starting_picture(one, RUNS["c"], 4).requires_grad_()
    targets = find_targets(encoder, one, other)
    mean = square_ = torch.zeros_like(one)
    for time in range(1, 4):
        total = evaluate(encoder, variable, targets, RUNS["c"])[3]
        (gradient,) = torch.autograd.grad(total, variable)
        mean, square_ = 0.99 * mean + 0.01 * gradient, 0.999 * square_ + 0.001 * gradient**2
        rate = 0.002 * (1 - 0.999**time) ** 0.5 / (1 - 0.99**time)
        variable = (variable - rate * mean / (square_.sqrt() + 0.1)).detach().requires_grad_()
        assert iterates[time - 1].losses.total == pytest.approx(total.item(), rel=1e-4)
    assert torch.allclose(iterates[-1].picture, variable.detach().clamp(0, 1), atol=1e-4)


def test_the_quick_pace_has_the_same_start_and_losses_and_falls_sooner() -> None:
    totals = {}
    for pace in ("notebook", "quick"):
        recipe = Recipe(mode="lesson", lesson_pace=pace, steps=8)  # type: ignore[arg-type]
        totals[pace] = [each.losses.total for each in stylise(photo(), [painting()], recipe, every=0)]
    assert totals["quick"][0] == totals["notebook"][0]
    assert totals["quick"][-1] < 0.5 * totals["notebook"][-1]
    assert next(stylise(photo(), [painting()], Recipe(mode="lesson", lesson_pace="quick"))).steps == 100


def test_the_lesson_knows_one_painting_and_a_thousand_steps() -> None:
    with pytest.raises(StyleError, match="one painting"):
        stylise(photo(), [painting(), painting()], Recipe(mode="lesson"))
    iterates = stylise(photo(), [painting()], Recipe(mode="lesson"))
    assert next(iterates).steps == 1000
