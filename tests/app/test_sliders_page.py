"""Sliders by method and the visitor's own, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from test_explore_page import OTHER, READY, SAME, SLIDER, SOURCE, ready

METHODS = "#explore .explore-methods"
OWN = "#explore input[data-own]"
LINK = "#explore .explore-link"


def choose(page: Page, name: str) -> None:
    page.locator(METHODS).get_by_text(name, exact=True).click()


def test_sliders_by_name_are_found_when_asked_for_and_stay_in_a_link(page: Page) -> None:
    before = ready(page)
    choose(page, "By name")
    slider = page.locator("#explore .explore-slider", has_text=re.compile("background · lighter")).locator(
        "input"
    )
    slider.fill("6")
    page.wait_for_function(OTHER, arg=before)
    expect(page.locator(LINK)).to_have_value(re.compile("edits=(0,){10,}6"))
    page.wait_for_function(READY)
    shown = page.evaluate(SOURCE)
    for name in ("PCA", "Closed form", "Strongest"):
        choose(page, name)
        expect(page.locator("#explore input[data-direction]")).to_have_count(10)
    expect(page.locator(METHODS)).to_contain_text("By name1")
    page.goto(page.locator(LINK).input_value())
    page.wait_for_function(SAME, arg=shown)
    page.wait_for_function(
        "document.querySelector('#explore .explore-methods').textContent.includes('By name1')"
    )
    page.wait_for_function(READY)
    assert page.evaluate(SOURCE) == shown


def make_own(page: Page, name: str) -> None:
    choose(page, "Yours")
    page.locator("#explore .explore-own-name").fill(name)
    page.locator("#explore .explore-own-moved").click()


def test_an_own_slider_is_made_named_remembered_and_forgotten(page: Page) -> None:
    before = ready(page)
    choose(page, "Yours")
    page.locator("#explore .explore-own-moved").click()
    expect(page.locator("#explore .explore-error")).to_contain_text("Move at least one slider first")
    choose(page, "Strongest")
    page.locator(SLIDER).fill("2")
    page.wait_for_function(OTHER, arg=before)
    moved = page.evaluate(SOURCE)
    make_own(page, "brightens <b>all</b>")
    page.locator("#explore .explore-reset").click()
    page.wait_for_function(SAME, arg=before)
    page.locator(OWN).fill("2")
    page.wait_for_function(OTHER, arg=before)
    page.wait_for_function(READY)
    # int8 steps: nearly the same picture, and exactly the same one by its link.
    own = page.evaluate(SOURCE)
    assert moved != before
    expect(page.locator(LINK)).to_have_value(re.compile(r"own=2:[\w-]+:brightens%20"))
    page.goto(page.locator(LINK).input_value())
    page.wait_for_function(SAME, arg=own)
    choose(page, "Yours")
    expect(page.locator("#explore .explore-slider", has_text="brightens <b>all</b>")).to_have_count(1)
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name of").fill("brighter")
    page.get_by_label("New name of").press("Enter")
    expect(page.locator(LINK)).to_have_value(re.compile("own=2:.*:brighter"))
    page.get_by_role("button", name="Delete").click()
    page.wait_for_function(SAME, arg=before)
    expect(page.locator(OWN)).to_have_count(0)
    page.locator("#explore .explore-take-back").click()
    page.wait_for_function(SAME, arg=own)
    expect(page.locator(OWN)).to_have_count(1)


def test_a_slider_is_kept_apart_from_another(page: Page) -> None:
    before = ready(page)
    page.locator(SLIDER).fill("2")
    page.wait_for_function(OTHER, arg=before)
    choose(page, "Yours")
    page.locator("#explore .explore-own-apart-from").select_option(index=2)
    page.locator("#explore .explore-own-apart").click()
    expect(page.locator("#explore .explore-slider", has_text="Direction 3 apart")).to_have_count(1)


def test_the_kinds_of_sliders_are_chosen_by_keyboard(page: Page) -> None:
    ready(page)
    page.locator(f"{METHODS} input:checked").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(f"{METHODS} input[value=own]")).to_be_checked()
    expect(page.locator("#explore .explore-own")).to_be_visible()
    page.keyboard.press("Tab")
    assert "explore-own-name" in page.evaluate("document.activeElement.className")
