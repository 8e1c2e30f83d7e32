"""What this machine does fastest, found by trying: processors do not say it, and other work changes it."""

from __future__ import annotations

import os
import time
from functools import lru_cache

import torch
from torch.nn import functional as F

_CHANNELS = 128
_SIDE = 96


@lru_cache(maxsize=2)
def fastest_type(device: str = "cpu") -> torch.dtype:
    """Returns bfloat16 where a short test shows a clear gain on this machine, else float32.

    Only processors with AVX512_BF16 or AMX gain; on others it is several times slower, and a hosted Space
    does not say which it has. Pictures, Gram matrices, losses and optimiser stay float32.
    """
    if device != "cpu":
        return torch.float32
    seconds = {dtype: min(_time_convolutions(dtype, 5)) for dtype in (torch.float32, torch.bfloat16)}
    return torch.bfloat16 if seconds[torch.bfloat16] * 1.2 < seconds[torch.float32] else torch.float32


def use_fastest_threads() -> int:
    """Sets the calling thread's number of torch threads to all processors or to one; returns the number.

    Where another process keeps a core busy, two threads that wait for each other at every convolution were
    three times slower than one alone, so the choice is made anew for every job.
    """
    most = os.cpu_count() or 1
    seconds: dict[int, float] = {}
    for threads in {1, most}:
        torch.set_num_threads(threads)
        seconds[threads] = sum(_time_convolutions(torch.float32, 6))
    fastest = min(seconds, key=lambda threads: seconds[threads])
    torch.set_num_threads(fastest)
    return fastest


def _time_convolutions(dtype: torch.dtype, repeats: int) -> list[float]:
    """Seconds of forward and backward through one typical layer, without the first, which also sets up."""
    hidden = torch.zeros(1, _CHANNELS, _SIDE, _SIDE, dtype=dtype, requires_grad=True)
    weight = torch.zeros(_CHANNELS, _CHANNELS, 3, 3, dtype=dtype)
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        torch.autograd.grad(F.conv2d(hidden, weight, padding=1).sum(), hidden)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]
