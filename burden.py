"""How busy this machine is, in numbers and in one line of words. Knows no page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gan import runs

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")
GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Burden:
    """What is going on.

    Attributes:
        training, waiting: training runs that go on, and that wait for their turn.
        painting, to_paint: pictures that are being painted, and that wait.
        memory: bytes that the app and its training runs hold; None where nobody can tell.
        memory_limit: how many there are; None likewise.
    """

    training: int
    waiting: int
    painting: int
    to_paint: int
    memory: int | None
    memory_limit: int | None

    @property
    def words(self) -> str:
        """For instance: 1 network is training, 2 wait · 1 picture is being painted · 1.2 of 16 GB memory."""
        parts = [
            _told(self.training, self.waiting, ("network is training", "networks are training")),
            _told(self.painting, self.to_paint, ("picture is being painted", "pictures are being painted")),
        ]
        said = [part for part in parts if part] or ["Nobody is waiting"]
        if self.memory is not None and self.memory_limit:
            said.append(f"{self.memory / GIBIBYTE:.1f} of {self.memory_limit / GIBIBYTE:.0f} GB memory")
        return " · ".join(said)


def _told(going: int, waiting: int, words: tuple[str, str]) -> str:
    if not going and not waiting:
        return ""
    later = f", {waiting} {'waits' if waiting == 1 else 'wait'}" if waiting else ""
    return f"{going or 'no'} {words[0] if going == 1 else words[1]}{later}"


def burden(painting: int, to_paint: int) -> Burden:
    """The present one; pictures are counted by whoever paints them."""
    training, waiting = runs.counts()
    return Burden(training, waiting, painting, to_paint, memory(), memory_limit())


def memory(process: int | None = None) -> int | None:
    """Bytes that a process (this one by default) and all that it started hold, shared ones left out."""
    children: dict[int, list[int]] = {}
    for path in PROC.glob("[0-9]*/stat"):
        try:
            # Behind the name, which may hold anything: state, parent.
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    total, family = 0, [process or os.getpid()]
    while family:
        member = family.pop()
        family += children.get(member, [])
        total += _held_by(member)
    return total or None


def _held_by(process: int) -> int:
    try:
        pages = (PROC / str(process) / "statm").read_text().split()
        return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def memory_limit() -> int | None:
    """Bytes that there are: the container's limit, or the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return min(machine, int((CGROUP / name).read_text()))
        except (OSError, ValueError):
            continue
    return machine if machine > 0 else None
