from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
import torch
from explorer_helpers import cats_in

from gan import export
from gan.config import NetworkConfig
from gan.datasets import to_bytes
from gan.directions import Direction
from gan.errors import GanError
from gan.explorer import ExplorerState, labels_for, opinion_of
from gan.latent import latents
from gan.layout import Layout
from gan.model import Model, load, load_reference
from gan.networks import build_discriminator, build_generator

onnxruntime = pytest.importorskip("onnxruntime")
MOST = 2

NETWORKS = {
    "mlp": NetworkConfig("mlp", 28, 1, 16),
    "mlp with classes": NetworkConfig("mlp", 28, 1, 16, classes=5),
    "dcgan": NetworkConfig("dcgan", 32, 3, 16),
    "lesson": NetworkConfig("dcgan", 28, 1, 16, classes=3),
    "compact": NetworkConfig("compact", 32, 3, 16, width=8),
    "compact with attributes": NetworkConfig("compact", 64, 3, 16, width=4, attributes=(3, 2, 4)),
    "style": NetworkConfig("style", 32, 3, 16, width=8),
    "style with attributes": NetworkConfig("style", 64, 3, 16, width=4, attributes=(3, 2, 4)),
    "style with classes": NetworkConfig("style", 28, 1, 16, width=8, classes=4, spectral=True),
    "swift": NetworkConfig("swift", 28, 1, 16, width=8, classes=4),
    "laid out": NetworkConfig("swift", 32, 3, 11, width=8, components=8, halvings=3),
    "laid out with classes": NetworkConfig(
        "compact", 28, 1, 10, width=8, classes=3, components=8, halvings=2, spectral=True
    ),
    **{
        f"{architecture} with levers": NetworkConfig(
            architecture,
            28,
            1,
            z_dim=8,
            width=8,
            spectral=True,
            batch_norm=True,
            dropout=0.3,
            initialisation="normal",
            upsampling="transposed",
        )
        for architecture in ("compact", "swift")
    },
    **{
        f"{architecture} {side}, {'norm' if norm else 'no norm'}, {output}": NetworkConfig(
            architecture, side, channels, z_dim=8, width=8, designed_norm=norm, output=output,
            activation="relu", critic_activation="relu", batch_norm=norm,
        )
        for architecture, side, channels in (
            ("compact", 32, 3), ("swift", 28, 1), ("dcgan", 28, 1), ("dcgan", 32, 3), ("mlp", 28, 1),
        )
        for norm in (True, False)
        for output in ("tanh", "linear")
    },
}  # fmt: skip


def fresh(config: NetworkConfig) -> Model:
    """A network of random weights, large enough that pictures are not grey."""
    torch.manual_seed(3)
    generator, discriminator = build_generator(config), build_discriminator(config)
    for layer in generator.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            layer.weight.data.mul_(8)
    if generator.layout is not None:
        for buffer in generator.layout.buffers():
            buffer.copy_(torch.randn(buffer.shape))
    for network in (generator, discriminator):
        network.eval().requires_grad_(False)
    classes = tuple(f"class {i}" for i in range(config.classes))
    return Model("x", "X", config, generator, discriminator, classes, (), {}, {})


def session(content: bytes):  # type: ignore[no-untyped-def]
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def drawn(model: Model, content: bytes, z: torch.Tensor, labels: torch.Tensor | None) -> np.ndarray:
    inputs = {"z": model.point(z, labels).numpy()}
    if labels is not None and not model.generator.sides:
        inputs["label"] = labels.int().numpy()
    return np.asarray(session(content).run(None, inputs)[0])


def difference(model: Model, content: bytes, z: torch.Tensor, labels: torch.Tensor | None) -> int:
    ours = to_bytes(model.draw(z, labels)).permute(0, 2, 3, 1).numpy().astype(int)
    theirs = drawn(model, content, z, labels)
    assert theirs.dtype == np.uint8
    assert theirs.shape == (*ours.shape[:3], 4)
    assert (theirs[..., 3] == 255).all()
    return int(np.abs(theirs[..., :3].astype(int) - ours).max())


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_draws_the_same_picture_as_onnx(name: str) -> None:
    model = fresh(NETWORKS[name])
    z = latents(range(6), model.config.z_dim)
    labels = torch.arange(6) % model.config.classes if model.config.classes else None
    assert to_bytes(model.draw(z, labels)).float().std() > 1
    assert difference(model, export.generator_bytes(model), z, labels) <= MOST


@pytest.mark.parametrize("name", NETWORKS)
def test_every_discriminator_says_the_same_as_onnx(name: str) -> None:
    model = fresh(NETWORKS[name])
    config, judging = model.config, session(export.critic_bytes(model))
    labels = torch.tensor([config.classes - 1]) if config.classes else None
    z = latents([5], config.z_dim)
    picture = drawn(model, export.generator_bytes(model), z, labels)
    inputs = {"picture": picture, "z": z.numpy(), "label": np.array([config.classes - 1], np.int32)}
    inputs["known"] = np.ones(1, np.float32)
    logit = judging.run(None, {i.name: inputs[i.name] for i in judging.get_inputs()})[0]
    unit = torch.from_numpy(picture[..., : config.channels]).permute(0, 3, 1, 2).float() / 127.5 - 1
    told = export.chosen(z, config.attributes) if config.attributes else labels
    assert model.discriminator is not None
    np.testing.assert_allclose(logit, model.discriminator(unit, told).numpy(), atol=1e-3, rtol=1e-3)


def test_a_picture_of_mixed_styles_is_judged_without_attributes() -> None:
    model = fresh(NETWORKS["style with attributes"])
    picture = drawn(model, export.generator_bytes(model), latents([5], 16), None)
    inputs = {"picture": picture, "z": latents([5], 16).numpy(), "known": np.zeros(1, np.float32)}
    logit = session(export.critic_bytes(model)).run(None, inputs)[0]
    unit = torch.from_numpy(picture[..., :3]).permute(0, 3, 1, 2).float() / 127.5 - 1
    assert model.discriminator is not None
    np.testing.assert_allclose(logit, model.discriminator(unit).numpy(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["cats", "fashion"])
def test_a_shipped_checkpoint_draws_and_judges_the_same(name: str) -> None:
    model = load(name)
    z = latents(range(48), model.config.z_dim) * torch.linspace(0.3, 1.6, 48)[:, None]
    labels = torch.arange(48) % model.config.classes if model.config.classes else None
    content = export.generator_bytes(model)
    assert len(content) < 0.75 * sum(p.numel() * 4 for p in model.generator.state_dict().values())
    assert difference(model, content, z, labels) <= MOST
    state = ExplorerState(name, 4, label=2)
    judging = session(export.critic_bytes(model))
    inputs = {"z": latents([4], model.config.z_dim).numpy(), "label": np.array([2], np.int32)}
    label = labels_for(model, state, 1)
    inputs["picture"] = drawn(model, content, latents([4], model.config.z_dim), label)
    logit = judging.run(None, {i.name: inputs[i.name] for i in judging.get_inputs()})[0]
    opinion = opinion_of(model, state, model.draw(latents([4], model.config.z_dim), label))
    assert opinion is not None
    assert abs(float(logit[0]) - opinion.logit) < 0.05 * max(1.0, abs(opinion.logit))


@pytest.mark.parametrize(("groups", "halvings"), [(1, 0), (1, 3), (4, 2)])
def test_the_dense_layout_is_the_layout(groups: int, halvings: int) -> None:
    torch.manual_seed(0)
    layout = Layout(1, 8, groups, halvings, 6)
    for buffer in layout.buffers():
        buffer.copy_(torch.randn(buffer.shape))
    z = torch.randn(64, halvings + 6)
    z[:8] *= 0.02  # between the parts, where several count
    labels = torch.arange(64) % groups if groups > 1 else None
    torch.testing.assert_close(export.dense_codes(layout, z, labels), layout(z, labels), atol=1e-4, rtol=1e-4)


def test_weights_stay_whole_where_halves_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("fashion")
    half = export.generator_bytes(model)
    monkeypatch.setattr(export, "MOST_HALVING_ERROR", -1.0)
    assert len(export.generator_bytes(model)) > 1.5 * len(half)


def test_an_untrusted_page_gets_parts_of_gans_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    reference = cats_in(tmp_path)
    assert export.part_bytes(reference, "generator") is export.part_bytes(reference, "generator")
    assert export.part_bytes(reference, "critic") != export.part_bytes(reference, "generator")
    for asked in ((reference, "training"), ("vgg16", "generator"), ("../x", "generator"), ("gone", "critic")):
        with pytest.raises((GanError, export.store.CheckpointError)):
            export.part_bytes(*asked)
    with monkeypatch.context() as patch:
        patch.setattr(export, "MOST_NUMBERS", 100)
        with pytest.raises(GanError, match="too large"):
            export.part_bytes(reference, "generator")
    before = export.version_of(reference)
    (tmp_path / reference / "checkpoint" / "README.md").write_text("changed")
    assert export.version_of(reference) != before
    assert load_reference(reference).reference == reference


def test_vectors_travel_exactly() -> None:
    model = fresh(NETWORKS["compact"])
    vector = torch.randn(16)
    told = export.describe_for_browser(model, [Direction("a", "pca", vector)])
    assert np.array_equal(np.frombuffer(b64decode(told["vectors"][0]), "<f4"), vector.numpy())
    assert (told["z_dim"], told["version"]) == (16, "")
