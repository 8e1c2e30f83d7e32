"""A style-based checkpoint in a real browser: layers of a slider, the mixing grid and its crossover."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from test_closer_page import STATE, unfold
from test_explore_page import OTHER, PATH, SAME, SLIDER, SOURCE, ready

from gan.explorer import ExplorerState, render
from gan.model import Model, load_reference
from gan.pictures import to_images
from tests.gan.explorer_helpers import styled_cats_in

LAYERS = "#explore select[data-layers='0']"


@pytest.fixture(scope="module")
def model(app_home: Path) -> Model:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(app_home))
        return load_reference(styled_cats_in(app_home, told=True))


@pytest.fixture
def styled(page: Page, app_url: str, model: Model) -> Page:
    """The page with the style-based checkpoint, drawn by the browser."""
    page.goto(f"{app_url}/?checkpoint={model.reference}&seed=3&psi=1")
    ready(page)
    expect(page.locator(PATH)).to_have_attribute("data-path", "browser")
    return page


def same_as_the_server(page: Page, model: Model) -> bool:
    """Whether the canvas shows the state's picture as Python draws it, to 2 of 255."""
    state = ExplorerState.from_json(page.evaluate(STATE))
    shown = Image.open(BytesIO(base64.b64decode(page.evaluate(SOURCE).split(",")[1]))).convert("RGB")
    expected = to_images(render(model, state))[0].convert("RGB")
    return int(np.abs(np.asarray(shown, int) - np.asarray(expected, int)).max()) <= 2


def test_a_slider_moves_all_layers_or_some_and_the_link_keeps_them(styled: Page, model: Model) -> None:
    before = styled.evaluate(SOURCE)
    assert same_as_the_server(styled, model)
    styled.locator(SLIDER).fill("3")
    styled.wait_for_function(OTHER, arg=before)
    ready(styled)
    whole = styled.evaluate(SOURCE)
    styled.locator(LAYERS).select_option("0-1")
    styled.wait_for_function(OTHER, arg=whole)
    ready(styled)
    coarse = styled.evaluate(SOURCE)
    assert coarse != before
    assert same_as_the_server(styled, model)
    link = styled.locator("#explore .explore-link")
    expect(link).to_have_value(re.compile("layers=0:0-1"))
    styled.goto(link.input_value())
    ready(styled)
    styled.wait_for_function(SAME, arg=coarse)
    expect(styled.locator(LAYERS)).to_have_value("0-1")
    styled.locator(LAYERS).select_option("0-4")
    styled.wait_for_function(SAME, arg=whole)
    styled.locator("#explore .explore-undo").click()
    styled.wait_for_function(SAME, arg=coarse)


def test_other_generators_have_no_layers_to_choose(page: Page) -> None:
    ready(page)
    expect(page.locator(SLIDER)).to_be_visible()
    expect(page.locator("#explore .explore-layers")).to_have_count(0)
    expect(page.locator("#explore .explore-layers-hint")).to_be_hidden()
    unfold(page, "mixing")
    expect(page.locator("#mixing-groups input")).to_have_count(6)
    expect(page.locator("#mixing-crossover")).to_be_hidden()


def test_the_crossover_ticks_the_fine_layers_and_a_mixed_picture_opens(styled: Page, model: Model) -> None:
    unfold(styled, "mixing")
    ticks = styled.locator("#mixing-groups input")
    expect(ticks).to_have_count(5)
    crossover = styled.locator("#mixing-crossover input[type=number]")
    expect(crossover).to_have_value("2")
    crossover.fill("1")
    crossover.press("Enter")
    expect(styled.locator("#mixing-groups input:checked")).to_have_count(4)
    expect(ticks.first).not_to_be_checked()
    styled.locator("#mixing-make").click()
    cells = styled.locator("#mixing-grid button:has(img)")
    # Four columns and three rows, with their heads; the eighth is in the first row.
    expect(cells).to_have_count(20)
    cells.nth(7).focus()
    styled.keyboard.press("Enter")
    styled.wait_for_function(f"() => {STATE}?.base")
    ready(styled)
    expect(styled.locator(PATH)).to_have_attribute("data-path", "browser")
    assert same_as_the_server(styled, model)
    # Wishes need a z, which a mixed picture has not: the first one goes back to the seed's.
    mixed = styled.evaluate(SOURCE)
    styled.locator("#explore .explore-attribute-list select").first.select_option("2")
    styled.wait_for_function(OTHER, arg=mixed)
    ready(styled)
    assert not styled.evaluate(STATE).get("base")
    assert same_as_the_server(styled, model)
