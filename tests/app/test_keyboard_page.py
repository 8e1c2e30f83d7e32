"""All of the Explore tab in a real browser, by a visitor whose only device is a keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from test_explore_page import OTHER, READY, SAME, SOURCE, VIEW

MOST_STEPS = 160
# What has the focus, whether it can be seen, and whether a line shows that it has the focus.
HELD = """() => {
  const held = document.activeElement;
  const lined = [held, held.closest('label'), held.closest('.wrap')].filter(Boolean).some((each) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(each);
    return outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2 && outlineColor === ACCENT;
  });
  const place = held.closest('label:has(> [type=radio])') || held;
  const { left, top, width, height } = place.getBoundingClientRect();
  const above = document.elementFromPoint(left + width / 2, top + height / 2);
  const name = (held.ariaLabel || held.labels?.[0]?.innerText || held.innerText || '').split('\\n')[0];
  const seen = Boolean(above) && (place.contains(above) || above.contains(place));
  return { name, lined, seen };
}""".replace("ACCENT", "'rgb(99, 102, 241)'")


class Keyboard:
    """The page by its keys alone: everything is reached by Tab, in either direction."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.press = page.keyboard.press
        self.type = page.keyboard.type

    def is_at(self, selector: str) -> bool:
        return bool(self.page.evaluate("selector => document.activeElement.matches(selector)", selector))

    def to(self, selector: str, key: str = "Tab") -> None:
        """Go there by Tab or Shift+Tab; what has the focus is always to be seen, and named."""
        for _ in range(MOST_STEPS):
            self.press(key)
            if self.is_at(selector):
                self.look()
                return
        raise AssertionError(f"{selector} cannot be reached by {key}")

    def look(self) -> None:
        # A line may take a moment to come, and a page to scroll.
        for _ in range(20):
            held = self.page.evaluate(HELD)
            if all(held.values()):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"without a name, a line, or out of sight: {held}")

    def back_to(self, selector: str) -> None:
        self.to(selector, "Shift+Tab")

    def shown(self) -> str:
        return str(self.page.evaluate(SOURCE))

    def changes(self, key: str) -> str:
        """Press a key that changes the picture; returns the new picture."""
        before = self.shown()
        self.press(key)
        self.page.wait_for_function(OTHER, arg=before)
        self.page.wait_for_function(READY)
        return self.shown()


@pytest.fixture
def keyboard(page: Page) -> Keyboard:
    # From the top: a click on trial, as the other tests begin with, would start in the middle of the page.
    page.wait_for_function(READY)
    return Keyboard(page)


def test_the_picture_and_its_controls(keyboard: Keyboard) -> None:
    page, said = keyboard.page, keyboard.page.locator("#explore .explore-said")
    first = keyboard.shown()
    keyboard.to(VIEW)
    keyboard.changes("ArrowRight")
    expect(said).to_have_text(re.compile(r"^Direction 1.* 0\.1 Direction 2.* 0\.0"))
    keyboard.changes("Shift+ArrowUp")
    keyboard.press("+")
    keyboard.press("+")
    expect(said).to_have_text("Enlarged 1.6 times")
    moved = "document.querySelector('#explore .explore-view canvas').style.transform"
    before = page.evaluate(moved)
    keyboard.press("Shift+ArrowLeft")
    assert page.evaluate(moved) != before
    keyboard.press("0")
    assert page.evaluate(moved) == ""
    keyboard.changes("Space")
    expect(page.locator("#explore .explore-play")).to_have_text("Pause")
    keyboard.press("Space")
    expect(said).to_have_text("The walk stands still.")
    page.wait_for_function(READY)
    keyboard.to(".explore-plane-x")
    keyboard.press("End")
    keyboard.to(".explore-plane-seeds")
    keyboard.press("Control+a")
    keyboard.type("2, 4, 6, 8")
    keyboard.changes("Enter")
    keyboard.back_to(VIEW)
    keyboard.changes("ArrowLeft")
    expect(said).to_have_text("48 % to the right 50 % down")
    keyboard.to(".explore-keys summary")
    keyboard.press("Enter")
    expect(page.locator("#explore .explore-keys")).to_contain_text("anywhere: likes this picture")
    keyboard.to(".explore-undo")
    for _ in range(8):
        keyboard.press("Enter")
    page.wait_for_function(SAME, arg=first)
    assert keyboard.is_at(".explore-undo"), "a button that can be pressed no longer keeps the focus"
    keyboard.to(".explore-redo")
    keyboard.changes("Enter")
    keyboard.to(".explore-reset")
    keyboard.press("Enter")
    page.wait_for_function(SAME, arg=first)
    keyboard.press("u")
    page.wait_for_function(OTHER, arg=first)
    keyboard.press("Enter")
    keyboard.to(".explore-download-small")
    with page.expect_download() as download:
        keyboard.press("Enter")
    assert download.value.suggested_filename == "cats-seed0.png"
    keyboard.to(".explore-copy")
    keyboard.press("Enter")
    expect(page.locator("#explore .explore-copy")).to_have_text("Copied")
    keyboard.to(".explore-neighbours button")
    keyboard.changes("Enter")
    page.wait_for_timeout(1500)
    assert keyboard.is_at(".explore-neighbours button"), "new neighbours take the focus of the old ones"
