"""Generators of others: what a tutorial's DCGAN draws, its checkpoint draws here; the rest says why not."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.config import NetworkConfig, from_mapping
from gan.errors import GanError
from gan.foreign import converted
from gan.latent import latents
from gan.model import load_checkpoint
from gan.networks import build_generator


class Tutorial(nn.Module):
    """The layout of PyTorch's DCGAN tutorial, of any width and depth."""

    def __init__(
        self, z: int = 20, widths: tuple[int, ...] = (32, 16, 8), channels: int = 3, bias: bool = False,
        slope: float = 0.0, end: nn.Module | None = None, first: int = 4,
    ) -> None:  # fmt: skip
        super().__init__()
        parts: list[nn.Module] = []
        for number, (a, b) in enumerate(zip((z, *widths), widths, strict=False)):
            shape = (first, 1, 0) if number == 0 else (4, 2, 1)
            parts += [nn.ConvTranspose2d(a, b, *shape, bias=bias), nn.BatchNorm2d(b)]
            parts.append(nn.LeakyReLU(slope) if slope else nn.ReLU())
        parts += [nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=bias), end or nn.Tanh()]
        self.main = nn.Sequential(*parts)

    def forward(self, z: Tensor) -> Tensor:
        return self.main(z.reshape(len(z), -1, 1, 1))


def trained(network: Tutorial) -> Tutorial:
    """As after some training: every number, those of the norms too, is something else than at the start."""
    torch.manual_seed(7)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.ndim == 4:
                value.normal_(0, 0.12)
            elif value.is_floating_point():
                centre = 1.0 if "var" in name or name.endswith("weight") else 0.0
                value.uniform_(centre - 0.4, centre + 0.4)
    return network.eval()


def opened(folder: Path, title: str = "bob/net", licence: str | None = "mit") -> store.Checkpoint:
    made = converted(folder, title, licence)
    return store.save(folder.parent / "made", made.config, made.tensors, made.documents)


def given(tmp_path: Path, tensors: dict[str, Tensor], config: object = None) -> Path:
    folder = tmp_path / "given"
    folder.mkdir(exist_ok=True)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / "model.safetensors")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def difference(checkpoint: store.Checkpoint, network: Tutorial, z_dim: int) -> float:
    z = latents([1, 2, 3, 4], z_dim)
    with torch.inference_mode():
        return float((load_checkpoint(checkpoint).draw(z) - network(z)).abs().max())


@pytest.mark.parametrize(
    ("options", "side"),
    [
        ({}, 32),
        ({"widths": (48, 24, 16, 8), "z": 100}, 64),
        ({"widths": (32, 16), "channels": 1, "bias": True, "first": 7}, 28),
    ],
)
def test_a_tutorials_dcgan_draws_the_same_here(tmp_path: Path, options: dict[str, Any], side: int) -> None:
    network = trained(Tutorial(**options))
    checkpoint = opened(given(tmp_path, network.state_dict(), {"image_size": side}))
    model = load_checkpoint(checkpoint)
    assert model.config.resolution == side
    assert difference(checkpoint, network, model.config.z_dim) < 1e-5
    assert model.discriminator is None
    assert checkpoint.has("preview.png")
    assert checkpoint.config["data"]["licence"] == "mit"
    assert "bob/net" in checkpoint.config["data"]["attribution"]
    assert "assumed" in checkpoint.config["flaws"][0]


def test_names_may_be_words_with_numbers(tmp_path: Path) -> None:
    network = trained(Tutorial())
    names = {"main.0": "conv1", "main.1": "bn1", "main.3": "conv2", "main.4": "bn2", "main.6": "conv3",
             "main.7": "bn3", "main.9": "out"}  # fmt: skip
    renamed = {
        f"module.{names[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value
        for key, value in network.state_dict().items()
    }
    assert difference(opened(given(tmp_path, renamed)), network, 20) < 1e-5


@pytest.mark.parametrize(("slope", "end"), [(0.0, nn.Tanh()), (0.2, nn.Tanh()), (0.0, nn.Sigmoid())], ids=str)
def test_an_exported_graph_draws_the_same_here(tmp_path: Path, slope: float, end: nn.Module) -> None:
    network = trained(Tutorial(slope=slope, end=end))
    folder = tmp_path / "given"
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (latents([0], 20),), str(folder / "generator.onnx"), dynamo=False)
    checkpoint = opened(folder)
    z = latents([1, 2, 3, 4], 20)
    with torch.inference_mode():
        theirs = network(z)
    theirs = theirs * 2 - 1 if isinstance(end, nn.Sigmoid) else theirs
    assert (load_checkpoint(checkpoint).draw(z) - theirs).abs().max() < 1e-5
    assert load_checkpoint(checkpoint).config.slope == slope
    assert checkpoint.config["flaws"] == []


def changed(network: Tutorial, **changes: Tensor | None) -> dict[str, Tensor]:
    tensors = {**network.state_dict(), **{k.replace("__", "."): v for k, v in changes.items()}}
    return {name: value for name, value in tensors.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"main__9__weight": torch.randn(8, 4, 4, 4)}, "4 channels"),
        ({"main__9__weight": torch.randn(9, 3, 4, 4)}, "do not follow"),
        ({"main__9__weight": torch.randn(8, 3, 5, 5)}, "stride of a kernel of 5 x 5"),
        ({"main__9__weight": torch.randn(8, 3, 1, 1)}, "would have 16 px|same for every"),
        ({"main__12__weight": torch.randn(8, 8)}, "neither a convolution nor batch norm"),
        ({"main__1__running_var": torch.full((32,), -1.0)}, "damaged"),
        ({"main__1__running_var": torch.ones(31)}, "another size"),
        ({"main__9__weight": torch.zeros(8, 3, 4, 4)}, "the same for every latent vector"),
        ({"mapping__0__weight": torch.randn(8, 8)}, "style-based"),
        ({"main__0__weight_orig": torch.randn(20, 32, 4, 4)}, "weight_orig"),
    ],
)
def test_what_is_no_dcgan_says_why(tmp_path: Path, changes: dict[str, Tensor | None], says: str) -> None:
    if "would have 16" in says:
        changes = {"main__9__weight": torch.randn(8, 3, 3, 3), "main__6__weight": torch.randn(16, 8, 3, 3)}
        says = "would have 8 px"
    with pytest.raises(CheckpointError, match=says):
        opened(given(tmp_path, changed(trained(Tutorial()), **changes)))


def test_a_discriminator_a_transformer_and_a_wrong_config_say_why(tmp_path: Path) -> None:
    discriminator = {"main.0.weight": torch.randn(16, 3, 4, 4), "main.0.bias": torch.zeros(16),
                     "main.2.weight": torch.randn(32, 16, 4, 4)}  # fmt: skip
    for tensors in (discriminator, {"h.0.attn.weight": torch.randn(8, 8)}):
        with pytest.raises(CheckpointError, match="is no DCGAN that can be opened here"):
            opened(given(tmp_path, tensors))
    with pytest.raises(CheckpointError, match="64 px, by its layers 32 px"):
        opened(given(tmp_path, trained(Tutorial()).state_dict(), {"image_size": 64}))


@pytest.mark.parametrize("content", [b"", b"\x08\x07nonsense", b"\x00" * 100])
def test_a_file_that_is_no_graph_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "generator.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"no ONNX file|no DCGAN"):
        opened(tmp_path / "given")


@pytest.mark.parametrize(
    "changes",
    [{"plan": []}, {"plan": [3, 4, 1]}, {"plan": [4096, 64, 1, 0, 3, 4, 2, 1]}, {"resolution": 64},
     {"classes": 3}, {"plan": [32, 4, 1, 0] * 13}],
)  # fmt: skip
def test_a_config_that_lies_is_refused_before_anything_is_built(changes: dict[str, Any]) -> None:
    good = {"architecture": "transposed", "resolution": 16, "z_dim": 8, "channels": 3,
            "plan": [16, 4, 1, 0, 8, 4, 2, 1, 3, 4, 2, 1]}  # fmt: skip
    build_generator(from_mapping(NetworkConfig, good))
    with pytest.raises(GanError):
        build_generator(from_mapping(NetworkConfig, good | changes))
