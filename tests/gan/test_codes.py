from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan.codes import decode_direction, decode_latent, encode_direction, encode_latent
from gan.errors import GanError
from gan.latent import latents


@pytest.mark.parametrize("z_dim", [2, 16, 72, 512])
def test_a_latent_vector_comes_back_to_an_eighth_of_a_thousandth(z_dim: int) -> None:
    z = latents([5], z_dim)[0]
    back = decode_latent(encode_latent(z))
    assert back.dtype == torch.float32
    torch.testing.assert_close(back, z, atol=1.3e-4, rtol=0)
    assert encode_latent(back) == encode_latent(z)


def test_what_lies_too_far_out_is_cut_off() -> None:
    assert decode_latent(encode_latent(torch.tensor([99.0, -99.0]))).abs().max() <= 8


@pytest.mark.parametrize("length", [1e-3, 1.0, 500.0])
def test_a_direction_comes_back_with_length_one_and_the_same_way(length: float) -> None:
    vector = latents([7], 64)[0]
    back = decode_direction(encode_direction(vector * length))
    assert float(back.norm()) == pytest.approx(1, abs=1e-6)
    assert float(back @ vector / vector.norm()) > 0.9999
    assert encode_direction(back) == encode_direction(vector)


def test_nothing_is_no_direction() -> None:
    with pytest.raises(GanError, match="same"):
        encode_direction(torch.zeros(8))


@given(st.text(max_size=40) | st.none() | st.integers() | st.lists(st.integers()))
def test_any_other_text_is_refused_or_is_a_vector_of_its_own(text: object) -> None:
    for decode, encode in ((decode_latent, encode_latent), (decode_direction, encode_direction)):
        try:
            vector = decode(text)  # type: ignore[arg-type]
        except GanError:
            continue
        assert torch.isfinite(vector).all()
        assert encode(vector)


@pytest.mark.parametrize("text", ["", "A", "AAAA\n", "AAAA=", "é", "A" * 30000, "AAA+", "AAAB C"])
def test_damaged_texts_are_refused(text: str) -> None:
    with pytest.raises(GanError):
        decode_latent(text)
