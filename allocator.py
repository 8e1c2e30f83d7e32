"""Memory that is free goes back to the machine: threads and large tensors leave holes in the C library's.

The GNU C library gives every new thread an arena of its own, up to eight for each core, and an arena keeps
what its threads once needed. A picture is painted in whichever thread is free, so after a while each of them
keeps the memory of a picture. Other C libraries do nothing of the kind, and are left alone.
"""

from __future__ import annotations

import ctypes
import threading
import time

ARENAS = 2
EVERY_SECONDS = 30.0
# From the library's header malloc.h.
_M_ARENA_MAX = -8


def start() -> threading.Thread | None:
    """Few arenas from now on, and every half minute what is free is given back; None where nobody can.

    To be called before other threads begin; the thread that is returned ends with the program.
    """
    if not keep_few_arenas():
        return None
    thread = threading.Thread(target=_go_round, name="allocator", daemon=True)
    thread.start()
    return thread


def keep_few_arenas(most: int = ARENAS) -> bool:
    """Limit the arenas that new threads get; returns whether the C library can."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, most))
    except (OSError, AttributeError, TypeError):
        return False


def give_back() -> bool:
    """Return free memory to the machine; returns whether there was any, and anybody who could."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError, TypeError):
        return False


def _go_round() -> None:
    while True:
        time.sleep(EVERY_SECONDS)
        give_back()
