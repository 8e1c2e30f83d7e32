"""The network that turns matched features back into a picture, and its weights.

It takes three levels of the encoder. The coarsest says what is to be seen; the two finer ones, added after
each enlargement, keep edges where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from style.errors import StyleError

WEIGHTS = Path(__file__).resolve().parent.parent / "checkpoints" / "instant" / "decoder.safetensors"
# Finest first, as the encoder meets them.
LEVELS = ("relu1_1", "relu2_1", "relu3_1")


class Decoder(nn.Module):
    """Features of `LEVELS` -> picture.

    Activations of the encoder differ from level to level, so each level is divided by its `gain` `[3]`, its
    mean activation over photographs, which belongs to the weights.
    """

    gain: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.coarse = _convolution(256, 128)
        self.middle_detail = nn.Conv2d(128, 128, 1)
        self.middle = _convolution(128, 64)
        self.fine_detail = nn.Conv2d(64, 64, 1)
        self.fine = _convolution(64, 32)
        self.picture = _convolution(32, 3)
        self.register_buffer("gain", torch.ones(len(LEVELS)))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Returns float `[N, 3, H, W]`, about [0, 1] but not clipped.

        Args:
            features: level -> `[N, C, h, w]` with C 64, 128 and 256, h and w those of the encoder for a
                picture of H times W pixels.
        """
        fine, middle, coarse = (
            features[level] / gain for level, gain in zip(LEVELS, self.gain.unbind(), strict=True)
        )
        hidden = F.relu(self.coarse(coarse))
        hidden = F.relu(self.middle(_enlarge(hidden, middle) + self.middle_detail(middle)))
        hidden = F.relu(self.fine(_enlarge(hidden, fine) + self.fine_detail(fine)))
        return self.picture(hidden)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _enlarge(hidden: Tensor, like: Tensor) -> Tensor:
    """Doubles height and width; an odd last row or column, which pooling dropped, is repeated."""
    doubled = F.interpolate(hidden, scale_factor=2.0, mode="nearest")
    right, below = (like.shape[axis] - doubled.shape[axis] for axis in (3, 2))
    return F.pad(doubled, (0, right, 0, below), mode="replicate") if right or below else doubled


@lru_cache(maxsize=2)
def load_decoder(device: str = "cpu") -> Decoder:
    """The shipped decoder, read from disk once and shared read-only.

    Raises:
        StyleError: if the file is missing or is not the expected network.
    """
    with torch.inference_mode(False):
        try:
            weights = {name: tensor.float() for name, tensor in load_file(WEIGHTS).items()}
            decoder = Decoder()
            decoder.load_state_dict(weights)
        except (OSError, SafetensorError, RuntimeError) as error:
            raise StyleError(
                "The instant mode's weights are missing or damaged; please restore checkpoints/instant."
            ) from error
        return decoder.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
