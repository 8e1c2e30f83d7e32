"""What the studio minimises: the gradient is right, and strips give the same as the whole picture."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from style.encoder import load_encoder
from style.objective import Objective, painting_grams
from style.recipe import Recipe
from style.regions import Regions
from style.strips import ALIGNMENT, RIM, strips_of

ENCODER = "replicate"
HEIGHT, WIDTH = 150, 70


def pictures(count: int, height: int = HEIGHT, width: int = WIDTH) -> list[torch.Tensor]:
    """Smooth noise, which has shapes."""
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(count, 3, 12, 8, generator=generator)
    large = torch.nn.functional.interpolate(small, size=(height, width), mode="bicubic").clamp(0, 1)
    noise = 0.1 * torch.randn(large.shape, generator=generator)
    return list((large + noise).clamp(0, 1).split(1))


def objective(regions: Regions, largest: int = 1 << 20, **weights: float) -> tuple[Objective, torch.Tensor]:
    encoder = load_encoder(ENCODER)
    photo, one, other, picture = pictures(4)
    grams = [painting_grams(encoder, painting, largest) for painting in (one, other)]
    recipe = Recipe(**weights)  # type: ignore[arg-type]
    return Objective(encoder, photo, grams, (0.3, 0.7), recipe, regions, largest), picture


def regions_of(kind: str) -> Regions:
    left = torch.zeros(1, 1, HEIGHT, WIDTH)
    left[..., :30] = 1
    top = torch.zeros(1, 1, HEIGHT, WIDTH)
    top[..., :40, :] = 1
    return {
        "everywhere": Regions(),
        "keep": Regions(keep=top),
        "parts": Regions((left, 1 - left)),
        "both": Regions((left, 1 - left), keep=top),
    }[kind]


@pytest.mark.parametrize("kind", ["everywhere", "keep", "parts", "both"])
def test_strips_give_what_the_whole_picture_gives(kind: str) -> None:
    values, gradient = objective(regions_of(kind))[0](pictures(4)[3])
    striped, picture = objective(regions_of(kind), largest=1)
    assert len(striped._strips) > 3
    found, found_gradient = striped(picture)
    assert torch.allclose(found, values, rtol=1e-4)
    assert (found_gradient - gradient).norm() < 1e-3 * gradient.norm()


def test_the_gradient_is_that_of_the_total() -> None:
    function, picture = objective(regions_of("both"))
    _, gradient = function(picture)
    direction = gradient / gradient.norm()
    step = 1e-1
    ahead, behind = (float(function(picture + sign * step * direction)[0][4]) for sign in (1, -1))
    assert (ahead - behind) / (2 * step) == pytest.approx(float(gradient.norm()), rel=0.02)


def test_the_total_is_the_weighted_sum_and_the_photo_has_no_content_and_edge_loss() -> None:
    weights = {"content_weight": 2.0, "style_weight": 3.0, "variation_weight": 5.0, "edge_weight": 0.7}
    function, picture = objective(Regions(), **weights)
    values = function(picture)[0].tolist()
    assert values[4] == pytest.approx(
        sum(w * v for w, v in zip(weights.values(), values, strict=False)), rel=1e-5
    )
    at_photo = function(pictures(4)[0])[0].tolist()
    assert at_photo[0] == pytest.approx(0, abs=1e-6)
    assert at_photo[3] == 0
    assert values[0] > 0.1
    assert values[3] > 0.1


def test_a_photo_that_is_kept_whole_leaves_a_gradient() -> None:
    left = torch.zeros(1, 1, HEIGHT, WIDTH)
    left[..., :30] = 1
    kept = Regions((left, 1 - left), keep=torch.ones(1, 1, HEIGHT, WIDTH))
    for largest in (1, 1 << 20):
        function, picture = objective(kept, largest)
        values, gradient = function(picture)
        assert torch.isfinite(values).all()
        assert torch.isfinite(gradient).all()


@given(height=st.integers(16, 3000), width=st.integers(16, 3000), largest=st.integers(1 << 14, 1 << 20))
@settings(max_examples=200, deadline=None)
def test_strips_cover_every_row_once(height: int, width: int, largest: int) -> None:
    strips = strips_of((height, width), largest)
    assert [strip.top for strip in strips] == [0, *(strip.bottom for strip in strips[:-1])]
    assert strips[-1].bottom == height
    assert [strip.is_last for strip in strips] == [False] * (len(strips) - 1) + [True]
    for strip in strips:
        assert strip.top % ALIGNMENT == 0
        assert strip.bottom - strip.top >= min(ALIGNMENT, height)
        assert strip.outer_top == max(0, strip.top - RIM)
        assert strip.outer_bottom == min(height, strip.bottom + RIM)
        if len(strips) == 1:
            continue
        rows = strip.outer_bottom - strip.outer_top
        assert (rows - 2 * ALIGNMENT) * width <= max(largest, (ALIGNMENT + 2 * RIM) * width)
