"""The losses against loops in float64 and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from style import losses


def sample(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_content_is_half_the_sum_of_squares() -> None:
    one, other = sample(1, 3, 4, 5), sample(1, 3, 4, 5, seed=1)
    expected = 0.5 * ((one.numpy() - other.numpy()) ** 2).sum()
    assert losses.content(one, other).item() == pytest.approx(expected, rel=1e-12)


def test_gram_matrix_is_the_lessons_einsum() -> None:
    features = sample(2, 3, 4, 5)
    last = features.permute(0, 2, 3, 1).numpy()  # the lesson has channels last
    expected = np.einsum("bijc,bijd->bcd", last, last) / (4 * 5)
    assert np.allclose(losses.gram_matrix(features).numpy(), expected, rtol=1e-12)


def test_style_is_a_mean_of_means() -> None:
    grams = {"a": sample(1, 3, 3), "b": sample(1, 5, 5, seed=1)}
    targets = {"a": sample(1, 3, 3, seed=2), "b": sample(1, 5, 5, seed=3)}
    expected = sum(((grams[layer] - targets[layer]).numpy() ** 2).mean() for layer in grams) / 2
    assert losses.style(grams, targets).item() == pytest.approx(expected, rel=1e-12)


def test_variation_is_a_sum_of_magnitudes() -> None:
    picture = sample(1, 3, 4, 6)
    array = picture.numpy()
    expected = np.abs(np.diff(array, axis=2)).sum() + np.abs(np.diff(array, axis=3)).sum()
    assert losses.variation(picture).item() == pytest.approx(expected, rel=1e-12)


def test_balanced_losses_are_ratios() -> None:
    features, target = sample(1, 4, 6, 6), sample(1, 4, 6, 6, seed=1)
    assert losses.balanced_content(target, target).item() == 0
    assert losses.balanced_content(torch.zeros_like(target), target).item() == pytest.approx(1)
    expected = losses.balanced_content(features, target).item()
    assert losses.balanced_content(7 * features, 7 * target).item() == pytest.approx(expected)
    grams, targets = {"a": losses.gram_matrix(features)}, {"a": losses.gram_matrix(target)}
    expected = losses.balanced_style(grams, targets).item()
    scaled = losses.balanced_style({"a": 9 * grams["a"]}, {"a": 9 * targets["a"]}).item()
    assert scaled == pytest.approx(expected)
    assert losses.balanced_style({"a": 0 * targets["a"]}, targets).item() == pytest.approx(1)


def test_balanced_losses_survive_emptiness() -> None:
    nothing = torch.zeros(1, 2, 3, 3)
    assert torch.isfinite(losses.balanced_content(nothing, nothing))
    assert torch.isfinite(losses.balanced_style({"a": nothing}, {"a": nothing}))


def test_balanced_variation_keeps_its_size_and_direction() -> None:
    ramp = torch.arange(12, dtype=torch.float64).view(1, 1, 1, 12).expand(1, 3, 9, 12) / 12
    # dx = 1/12 for one straight and both diagonal differences: (1/3 + 2/12) / 144
    assert losses.balanced_variation(ramp).item() == pytest.approx(0.5 / 144)
    assert losses.balanced_variation(ramp.transpose(2, 3)).item() == pytest.approx(0.5 / 144)
    tile = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64).repeat(4, 4).expand(1, 3, 8, 8)
    larger = tile.repeat(1, 1, 3, 3)
    assert losses.balanced_variation(tile).item() == pytest.approx(2 / 3)
    assert losses.balanced_variation(larger).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: losses.content(x, sample(1, 3, 4, 4, seed=5)),
        lambda x: losses.style(
            {"a": losses.gram_matrix(x)}, {"a": losses.gram_matrix(sample(1, 3, 4, 4, seed=5))}
        ),
        lambda x: losses.balanced_content(x, sample(1, 3, 4, 4, seed=5)),
        lambda x: losses.balanced_style(
            {"a": losses.gram_matrix(x)}, {"a": losses.gram_matrix(sample(1, 3, 4, 4, seed=5))}
        ),
        losses.variation,
        losses.balanced_variation,
    ],
)
def test_gradients_match_finite_differences(loss: object) -> None:
    assert torch.autograd.gradcheck(loss, (sample(1, 3, 4, 4).requires_grad_(),))


def test_edges_are_zero_for_the_photo_one_without_edges_and_ignore_shades() -> None:
    photo = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    assert float(losses.balanced_edges(photo, photo)) == 0
    assert float(losses.balanced_edges(torch.full_like(photo, 0.3), photo)) == pytest.approx(1, abs=1e-3)
    assert float(losses.balanced_edges(photo + 0.2, photo)) == pytest.approx(0, abs=1e-6)
    flat = torch.full_like(photo, 0.5)
    assert float(losses.balanced_edges(flat, flat)) == 0
    assert torch.isfinite(losses.balanced_edges(photo, flat))


def test_edges_follow_their_equation() -> None:
    photo, picture = torch.rand(2, 3, 16, 20, dtype=torch.float64).split(1)
    kernel = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=torch.float64)[None, None]
    luma = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)
    ratios = []
    for block in (1, 2, 4):
        found, wanted = (
            torch.nn.functional.conv2d(
                torch.nn.functional.avg_pool2d((each * luma).sum(1, keepdim=True), block), kernel
            )
            for each in (picture, photo)
        )
        faintest = wanted.numel() / 255**2
        ratios.append(((found - wanted) ** 2).sum() / ((wanted**2).sum() + faintest))
    expected = sum(ratios) / 3
    assert float(losses.balanced_edges(picture, photo)) == pytest.approx(float(expected))
    variable = picture.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: losses.balanced_edges(x, photo), variable)
