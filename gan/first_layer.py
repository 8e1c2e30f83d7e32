"""What a step in the latent space changes at the generator's first layer, whatever is between them."""

from __future__ import annotations

import torch
from torch import Tensor

from gan.direction_maths import first_weight
from gan.model import Model


def first_layer_gram(model: Model) -> Tensor:
    """The mean of (W S)^T (W S) over the linear pieces S of the code, float64 `[z_dim, z_dim]`.

    W is the first layer's weight; n^T gram n is how much a step along n changes that layer, squared.
    """
    weight = first_weight(model.generator)
    slopes = code_slopes(model)
    if weight is None:
        return torch.eye(model.config.z_dim, dtype=torch.float64)
    weight = weight.double()[:, : slopes.shape[1]]
    return (slopes.mT @ (weight.T @ weight) @ slopes).mean(0)


def code_slopes(model: Model) -> Tensor:
    """The derivative of the code by z in each linear piece of the latent space, float64 `[P, code, z_dim]`.

    z itself: one piece, the identity. Wishes: one piece, in which only differences within an attribute
    count, I - 1/n. A layout: one piece for each part of each class, its factor; halvings have no slope.
    """
    network, layout = model.config, model.generator.layout
    if layout is not None:
        factors = layout.factors.double().flatten(0, 1)
        return torch.cat([factors.new_zeros(*factors.shape[:2], layout.halvings), factors], 2)
    slope = torch.eye(network.z_dim, dtype=torch.float64)
    start = 0
    for size in network.attributes:
        slope[start : start + size, start : start + size] -= 1 / size
        start += size
    return slope[None]
