"""Watching a step from outside: what a discriminator saw and said, how far weights went, which stayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from gan.networks.parts import Named

DIGEST = 12


@dataclass(frozen=True)
class LayerMove:
    """How far one layer went: norms of its change and of its weights before, and how many weights it has."""

    name: str
    kind: str
    moved: float
    size: float
    weights: int


@dataclass(frozen=True)
class Proof:
    """The weights of the player that only looks on, before and after the other one's step.

    Attributes:
        before, after: the first hexadecimal digits of the SHA-256 of all its weights.
        counters: whether its counters moved (running means of batch norm, directions of spectral norm), which
            change with everything that is looked at and are not learned.
    """

    before: str
    after: str
    counters: bool

    @property
    def unchanged(self) -> bool:
        """Whether every weight is bit for bit the same."""
        return self.before == self.after


@dataclass
class Look:
    """One pass of the discriminator over a batch: what it saw, what it said, the loss's gradient there."""

    pictures: Tensor
    logits: Tensor
    gradient: Tensor | None = None

    def halves(self) -> list[Look]:
        """Real and generated pictures, where they were judged in one pass."""
        gradients = (None, None) if self.gradient is None else self.gradient.chunk(2)
        pairs = zip(self.pictures.chunk(2), self.logits.chunk(2), gradients, strict=True)
        return [Look(*pair) for pair in pairs]


@contextmanager
def listening(discriminator: nn.Module) -> Iterator[list[Look]]:
    """Notes every judgement of the discriminator, but not the looks around a picture that a penalty takes."""
    looks: list[Look] = []

    def felt(look: Look, gradient: Tensor) -> None:
        look.gradient = gradient.detach()

    def apart(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        # Under a name of its own, so that only the gradient of this judgement is felt there.
        return given[0].view_as(given[0]), *given[1:]

    def saw(_: nn.Module, given: tuple[Any, ...], settings: dict[str, Any], told: Tensor | Named) -> None:
        if settings.get("drop") is False:
            return
        logits = told.logits if isinstance(told, Named) else told
        look = Look(given[0].detach(), logits.detach())
        if given[0].requires_grad:
            given[0].register_hook(partial(felt, look))
        looks.append(look)

    hooks = [
        discriminator.register_forward_pre_hook(apart),
        discriminator.register_forward_hook(saw, with_kwargs=True),
    ]
    try:
        yield looks
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def unobserved(*networks: nn.Module) -> Iterator[None]:
    """A look that leaves no trace: no graph, and counters and random numbers as they were."""
    buffers = [buffer for network in networks for buffer in network.buffers()]
    before = [buffer.clone() for buffer in buffers]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        yield
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)


def weights_digest(network: nn.Module) -> str:
    """The first hexadecimal digits of the SHA-256 of all learned numbers of a network."""
    return _digest(parameter.detach() for parameter in network.parameters())


def _digest(tensors: Iterator[Tensor]) -> str:
    digest = sha256()
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:DIGEST]


class Frozen:
    """The player that only looks on: its weights before and after."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._weights, self._counters = weights_digest(network), _digest(network.buffers())

    def proof(self) -> Proof:
        counters = _digest(self._network.buffers()) != self._counters
        return Proof(self._weights, weights_digest(self._network), counters)


class Mover:
    """The player that learns: how far its weights went since this was made."""

    def __init__(self, network: nn.Module, optimiser: Adam) -> None:
        self._network, self._rate = network, float(optimiser.param_groups[0]["lr"])
        self._before = {name: p.detach().clone() for name, p in network.named_parameters()}

    def went(self) -> dict[str, Any]:
        """The fields of `Turn` that tell of the update."""
        changes = {n: p.detach() - self._before[n] for n, p in self._network.named_parameters()}
        gradients = [p.grad for p in self._network.parameters() if p.grad is not None]
        return {
            "learning_rate": self._rate,
            "gradient": float(nn.utils.get_total_norm(gradients)) if gradients else 0.0,
            "moved": _norm(changes.values()),
            "size": _norm(self._before.values()),
            "layers": tuple(self._layers(changes)),
        }

    def _layers(self, changes: dict[str, Tensor]) -> Iterator[LayerMove]:
        kinds = {name: type(module).__name__ for name, module in self._network.named_modules()}
        grouped: dict[str, list[str]] = {}
        for name in changes:
            # Spectral normalisation keeps the weights that are learned one module deeper.
            owner, _, deeper = name.partition(".parametrizations.")
            grouped.setdefault(owner if deeper else name.rpartition(".")[0], []).append(name)
        for layer, names in grouped.items():
            yield LayerMove(
                name=layer,
                kind=kinds[layer].removeprefix("Parametrized"),
                moved=_norm([changes[name] for name in names]),
                size=_norm([self._before[name] for name in names]),
                weights=sum(changes[name].numel() for name in names),
            )


def _norm(tensors: Iterable[Tensor]) -> float:
    return float(nn.utils.get_total_norm(list(tensors)))
