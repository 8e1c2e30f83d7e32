"""What happens when the disk is full: it is recognised and told in a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from gan.errors import GanError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What the safetensors library says instead of a number.
_WORDS = ("No space left", "Disk quota", "File too large")
SENTENCE = "The disk of this machine is full; free some space and try again."


def disk_is_full(error: BaseException) -> bool:
    """Whether an error means that the disk, or this user's share of it, is full."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return isinstance(error, SafetensorError) and any(word in str(error) for word in _WORDS)


@contextmanager
def told_when_full() -> Iterator[None]:
    """Turn an error that means a full disk into a GanError that says so."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        if disk_is_full(error):
            raise GanError(SENTENCE) from error
        raise
