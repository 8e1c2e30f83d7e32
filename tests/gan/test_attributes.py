from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.attributes import chosen, granted, wishing
from gan.config import NetworkConfig
from gan.networks import build_discriminator, build_generator

SIZES = st.lists(st.integers(2, 6), min_size=1, max_size=4)


@settings(deadline=None)
@given(sizes=SIZES, free=st.integers(0, 3), seed=st.integers(0, 1000))
def test_wishing_makes_z_choose_the_labels_and_keeps_its_numbers(
    sizes: list[int], free: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(8, sum(sizes) + free, generator=random)
    labels = torch.stack([torch.randint(size, (8,), generator=random) for size in sizes], 1)
    before = z.clone()
    wished = wishing(z, labels, sizes)
    assert torch.equal(chosen(wished, sizes), labels)
    assert torch.equal(wished.sort(1).values, z.sort(1).values)
    assert torch.equal(wished[:, sum(sizes) :], z[:, sum(sizes) :])
    assert torch.equal(z, before)


@settings(deadline=None)
@given(sizes=SIZES, free=st.integers(0, 3), seed=st.integers(0, 1000))
def test_what_is_granted_is_a_share_of_each_value(sizes: list[int], free: int, seed: int) -> None:
    z = torch.randn(8, sum(sizes) + free, generator=torch.Generator().manual_seed(seed))
    told = granted(z, sizes)
    parts = torch.split(told, [*sizes, free], 1)
    for part, column in zip(parts, chosen(z, sizes).T, strict=False):
        torch.testing.assert_close(part.sum(1), torch.ones(8))
        assert torch.equal(part.gather(1, column[:, None])[:, 0], part.amax(1))
    assert torch.equal(parts[-1], z[:, sum(sizes) :])


def test_every_value_is_equally_common_and_attributes_are_independent() -> None:
    labels = chosen(torch.randn(30_000, 7, generator=torch.Generator().manual_seed(0)), (3, 4))
    table = torch.bincount(4 * labels[:, 0] + labels[:, 1], minlength=12) / 30_000
    assert (table - 1 / 12).abs().max() < 0.01


CATS = NetworkConfig("compact", 32, 3, z_dim=9, width=8, attributes=(3, 4))


def test_the_picture_depends_on_what_z_chooses_and_not_on_how_loudly() -> None:
    generator = build_generator(CATS).eval()
    z = torch.zeros(3, 9)
    z[0, 1], z[1, 1], z[2, 2] = 2.0, 3.0, 2.0
    z[:, 4] = 2.0
    with torch.no_grad():
        pictures = generator(z)
    torch.testing.assert_close(pictures[0], pictures[1])
    assert (pictures[0] - pictures[2]).abs().mean() > 1e-4


def test_the_discriminator_looks_for_the_attributes_it_is_told() -> None:
    discriminator = build_discriminator(CATS).eval()
    pictures = torch.randn(1, 3, 32, 32).expand(12, -1, -1, -1)
    labels = torch.cartesian_prod(torch.arange(3), torch.arange(4))
    with torch.no_grad():
        logits = discriminator(pictures, labels).view(3, 4)
        unknown = discriminator(pictures)
    assert len(logits.flatten().unique()) == 12
    # Each attribute adds its own part.
    torch.testing.assert_close(logits - logits[:1], (logits[:, :1] - logits[:1, :1]).expand(3, 4))
    assert len(unknown.unique()) == 1


@pytest.mark.parametrize("spectral", [False, True])
def test_both_networks_have_a_gradient_everywhere(spectral: bool) -> None:
    from dataclasses import replace

    config = replace(CATS, spectral=spectral)
    generator, discriminator = build_generator(config), build_discriminator(config)
    z = torch.randn(64, 9)
    discriminator(generator(z), chosen(z, (3, 4))).sum().backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
