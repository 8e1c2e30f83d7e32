"""Adversarial losses and gradient penalties: pure functions, one equation each.

Throughout, `real_logits` and `fake_logits` are the discriminator's raw outputs on real pictures x and on
generated pictures G(z), float tensors `[N]`; every function returns a scalar (shape `[]`) to be minimised.

The discriminator's half takes a `smoothing` s in [0, 0.5]: a real picture is meant to be real with
probability 1 - s only, while generated ones stay generated (one-sided, Salimans et al. 2016, arXiv
1606.03498). With a(.) and b(.) the terms of a real and of a generated picture, a(D(x)) becomes
(1 - s) a(D(x)) + s b(D(x)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, relu, softplus

Discriminate = Callable[[Tensor], Tensor]


def bce_discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean of both halves: (softplus(-D(x)) + softplus(D(G(z)))) / 2. Range (0, inf); ln 2 when undecided.

    Goodfellow et al. 2014 (arXiv 1406.2661), on logits; the halving is the lesson's.
    """
    loss = (softplus(-real_logits).mean() + softplus(fake_logits).mean()) / 2
    # softplus(D) - softplus(-D) = D
    return loss + smoothing / 2 * real_logits.mean() if smoothing else loss


def bce_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Non-saturating: softplus(-D(G(z))). Range (0, inf). Goodfellow et al. 2014 (arXiv 1406.2661)."""
    return softplus(-fake_logits).mean()


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """relu(1 - D(x)) + relu(1 + D(G(z))). Range [0, inf); 2 when undecided.

    Lim and Ye 2017 (arXiv 1705.02894).
    """
    loss = relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()
    return loss + smoothing * (relu(1 + real_logits) - relu(1 - real_logits)).mean() if smoothing else loss


def hinge_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-D(G(z)). Unbounded. Lim and Ye 2017 (arXiv 1705.02894)."""
    return -fake_logits.mean()


def soft_hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """softplus(1 - D(x)) + softplus(1 + D(G(z))). Range (0, inf); 2 softplus(1) = 2.63 when undecided.

    The hinge with softplus in place of relu, so that no picture is ever without a gradient. The generator's
    half is the hinge's.
    """
    loss = softplus(1 - real_logits).mean() + softplus(1 + fake_logits).mean()
    if not smoothing:
        return loss
    return loss + smoothing * (softplus(1 + real_logits) - softplus(1 - real_logits)).mean()


def least_squares_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
) -> Tensor:
    """((D(x) - 1)^2 + D(G(z))^2) / 2. Range [0, inf). Mao et al. 2016 (arXiv 1611.04076).

    Smoothed, D(x) should be 1 - s: the same up to a constant.
    """
    return ((real_logits - (1 - smoothing)).square().mean() + fake_logits.square().mean()) / 2


def least_squares_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """(D(G(z)) - 1)^2 / 2. Range [0, inf). Mao et al. 2016 (arXiv 1611.04076)."""
    return (fake_logits - 1).square().mean() / 2


def relativistic_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
) -> Tensor:
    """softplus(D(G(z)) - D(x)) on pairs. Range (0, inf); ln 2 when undecided.

    Smoothed, the real picture of a pair should be the more real one with probability 1 - s.

    Jolicoeur-Martineau 2018 (arXiv 1807.00734); with both penalties in Huang et al. 2024 (arXiv 2501.05441).
    """
    loss = softplus(fake_logits - real_logits).mean()
    return loss + smoothing * (real_logits - fake_logits).mean() if smoothing else loss


def relativistic_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """softplus(D(x) - D(G(z))) on pairs. Range (0, inf); ln 2 when undecided. Source as the other half."""
    return softplus(real_logits - fake_logits).mean()


class DiscriminatorLoss(Protocol):
    """Real and generated logits `[N]`, and how far real labels are smoothed, to a scalar."""

    def __call__(self, real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0) -> Tensor: ...


class AdversarialLoss(NamedTuple):
    """The two halves of one adversarial game.

    Attributes:
        relative: whether the generator's half looks at real pictures.
        steady: whether the discriminator's half always wants the logit of a generated picture lower, so that
            both players can learn from one look (`gan.steps.joint_step`). Smoothed pairs never are.
    """

    discriminator: DiscriminatorLoss
    generator: Callable[[Tensor, Tensor], Tensor]
    relative: bool = False
    steady: bool = False


ADVERSARIAL = {
    "bce": AdversarialLoss(bce_discriminator_loss, bce_generator_loss, steady=True),
    "hinge": AdversarialLoss(hinge_discriminator_loss, hinge_generator_loss),
    "least-squares": AdversarialLoss(least_squares_discriminator_loss, least_squares_generator_loss),
    "relativistic": AdversarialLoss(
        relativistic_discriminator_loss, relativistic_generator_loss, relative=True, steady=True
    ),
    "soft-hinge": AdversarialLoss(soft_hinge_discriminator_loss, hinge_generator_loss, steady=True),
}


def likeness_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean |x - G(z)| over pictures `[N, C, H, W]` of the same attributes; in [0, 2] for pictures in [-1, 1].

    Beside an adversarial loss in Isola et al. 2016 (arXiv 1611.07004).
    """
    return (real - fake).abs().mean()


def naming_loss(scores: Sequence[Tensor], labels: Tensor) -> Tensor:
    """Mean over attributes of the cross entropy -log softmax(s)_y: how well real pictures are named.

    The discriminator's part of Odena et al. 2016 (arXiv 1610.09585), by the scores V_y . h(x) of the
    projection itself, so that what is added to a logit for a label says how much the picture shows it.

    Args:
        scores: `[N, values]` of each of A attributes, in any units.
        labels: int64 `[N]` where A is 1, or `[N, A]`.

    Returns:
        Scalar in [0, inf); ln(values) where nothing is known.
    """
    columns = labels.reshape(len(labels), -1).unbind(1)
    return torch.stack([cross_entropy(s, y) for s, y in zip(scores, columns, strict=True)]).mean()


def gradient_penalty(discriminate: Discriminate, pictures: Tensor) -> Tensor:
    """E ||grad_x D(x)||^2, by differentiating twice: R1 on real pictures, R2 on generated ones.

    Args:
        discriminate: pictures `[N, C, H, W]` to logits `[N]`.
        pictures: float `[N, C, H, W]`.

    Returns:
        Scalar in [0, inf), to be multiplied by gamma / 2. Mescheder et al. 2018 (arXiv 1801.04406).
    """
    pictures = pictures.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminate(pictures).sum(), pictures, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def directional_penalty(ahead: Tensor, behind: Tensor, distance: float) -> Tensor:
    """E ((D(x + s e) - D(x - s e)) / 2s)^2 with e ~ N(0, I): tends to E ||grad D||^2 as s falls.

    An estimate of `gradient_penalty` without a second derivative: two more forward passes instead.

    Args:
        ahead, behind: D(x + s e) and D(x - s e), `[N]`.
        distance: 2s > 0, in units of the picture's range [-1, 1].
    """
    return ((ahead - behind) / distance).square().mean()
