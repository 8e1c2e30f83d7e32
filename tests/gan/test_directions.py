from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from explorer_helpers import cats_in, fashion_in
from safetensors.torch import save_file
from torch import Tensor, nn

from checkpoints import store
from gan.config import NetworkConfig
from gan.direction_files import FILE, Direction, save_directions, saved_directions
from gan.direction_maths import (
    closed_form_directions,
    first_weight,
    orthogonal,
    principal_directions,
    visible_change,
    white_latents,
)
from gan.directions import FOUND_BY, FOUND_BY_CODE, directions_of, find_directions
from gan.effects import changed_place, describe_effect
from gan.latent import latents
from gan.model import Model, load, load_reference
from gan.networks import build_generator

Z_DIM = 12


def known_layer(scales: Tensor, features: int = 20) -> tuple[Tensor, Tensor]:
    """A weight `[features, Z_DIM]` = U S V^T with the given singular values, and its V^T (rows)."""
    random = torch.Generator().manual_seed(3)
    left = torch.linalg.qr(torch.randn(features, len(scales), generator=random, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(Z_DIM, Z_DIM, generator=random, dtype=torch.float64)).Q.T
    return left @ torch.diag(scales) @ right[: len(scales)], right[: len(scales)]


def alignment(found: Tensor, expected: Tensor) -> Tensor:
    """|cosine| between rows: 1 where they are the same direction, whatever its sign."""
    return (found.double() * expected.double()).sum(1).abs()


def test_white_latents_have_exactly_the_identity_as_covariance() -> None:
    z = white_latents(100, Z_DIM)
    torch.testing.assert_close(z.T @ z / 100, torch.eye(Z_DIM, dtype=torch.float64))
    torch.testing.assert_close(z.mean(0), torch.zeros(Z_DIM, dtype=torch.float64))


def test_pca_of_a_linear_layer_gives_back_its_known_directions_in_order() -> None:
    weight, expected = known_layer(torch.tensor([9.0, 5.0, 3.0, 2.0, 0.5], dtype=torch.float64))
    z = white_latents(200, Z_DIM)
    found = principal_directions(z @ weight.T + 7, z, 4)
    torch.testing.assert_close(alignment(found, expected[:4]), torch.ones(4, dtype=torch.float64))


def test_pca_looks_through_a_gentle_nonlinearity() -> None:
    weight, expected = known_layer(torch.tensor([9.0, 4.0, 1.0], dtype=torch.float64))
    z = white_latents(2000, Z_DIM)
    found = principal_directions(nn.functional.leaky_relu(z @ weight.T, 0.2), z, 2)
    assert (alignment(found, expected[:2]) > 0.97).all()


def test_the_closed_form_gives_back_known_directions_and_stops_at_the_rank() -> None:
    weight, expected = known_layer(torch.tensor([9.0, 5.0, 3.0], dtype=torch.float64))
    found = closed_form_directions(weight, 10)
    assert found.shape == (3, Z_DIM)
    torch.testing.assert_close(alignment(found, expected), torch.ones(3, dtype=torch.float64))


def test_pca_has_nothing_to_say_when_all_variances_are_equal() -> None:
    weight, _ = known_layer(torch.full((6,), 2.0, dtype=torch.float64))
    z = white_latents(200, Z_DIM)
    assert len(principal_directions(z @ weight.T, z, 6)) == 0


def test_pca_has_nothing_to_say_about_a_dead_layer_or_one_that_is_not_linear_in_z() -> None:
    z = white_latents(400, Z_DIM)
    assert len(principal_directions(torch.ones(400, 20), z, 6)) == 0
    even = torch.stack([z[:, 0] ** 2, 3 * z[:, 1] ** 2], dim=1)
    assert len(principal_directions(even, z, 2)) == 0


@pytest.mark.parametrize("architecture", ["compact", "dcgan", "mlp"])
@pytest.mark.parametrize("classes", [0, 4])
def test_the_first_weight_is_what_z_meets(architecture: str, classes: int) -> None:
    config = NetworkConfig(architecture=architecture, resolution=32, z_dim=Z_DIM, width=8, classes=classes)
    generator = build_generator(config)
    weight = first_weight(generator)
    assert weight is not None
    assert weight.shape[1] == Z_DIM
    module = next(m for m in generator.stem.modules() if isinstance(m, (nn.Linear, nn.ConvTranspose2d)))
    z, step = latents([0, 1], Z_DIM)[:, None]
    inputs = [torch.cat([x, torch.zeros(1, classes)], 1) for x in (z, z + step)]
    if isinstance(module, nn.ConvTranspose2d):
        inputs = [x[:, :, None, None] for x in inputs]
    moved = (module(inputs[1]) - module(inputs[0])).flatten()
    torch.testing.assert_close(weight @ step[0], moved, atol=1e-5, rtol=1e-4)


def test_gram_schmidt_keeps_the_first_and_drops_what_is_not_new() -> None:
    rows = torch.tensor([[2.0, 0, 0], [1.0, 0.1, 0], [1.0, 1.0, 0], [0, 0, 3.0]], dtype=torch.float64)
    kept = orthogonal(rows, 3)
    assert [row for row, _ in kept] == [0, 2, 3]
    torch.testing.assert_close(torch.stack([unit for _, unit in kept]), torch.eye(3, dtype=torch.float64))


def test_visible_change_is_the_mean_difference_that_a_direction_makes() -> None:
    def draw(z: Tensor) -> Tensor:
        return (z[:, :1] * 0.1).reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4)

    change = visible_change(draw, torch.eye(3)[:2], torch.zeros(5, 3), step=2.0)
    torch.testing.assert_close(change, torch.tensor([0.1, 0.0]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def fashion(home: Path) -> str:
    return fashion_in(home)


@pytest.fixture(scope="module")
def cats(home: Path) -> str:
    return cats_in(home)


@pytest.fixture
def model(home: Path, fashion: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("ATELIER_HOME", str(home))
    return load_reference(fashion)


def test_directions_of_a_generator_are_ten_orthogonal_unit_vectors_the_same_every_time(model: Model) -> None:
    found = find_directions(model)
    vectors = torch.stack([d.vector for d in found])
    assert len(found) == 10
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(10), atol=1e-5, rtol=0)
    again = find_directions(model)
    assert [d.name for d in again] == [d.name for d in found]
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(found, again, strict=True))


@pytest.mark.parametrize("source", ["cats", "fashion"])
def test_a_direction_planted_in_a_generator_is_found_first(
    source: str, home: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(home))
    model = load_reference(request.getfixturevalue(source))
    planted = nn.functional.normalize(latents([11], 16), dim=1)[0]
    generator = deepcopy(model.generator)
    weight = next(m for m in generator.stem.modules() if isinstance(m, nn.Linear)).weight
    weight[:, :16] += 6 * (weight[:, :16] @ planted)[:, None] * planted
    found = find_directions(replace(model, generator=generator))
    assert found[0].method == "pca"
    assert abs(float(found[0].vector @ planted)) > 0.95


def test_where_pca_has_nothing_to_say_the_closed_form_speaks(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gan.directions.principal_directions", lambda activations, z, count: z.new_zeros(0, 16)
    )
    found = find_directions(model)
    assert len(found) == 10
    assert {d.method for d in found} == {"closed-form"}


def test_where_a_space_is_laid_out_the_closed_form_looks_through_it_and_older_checkpoints_keep_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = load("fashion")
    assert model.generator.layout is not None
    halvings, size = model.generator.layout.halvings, model.config.z_dim
    monkeypatch.setattr(
        "gan.directions.principal_directions", lambda activations, z, count: z.new_zeros(0, size)
    )
    weight = first_weight(model.generator)
    assert weight is not None
    older = {key: value for key, value in model.document.items() if key != FOUND_BY}
    before = find_directions(replace(model, document=older))
    span = torch.linalg.svd(weight.double(), full_matrices=False).Vh[:20]
    for direction in before:
        assert float((span @ direction.vector.double()).norm()) == pytest.approx(1, abs=1e-3)
    after = find_directions(replace(model, document={**older, FOUND_BY: FOUND_BY_CODE}))
    # A halving decides which part of the space is meant: it has no slope, so no direction in closed form.
    assert all(float(direction.vector[:halvings].norm()) < 1e-3 for direction in after)
    assert any(float(direction.vector[:halvings].norm()) > 0.1 for direction in before)


def test_a_checkpoint_says_how_its_directions_are_found(model: Model) -> None:
    assert model.document[FOUND_BY] == FOUND_BY_CODE


def test_saved_directions_are_used_and_damaged_ones_are_not(model: Model) -> None:
    folder = store.find(model.reference).folder
    own = [Direction(f"Mine {i}", "supervised", v, 3.0) for i, v in enumerate(torch.eye(16)[:3])]
    path = save_directions(folder, own)
    try:
        reloaded = load_reference(model.reference)
        assert [(d.name, d.method, d.limit) for d in directions_of(reloaded)] == [
            (f"Mine {i}", "supervised", 3.0) for i in range(3)
        ]
        assert torch.equal(directions_of(reloaded)[1].vector, torch.eye(16)[1])
        for vectors, described in damaged_files():
            save_file({"vectors": vectors}, path, metadata={"directions": described})
            assert saved_directions(model) == ()
        path.write_bytes(b"not a safetensors file")
        assert saved_directions(model) == ()
    finally:
        path.unlink()
    assert len(directions_of(load_reference(model.reference))) == 10


def damaged_files() -> list[tuple[Tensor, str]]:
    entry = {"name": "x", "method": "pca", "limit": 3}
    right = json.dumps([entry])
    return [
        (torch.ones(1, 15), right),
        (torch.ones(16), right),
        (torch.zeros(1, 16), right),
        (torch.ones(2, 16), right),
        (torch.ones(1, 16), "no JSON"),
        (torch.ones(1, 16), json.dumps([{**entry, "method": "guess"}])),
        (torch.ones(1, 16), json.dumps([{**entry, "limit": "wide"}])),
        (torch.ones(1, 16), json.dumps(["x"])),
        (torch.full((1, 16), float("nan")), right),
    ]


def test_another_checkpoint_of_the_same_name_lends_no_directions(model: Model) -> None:
    folder = store.find(model.reference).folder
    path = save_directions(folder, [Direction("Mine", "saved", torch.eye(16)[0])])
    try:
        assert len(saved_directions(load(str(folder)))) == 0
        assert len(saved_directions(replace(model, document={**model.document, "title": "Other"}))) == 0
        assert len(saved_directions(model)) == 1
    finally:
        path.unlink()
    assert not (folder / FILE).exists()


def test_effects_are_named_only_when_they_are_there() -> None:
    random = torch.Generator().manual_seed(1)
    base = torch.rand(8, 3, 16, 16, generator=random) - 0.5
    brighter = describe_effect(base + 0.3, base - 0.3)
    assert (brighter.text, brighter.sign) == ("brighter", 1)
    assert describe_effect(base - 0.3, base + 0.3).sign == -1
    tint = torch.tensor([0.4, 0.0, -0.4])[:, None, None]
    assert describe_effect(base + tint, base - tint).text == "warmer"
    other = torch.rand(8, 3, 16, 16, generator=random) - 0.5
    assert describe_effect(base, other) == describe_effect(other, base)
    assert describe_effect(base, other).text == ""


def test_the_place_of_a_change_is_measured() -> None:
    change = torch.zeros(20, 20)
    assert changed_place(change) == ""
    assert changed_place(change + 1) == ""
    change[:4] = 1
    assert changed_place(change) in ("top", "edges")
    middle = torch.zeros(20, 20)
    middle[8:12, 8:12] = 1
    assert changed_place(middle) == "middle"
