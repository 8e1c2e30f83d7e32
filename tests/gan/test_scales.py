"""Networks of several scales: their mathematics, their growth, and that a run with them goes on as it was."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, linear

from checkpoints import store
from gan import worker
from gan.__main__ import main
from gan.checkpoint import load_run, save_run
from gan.commands_train import _line
from gan.config import PRESETS, NetworkConfig, TrainConfig, preset_config
from gan.datasets import Dataset, open_dataset, to_unit
from gan.export import critic_bytes, generator_bytes
from gan.growth import DOUBLING, grown_after, growth_at, growth_text
from gan.model import load
from gan.networks import build_discriminator, build_generator, progressive
from gan.networks.equalised import GAIN, EqualConv2d, EqualLinear, MinibatchDeviation, PixelNorm
from gan.networks.multiscale import MultiScaleDiscriminator, packed, pyramid, unpacked
from gan.scales import scales_html
from gan.state import TrainState, new_state
from gan.steps import draw_batch
from gan.training import preview, train

GROWING = NetworkConfig("progressive", 28, 1, z_dim=8, width=8, classes=10)
ALL_SCALES = replace(GROWING, architecture="multiscale")
BOTH = pytest.mark.parametrize("network", [GROWING, ALL_SCALES], ids=["progressive", "multiscale"])
# Fully grown after half of the run, and at its middle scale after a quarter of it.
CONFIG = TrainConfig(network=GROWING, seconds=0, steps=8, batch=6, growth=0.5)


@pytest.fixture(autouse=True)
def short_runs_may_grow_by_leaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progressive, "FASTEST", 2 * DOUBLING)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return open_dataset("fashion", limit=400)


def pictures(count: int = 3, side: int = 28) -> Tensor:
    return torch.rand(count, 1, side, side) * 2 - 1


def grown_to(network: NetworkConfig, progress: float) -> TrainState:
    state = new_state(replace(CONFIG, network=network), torch.device("cpu"))
    for player in (state.generator, state.discriminator, state.average):
        player.grow(progress, 1.0)
    return state


def test_each_scale_learns_alone_and_then_the_next_fades_in() -> None:
    at = [grown_after(progress / 16, 0.5, 3) for progress in range(17)]
    assert at[:9] == [0, 0, 0, 500, 1000, 1000, 1000, 1500, 2000]
    assert set(at[8:]) == {2 * DOUBLING}
    assert at == sorted(at)


def test_without_a_share_everything_is_there_at_once() -> None:
    assert grown_after(0.0, 0.0, 5) == 4 * DOUBLING
    assert grown_after(0.9, 0.6, 1) == 0


def test_growth_in_words() -> None:
    assert growth_at(1400, 4).side == 16
    assert [growth_text(g.side, g.alpha) for g in (growth_at(1400, 4), growth_at(2000, 4))] == [
        "16 px, 40 % faded in",
        "16 px",
    ]
    assert growth_text(0, 1.0) == ""


def test_weights_are_multiplied_when_they_are_used() -> None:
    convolution, layer = EqualConv2d(3, 5, 3), EqualLinear(7, 2, gain=1.0)
    x, h = torch.randn(2, 3, 6, 6), torch.randn(2, 7)
    expected = conv2d(x, convolution.weight * GAIN / sqrt(3 * 9), convolution.bias, padding=1)
    torch.testing.assert_close(convolution(x), expected)
    torch.testing.assert_close(layer(h), linear(h, layer.weight / sqrt(7), layer.bias))
    assert abs(EqualConv2d(64, 64, 3).weight.std() - 1) < 0.02


def test_a_rectified_equalised_layer_keeps_the_variance() -> None:
    x = torch.randn(16, 64, 8, 8)
    rectified = torch.nn.functional.leaky_relu(EqualConv2d(64, 64, 1)(x), 0.2)
    assert abs(rectified.square().mean() - 1) < 0.15


def test_pixel_norm_gives_all_places_one_length() -> None:
    x = torch.randn(2, 5, 3, 4)
    out = PixelNorm()(x)
    torch.testing.assert_close(out.norm(dim=1), torch.full((2, 3, 4), sqrt(5.0)))
    torch.testing.assert_close(out, x / x.square().mean(1, keepdim=True).sqrt())


def test_the_deviation_of_a_batch_in_groups_of_neighbours() -> None:
    x = torch.randn(8, 3, 2, 2)
    layer = MinibatchDeviation().train()
    out = layer(x)
    assert torch.equal(out[:, :3], x)
    for group in (0, 1):
        expected = np.std(x[4 * group : 4 * group + 4].numpy(), axis=0).mean()
        torch.testing.assert_close(
            out[4 * group : 4 * group + 4, 3], torch.full((4, 2, 2), float(expected)), rtol=1e-4, atol=1e-5
        )
    same = layer(x[:1].expand(4, -1, -1, -1))
    assert same[:, 3].max() < 1e-3


def test_one_picture_alone_gets_what_was_usual() -> None:
    layer = MinibatchDeviation().train()
    for _ in range(300):
        layer(torch.randn(8, 3, 4, 4))
    usual = layer.eval()(torch.randn(1, 3, 4, 4))[0, 3]
    assert torch.equal(usual, usual[0, 0].expand(4, 4))
    assert 0.6 < usual[0, 0] < 1


def test_a_new_scale_begins_as_the_old_one_enlarged_and_ends_as_its_own() -> None:
    """Both players, at alpha 0 (a thousandth of it), in between, and at alpha 1."""
    state, z = grown_to(GROWING, 0.5), torch.randn(3, 8)
    labels = torch.tensor([0, 1, 2])
    body, features = state.generator.body, state.discriminator.features.eval()
    real, code = pictures(), z

    def at(grown: int) -> tuple[Tensor, Tensor, Tensor]:
        for part in (body, features):
            part.grown.fill_(grown)
        return (
            state.generator.presented(code, labels),
            state.discriminator.presented(real),
            state.discriminator(state.discriminator.presented(real), labels),
        )

    with torch.no_grad():
        old, old_real, old_logit = at(1000)
        almost, almost_real, almost_logit = at(1001)
        half, half_real, _ = at(1500)
        new, new_real, _ = at(2000)
    enlarged_old = interpolate(old, scale_factor=2, mode="nearest")
    enlarged_real = interpolate(old_real, scale_factor=2, mode="nearest")
    assert old.shape[-1] == 14
    assert new.shape[-1] == 28
    torch.testing.assert_close(almost, torch.lerp(enlarged_old, new, 0.001))
    torch.testing.assert_close(half, (enlarged_old + new) / 2)
    torch.testing.assert_close(half_real, (enlarged_real + real) / 2)
    torch.testing.assert_close(old_real, avg_pool2d(real, 2))
    assert torch.equal(new_real, real)
    assert (almost_logit - old_logit).abs().max() < 0.02
    assert not torch.allclose(enlarged_old, new, atol=0.1)
    assert (almost_real - enlarged_real).abs().max() < 0.01


def test_a_growing_network_draws_squares_of_its_pixels() -> None:
    state = grown_to(GROWING, 0.0)
    drawn = preview(state, 4)
    assert drawn.shape == (4, 1, 28, 28)
    small = drawn[:, :, ::4, ::4]
    assert torch.equal(drawn, interpolate(small, scale_factor=4, mode="nearest"))


def test_a_run_that_goes_on_with_little_time_grows_without_a_leap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progressive, "FASTEST", 50)
    generator = build_generator(GROWING)
    for step in range(1, 21):
        generator.grow(0.9, 0.5)
        assert int(generator.body.grown) == 50 * step


def test_a_run_that_got_ready_slowly_begins_at_its_smallest_scale_all_the_same(garments: Dataset) -> None:
    config = replace(CONFIG, steps=0, seconds=60.0)
    state = new_state(config, torch.device("cpu"))
    state.seconds = 20.0
    run = train(config, garments, state, every=0.0)
    assert [(taken.side, taken.alpha) for taken in (next(run), next(run))] == [
        (7, 1.0),
        (14, 1.0),
    ]


def test_it_never_shrinks() -> None:
    generator = build_generator(GROWING)
    generator.grow(1.0, 0.5)
    generator.grow(0.1, 0.5)
    assert generator.growth is not None
    assert generator.growth.side == 28


def test_real_pictures_form_a_pyramid_of_means() -> None:
    small, middle, full = pyramid(pictures(), 3)
    assert torch.equal(middle, avg_pool2d(full, 2))
    torch.testing.assert_close(small, avg_pool2d(full, 4))
    atlas = packed([small, middle, full])
    assert atlas.shape == (3, 1, 28, 42)
    for got, expected in zip(unpacked(atlas, 3), (small, middle, full), strict=True):
        assert torch.equal(got, expected)


def test_all_scales_are_judged_and_every_one_hears_of_it() -> None:
    state = new_state(replace(CONFIG, network=ALL_SCALES), torch.device("cpu"))
    labels = torch.tensor([1, 2, 3])
    atlas = state.generator.presented(torch.randn(3, 8), labels).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(state.discriminator(atlas, labels).sum(), atlas)
    assert all(part.abs().sum() > 0 for part in unpacked(gradient, 3))
    # A picture without its smaller scales gets those that real pictures have.
    real = pictures()
    whole = state.discriminator(real, labels)
    torch.testing.assert_close(whole, state.discriminator(state.discriminator.presented(real), labels))


def test_a_change_of_an_atlas_meets_all_scales_alike() -> None:
    discriminator = build_discriminator(ALL_SCALES)
    assert isinstance(discriminator, MultiScaleDiscriminator)
    real = pictures()
    atlas = discriminator.presented(real)
    torch.testing.assert_close(discriminator.changed(atlas, lambda x: x), atlas)
    moved = discriminator.changed(atlas, lambda x: x.roll(4, 3))
    torch.testing.assert_close(moved, discriminator.presented(real.roll(4, 3)))


@BOTH
@pytest.mark.parametrize("augment", [0.0, 1.0])
def test_both_players_learn_at_every_scale(garments: Dataset, network: NetworkConfig, augment: float) -> None:
    config = replace(CONFIG, network=network, augment=augment)
    state = new_state(config, torch.device("cpu"))
    sides = [batch_side(config, garments, state) for _ in train(config, garments, state, every=0.0)]
    if network is GROWING:
        assert sides[0] == 7
        assert sides[-1] == 28
        assert 14 in sides
        assert int(state.average.body.grown) == int(state.generator.body.grown) == 2 * DOUBLING
    for name, parameter in state.generator.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def batch_side(config: TrainConfig, dataset: Dataset, state: TrainState) -> int:
    kept = state.random.get_state()
    batch = draw_batch(config, dataset, state)
    state.random.set_state(kept)
    return batch.real.shape[2]


@BOTH
@pytest.mark.parametrize("stop", [1, 3, 6])
def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(
    tmp_path: Path, garments: Dataset, network: NetworkConfig, stop: int
) -> None:
    """Stopped at the smallest scale, inside a fade, and fully grown."""
    config = replace(CONFIG, network=network)
    whole, first = (new_state(config, torch.device("cpu")) for _ in range(2))
    list(train(config, garments, whole))
    for snapshot in train(config, garments, first, every=0.0):
        if snapshot.step == stop:
            break
    save_run(tmp_path / "run", config, first, garments, "a run")
    loaded, second = load_run(store.find_anywhere(str(tmp_path / "run")))
    list(train(loaded, garments, second))
    for name in ("generator", "discriminator", "average"):
        ours, theirs = (getattr(state, name).state_dict() for state in (second, whole))
        assert all(torch.equal(ours[key], value) for key, value in theirs.items()), name


@BOTH
def test_a_finished_run_is_drawn_and_judged_by_a_browser(
    tmp_path: Path, garments: Dataset, network: NetworkConfig
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    config = replace(CONFIG, network=network)
    state = new_state(config, torch.device("cpu"))
    list(train(config, garments, state))
    save_run(tmp_path / "run", config, state, garments, "a run")
    model = load(str(tmp_path / "run"))
    drawing, judging = (onnxruntime.InferenceSession(make(model)) for make in (generator_bytes, critic_bytes))
    z, labels = torch.randn(3, 8), torch.tensor([0, 4, 9])
    inputs = {"z": z.numpy(), "label": labels.numpy().astype("int32")}
    (drawn,) = drawing.run(None, inputs)
    ours = model.draw(z, labels).add(1).mul(127.5).round().permute(0, 2, 3, 1).numpy()
    assert drawn.shape == (3, 28, 28, 4)
    assert np.abs(drawn[..., :1].astype(float) - ours).max() <= 2
    (logits,) = judging.run(None, {"picture": drawn, "label": inputs["label"]})
    seen = torch.from_numpy(drawn[..., :1].astype("float32")).permute(0, 3, 1, 2) / 127.5 - 1
    assert model.discriminator is not None
    np.testing.assert_allclose(logits, model.discriminator(seen, labels).numpy(), atol=1e-4)


def test_the_command_draws_every_scale_or_says_why_not(
    tmp_path: Path, garments: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    for network in (ALL_SCALES, GROWING):
        config = replace(CONFIG, network=network, steps=1)
        state = new_state(config, torch.device("cpu"))
        list(train(config, garments, state))
        save_run(tmp_path / network.architecture, config, state, garments, "a run")
    out = tmp_path / "scales.png"
    asked = ["--seeds", "0-4", "-o", str(out)]
    assert main(["scales", str(tmp_path / "multiscale"), *asked]) == 0
    with Image.open(out) as sheet:
        assert sheet.size == (5 * 28, 3 * 28)
        small = np.asarray(sheet.convert("L"))[:28, :28]
    assert np.array_equal(small, small[::4, ::4].repeat(4, 0).repeat(4, 1))
    assert main(["scales", str(tmp_path / "progressive"), *asked]) == 2
    assert "one scale" in capsys.readouterr().err


@BOTH
def test_a_run_leaves_a_row_of_pictures_of_every_scale(
    tmp_path: Path, garments: Dataset, network: NetworkConfig
) -> None:
    config = replace(CONFIG, network=network)
    state = new_state(config, torch.device("cpu"))
    run = worker.Run(tmp_path, config, state, garments)
    lines = []
    for snapshot in train(config, garments, state, every=0.0):
        run.draw()
        lines.append(_line(snapshot))
    assert {path.name for path in tmp_path.glob("scale-*.png")} == {f"scale-{s}.png" for s in (7, 14, 28)}
    with Image.open(tmp_path / "preview.png") as grid, Image.open(tmp_path / "scale-28.png") as row:
        assert grid.size == (8 * 28, 4 * 28)
        assert grid.crop((0, 0, *row.size)).tobytes() == row.tobytes()
    rows = {path: path.read_bytes() for path in tmp_path.glob("scale-*.png")}
    (tmp_path / "preview.png").unlink()
    for path in rows:
        if path.name == "scale-28.png" or network is not GROWING:
            path.unlink()
    run.draw_rows()
    assert {path: path.read_bytes() for path in tmp_path.glob("scale-*.png")} == rows
    assert not (tmp_path / "preview.png").exists()
    html = scales_html(tmp_path, grows=network is GROWING)
    assert html.count("<figure>") == 3
    assert html.index("7 px") < html.index("14 px") < html.index("28 px")
    assert ("7 px" in lines[0]) == (network is GROWING)


def test_a_network_of_one_scale_leaves_no_rows(tmp_path: Path, garments: Dataset) -> None:
    config = replace(CONFIG, network=replace(GROWING, architecture="swift"))
    worker.Run(tmp_path, config, new_state(config), garments).draw()
    assert (tmp_path / "preview.png").is_file()
    assert not list(tmp_path.glob("scale-*"))
    assert scales_html(tmp_path, grows=False) == ""


def test_it_can_be_told_attributes_and_its_space_can_be_laid_out() -> None:
    cats = open_dataset("cats", 32, limit=64)
    for preset in ("growing", "all-scales"):
        assert preset in PRESETS
        config = preset_config(preset, cats.labels_tell)
        network = replace(config.network, resolution=32, width=8, attributes=cats.attribute_sizes)
        config = replace(config, network=network, seconds=0, steps=2, batch=4, growth=0.0)
        last = list(train(config, cats))[-1]
        assert last.step == 2
        assert last.side == (32 if preset == "growing" else 0)
    assert to_unit(cats.images).shape[1] == 3
