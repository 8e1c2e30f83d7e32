"""A DCGAN's generator read out of an exported ONNX graph: nothing is run, and nothing has to be guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from checkpoints.errors import CheckpointError
from gan.foreign import Layer, normalised

# Operations that only turn z [N, z_dim] into [N, z_dim, 1, 1], or do nothing.
SHAPING = ("Reshape", "Unsqueeze", "Identity", "Cast", "Dropout")
ACTIVATIONS = ("Relu", "LeakyRelu")
ENDS = ("Tanh", "Sigmoid")


def layers_in(path: Path, title: str) -> tuple[list[Layer], float]:
    """The layers, and the slope of what is between them below 0 (0 for ReLU).

    A sigmoid at the end becomes tanh by 2 sigmoid(x) - 1 = tanh(x / 2), so that pictures lie in [-1, 1].

    Raises:
        CheckpointError: when the file is damaged, or its graph is no chain of transposed convolutions.
    """
    try:
        graph = onnx.load(path, load_external_data=False).graph
        constants = dict(_constants(graph))
    except CheckpointError:
        raise
    except Exception:  # protobuf, onnx and numpy each have their own
        raise CheckpointError(f"{path.name} of {title} is no ONNX file, or damaged; get it again.") from None
    return _walk(graph, constants, title)


def _constants(graph: Any) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    for tensor in graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type == "Constant":
            yield node.output[0], numpy_helper.to_array(onnx.helper.get_node_attr_value(node, "value"))


def _walk(graph: Any, constants: Mapping[str, np.ndarray[Any, Any]], title: str) -> tuple[list[Layer], float]:
    """Follow the chain from z to the picture."""
    layers: list[Layer] = []
    slopes: set[float] = set()
    inputs = [value.name for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise _unknown(title, f"its graph has {len(inputs)} inputs, where a latent vector is one")
    at, ended, active = inputs[0], "", 0
    for node in graph.node:
        if node.op_type == "Constant":
            continue
        if not node.input or node.input[0] != at or (ended and node.op_type != "Identity"):
            raise _unknown(title, f"{node.op_type[:40]} in its graph is not part of one chain")
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        weights = [
            torch.from_numpy(constants[n].astype(np.float32)) for n in node.input[1:] if n in constants
        ]
        if node.op_type == "ConvTranspose":
            layers.append(_convolution(weights, attributes, first=not layers, title=title))
        elif node.op_type == "BatchNormalization" and len(weights) == 4 and layers:
            names = ("weight", "bias", "running_mean", "running_var")
            epsilon = float(attributes.get("epsilon", 1e-5))
            layers[-1] = normalised(layers[-1], dict(zip(names, weights, strict=True)), epsilon, title)
        elif node.op_type in ACTIVATIONS and layers and active == len(layers) - 1:
            slopes.add(float(attributes.get("alpha", 0.01)) if node.op_type == "LeakyRelu" else 0.0)
            active = len(layers)
        elif node.op_type in ENDS and layers:
            ended = node.op_type
        elif node.op_type not in SHAPING or (layers and node.op_type != "Identity"):
            raise _unknown(title, f"it has a {node.op_type[:40]} layer")
        at = node.output[0]
    if len(layers) < 2 or not ended or active != len(layers) - 1 or len(slopes) != 1:
        raise _unknown(title, "it is no chain of transposed convolutions with activations that ends in tanh")
    if ended == "Sigmoid":
        final = layers[-1]
        layers[-1] = Layer(final.weight / 2, final.bias / 2, final.stride, final.padding)
    return layers, round(min(slopes), 4)


def _convolution(weights: list[Tensor], attributes: Mapping[str, Any], first: bool, title: str) -> Layer:
    """One layer, where all that the network here cannot do is at its default."""
    weight = weights[0] if weights else torch.zeros(0)
    strides, pads = attributes.get("strides", [1, 1]), attributes.get("pads", [0, 0, 0, 0])
    usual = (
        weight.ndim == 4
        and weight.shape[2] == weight.shape[3]
        and attributes.get("group", 1) == 1
        and set(attributes.get("dilations", [1])) == {1}
        and set(attributes.get("output_padding", [0])) == {0}
        and attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
        and not attributes.get("output_shape")
        and len({*strides}) == len({*pads}) == 1
    )
    if not usual or (first and pads[0]):
        raise _unknown(title, "one of its convolutions is of a kind that is not known here")
    bias = weights[1] if len(weights) > 1 else torch.zeros(weight.shape[1])
    if bias.shape != weight.shape[1:2]:
        raise _unknown(title, "a bias has another size than its convolution")
    return Layer(weight, bias, int(strides[0]) if not first else 1, int(pads[0]))


def _unknown(title: str, why: str) -> CheckpointError:
    return CheckpointError(f"{title} is no DCGAN that can be opened here: {why}.")
