"""What this machine does fastest, found by trying: processors do not say it, and other work changes it."""

from __future__ import annotations

import time
from functools import lru_cache

import torch
from torch.nn import functional as F

from style.cores import usable_cores

_SMALL = (32, 32)
_TYPICAL = (64, 96)
_HOPELESS = 5.0


@lru_cache(maxsize=2)
def fastest_type(device: str = "cpu") -> torch.dtype:
    """Returns bfloat16 where a short test shows a clear gain on this machine, else float32.

    Only processors with AVX512_BF16 or AMX gain, and a hosted Space does not say which it has. On others it
    is up to a hundred times slower: a small layer shows that before a typical one would take a minute.
    Pictures, Gram matrices, losses and optimiser stay float32.
    """
    if device != "cpu" or _slowdown(_SMALL) > _HOPELESS:
        return torch.float32
    return torch.bfloat16 if _slowdown(_TYPICAL) * 1.2 < 1 else torch.float32


def _slowdown(layer: tuple[int, int]) -> float:
    """How many times as long as float32 bfloat16 takes."""
    single, half = (min(_time_convolutions(dtype, 5, layer)) for dtype in (torch.float32, torch.bfloat16))
    return half / single


def use_fastest_threads(repeats: int = 6) -> int:
    """Sets the calling thread's number of torch threads to all usable cores or to one; returns the number.

    Args:
        repeats: how often each is tried; six take about half a second.

    Where another process keeps a core busy, two threads that wait for each other at every convolution were
    three times slower than one alone, so the choice is made anew for every job.
    """
    most = usable_cores()
    seconds: dict[int, float] = {}
    for threads in {1, most}:
        torch.set_num_threads(threads)
        seconds[threads] = sum(_time_convolutions(torch.float32, repeats, _TYPICAL))
    fastest = min(seconds, key=lambda threads: seconds[threads])
    torch.set_num_threads(fastest)
    return fastest


def _time_convolutions(dtype: torch.dtype, repeats: int, layer: tuple[int, int]) -> list[float]:
    """Seconds of forward and backward through one layer, without the first, which also sets up.

    Args:
        layer: number of channels and side of the picture.
    """
    channels, side = layer
    hidden = torch.zeros(1, channels, side, side, dtype=dtype, requires_grad=True)
    weight = torch.zeros(channels, channels, 3, 3, dtype=dtype)
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        torch.autograd.grad(F.conv2d(hidden, weight, padding=1).sum(), hidden)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]
