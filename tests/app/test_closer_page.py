"""The panels below the explorer in a real browser: look closer, mix, compare, find a picture of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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


def test_two_checkpoints_stand_beside_each_other(page: Page) -> None:
    unfold(page, "comparing")
    expect(page.locator("#comparing-other input")).not_to_have_value("")
    page.locator("#comparing-start").click()
    expect(page.locator("#comparing-shown")).to_contain_text("Cats above")


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
