from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from explorer_helpers import cats_in, fashion_in, write_checkpoint
from torch import Tensor

from gan.attributes import chosen
from gan.datasets import open_dataset
from gan.direction_maths import white_latents
from gan.latent import latents
from gan.model import Model, load, load_reference
from gan.supervised import (
    attribute_orderings,
    classified_directions,
    judge_of,
    measured_directions,
    ordered_values,
    regression,
    supervised_directions,
    value_pictures,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        told = write_checkpoint(home / "told", open_dataset("fashion", limit=256), "Told nothing", told=False)
        return {
            "fashion": load_reference(fashion_in(home)),
            "own": load_reference(cats_in(home)),
            "untold": load(str(told)),
            "cats": load("cats"),
        }


def test_regression_finds_a_known_direction_in_noise_and_tells_how_much_it_explains() -> None:
    z = white_latents(1000, 12)
    wanted = torch.nn.functional.normalize(latents([3], 12), dim=1)[0].double()
    noise = torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    vector, share = regression(z, 5 + 3 * (z @ wanted) + 3 * noise)
    assert float(vector.double() @ wanted) > 0.98
    assert share == pytest.approx(0.5, abs=0.06)


def test_regression_looks_within_classes_and_explains_nothing_by_chance() -> None:
    z = white_latents(1000, 12)
    labels = torch.arange(1000) % 4
    vector, _ = regression(z, z[:, 2] + 50.0 * labels, labels)
    assert float(vector[2]) > 0.99
    noise = torch.randn(1000, generator=torch.Generator().manual_seed(1))
    assert abs(regression(z, noise)[1]) < 0.02
    assert regression(z, torch.ones(1000)) == (pytest.approx(torch.zeros(12)), 0.0)


def test_values_are_ordered_by_the_colour_of_what_changes() -> None:
    pictures = torch.zeros(3, 4, 3, 8, 8)
    pictures[:, :, :, :2] = torch.tensor([0.8, -0.8, 0.0])[:, None, None, None, None]
    order = ordered_values(pictures)["lighter"]
    assert order.argsort().tolist() == [1, 2, 0]
    assert float(order.sum()) == pytest.approx(0, abs=1e-5)


def test_an_attributes_slider_touches_its_own_wishes_alone_and_climbs(models: dict[str, Model]) -> None:
    model = models["cats"]
    orderings = attribute_orderings(model)
    assert {model.attributes[o.attribute].name for o in orderings} == {a.name for a in model.attributes}
    z = latents(range(100, 160), model.config.z_dim)
    for ordering in orderings:
        direction = ordering.direction
        assert float(direction.vector.norm()) == pytest.approx(1, abs=1e-5)
        granted = [
            chosen(z + step * direction.vector, model.config.attributes)
            for step in torch.linspace(-direction.limit, direction.limit, 9)
        ]
        others = [k for k in range(len(model.attributes)) if k != ordering.attribute]
        assert all(torch.equal(g[:, others], granted[0][:, others]) for g in granted)
        heights = torch.stack([ordering.values[g[:, ordering.attribute]] for g in granted])
        assert (heights.diff(dim=0) >= -1e-6).all()
        assert float((heights[-1] > heights[0]).float().mean()) > 0.95


def test_value_pictures_differ_in_one_attribute_alone(models: dict[str, Model]) -> None:
    pictures = value_pictures(models["cats"], 5)
    assert pictures.shape == (6, 8, 3, 64, 64)
    inside = (pictures[0] - pictures[1])[:, :, 36:44, 26:34].abs().mean()
    corner = (pictures[0] - pictures[1])[:, :, :4, -4:].abs().mean()
    assert corner > 3 * inside


@pytest.mark.parametrize("name", ["fashion", "own", "untold"])
def test_every_other_generator_gets_sliders_that_do_what_they_say(
    name: str, models: dict[str, Model]
) -> None:
    found = supervised_directions(models[name])
    assert {d.method for d in found} <= {"supervised"}
    assert len({d.name for d in found}) == len(found) <= 20
    for direction in found:
        assert float(direction.vector.norm()) == pytest.approx(1, abs=1e-5)
    again = supervised_directions.__wrapped__(models[name])
    assert [d.name for d in again] == [d.name for d in found]


def test_a_generator_whose_first_coordinate_is_brightness_gets_that_slider(models: dict[str, Model]) -> None:
    model = models["own"]

    class Lamp(torch.nn.Module):
        sides = ()

        def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
            return torch.tanh(0.3 * z[:, :1, None, None]).expand(-1, 3, 32, 32)

    lamp = replace(model, generator=Lamp())  # type: ignore[arg-type]
    found = measured_directions(lamp)
    assert [d.name for d in found] == ["brighter"]
    assert float(found[0].vector[0]) > 0.98


def test_the_classifier_speaks_only_where_it_knows_the_pictures_and_z_does_not(
    models: dict[str, Model],
) -> None:
    assert judge_of(models["untold"]) is not None
    assert judge_of(replace(models["untold"], document={"data": {"name": "own"}})) is None
    assert judge_of(replace(models["untold"], document={})) is None
    assert judge_of(models["own"]) is None
    assert classified_directions(models["fashion"]) == ()
