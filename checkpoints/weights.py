"""safetensors files from anywhere, read with suspicion: every claim of the header is checked before use.

The format: 8 bytes little-endian length N, N bytes of JSON (tensor name -> dtype, shape, data_offsets), data.
"""

from __future__ import annotations

import json
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from checkpoints.errors import CheckpointError

LARGEST_FILE = 300_000_000
LARGEST_HEADER = 4_000_000
MOST_TENSORS = 4_000
MOST_DIMENSIONS = 8
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}

_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


def read_tensors(path: Path, title: str) -> dict[str, Tensor]:
    """All tensors of a file, on the CPU.

    Args:
        title: what the sentences call the checkpoint.

    Raises:
        CheckpointError: when the file is missing, too large or no safetensors file (a pickle, say), when its
            header lies about sizes, or when it holds an unusual number format or values that are no numbers.
    """
    check(path, title)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError):
        raise CheckpointError(f"{path.name} of {title} is damaged; get it again.") from None
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise CheckpointError(f"{path.name} of {title} has values in {_shown(name)} that are no numbers.")
    return tensors


def digest(path: Path) -> str:
    """The file's SHA-256: what was computed from its weights belongs to them as long as this is the same."""
    return sha256(path.read_bytes()).hexdigest()


def check(path: Path, title: str) -> None:
    """Whether a file is what it claims, by its header alone. Raises CheckpointError as `read_tensors`."""
    what = f"{path.name} of {title}"
    if not path.is_file():
        raise CheckpointError(f"{title} lacks {path.name}, so it cannot be opened.")
    size = path.stat().st_size
    if size > LARGEST_FILE:
        limit = LARGEST_FILE // 10**6
        raise CheckpointError(f"{what} has {size / 1e6:.0f} MB; at most {limit} MB are read.")
    header, length = _header(path, size, what)
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if not 1 <= len(entries) <= MOST_TENSORS:
        raise CheckpointError(f"{what} holds {len(entries)} tensors; 1 to {MOST_TENSORS} can be read.")
    ends = [_end_of(name, entry, size - 8 - length, what) for name, entry in entries.items()]
    if max(ends) != size - 8 - length:
        raise CheckpointError(f"{what} is longer or shorter than it says; get it again.")


def _header(path: Path, size: int, what: str) -> tuple[dict[str, Any], int]:
    """The header's JSON and its length in bytes."""
    with path.open("rb") as stream:
        start = stream.read(9)
        length = int.from_bytes(start[:8], "little")
        if start[8:] != b"{" or not 2 <= length <= min(LARGEST_HEADER, size - 8):
            # Only now: a header of 640 bytes begins with the same two bytes as a pickle of protocol 2.
            if start.startswith(_PICKLE_STARTS):
                raise CheckpointError(
                    f"{what} is a pickle in disguise, which could run code; only real safetensors are opened."
                )
            raise CheckpointError(f"{what} is not a safetensors file; get it again.")
        stream.seek(8)
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError):
            raise CheckpointError(f"{what} is damaged; get it again.") from None
    return header, length


def _end_of(name: str, entry: Any, available: int, what: str) -> int:
    """Where a tensor's data ends, after its format, shape and place have been compared with each other."""
    entry = entry if isinstance(entry, dict) else {}
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not _whole_numbers(shape, MOST_DIMENSIONS) or not _whole_numbers(offsets, 2) or len(offsets) != 2:
        raise CheckpointError(f"{what} is damaged at {_shown(name)}; get it again.")
    item = BYTES.get(str(entry.get("dtype")))
    if item is None:
        raise CheckpointError(f"{what} has {_shown(name)} in a number format that is not read here.")
    begin, end = offsets
    if end > available or end - begin != item * prod(shape):
        raise CheckpointError(f"{what} lies about the size of {_shown(name)}; get it again.")
    return end


def _whole_numbers(values: Any, most: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= most
        and all(type(value) is int and 0 <= value <= LARGEST_FILE for value in values)
    )


def _shown(name: str) -> str:
    return repr(name[:80])
