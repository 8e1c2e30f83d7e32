"""Layers that look at the batch of all processes, in the place of those that look at their own alone."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gan.networks.equalised import MinibatchDeviation
from gan.networks.style import Centred


class _Summed(torch.autograd.Function):
    """The sum over all processes; so is its gradient, since each of them uses the sum.

    The gradient has one, too, for penalties that take the gradient of a gradient.
    """

    @staticmethod
    def forward(context: Any, part: Tensor) -> Tensor:
        whole = part.clone()
        distributed.all_reduce(whole)
        return whole

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _Summed.apply(gradient)


def whole_batch(part: Tensor) -> Tensor:
    """The batch `[size * N, ...]` of which every process has every size-th row, from its `[N, ...]`."""
    rank, size = distributed.get_rank(), distributed.get_world_size()
    whole = part.new_zeros(size * len(part), *part.shape[1:])
    whole[rank::size] = part
    return _Summed.apply(whole)


class CrewBatchNorm(_BatchNorm):
    """Batch norm over the batch of all processes; torch's own works on CUDA alone.

    Mean and variance over batch and places, also those that are remembered, as `torch.nn.BatchNorm2d` of the
    whole batch; Ioffe and Szegedy 2015 (arXiv 1502.03167).
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of places."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        over = [0, *range(2, input.dim())]
        count = input.numel() // input.shape[1] * distributed.get_world_size()
        mean = _Summed.apply(input.sum(over)) / count
        shape = [1, -1, *[1] * (input.dim() - 2)]
        centred = input - mean.view(shape)
        variance = _Summed.apply(centred.square().sum(over)) / count
        self._remember(mean.detach(), variance.detach() * count / max(1, count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale.view(shape) + self.bias.view(shape)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


class CrewDeviation(MinibatchDeviation):
    """How much the pictures of a group differ, whose groups are those of the whole batch."""

    def deviations(self, x: Tensor) -> tuple[Tensor, Tensor]:
        each, mean = super().deviations(whole_batch(x))
        return each[distributed.get_rank() :: distributed.get_world_size()], mean


class CrewCentred(Centred):
    """A w whose running mean and spread are those of the whole batches."""

    def follow(self, w: Tensor) -> None:
        super().follow(whole_batch(w))


def _shared(layer: nn.Module) -> nn.Module | None:
    """The layer in whose place it looks at the whole batch; None where it looks at no batch."""
    if isinstance(layer, _BatchNorm):
        made = CrewBatchNorm(layer.num_features, layer.eps, layer.momentum)
        made.weight, made.bias = layer.weight, layer.bias
        return made
    if isinstance(layer, MinibatchDeviation):
        return CrewDeviation()
    return CrewCentred(layer.mean.numel()) if isinstance(layer, Centred) else None


def share_layers(network: nn.Module) -> None:
    """Let each layer that compares pictures look at those of all processes; its numbers stay the same."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            shared = _shared(child)
            if shared is not None:
                for buffer, value in child.named_buffers():
                    setattr(shared, buffer, value)
                shared.train(child.training)
                setattr(parent, name, shared)
