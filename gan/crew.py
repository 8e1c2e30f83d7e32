"""One run trained by several processes, on one machine or more: `torchrun ... -m gan train ...`.

Each process looks at its share of every batch, and before a player's step the gradients are averaged over all
(as DistributedDataParallel does). The result is that of one process, up to rounding:

- Every process draws the same random numbers for the whole batch and keeps every n-th row (`Shares`).
- Layers that compare the pictures of a batch look at the whole one (`gan.crew_layers`).
- All go by the first one's clock, and go back together when the run diverges.

What looks at a batch in another way is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as distributed
from torch.optim import Optimizer
from torch.overrides import TorchFunctionMode

from gan.config import TrainConfig
from gan.crew_layers import share_layers
from gan.datasets import Dataset
from gan.errors import GanError
from gan.state import TrainState

PATIENCE = timedelta(minutes=10)


class Crew:
    """The processes that train one run; this base class is a process alone."""

    size = 1
    leads = True

    def share(self, config: TrainConfig) -> TrainConfig:
        """The config of this process's part of every batch."""
        return config

    def drawing(self, state: TrainState) -> TorchFunctionMode | None:
        """A context in which random numbers are drawn for the whole batch; None where there is no other."""
        return None

    def agreed(self, seconds: float) -> float:
        """The first process's `seconds`."""
        return seconds

    def all_say(self, sound: bool) -> bool:
        """Whether `sound` is true in every process."""
        return sound


ALONE = Crew()


def from_environment() -> Crew:
    """The crew that torchrun has called together; `ALONE` where it has not."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    return Processes()


class Processes(Crew):
    """Several processes, of which `torch.distributed` knows; this one is number `rank`."""

    def __init__(self) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self.leads = self.rank == 0
        self._device = "cuda" if distributed.get_backend() == "nccl" else "cpu"

    def share(self, config: TrainConfig) -> TrainConfig:
        return replace(config, batch=config.batch // self.size)

    def drawing(self, state: TrainState) -> TorchFunctionMode:
        return Shares(state.random, self.rank, self.size)

    def agreed(self, seconds: float) -> float:
        value = torch.tensor(seconds, dtype=torch.float64, device=self._device)
        distributed.broadcast(value, 0)
        return float(value)

    def all_say(self, sound: bool) -> bool:
        value = torch.tensor(float(sound), device=self._device)
        distributed.all_reduce(value, distributed.ReduceOp.MIN)
        return bool(value)

    def join(self, config: TrainConfig, state: TrainState, dataset: Dataset) -> None:
        """Make a state of this process one with those of the others.

        Raises:
            GanError: when the config cannot be shared, or the others have other pictures or weights.
        """
        check_can_be_shared(config, self.size)
        self._check_same(state, dataset)
        for network in (state.generator, state.discriminator):
            share_layers(network)
        for optimiser in (state.generator_optimiser, state.discriminator_optimiser):
            optimiser.register_step_pre_hook(self._average_gradients)

    def _average_gradients(self, optimiser: Optimizer, *_: Any) -> None:
        """One message for all gradients of a player: many small ones would cost more than the step."""
        parameters = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        for gradient, averaged in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(averaged.view(gradient.shape))

    def _check_same(self, state: TrainState, dataset: Dataset) -> None:
        weights = sum(float(p.detach().double().sum()) for p in state.generator.parameters())
        told = torch.tensor(
            [weights, len(dataset), dataset.images.double().mean(), state.step],
            dtype=torch.float64, device=self._device,
        )  # fmt: skip
        first = told.clone()
        distributed.broadcast(first, 0)
        if not self.all_say(torch.allclose(told, first, rtol=1e-6)):
            raise GanError(
                "The processes of this run have other pictures or weights than the first one; give all of "
                "them the same files and the same arguments."
            )


def check_can_be_shared(config: TrainConfig, size: int) -> None:
    """Whether `size` processes learn with this config what one would. Raises GanError, saying what to do."""
    network = config.network
    if network.dropout:
        raise GanError("Dropout draws its own numbers in every process; use --dropout 0 with torchrun.")
    if config.skip_below:
        raise GanError("Every process would skip other steps; use --skip-below 0 with torchrun.")
    parts = {"--batch": config.batch}
    if network.components:
        parts["--batch times --anchored"] = round(config.anchored * config.batch)
    if config.penalty != "none" and config.gamma:
        parts["--batch times --penalty-share"] = max(1, round(config.penalty_share * config.batch))
    for name, count in parts.items():
        if count % size:
            raise GanError(
                f"{name} is {count}, which {size} processes cannot share; make it a multiple of {size}."
            )
    if config.batch // size < 2:
        raise GanError(f"Each of {size} processes needs two pictures of every batch; use --batch {2 * size}.")


class Shares(TorchFunctionMode):
    """While it is active, what is drawn with a run's generator is one process's share of a larger drawing.

    A drawing of `[N, ...]` numbers becomes one of `[size * N, ...]`, of which the rows rank, rank + size, ...
    are kept. A batch that is cut this way keeps its order, so that its first quarter, say, is shared as well.
    """

    def __init__(self, random: torch.Generator, rank: int, size: int) -> None:
        super().__init__()
        self._random, self._rank, self._size = random, rank, size

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        drawn = function in (torch.rand, torch.randn, torch.randint)
        if not drawn or kwargs.get("generator") is not self._random:
            return function(*args, **kwargs)
        limits, sizes = (args[:-1], args[-1:]) if function is torch.randint else ((), args)
        rows, *rest = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
        whole = function(*limits, (self._size * rows, *rest), **kwargs)
        return whole[self._rank :: self._size]
