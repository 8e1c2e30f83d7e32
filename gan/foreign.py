"""Generators that others made: recognised in their files, and turned into a checkpoint of this app.

Known are DCGANs (Radford et al. 2015, arXiv 1511.06434) of any width and depth, in the layout of PyTorch's
tutorial and its many relatives: transposed convolutions, each but the last with batch norm and an activation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from checkpoints.conversion import Converted, candidates
from checkpoints.errors import CheckpointError
from checkpoints.weights import read_tensors
from gan.config import FOREIGN_RESOLUTIONS, RESOLUTIONS, NetworkConfig, from_mapping, to_mapping
from gan.errors import GanError
from gan.latent import latents
from gan.networks import build_generator
from gan.networks.parts import Generator
from gan.networks.transposed import side_after
from gan.pictures import grid_image

EPSILON = 1e-5
LARGEST_CONFIG = 1_000_000
PREVIEWED = 32
SMALLEST_DIFFERENCE = 0.01
ASSUMED = (
    "Its file holds weights alone: that there is ReLU between the layers and tanh at the end, as in "
    "PyTorch's tutorial, is assumed. If its pictures look burnt or flat, it was made differently."
)
# Stride and padding are not in the file; with these kernels everybody uses the same.
USUAL = {4: (2, 1), 2: (2, 0), 3: (1, 1), 1: (1, 0)}
_SIDES = ("image_size", "img_size", "resolution", "imageSize", "image_resolution", "size")
_STYLED = re.compile(r"(^|\.)(mapping|style|to_rgbs?|torgb|modulation|w_avg)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Layer:
    """A transposed convolution, its norm multiplied in: weight `[in, out, k, k]`, bias `[out]`."""

    weight: Tensor
    bias: Tensor
    stride: int
    padding: int

    @property
    def kernel(self) -> int:
        """Height and width of the kernel."""
        return int(self.weight.shape[2])


def converted(folder: Path, title: str, licence: str | None) -> Converted:
    """The checkpoint that the likeliest weights in `folder` stand for.

    Raises:
        CheckpointError: when they are no network that is known here, saying why.
    """
    names = candidates([path.name for path in folder.iterdir() if path.is_file()])
    if not names:
        raise CheckpointError(f"{title} holds no weights that could be a generator.")
    path = folder / names[0]
    if path.suffix == ".onnx":
        from gan.foreign_onnx import layers_in  # only here, and slow to import

        layers, slope = layers_in(path, title)
    else:
        layers, slope = layers_of(read_tensors(path, title), title), 0.0
    network = network_of(layers, slope, title)
    _check_side(folder / "config.json", network.resolution, title)
    generator = built(network, layers)
    document: dict[str, Any] = {
        "format": 1,
        "kind": "gan",
        "title": title.split("/")[-1],
        "network": to_mapping(network),
        "data": {
            "title": "pictures that its maker names on its page",
            "licence": licence or "unknown; see its page on the Hub",
            "attribution": f"The network is by {title.split('/')[0]}: {title} on the Hugging Face Hub.",
        },
        "training": {"preset": "trained elsewhere"},
        "flaws": [] if path.suffix == ".onnx" else [ASSUMED],
    }
    tensors = {"generator.safetensors": {k: v.contiguous() for k, v in generator.state_dict().items()}}
    return Converted(document, tensors, {"preview.png": _preview(generator, network, title)})


def layers_of(tensors: Mapping[str, Tensor], title: str) -> list[Layer]:
    """The layers of a DCGAN's generator from its state dictionary, by shapes and order alone.

    Raises:
        CheckpointError: naming the first thing that no DCGAN has.
    """
    if any(_STYLED.search(name) for name in tensors):
        raise CheckpointError(
            f"{title} looks like a style-based generator; of networks of others only DCGANs can be opened."
        )
    modules = _modules(tensors)
    kernels = [name for name, values in modules.items() if _is_kernel(values.get("weight"))]
    if len(kernels) < 2:
        raise _unknown(title, "it holds no stack of convolutions")
    layers: list[Layer] = []
    for place, values in enumerate(modules.values()):
        weight = values.get("weight")
        if weight is not None and _is_kernel(weight):
            if unknown := set(values) - {"weight", "bias"}:
                raise _unknown(title, f"a convolution of it has {min(unknown)[:40]!r}")
            layers.append(_convolution(weight, values.get("bias"), first=not layers, title=title))
        elif layers and "running_mean" in values:
            layers[-1] = normalised(layers[-1], values, EPSILON, title)
        else:
            raise _unknown(title, f"{list(modules)[place][:60]!r} is neither a convolution nor batch norm")
    return layers


def _modules(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors by the module that they belong to, in the order of the numbers in its name."""
    modules: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        module, _, part = name.rpartition(".")
        modules.setdefault(module, {})[part] = value.float()

    def place(name: str) -> tuple[list[int], bool, str]:
        # A layer without a number is the last one; the norm of a layer with the same number follows it.
        numbers = [int(n) for n in re.findall(r"\d{1,6}", name)]
        return numbers or [10**6], "running_mean" in modules[name], name

    return {name: modules[name] for name in sorted(modules, key=place)}


def _is_kernel(weight: Tensor | None) -> bool:
    return weight is not None and weight.ndim == 4 and weight.shape[2] == weight.shape[3]


def _convolution(weight: Tensor, bias: Tensor | None, first: bool, title: str) -> Layer:
    kernel = int(weight.shape[2])
    if not first and kernel not in USUAL:
        raise _unknown(title, f"the stride of a kernel of {kernel} x {kernel} is not in its file")
    stride, padding = (1, 0) if first else USUAL[kernel]
    bias = torch.zeros(weight.shape[1]) if bias is None else bias
    if bias.shape != weight.shape[1:2]:
        raise _unknown(title, "its convolutions are not transposed: this may be its discriminator")
    return Layer(weight, bias, stride, padding)


def normalised(layer: Layer, norm: Mapping[str, Tensor], epsilon: float, title: str) -> Layer:
    """The layer with its batch norm multiplied in, exactly as in evaluation:
    W' = W s and b' = (b - mean) s + beta, where s = gamma / sqrt(variance + epsilon).

    Raises:
        CheckpointError: when the norm is none for this layer.
    """
    mean, variance = norm["running_mean"], norm.get("running_var")
    outputs = layer.bias.shape
    gamma, beta = norm.get("weight", torch.ones(outputs)), norm.get("bias", torch.zeros(outputs))
    if variance is None or {t.shape for t in (mean, variance, gamma, beta)} != {outputs}:
        raise _unknown(title, "its batch norm has another size than its convolution")
    if (variance + epsilon <= 0).any():
        raise _unknown(title, "its batch norm is damaged")
    scale = gamma / torch.sqrt(variance + epsilon)
    return Layer(
        layer.weight * scale[None, :, None, None],
        (layer.bias - mean) * scale + beta,
        layer.stride,
        layer.padding,
    )


def network_of(layers: Sequence[Layer], slope: float, title: str) -> NetworkConfig:
    """The configuration of a stack of layers. Raises CheckpointError when it is none that draws pictures."""
    side = 1
    for before, after in pairwise(layers):
        if before.weight.shape[1] != after.weight.shape[0]:
            raise _unknown(title, "its layers do not follow each other")
    for layer in layers:
        side = side_after(side, layer.kernel, layer.stride, layer.padding)
    channels, z_dim = int(layers[-1].weight.shape[1]), int(layers[0].weight.shape[0])
    if channels not in (1, 3):
        raise _unknown(title, f"its last layer has {channels} channels, where pictures have 1 or 3")
    if side not in RESOLUTIONS + FOREIGN_RESOLUTIONS:
        raise _unknown(title, f"its pictures would have {side} px")
    plan = [n for each in layers for n in (each.weight.shape[1], each.kernel, each.stride, each.padding)]
    values = {"architecture": "transposed", "resolution": side, "channels": channels, "z_dim": z_dim}
    try:
        return from_mapping(NetworkConfig, {**values, "plan": [int(n) for n in plan], "slope": slope})
    except GanError as error:
        raise _unknown(title, f"{str(error).rstrip('.')}") from None


def built(network: NetworkConfig, layers: Sequence[Layer]) -> Generator:
    """The generator with these layers' weights, in evaluation mode."""
    try:
        generator = build_generator(network)
    except GanError as error:
        raise CheckpointError(str(error)) from None
    convolutions = [m for m in generator.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    with torch.no_grad():
        for module, layer in zip(convolutions, layers, strict=True):
            module.weight.copy_(layer.weight)
            assert module.bias is not None
            module.bias.copy_(layer.bias)
    return generator.eval()


def _check_side(path: Path, side: int, title: str) -> None:
    """Whether somebody's config.json, where it names the side of a picture, agrees."""
    if not path.is_file() or path.stat().st_size > LARGEST_CONFIG:
        return
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    given = [config[name] for name in _SIDES if name in config] if isinstance(config, dict) else []
    if given and isinstance(given[0], int) and given[0] != side:
        raise _unknown(title, f"by its config its pictures have {given[0]} px, by its layers {side} px")


@torch.inference_mode()
def _preview(generator: Generator, network: NetworkConfig, title: str) -> bytes:
    """A sheet of pictures. Raises CheckpointError when all are alike: then it was made differently."""
    pictures = generator(latents(range(PREVIEWED), network.z_dim))
    if not torch.isfinite(pictures).all() or pictures.std(0).mean() < SMALLEST_DIFFERENCE:
        raise _unknown(title, "read as a DCGAN it draws the same for every latent vector")
    stream = BytesIO()
    grid_image(pictures.clamp(-1, 1), columns=8).save(stream, "PNG")
    return stream.getvalue()


def _unknown(title: str, why: str) -> CheckpointError:
    return CheckpointError(f"{title} is no DCGAN that can be opened here: {why[:160]}.")
