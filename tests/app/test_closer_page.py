"""The panels below the explorer in a real browser: look closer, mix, compare, find a picture of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

PHOTO = Path(__file__).resolve().parents[2] / "data" / "pictures" / "photos" / "cat.jpg"
STATE = "document.querySelector('#explore')?.atelierState?.()"
READY = f"() => {STATE}?.checkpoint && document.querySelector('#explore canvas')?.dataset.frame > 0"


def unfold(page: Page, panel: str) -> None:
    page.wait_for_function(READY)
    page.locator(f"#{panel} > button").first.click()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_picture_is_looked_at_closer(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    unfold(page, "closer")
    shown = page.locator("#closer-shown")
    for label, says in (
        ("Where the", "Red places speak"),
        ("Inside", "latent vector to the picture"),
        ("Both", "Generator: numbers to picture"),
    ):
        page.locator("#closer-what").get_by_text(label).click()
        page.locator("#closer-look").click()
        expect(shown).to_contain_text(says)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_mixed_picture_opens_in_the_explorer_and_can_be_undone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    unfold(page, "mixing")
    expect(page.locator("#mixing-groups input")).to_have_count(6)
    page.locator("#mixing-make").click()
    cells = page.locator("#mixing-grid button:has(img)")
    # Three rows of four mixtures, each after its row's own picture, below the columns' own.
    expect(cells).to_have_count(20)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cells.nth(6).focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => {STATE}?.base")
    page.locator("#explore .explore-undo").click()
    page.wait_for_function(f"() => !{STATE}?.base")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_panels_fit_a_phone(page: Page, app_url: str, theme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/?__theme={theme}")
    page.wait_for_function(READY)
    page.locator("#explore .explore-walk summary").click()
    page.locator("#explore .explore-walk-seeds").fill("1, 5")
    page.locator("#explore .explore-walk-make").click()
    expect(page.locator("#explore .explore-walk-image")).to_be_visible()
    for _ in range(2):
        page.locator("#explore .explore-like").click()
        page.locator("#explore .explore-next").click()
    for tile in page.locator("#explore .explore-liked-list .explore-tile").all():
        tile.click()
    page.locator("#explore .explore-film").click()
    expect(page.locator("#explore .explore-film-image")).to_be_visible()
    for panel in ("project", "comparing"):
        unfold(page, panel)
    page.locator("#project-photo input[type=file]").set_input_files(str(PHOTO))
    page.locator("#project-photo img").wait_for()
    page.locator("#project-start").click()
    expect(page.locator("#project-shown")).to_contain_text("Distance")
    page.locator("#project-stop").click()
    expect(page.locator("#comparing-other input")).not_to_have_value("")
    page.locator("#comparing-start").click()
    expect(page.locator("#comparing-shown img")).to_be_visible()
    for shown in (
        "#explore .explore-walk-shown",
        "#explore .explore-film-shown",
        "#project-shown",
        "#comparing-shown",
    ):
        box = page.locator(shown).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_two_checkpoints_stand_beside_each_other(page: Page) -> None:
    unfold(page, "comparing")
    expect(page.locator("#comparing-other input")).not_to_have_value("")
    page.locator("#comparing-start").click()
    expect(page.locator("#comparing-shown")).to_contain_text("Cats above")


def test_favourites_and_the_present_picture_are_mixed(page: Page) -> None:
    page.wait_for_function(READY)
    for _ in range(2):
        page.locator("#explore .explore-like").click()
        page.locator("#explore .explore-next").click()
    unfold(page, "mixing")
    for name in ("first row", "are the columns"):
        page.locator("#mixing-instead").get_by_text(name).click()
    page.locator("#mixing-rows textarea, #mixing-rows input").fill("7")
    page.locator("#mixing-make").click()
    # The present picture and seed 7, each mixed with two favourites, and all heads.
    expect(page.locator("#mixing-grid button:has(img)")).to_have_count(9)
    expect(page.locator("#mixing-grid")).to_contain_text("row, seed 2")


def test_whoever_waits_for_another_search_sees_how_many_are_before(
    page: Page, browser: Browser, app_url: str
) -> None:
    context = browser.new_context()
    other = context.new_page()
    other.set_default_timeout(600_000)
    other.goto(app_url)
    for each in (page, other):
        unfold(each, "project")
        each.locator("#project-photo input[type=file]").set_input_files(str(PHOTO))
        each.locator("#project-photo img").wait_for()
    page.locator("#project-start").click()
    expect(page.locator("#project-shown")).to_contain_text("Distance")
    for _ in range(2):
        other.locator("#project-start").click()
        expect(other.locator("#project-told")).to_contain_text("1 is before yours")
        expect(other.locator("#project-stop")).to_be_enabled()
        other.locator("#project-stop").click()
        expect(other.locator("#project-told")).to_contain_text("Stopped before anything was found.")
        expect(other.locator("#project-start")).to_be_enabled()
    other.locator("#project-start").click()
    expect(other.locator("#project-told")).to_contain_text("1 is before yours")
    page.locator("#project-stop").click()
    expect(other.locator("#project-shown")).to_contain_text("Distance")
    other.locator("#project-stop").click()
    expect(other.locator("#project-told")).to_contain_text("Stopped; the best so far is kept.")
    context.close()


def test_a_picture_of_one_s_own_is_found_stopped_and_opened(page: Page) -> None:
    unfold(page, "project")
    page.locator("#project-start").click()
    expect(page.locator("#project-told")).to_contain_text("Choose a picture first")
    expect(page.locator("#project-start")).to_be_enabled()
    page.locator("#project-photo input[type=file]").set_input_files(str(PHOTO))
    page.locator("#project-photo img").wait_for()
    page.locator("#project-start").click()
    expect(page.locator("#project-shown")).to_contain_text("Distance")
    page.locator("#project-stop").click()
    expect(page.locator("#project-told")).to_contain_text("Stopped; the best so far is kept.")
    expect(page.locator("#project-open")).to_be_enabled()
    page.locator("#project-open").click()
    page.wait_for_function(f"() => {STATE}?.base")
    expect(page.locator("#project-start")).to_be_enabled()
