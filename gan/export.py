"""A checkpoint's networks as ONNX, the form in which the visitor's own browser runs them.

Two graphs, so that what a slider needs is small: `generator` is z (and the class) to a picture that a canvas
takes as it is; `critic` is such a picture to the discriminator's logit, and asked when it stands still.
"""

from __future__ import annotations

import hashlib
import warnings
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from io import BytesIO
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.attributes import SHARPNESS, chosen
from gan.config import NetworkConfig
from gan.directions import Direction
from gan.errors import GanError
from gan.latent import latents
from gan.layout import FAINTEST_WEIGHT, Layout
from gan.model import Model, load_reference
from gan.networks import Discriminator, Generator, build_discriminator, build_generator
from gan.networks.style import Centred
from gan.styles import size_of

PARTS = ("generator", "critic")
OPSET = 17
# Part of a file's address, which browsers keep for a year: count up when what is written here changes.
FORMAT = 1
SMALLEST_HALVED = 1024
PROBES = 16
# Half the 2 levels in which both ways to draw may differ; rounding at the end is the other half.
MOST_HALVING_ERROR = 1.0 / 127.5
KEPT_FILES = 8
# What a phone would have to load is twice as many bytes; beyond it the server draws.
MOST_NUMBERS = 12_000_000

_EXPORTING = Lock()


def dense_codes(layout: Layout, z: Tensor, labels: Tensor | None) -> Tensor:
    """What `Layout.forward` gives, `[N, components]`, by products of fixed shape that every runtime knows.

    The mixed factor sum_k weight_k factor_k comes first, then its product with the free coordinates: reading
    all parts of one group once costs less than looking for the few that count.

    Args:
        z: `[N, halvings + components]`.
        labels: groups, int64 `[N]`, or None where there is one group.
    """
    sides, free = z[:, : layout.halvings], z[:, layout.halvings :]
    weights = torch.ones_like(z[:, :1])
    for level in range(layout.halvings):
        right = torch.sigmoid(SHARPNESS * sides[:, level : level + 1])
        weights = torch.stack([weights * (1 - right), weights * right], 2).flatten(1)
    weights = torch.where(weights > FAINTEST_WEIGHT, weights, torch.zeros_like(weights))[:, None, :]
    count = layout.components
    means, factors = (
        values[:1] if labels is None else values[labels]
        for values in (layout.means, layout.factors.flatten(2))
    )
    mixed = torch.matmul(weights, factors).reshape(-1, count, count)
    return (torch.matmul(weights, means)[:, 0] + torch.matmul(mixed, free[:, :, None])[:, :, 0]).reshape(
        -1, count
    )


class Drawing(nn.Module):
    """z `[N, z_dim]` and, with classes, int32 labels `[N]` to RGBA `[N, H, W, 4]`, rounded as `to_bytes`.

    Where layers have styles it draws from these, `[N, size]`: z's way to them is the page's (`mapping_of`).
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        labels = None if label is None else label.to(torch.int64)
        if self.generator.sides:
            return _canvas(self.generator(z))
        layout = self.generator.layout
        code = self.generator.code(z, labels) if layout is None else dense_codes(layout, z, labels)
        return _canvas(self.generator.draw(code, labels))


def _canvas(pictures: Tensor) -> Tensor:
    picture = pictures.clamp(-1, 1).add(1.0).mul(127.5).round()
    colour = picture if picture.shape[1] == 3 else picture.repeat(1, 3, 1, 1)
    rgba = torch.cat([colour, torch.full_like(colour[:, :1], 255.0)], 1)
    return rgba.permute(0, 2, 3, 1).to(torch.uint8)


class Judging(nn.Module):
    """RGBA bytes `[N, H, W, 4]` and, where it is told, the class or z, to logits `[N]`.

    Where pictures may be made of mixed styles, `known` `[N]` is 0 for those whose z nobody knows, else 1.
    """

    def __init__(self, discriminator: Discriminator, channels: int, attributes: Sequence[int]) -> None:
        super().__init__()
        self.discriminator, self.channels, self.attributes = discriminator, channels, tuple(attributes)

    def forward(self, picture: Tensor, told: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        unit = picture.to(torch.float32)[..., : self.channels].permute(0, 3, 1, 2) / 127.5 - 1
        if told is None:
            return self.discriminator(unit)
        labels = chosen(told, self.attributes) if self.attributes else told.to(torch.int64)
        logits = self.discriminator(unit, labels)
        return logits if known is None else torch.lerp(self.discriminator(unit), logits, known)


def generator_bytes(model: Model) -> bytes:
    """The generator as an ONNX file: `z` and, with classes, `label` to `picture`."""
    network = Drawing(model.generator)
    inputs: dict[str, Tensor] = {"z": torch.zeros(1, size_of(model))}
    if model.config.classes and not model.generator.sides:
        inputs["label"] = torch.zeros(1, dtype=torch.int32)
    content = _exported(network, inputs, "picture")
    return _halved(content) if _may_be_halved(model) else content


def critic_bytes(model: Model) -> bytes:
    """The discriminator as an ONNX file: `picture` and, where it is told, `label` or `z`, to `logit`.

    Raises:
        GanError: when the checkpoint came without its discriminator.
    """
    if model.discriminator is None:
        raise GanError(f"{model.title} came without its discriminator.")
    config = model.config
    inputs = {"picture": torch.zeros(1, config.resolution, config.resolution, 4, dtype=torch.uint8)}
    if config.attributes:
        inputs["z"] = torch.zeros(1, config.z_dim)
        if model.generator.sides:
            inputs["known"] = torch.zeros(1)
    elif config.classes:
        inputs["label"] = torch.zeros(1, dtype=torch.int32)
    judging = Judging(_plain(model.discriminator, config), config.channels, config.attributes)
    return _exported(judging, inputs, "logit")


def _plain(discriminator: Discriminator, config: NetworkConfig) -> Discriminator:
    """A copy whose spectral norms are divided out of the weights: ONNX has no such operation."""
    plain = build_discriminator(replace(config, spectral=False))
    weights = {name: reduce(getattr, name.split("."), discriminator) for name in plain.state_dict()}
    plain.load_state_dict(weights)
    return plain.requires_grad_(False)


def _exported(network: nn.Module, inputs: dict[str, Tensor], output: str) -> bytes:
    """The network as ONNX, its batch size free. One at a time: PyTorch's exporter has global state."""
    stream: Any = BytesIO()
    axes = {name: {0: "N"} for name in (*inputs, output)}
    with _EXPORTING, torch.no_grad(), warnings.catch_warnings():
        # The exporter that needs no further package is deprecated, and says so at each of its steps.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            tuple(inputs.values()),
            stream,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    return bytes(stream.getvalue())


@torch.no_grad()
def _may_be_halved(model: Model) -> bool:
    """Whether the pictures of some seeds stay the same, up to one level, with weights of 16 bits."""
    labels = torch.arange(PROBES) % model.config.classes if model.config.classes else None
    z = model.point(latents(range(PROBES), model.config.z_dim), labels)
    exact = model.draw(z, labels)
    large = {n: v for n, v in model.generator.state_dict().items() if v.numel() >= SMALLEST_HALVED}
    rounded = {name: value.half().to(value.dtype) for name, value in large.items()}
    network = build_generator(model.config).eval()
    network.load_state_dict({**model.generator.state_dict(), **rounded})
    drawn = network(z, labels).clamp(-1, 1)
    return bool((drawn - exact).abs().max() <= MOST_HALVING_ERROR)


def _halved(content: bytes) -> bytes:
    """The same graph with its large weights as float16; the runtime casts them back once."""
    import onnx
    from onnx import helper, numpy_helper

    graph = (model := onnx.load_model_from_string(content)).graph
    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != onnx.TensorProto.FLOAT or values.size < SMALLEST_HALVED:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype("float16"), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def version_of(reference: str) -> str:
    """What changes whenever the checkpoint's files or this export change: 16 hexadecimal digits.

    Raises:
        CheckpointError: when there is no such checkpoint.
    """
    folder = store.find(reference).folder
    files = sorted((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in folder.iterdir())
    return hashlib.sha256(repr((FORMAT, files)).encode()).hexdigest()[:16]


def part_bytes(reference: str, part: str) -> bytes:
    """One of `PARTS` of a checkpoint named by an untrusted page; the newest few are kept in memory.

    Raises:
        GanError: when the checkpoint is no GAN, has no such part, or is too large for a browser.
        CheckpointError: when there is no such checkpoint or it cannot be read.
    """
    if part not in PARTS:
        raise GanError("A checkpoint has a generator and a critic.")
    model = load_reference(reference)
    if sum(value.numel() for value in model.generator.state_dict().values()) > MOST_NUMBERS:
        raise GanError(f"{model.title} is too large for a browser; the server draws it.")
    return _part(model, part)


@lru_cache(maxsize=KEPT_FILES)
def _part(model: Model, part: str) -> bytes:
    return generator_bytes(model) if part == "generator" else critic_bytes(model)


def describe_for_browser(model: Model, directions: Sequence[Direction]) -> dict[str, Any]:
    """What the page needs besides the graphs to draw and judge by itself; plain values for JSON."""
    try:
        version = version_of(model.reference)
    except CheckpointError:
        # Loaded from a folder that no page can name, or deleted meanwhile: no route has its graphs.
        version = ""
    return {
        "version": version,
        "z_dim": model.config.z_dim,
        "vectors": [_packed(direction.vector) for direction in directions],
        "critic": {kind: list(values) for kind, values in model.critic.items()},
        **({"styles": mapping_of(model)} if model.generator.sides else {}),
    }


def mapping_of(model: Model) -> dict[str, Any]:
    """The mapping network for a page: number of `layers` with a style, and how w comes from z.

    `told` are the sizes of the attributes, `classes` their number; `weights` and `biases` those of the linear
    layers, between which lies LeakyReLU(0.2). What centres w is a part of the last.
    """
    linear = [part for part in model.generator.stem.modules() if isinstance(part, nn.Linear)]
    centred = next(part for part in model.generator.stem.modules() if isinstance(part, Centred))
    weights: list[Tensor] = [part.weight for part in linear]
    biases: list[Tensor] = [part.bias for part in linear]
    weights[-1], biases[-1] = weights[-1] / centred.spread, (biases[-1] - centred.mean) / centred.spread
    return {
        "layers": len(model.generator.sides),
        "told": list(model.config.attributes),
        "classes": model.config.classes,
        "weights": [_packed(weight) for weight in weights],
        "biases": [_packed(bias) for bias in biases],
    }


def _packed(vector: Tensor) -> str:
    """float32 values, little-endian, in base64: a third of the length of decimal digits, and exact."""
    return b64encode(vector.detach().float().numpy().astype("<f4").tobytes()).decode()
