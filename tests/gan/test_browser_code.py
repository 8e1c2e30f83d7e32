"""The page's arithmetic beside Python's: the same numbers from the same seeds and states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page

from gan.browser_files import FOLDER, page_settings
from gan.codes import decode_direction, decode_latent, encode_direction, encode_latent
from gan.config import NetworkConfig
from gan.direction_sets import orthogonalised
from gan.directions import Direction, directions_of
from gan.errors import GanError
from gan.explorer import ExplorerState, latent, latent_of, neighbours
from gan.export import describe_for_browser
from gan.latent import latents, slerp
from gan.model import Model, load
from gan.networks import build_generator
from gan.walk import stops_at, wishes_of, wishing

SEEDS = [0, 1, 2, 42, 1234, 2**31 - 1, 2**31, 2**32 - 1, *range(1000, 1200, 7)]
OWN = {"name": "weit · 目 👁", "vector": encode_direction(latents([7], 6)[0]), "amount": 1.5}
FOUR_LAYERS = encode_direction(latents([7], 24)[0])
SPACE = """
const vectorOf = (packed) => new Float32Array(Uint8Array.from(atob(packed), (c) => c.charCodeAt(0)).buffer);
const spaceOf = ({ z_dim, vectors, styles }, limits) =>
  ({ z_dim, vectors: vectors.map(vectorOf), limits, styles: stylesOf(styles) });
"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def evaluated(page: Page, expression: str, given: Any) -> Any:
    code = "".join(
        (FOLDER / name).read_text("utf-8")
        for name in ("random.js", "codes.js", "latent.js", "styles.js", "state.js")
    )
    return page.evaluate(
        f"([props, given]) => {{ {code} {SPACE} return {expression}; }}", [page_settings(), given]
    )


@pytest.mark.parametrize("count", [1, 2, 7, 72, 700])
def test_a_seed_means_the_same_numbers_as_in_numpy(page: Page, count: int) -> None:
    drawn = evaluated(page, f"given.map((seed) => [...randn(seed, {count})])", SEEDS)
    expected = np.stack([np.random.RandomState(seed).randn(count) for seed in SEEDS])
    np.testing.assert_allclose(np.array(drawn), expected, rtol=1e-14, atol=0)
    assert (np.array(drawn, np.float32) == expected.astype(np.float32)).mean() > 0.999


def test_the_way_between_two_vectors_is_the_same(page: Page) -> None:
    a, b = latents([3, 4], 9)
    axis = torch.eye(9)[2]
    pairs = [(a, b), (a, a), (a, -a), (a, 0 * b), (axis, -2 * axis), (a, a + 1e-9)]
    for start, end in pairs:
        for t in (0.0, 0.3, 1.0):
            drawn = evaluated(page, "[...slerp(...given)]", [start.tolist(), end.tolist(), t])
            expected = slerp(start, end, torch.tensor([t]))[0]
            torch.testing.assert_close(
                torch.tensor(drawn, dtype=torch.float32), expected, atol=1e-5, rtol=1e-5
            )


@pytest.mark.parametrize("base", ["", encode_latent(latents([6], 6)[0]), encode_latent(latents([6], 7)[0])])
@pytest.mark.parametrize("own", [[], [OWN, {**OWN, "amount": -3.25}, {**OWN, "vector": "AQIDBA"}]])
@pytest.mark.parametrize("between", [None, {"seeds": [3, 7, 3, 7], "place": [0.25, 0.0]},
                                     {"seeds": [1, 2, 3, 4], "place": [0.3125, 0.9]}])  # fmt: skip
def test_a_state_is_the_same_latent_vector(page: Page, between: Any, own: Any, base: str) -> None:
    directions = [Direction("a", "pca", latents([8], 6)[0]), Direction("b", "pca", latents([9], 6)[0], 2.0)]
    state = {"checkpoint": "x", "seed": 5, "truncation": 0.65, "class": 0, "edits": [1.5, -9, 4]}
    state |= {"raw": {"1": -2.5, "77": 1}, "between": between, "own": own, "base": base}
    limits = [direction.limit for direction in directions]
    told = {"z_dim": 6, "vectors": describe_for_browser(load("cats"), directions)["vectors"]}
    drawn = evaluated(page, "[...latentOf(given[0], spaceOf(given[1], given[2]))]", [state, told, limits])
    expected = latent_of(ExplorerState.from_json(state), directions, 6)[0]
    torch.testing.assert_close(torch.tensor(drawn, dtype=torch.float32), expected, atol=1e-5, rtol=0)


def styled(told: tuple[int, ...], classes: int) -> Model:
    """A style-based generator of random weights whose w is not centred yet, so that its middle counts."""
    config = NetworkConfig("style", 28, 1, 6, width=4, attributes=told, classes=classes)
    torch.manual_seed(5)
    generator = build_generator(config).train()
    with torch.no_grad():
        generator(latents(range(32), 6), torch.zeros(32, dtype=torch.int64) if classes else None)
    generator.eval().requires_grad_(False)
    names = tuple(f"class {i}" for i in range(classes))
    return Model("x", "X", config, generator, None, names, (), {}, {})


@pytest.mark.parametrize(("told", "classes"), [((), 0), ((2, 3), 0), ((), 3)])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"layers": {"0": [1, 2], "1": [3, 3]}, "raw": {"1": -2.5}},
        {"base": encode_latent(latents([6], 6)[0]), "own": [OWN]},
        {"base": encode_latent(latents([6], 24)[0]), "own": [{**OWN, "vector": FOUR_LAYERS}]},
        {"between": {"seeds": [1, 2, 3, 4], "place": [0.3125, 0.9]}},
    ],
)  # fmt: skip
def test_a_state_is_the_same_styles(
    page: Page, told: tuple[int, ...], classes: int, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = styled(told, classes)
    directions = (Direction("a", "pca", latents([8], 6)[0]), Direction("b", "pca", latents([9], 24)[0], 2.0))
    monkeypatch.setattr("gan.explorer_drawing.directions_of", lambda _: directions)
    state = {
        "checkpoint": "x",
        "seed": 5,
        "truncation": 0.65,
        "class": 2,
        "edits": [1.5, -9],
        "raw": {},
        **more,
    }
    given = [state, describe_for_browser(model, directions), [d.limit for d in directions]]
    drawn = evaluated(page, "[...latentOf(given[0], spaceOf(given[1], given[2]))]", given)
    expected = latent(model, ExplorerState.from_json(state))[0]
    assert len(expected) == 24
    torch.testing.assert_close(torch.tensor(drawn, dtype=torch.float32), expected, atol=1e-4, rtol=1e-4)
    known = evaluated(page, "knownZ(given[0], spaceOf(given[1], given[2]))", given)
    assert (known is None) == (len(more.get("base", "")) > 20)


@pytest.mark.parametrize("told", [(), (2, 3)])
def test_a_place_on_a_walk_has_the_attributes_of_either_end(
    page: Page, told: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = styled(told, 0)
    monkeypatch.setattr("gan.explorer_drawing.directions_of", lambda _: ())
    state = {"checkpoint": "x", "seed": 5, "truncation": 0.65, "class": 0, "edits": [], "raw": {"1": -2.5}}
    state["between"] = {"seeds": [1, 7, 1, 7], "place": [0.25, 0.0]}
    given = [state, describe_for_browser(model, ()), [], sum(told)]
    ends = evaluated(page, "endsOf(given[0], spaceOf(given[1], given[2]), given[3])", given)
    for end, stop in zip(ends, stops_at(ExplorerState.from_json(state), [1, 7]), strict=True):
        expected = wishing(ExplorerState.from_json(state), wishes_of(model, stop))
        assert [int(index) for index in end["raw"]] == [index for index, _ in expected.raw]
        assert list(end["raw"].values()) == pytest.approx([value for _, value in expected.raw])
        assert end["between"] == state["between"]


@pytest.mark.parametrize("more", [{}, {"edits": [0, 1.25, 0], "raw": {"3": 4, "0": -0.5}, "class": 2},
                                  {"between": {"seeds": [1, 5, 1, 5], "place": [0.5, 0]}},
                                  {"own": [OWN], "base": encode_latent(latents([6], 72)[0])},
                                  {"edits": [2.5], "layers": {"0": [0, 2], "11": [3, 3]}}])  # fmt: skip
def test_a_state_has_the_same_neighbours(page: Page, more: dict[str, Any]) -> None:
    model = load("cats")
    directions = directions_of(model)
    state = {"checkpoint": "cats", "seed": 4, "truncation": 0.7, "class": 0, "edits": [], "raw": {}, **more}
    given = [state, [direction.limit for direction in directions]]
    near = evaluated(page, "neighbourStates(given[0], { limits: given[1] }).map((each) => each.edits)", given)
    expected = [each.edits for each, _ in neighbours(model, ExplorerState.from_json(state))]
    assert [tuple(edits) for edits in near] == expected


def test_a_direction_without_others_is_the_same(page: Page) -> None:
    own, *others = (Direction(f"{i}", "pca", vector) for i, vector in enumerate(latents(range(20, 25), 6)))
    twice = [*others[:2], Direction("twice", "pca", 2 * others[0].vector - others[1].vector)]
    for apart_from in ([], others[:1], others[:3], twice):
        given = [own.vector.tolist(), [other.vector.tolist() for other in apart_from]]
        drawn = evaluated(page, "[...apartFrom(Float64Array.from(given[0]), given[1])]", given)
        expected = orthogonalised(own, apart_from).vector
        torch.testing.assert_close(torch.tensor(drawn, dtype=torch.float32), expected, atol=1e-5, rtol=0)
    nothing = [others[0].vector.tolist(), [twice[2].vector.tolist(), others[1].vector.tolist()]]
    assert evaluated(page, "apartFrom(Float64Array.from(given[0]), given[1])", nothing) is None
    with pytest.raises(GanError, match="Nothing of"):
        orthogonalised(others[0], twice[1:])


def test_a_link_holds_the_place_between_seeds(page: Page) -> None:
    state = {"checkpoint": "runs/a", "seed": 5, "truncation": 0.65, "class": 3, "mode": "directions"}
    state |= {"edits": [1, 0, 2.5], "raw": {"4": 4}, "between": {"seeds": [1, 2, 3, 4], "place": [0.25, 1]}}
    query = evaluated(page, "queryOf(given)", state)
    assert "between=1,2,3,4:0.25,1" in query
    assert evaluated(page, "stateFrom('?' + given)", query) == state
    for wrong in ("1,2,3:0,0", "1,2,3,4", "1,2,3,4:x,1", "a", ":"):
        assert "between" not in evaluated(page, "stateFrom('?checkpoint=a&between=' + given)", wrong)


def test_a_link_holds_a_latent_vector_and_own_directions(page: Page) -> None:
    state = {"checkpoint": "a", "seed": 5, "truncation": 1, "class": 0, "mode": "directions", "edits": []}
    state |= {"raw": {}, "base": encode_latent(latents([3], 6)[0]), "own": [OWN, {**OWN, "name": "a: b, c"}]}
    query = evaluated(page, "queryOf(given)", state)
    assert f"base={state['base']}&own=1.5:{OWN['vector']}:weit" in query
    assert evaluated(page, "stateFrom('?' + given)", query) == state
    for wrong in ("base=A", "base=%3C", "own=1:A:x", "own=x:AQID:y", "own=1:AQID:", "own=1:AAAA:x"):
        assert (
            evaluated(page, "stateFrom('?checkpoint=a&' + given)", wrong).keys().isdisjoint({"base", "own"})
        )


def test_a_link_holds_the_layers_that_a_slider_moves(page: Page) -> None:
    state = {"checkpoint": "a", "seed": 5, "truncation": 1, "class": 0, "mode": "directions", "edits": [1, 2]}
    state |= {"raw": {}, "layers": {"0": [0, 2], "12": [5, 5]}}
    query = evaluated(page, "queryOf(given)", state)
    assert "layers=0:0-2,12:5-5" in query
    assert evaluated(page, "stateFrom('?' + given)", query) == state
    for wrong in ("0", "0:1", "x:1-2", "0:2-1", "0:1-16", "64:0-1", "0:-1-2", ""):
        assert "layers" not in evaluated(page, "stateFrom('?checkpoint=a&layers=' + given)", wrong)


def test_vectors_are_written_and_read_as_in_python(page: Page) -> None:
    for z in (*latents(range(5), 7), torch.tensor([9.0, -9.0, 0.5 / 4096, 1.5 / 4096, 0.0])):
        text = evaluated(page, "encodeLatent(Float64Array.from(given))", z.double().tolist())
        assert text == encode_latent(z)
        assert evaluated(page, "[...decodeLatent(given)]", text) == decode_latent(text).tolist()
        text = evaluated(page, "encodeDirection(Float64Array.from(given))", z.double().tolist())
        assert text == encode_direction(z)
        drawn = evaluated(page, "[...decodeDirection(given)]", text)
        torch.testing.assert_close(torch.tensor(drawn), decode_direction(text))
    assert evaluated(page, "encodeDirection(Float64Array.from(given))", [0, 0]) == ""
    for wrong in ("", "A", "AB==", "A+/B", "A" * 20000, "AAB", 5, None):
        assert evaluated(page, "decodeLatent(given)", wrong) is None
