"""VGG-16 as a feature extractor, with layers named by block: "relu4_2" is the second ReLU of block 4.

Architecture: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
2014 (arXiv 1409.1556). The weights take the Caffe input of that paper (see `preprocess`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from style.errors import StyleError

WEIGHTS = Path(__file__).resolve().parent.parent / "checkpoints" / "vgg16" / "encoder.safetensors"
BLUE_GREEN_RED_MEAN = (103.939, 116.779, 123.68)
Padding = Literal["zeros", "replicate"]

# (layer, input channels, output channels); a 2x2 maximum pooling stands before each new block.
_CONVOLUTIONS = (
    ("1_1", 3, 64),
    ("1_2", 64, 64),
    ("2_1", 64, 128),
    ("2_2", 128, 128),
    ("3_1", 128, 256),
    ("3_2", 256, 256),
    ("3_3", 256, 256),
    ("4_1", 256, 512),
    ("4_2", 512, 512),
    ("4_3", 512, 512),
    ("5_1", 512, 512),
)
LAYERS = tuple(f"relu{name}" for name, _, _ in _CONVOLUTIONS)


class Encoder:
    """The frozen network; it holds no state but its weights, so all visitors share one.

    Args:
        weights: "conv1_1.weight" `[64, 3, 3, 3]`, "conv1_1.bias" `[64]`, ... up to "conv5_1".
        padding: what lies outside the picture for the first convolution. "zeros" is the network as it was
            trained; zeros after mean subtraction are a grey frame, which stylisation then paints along the
            border, so "replicate" repeats the border pixels instead.
        dtype: of weights and features; the picture may have another one.
        device: where the network runs.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        *,
        padding: Padding = "zeros",
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        self.padding = padding
        self.dtype = dtype
        self.device = torch.device(device)
        self._weights = {
            name: tensor.detach().to(device=self.device, dtype=dtype, copy=True).requires_grad_(False)
            for name, tensor in weights.items()
        }

    def features(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Returns the activations after the named ReLUs; work stops at the deepest of them.

        Args:
            picture: `[N, 3, H, W]`, RGB in [0, 1], at least 16 pixels a side.
            layers: names from `LAYERS`.

        Returns:
            name -> `[N, C, H / 2^(block - 1), W / 2^(block - 1)]`, all at least 0.

        Raises:
            StyleError: if a layer is unknown.
        """
        wanted = set(layers)
        if unknown := wanted.difference(LAYERS):
            raise StyleError(f"There is no layer {min(unknown)!r}; please choose from {', '.join(LAYERS)}.")
        found: dict[str, Tensor] = {}
        hidden = preprocess(picture).to(self.dtype)
        for name, _, _ in _CONVOLUTIONS:
            if len(found) == len(wanted):
                break
            if name.endswith("_1") and name != "1_1":
                hidden = F.max_pool2d(hidden, 2)
            hidden = F.relu(self._convolve(hidden, name), inplace=True)
            if f"relu{name}" in wanted:
                found[f"relu{name}"] = hidden
        return found

    def _convolve(self, hidden: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"conv{name}.weight"], self._weights[f"conv{name}.bias"]
        if name == "1_1" and self.padding == "replicate":
            return F.conv2d(F.pad(hidden, (1, 1, 1, 1), mode="replicate"), weight, bias)
        return F.conv2d(hidden, weight, bias, padding=1)


def stride_of(layer: str) -> int:
    """How many pixels of the picture lie between two positions of a layer: 1, 2, 4, 8 or 16."""
    return 2 ** (int(layer[len("relu")]) - 1)


def preprocess(picture: Tensor) -> Tensor:
    """Caffe's input: RGB `[N, 3, H, W]` in [0, 1] -> BGR in 0..255 minus the mean of ImageNet."""
    mean = picture.new_tensor(BLUE_GREEN_RED_MEAN).view(1, 3, 1, 1)
    return picture.flip(1) * 255.0 - mean


@lru_cache(maxsize=4)
def load_encoder(
    padding: Padding = "zeros", dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> Encoder:
    """Returns the shipped encoder, read from disk once and shared read-only.

    Raises:
        StyleError: if the file is missing or is not the expected network.
    """
    # Whoever asks first may be in inference mode, and through weights born there nobody could paint later.
    with torch.inference_mode(False):
        try:
            weights = load_file(WEIGHTS)
        except (OSError, SafetensorError) as error:
            raise StyleError(
                "The encoder's weights are missing or damaged; please restore checkpoints/vgg16."
            ) from error
        _check(weights)
        return Encoder(weights, padding=padding, dtype=dtype, device=device)


def _check(weights: Mapping[str, Tensor]) -> None:
    """Compares names and shapes with the architecture before a tensor is used."""
    expected: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs in _CONVOLUTIONS:
        expected[f"conv{name}.weight"] = (outputs, inputs, 3, 3)
        expected[f"conv{name}.bias"] = (outputs,)
    if {name: tuple(tensor.shape) for name, tensor in weights.items()} != expected:
        raise StyleError("The encoder's weights do not fit VGG-16; please restore checkpoints/vgg16.")
