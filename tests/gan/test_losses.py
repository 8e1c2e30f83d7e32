from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan.losses import ADVERSARIAL, directional_penalty, gradient_penalty, naming_loss

Reals = NDArray[np.float64]
REAL, FAKE = np.random.RandomState(0).randn(2, 7) * 3


def softplus(x: Reals) -> Reals:
    return np.logaddexp(0, x)


REFERENCE: dict[str, tuple[Callable[[Reals, Reals], float], Callable[[Reals, Reals], float]]] = {
    "bce": (
        lambda r, f: (-np.log(1 / (1 + np.exp(-r))).mean() - np.log(1 - 1 / (1 + np.exp(-f))).mean()) / 2,
        lambda r, f: -np.log(1 / (1 + np.exp(-f))).mean(),
    ),
    "hinge": (
        lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(),
        lambda r, f: -f.mean(),
    ),
    "least-squares": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
        lambda r, f: ((f - 1) ** 2).mean() / 2,
    ),
    "relativistic": (lambda r, f: softplus(f - r).mean(), lambda r, f: softplus(r - f).mean()),
    "soft-hinge": (
        lambda r, f: softplus(1 - r).mean() + softplus(1 + f).mean(),
        lambda r, f: -f.mean(),
    ),
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_values_are_those_of_the_equations(name: str) -> None:
    real, fake = torch.from_numpy(REAL), torch.from_numpy(FAKE)
    for loss, reference in zip(ADVERSARIAL[name][:2], REFERENCE[name], strict=True):
        assert loss(real, fake).shape == ()
        assert loss(real, fake).item() == pytest.approx(reference(REAL, FAKE), rel=1e-12)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    real = torch.from_numpy(REAL).requires_grad_()
    fake = torch.from_numpy(FAKE).requires_grad_()
    for loss in ADVERSARIAL[name][:2]:
        assert torch.autograd.gradcheck(loss, (real, fake))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_convincing_fakes_help_the_generator_and_hurt_the_discriminator(name: str) -> None:
    real, fake = torch.ones(4), torch.zeros(4)
    pair = ADVERSARIAL[name]
    assert pair.generator(real, fake + 0.4) < pair.generator(real, fake)
    assert pair.discriminator(real, fake + 0.4) > pair.discriminator(real, fake)


def test_undecided_losses_are_the_known_constants() -> None:
    zero = torch.zeros(3, dtype=torch.float64)
    assert ADVERSARIAL["bce"].discriminator(zero, zero).item() == pytest.approx(np.log(2))
    assert ADVERSARIAL["relativistic"].generator(zero, zero).item() == pytest.approx(np.log(2))
    assert ADVERSARIAL["hinge"].discriminator(zero, zero).item() == pytest.approx(2)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_very_large_logits_stay_numbers(name: str) -> None:
    real, fake = torch.tensor([500.0, -500.0]), torch.tensor([-500.0, 500.0])
    assert all(loss(real, fake).isfinite() for loss in ADVERSARIAL[name][:2])


WEIGHT = torch.from_numpy(np.random.RandomState(1).randn(1, 3, 4, 4))
PICTURES = torch.from_numpy(np.random.RandomState(2).randn(5, 3, 4, 4))


def linear(x: Tensor) -> Tensor:
    return (x * WEIGHT).flatten(1).sum(1)


def quadratic(x: Tensor) -> Tensor:
    return (x * x * WEIGHT).flatten(1).sum(1) / 2


def test_gradient_penalty_of_known_functions() -> None:
    assert gradient_penalty(linear, PICTURES).item() == pytest.approx(WEIGHT.square().sum().item())
    expected = (PICTURES * WEIGHT).square().flatten(1).sum(1).mean().item()
    assert gradient_penalty(quadratic, PICTURES).item() == pytest.approx(expected)


def test_gradient_penalty_can_be_learned_from() -> None:
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    gradient_penalty(lambda x: linear(x) * scale, PICTURES).backward()
    assert scale.grad is not None
    assert scale.grad.item() == pytest.approx(4 * WEIGHT.square().sum().item())


@pytest.mark.parametrize("discriminate", [linear, quadratic])
def test_the_directional_penalty_is_the_gradient_penalty_on_average(
    discriminate: Callable[[Tensor], Tensor],
) -> None:
    distance = 1e-4
    random = torch.Generator().manual_seed(0)
    draws = []
    for _ in range(4000):
        noise = torch.randn(PICTURES.shape, generator=random, dtype=torch.float64)
        ahead, behind = discriminate(PICTURES + distance * noise), discriminate(PICTURES - distance * noise)
        draws.append(directional_penalty(ahead, behind, 2 * distance))
    estimate, exact = torch.stack(draws), gradient_penalty(discriminate, PICTURES)
    # Four standard errors of the mean.
    assert abs(estimate.mean() - exact) < 4 * estimate.std() / len(draws) ** 0.5


def test_naming_is_the_mean_cross_entropy_of_every_attribute() -> None:
    random = np.random.RandomState(3)
    scores = [random.randn(5, size) * 2 for size in (3, 4)]
    labels = np.stack([random.randint(0, size, 5) for size in (3, 4)], 1)
    expected = np.mean(
        [
            -np.log(np.exp(s[i, y]) / np.exp(s[i]).sum())
            for s, ys in zip(scores, labels.T, strict=True)
            for i, y in enumerate(ys)
        ]
    )
    found = naming_loss([torch.from_numpy(s) for s in scores], torch.from_numpy(labels))
    assert float(found) == pytest.approx(expected, rel=1e-12)
    of_one = naming_loss([torch.from_numpy(scores[0])], torch.from_numpy(labels[:, 0]))
    assert float(of_one) == pytest.approx(
        float(naming_loss([torch.from_numpy(scores[0])], torch.from_numpy(labels[:, :1])))
    )
    nothing_known = naming_loss([torch.zeros(6, 7)], torch.arange(6))
    assert float(nothing_known) == pytest.approx(np.log(7), rel=1e-6)
