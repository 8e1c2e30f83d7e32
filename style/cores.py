"""How many processor cores this program may use; in a container that is less than the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """At least 1: the least of what the system, the container's quota and `$CPU_CORES` (on a Space) allow."""
    return max(1, int(min(_limits())))


def _limits() -> Iterator[float]:
    yield len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(KeyError, ValueError):
        yield float(os.environ["CPU_CORES"])
    with suppress(OSError, ValueError):  # ValueError: "max", which is no limit
        quota, period = CPU_MAX.read_text().split()
        yield int(quota) / int(period)
