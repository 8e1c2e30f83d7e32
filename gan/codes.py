"""Vectors as short texts for links and JSON: whole numbers in base64, the same on every machine."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

import numpy as np
import torch
from torch import Tensor

from gan.errors import GanError

LARGEST_LATENT = 8.0
LATENT_STEPS = 4096
DIRECTION_STEPS = 127
LONGEST_VECTOR = 4096
DAMAGED = "This picture's link is damaged; open it again where you found it."


def encode_latent(z: Tensor) -> str:
    """z `[z_dim]` as base64 of little-endian int16 in steps of 1/4096; beyond +-8 it is cut off."""
    steps = (z.detach().double() * LATENT_STEPS).round().clamp(-32767, 32767)
    return _text(steps.numpy().astype("<i2").tobytes())


def decode_latent(text: str) -> Tensor:
    """float32 `[z_dim]` of what `encode_latent` wrote. Raises GanError on anything else."""
    content = _bytes(text, 2)
    return torch.from_numpy(np.frombuffer(content, "<i2").astype(np.float32)) / LATENT_STEPS


def encode_direction(vector: Tensor) -> str:
    """The way of a vector `[z_dim]`, not its length, as base64 of int8: its largest coordinate is +-127.

    Raises:
        GanError: for a vector of no length.
    """
    largest = float(vector.abs().max()) if vector.numel() else 0.0
    if not 1e-6 < largest < float("inf"):
        raise GanError("These two pictures are the same, so there is no way from one to the other.")
    steps = (vector.detach().double() / largest * DIRECTION_STEPS).round()
    return _text(steps.numpy().astype(np.int8).tobytes())


def decode_direction(text: str) -> Tensor:
    """float32 `[z_dim]` of length 1 of what `encode_direction` wrote. Raises GanError on anything else."""
    vector = torch.from_numpy(np.frombuffer(_bytes(text, 1), np.int8).astype(np.float32))
    if not vector.any():
        raise GanError(DAMAGED)
    return vector / vector.norm()


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: object, width: int) -> bytes:
    if not isinstance(text, str) or not 1 <= len(text) <= 2 * LONGEST_VECTOR * width or not text.isascii():
        raise GanError(DAMAGED)
    try:
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        raise GanError(DAMAGED) from None
    if len(content) % width or not 2 <= len(content) // width <= LONGEST_VECTOR or _text(content) != text:
        raise GanError(DAMAGED)
    return content
