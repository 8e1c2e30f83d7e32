"""What the panels below the explorer show of every kind of network."""

from __future__ import annotations

import re

import pytest
import torch

from gan.closer_view import inside_html
from gan.config import ARCHITECTURES, NetworkConfig
from gan.explorer import ExplorerState
from gan.model import Model
from gan.networks import build_generator

SIDES = {"mlp": ["32"], "default": ["4", "8", "16", "32"]}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_way_to_a_picture_is_shown_at_every_size_it_passes(architecture: str) -> None:
    torch.manual_seed(3)
    config = NetworkConfig(architecture, resolution=32, z_dim=12, width=8)
    generator = build_generator(config).eval().requires_grad_(False)
    generator.grow(1.0, 0.0)
    model = Model("x", "X", config, generator, None, (), (), {}, {})
    shown = inside_html(model, ExplorerState("x", seed=3))
    sides = re.findall(r"<figcaption>\w+: \d+ × (\d+) × \1</figcaption>", shown)
    assert list(dict.fromkeys(sides)) == SIDES.get(architecture, SIDES["default"])
    assert len(sides) == shown.count("<figure>")
