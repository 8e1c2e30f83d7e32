from __future__ import annotations

from pathlib import Path

import pytest
import torch
from explorer_helpers import fashion_in

from gan.direction_files import Direction, kept_in, save_directions
from gan.direction_maths import closed_form_directions, strongest_axes
from gan.direction_sets import (
    all_directions,
    closed_directions,
    further_part,
    kept_directions,
    orthogonalised,
    pca_directions,
    write_directions,
)
from gan.directions import directions_of
from gan.errors import GanError
from gan.explorer import MOST_EDITS
from gan.first_layer import code_slopes, first_layer_gram
from gan.latent import latents
from gan.model import Model, load, load_reference
from gan.supervised import supervised_directions


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return {"small": load_reference(fashion_in(home)), "cats": load("cats"), "fashion": load("fashion")}


def test_the_axes_of_a_gram_matrix_are_those_of_its_factor() -> None:
    weight = latents(range(20), 9).double() @ torch.diag(torch.arange(9.0, 0, -1).double())
    expected, found = closed_form_directions(weight, 5), strongest_axes(weight.T @ weight, 5)
    torch.testing.assert_close((expected * found).sum(1).abs(), torch.ones(5, dtype=torch.float64))


@pytest.mark.parametrize("name", ["small", "cats", "fashion"])
def test_every_method_answers_for_itself_with_orthogonal_unit_vectors(
    name: str, models: dict[str, Model]
) -> None:
    for method, found in (
        ("pca", pca_directions(models[name])),
        ("closed-form", closed_directions(models[name])),
    ):
        assert 1 <= len(found) <= 10
        assert {d.method for d in found} == {method}
        vectors = torch.stack([d.vector for d in found])
        torch.testing.assert_close(vectors @ vectors.T, torch.eye(len(found)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["small", "cats", "fashion"])
def test_the_first_ten_keep_their_places_and_all_fit_into_a_link(name: str, models: dict[str, Model]) -> None:
    everything = all_directions(models[name])
    first = directions_of(models[name])
    assert all(a is b for a, b in zip(first, everything, strict=False))
    assert len(first) < len(everything) <= MOST_EDITS
    methods = [d.method for d in everything[len(first) :]]
    assert methods == sorted(methods, key=("pca", "closed-form", "supervised").index)
    assert len({d.name for d in everything}) == len(everything)


@pytest.mark.parametrize("name", ["small", "cats", "fashion"])
def test_slopes_are_the_derivative_of_the_code(name: str, models: dict[str, Model]) -> None:
    model = models[name]
    slopes = code_slopes(model)
    assert slopes.shape[2] == model.config.z_dim
    layout = model.generator.layout
    if layout is None:
        assert len(slopes) == 1
        return
    z = torch.full((1, model.config.z_dim), 0.5)
    z[:, : layout.halvings] = -3
    step = latents([1], model.config.z_dim) * 0.1
    step[:, : layout.halvings] = 0
    labels = torch.zeros(1, dtype=torch.int64)
    moved = layout(z + step, labels) - layout(z, labels)
    torch.testing.assert_close(moved.double(), step.double() @ slopes[0].T, atol=1e-3, rtol=1e-3)


def test_for_a_plain_generator_the_gram_is_that_of_the_first_weight(models: dict[str, Model]) -> None:
    model = models["small"]
    n = closed_directions(model, 3)[0].vector.double()
    gram = first_layer_gram(model)
    assert float(n @ gram @ n) == pytest.approx(float(torch.linalg.eigvalsh(gram)[-1]), rel=1e-4)


def direction(*values: float) -> Direction:
    vector = torch.tensor(values, dtype=torch.float32)
    return Direction("x", "saved", vector / vector.norm())


def test_a_direction_without_the_others_is_at_right_angles_to_them_and_as_near_as_can_be() -> None:
    one, others = direction(1, 1, 1, 0), [direction(1, 0, 0, 0), direction(2, 0, 0, 0), direction(1, 1, 0, 0)]
    left = orthogonalised(one, others)
    torch.testing.assert_close(left.vector, torch.tensor([0.0, 0.0, 1.0, 0.0]))
    torch.testing.assert_close(orthogonalised(one, []).vector, one.vector)
    assert left.name == "x"


def test_nothing_left_or_another_generator_is_a_mistake() -> None:
    with pytest.raises(GanError, match="Nothing of"):
        orthogonalised(direction(1, 1, 0), [direction(1, 0, 0), direction(0, 1, 0)])
    with pytest.raises(GanError, match="different generators"):
        orthogonalised(direction(1, 1, 0), [direction(1, 0)])


def test_opening_a_checkpoint_looks_for_no_further_directions(
    models: dict[str, Model], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from gan import explorer, explorer_drawing

    def never(model: Model) -> tuple[Direction, ...]:
        raise AssertionError("a page must not wait for these")

    for module in (explorer, explorer_drawing):
        monkeypatch.setattr(module, "all_directions", never)
    model = models["small"]
    state = explorer.ExplorerState(model.reference, edits=(1.0, 2.0))
    explorer.describe(model)
    explorer.render(model, state)
    explorer.neighbours(model, state)


def test_kept_directions_are_used_for_the_same_weights_alone(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(tmp_path))
        reference = fashion_in(tmp_path)
        folder = tmp_path / reference / "checkpoint"
        found = load_reference(reference)
        expected = all_directions(found)
        assert further_part(found, 0)[1] == 1
        save_directions(folder, [Direction("Mine", "saved", torch.eye(16)[3])])
        write_directions(load_reference(reference), folder)
        patch.setattr("gan.direction_sets._found", None)
        kept = load_reference(reference)
        again, following = further_part(kept, 0)
        assert following is None
        assert [(d.name, d.method, d.limit) for d in directions_of(kept) + again] == [
            (d.name, d.method, d.limit) for d in expected
        ]
        for one, other in zip(again, expected[10:], strict=True):
            torch.testing.assert_close(one.vector, other.vector)
        assert [d.name for d in kept_directions(kept)] == ["Mine"]
        weights = folder / "generator.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(bytes(content))
        assert kept_in(load_reference(reference)).further == ()
        assert kept_in(load_reference(reference)).first == ()
        assert [d.name for d in kept_directions(load_reference(reference))] == ["Mine"]


@pytest.mark.parametrize("name", ["cats", "fashion"])
def test_the_shipped_checkpoints_have_the_directions_that_would_be_found(name: str) -> None:
    model = load(name)
    kept = kept_in(model).further
    found = pca_directions(model) + closed_directions(model) + supervised_directions(model)
    assert [(d.name, d.method, d.limit) for d in kept] == [(d.name, d.method, d.limit) for d in found]
    for one, other in zip(kept, found, strict=True):
        assert float(one.vector @ other.vector) > 0.999


def test_there_is_no_part_beyond_the_last(models: dict[str, Model]) -> None:
    for part in (-1, 3):
        with pytest.raises(GanError, match="3 parts"):
            further_part(models["small"], part)
