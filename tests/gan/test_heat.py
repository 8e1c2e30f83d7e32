from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from explorer_helpers import fashion_in
from torch import Tensor, nn

from gan.errors import GanError
from gan.explorer import ExplorerState, critic_labels, render
from gan.heat import occlusion, painted_heat, saliency, smooth
from gan.model import Model, load, load_reference


class CornerCritic(nn.Module):
    """Its opinion is three times the mean of the upper left corner."""

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        return 3 * pictures[:, :, :8, :8].mean((1, 2, 3))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return load_reference(fashion_in(home))


def cornered(model: Model) -> Model:
    return replace(model, discriminator=CornerCritic())  # type: ignore[arg-type]


def test_the_gradient_of_a_known_critic_is_known(model: Model) -> None:
    heat = saliency(cornered(model), torch.zeros(1, 1, 28, 28))
    torch.testing.assert_close(heat[:8, :8], torch.full((8, 8), 3 / 64))
    assert float(heat[8:].abs().max()) == 0
    assert float(heat[:, 8:].abs().max()) == 0


def test_the_gradient_agrees_with_differences(model: Model) -> None:
    picture = render(model, ExplorerState(model.reference, 4))
    labels = torch.zeros(1, dtype=torch.int64)
    heat = saliency(model, picture, labels)
    critic = model.discriminator
    assert critic is not None
    row, column = divmod(int(heat.argmax()), 28)
    step = torch.zeros_like(picture, dtype=torch.float64)
    step[0, 0, row, column] = 1e-5
    precise = critic.double()
    with torch.no_grad():
        slope = (precise(picture.double() + step, labels) - precise(picture.double() - step, labels)) / 2e-5
    critic.float()
    assert float(slope.abs()) == pytest.approx(float(heat.max()), rel=1e-2)


def test_covering_what_convinces_is_hot_and_all_else_is_not(model: Model) -> None:
    picture = torch.full((1, 1, 28, 28), -1.0)
    picture[:, :, :6, :6] = 1
    heat = occlusion(cornered(model), picture)
    assert heat.shape == (28, 28)
    assert float(heat[:5, :5].mean()) > 0
    assert float(heat[14:].abs().max()) < 1e-6
    torch.testing.assert_close(occlusion(cornered(model), -picture), -heat, atol=1e-5, rtol=0)


def test_shipped_cats_have_a_heat_map_with_their_attributes() -> None:
    model, state = load("cats"), ExplorerState("cats", 3)
    heat = occlusion(model, render(model, state), critic_labels(model, state))
    assert heat.shape == (64, 64)
    assert torch.isfinite(heat).all()
    assert float(heat.abs().max()) > 0


def test_the_painted_map_is_red_for_it_blue_against_it_and_grey_elsewhere() -> None:
    heat = torch.zeros(8, 8)
    heat[0, 0], heat[7, 7] = 2.0, -2.0
    painted = painted_heat(torch.zeros(1, 3, 8, 8), heat)
    assert painted.shape == (1, 3, 8, 8)
    assert painted[0, 0, 0, 0] > painted[0, 2, 0, 0]
    assert painted[0, 2, 7, 7] > painted[0, 0, 7, 7]
    assert not painted[0, :, 4, 4].any()
    assert smooth(heat, 32).shape == (32, 32)


def test_without_a_discriminator_there_is_a_sentence(model: Model) -> None:
    blind = replace(model, discriminator=None)
    for look in (occlusion, saliency):
        with pytest.raises(GanError, match="without its discriminator"):
            look(blind, torch.zeros(1, 1, 28, 28))
