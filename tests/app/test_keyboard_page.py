"""All of the Explore tab in a real browser, by a visitor whose only device is a keyboard."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import FileChooser, Page, expect
from test_explore_page import OTHER, READY, SAME, SLIDER, SOURCE, VIEW, ready

PHOTO = Path(__file__).resolve().parents[2] / "data" / "pictures" / "photos" / "cat.jpg"
TILES = "#explore .explore-liked-list .explore-tile"
OFFERED = "#explore .explore-offer-list .explore-tile"
STATE = "document.querySelector('#explore').atelierState()"
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
        for tries in range(200):
            held = self.page.evaluate(HELD)
            if all(held.values()):
                return
            if tries == 40:
                # Pictures that come late above it may have moved it away.
                self.page.evaluate("document.activeElement.scrollIntoView({ block: 'nearest' })")
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


def test_the_sliders_of_all_kinds(keyboard: Keyboard) -> None:
    page = keyboard.page
    keyboard.to("[data-attribute=accessories]")
    for _ in range(3):
        keyboard.press("ArrowDown")
    assert "raw" in page.evaluate(STATE)
    keyboard.to(".explore-seed")
    keyboard.press("Control+a")
    keyboard.type("7")
    assert page.evaluate(STATE)["seed"] == 7
    keyboard.to(".explore-next")
    keyboard.changes("Enter")
    assert page.evaluate(STATE)["seed"] == 8
    keyboard.to(".explore-truncation")
    keyboard.changes("PageUp")
    keyboard.to(".explore-raw")
    keyboard.press("Space")
    keyboard.to(".explore-pager-on")
    for _ in range(12):
        keyboard.press("Enter")
    assert keyboard.is_at(".explore-pager-on"), "the last page takes the focus away"
    keyboard.back_to("[data-coordinate]")
    keyboard.press("PageDown")
    assert len(page.evaluate(STATE)["raw"]) == 2
    keyboard.back_to(".explore-raw")
    keyboard.press("Space")
    keyboard.to(".explore-methods input")
    keyboard.press("ArrowRight")
    expect(page.locator("#explore .explore-methods input:checked")).to_have_value("pca")
    page.locator("#explore input[data-direction='10']").wait_for()
    keyboard.to("[data-direction='10']")
    pca = keyboard.changes("PageUp")
    keyboard.to(".explore-value")
    keyboard.changes("Enter")
    keyboard.back_to("[data-direction='10']")
    keyboard.press("PageUp")
    page.wait_for_function(SAME, arg=pca)
    keyboard.back_to(".explore-methods input")
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowLeft")
    keyboard.to(".explore-own-name")
    keyboard.type("hats")
    keyboard.to(".explore-own-moved")
    keyboard.press("Enter")
    keyboard.to("[data-own]")
    keyboard.changes("PageUp")
    keyboard.to(".explore-own-buttons button")
    keyboard.press("Enter")
    keyboard.type("caps")
    keyboard.press("Escape")
    assert keyboard.is_at(".explore-own-buttons button"), "giving up a name takes the focus away"
    keyboard.press("Enter")
    keyboard.type("caps")
    keyboard.press("Enter")
    expect(page.locator("#explore .explore-slider", has_text="caps")).to_have_count(1)
    keyboard.to(".explore-own-buttons button")
    keyboard.press("Enter")
    assert keyboard.is_at(".explore-take-back")
    keyboard.press("Enter")
    assert keyboard.is_at("[data-own]")
    keyboard.to(".explore-walk summary")
    keyboard.press("Enter")
    keyboard.to(".explore-walk-seeds")
    keyboard.press("Control+a")
    keyboard.type("1, 5")
    keyboard.to(".explore-walk-make")
    keyboard.press("Enter")
    keyboard.page.locator("#explore .explore-walk-image").wait_for()
    assert keyboard.is_at(".explore-walk-make"), "drawing takes the focus away"
    keyboard.to(".explore-walk-download")
    with page.expect_download() as download:
        keyboard.press("Enter")
    assert download.value.suggested_filename == "walk.gif"


def test_favourites_and_what_is_made_of_them(keyboard: Keyboard) -> None:
    page = keyboard.page
    keyboard.to(VIEW)
    for _ in range(3):
        keyboard.press("l")
        keyboard.changes("Shift+ArrowRight")
    keyboard.to(".explore-save-json")
    with page.expect_download() as download:
        keyboard.press("Enter")
    saved = download.value.path()
    # The page asks for a file only after the browser has been told that somebody will choose one.
    page.on("filechooser", lambda chooser: chooser.set_files(saved))
    page.wait_for_timeout(300)
    keyboard.to(".explore-load")
    keyboard.press("Enter")
    expect(page.locator(TILES)).to_have_count(3)
    for _ in range(2):
        keyboard.to(".explore-tile")
        keyboard.press("Space")
    expect(page.locator(TILES).nth(1)).to_have_attribute("aria-description", "B")
    letters = page.locator(TILES).evaluate_all(
        "all => all.map((each) => each.getAttribute('aria-description'))"
    )
    assert letters == ["A", "B", ""]
    keyboard.to(".explore-note")
    keyboard.type("grumpy")
    keyboard.to(".explore-cross")
    keyboard.press("Enter")
    expect(page.locator(f"{OFFERED} canvas")).to_have_count(6)
    keyboard.to(".explore-offer-list .explore-tile")
    keyboard.changes("Enter")
    keyboard.press("l")
    expect(page.locator(TILES)).to_have_count(4)
    assert keyboard.is_at(".explore-offer-list .explore-tile"), "a new favourite takes the focus away"
    keyboard.back_to(".explore-morph")
    keyboard.press("Enter")
    expect(page.locator(f"{OFFERED} canvas")).to_have_count(7)
    keyboard.back_to(".explore-liked-list .explore-tile:not([aria-pressed=true])")
    keyboard.press("Enter")
    keyboard.to(".explore-tree .explore-tile")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    assert keyboard.is_at(".explore-tree .explore-tile")
    keyboard.to(".explore-sum")
    keyboard.changes("Enter")
    assert page.evaluate(STATE).get("base")
    keyboard.to(".explore-film-kind")
    keyboard.press("ArrowDown")
    keyboard.back_to(".explore-film")
    keyboard.press("Enter")
    page.locator("#explore .explore-film-download").wait_for()
    keyboard.to(".explore-film-download")
    with page.expect_download() as download:
        keyboard.press("Enter")
    assert download.value.suggested_filename == "film.webp"
    keyboard.back_to(".explore-remove")
    keyboard.press("Enter")
    expect(page.locator(TILES)).to_have_count(3)
    assert keyboard.is_at(".explore-take-back")
    keyboard.press("Enter")
    expect(page.locator(TILES)).to_have_count(4)
    assert keyboard.is_at(".explore-liked-list .explore-tile")
    keyboard.press("Enter")
    keyboard.to(".explore-between")
    keyboard.press("Enter")
    expect(page.locator("#explore [data-own]")).to_be_focused()
    keyboard.changes("PageUp")


def test_the_panels_below_the_explorer(keyboard: Keyboard) -> None:
    page, told = keyboard.page, keyboard.page.locator("#announced")
    keyboard.to("#closer button.label-wrap")
    expect(page.locator("#closer button.label-wrap")).to_have_attribute("aria-expanded", "false")
    keyboard.press("Enter")
    expect(page.locator("#closer button.label-wrap")).to_have_attribute("aria-expanded", "true")
    for value, says in (
        ("copies", "nearest"),
        ("inside", "From the latent vector"),
        ("layers", "Generator: numbers to picture"),
        ("heat", "more convincing"),
    ):
        keyboard.back_to("#closer button.label-wrap")
        keyboard.to(f"#closer-what input[value={value}]")
        keyboard.press("Space")
        keyboard.to("#closer-look")
        keyboard.press("Enter")
        expect(page.locator("#closer-shown")).to_contain_text(says)
    expect(told).to_contain_text("more convincing")
    expect(page.get_by_role("group", name="What to look at")).to_be_visible()
    _find_a_picture(keyboard)
    _mix(keyboard)
    keyboard.to("#comparing button.label-wrap")
    keyboard.press("Enter")
    keyboard.to("#comparing-other input")
    page.locator("li[role=option]", has_text="Cats").wait_for()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(page.locator("#comparing-other input")).to_have_value("Cats")
    keyboard.to("#comparing-start")
    keyboard.press("Enter")
    expect(page.locator("#comparing-shown")).to_contain_text("Cats below")
    expect(told).to_contain_text("Cats below")


def _find_a_picture(keyboard: Keyboard) -> None:
    page = keyboard.page

    def choose(chooser: FileChooser) -> None:
        chooser.set_files(str(PHOTO))

    page.on("filechooser", choose)
    page.wait_for_timeout(300)
    keyboard.to("#project button.label-wrap")
    keyboard.press("Enter")
    keyboard.to("#project-photo .upload-container")
    keyboard.press("Enter")
    page.locator("#project-photo img").wait_for()
    keyboard.to("#project-start")
    keyboard.press("Enter")
    expect(page.locator("#project-shown")).to_contain_text("Distance")
    keyboard.to("#project-stop")
    keyboard.press("Enter")
    expect(page.locator("#project-open")).to_be_enabled()
    keyboard.to("#project-open")
    keyboard.press("Enter")
    expect(page.locator(VIEW)).to_be_focused()
    assert page.evaluate(STATE).get("base")
    keyboard.press("Escape")
    assert keyboard.is_at("#project-open")


def _mix(keyboard: Keyboard) -> None:
    page = keyboard.page
    keyboard.to("#mixing button.label-wrap")
    keyboard.press("Enter")
    expect(page.locator("#mixing-groups input")).to_have_count(6)
    keyboard.to("#mixing-rows textarea")
    keyboard.press("Control+a")
    keyboard.type("1, 5")
    keyboard.to("#mixing-groups input[type=checkbox]")
    keyboard.press("Space")
    keyboard.to("#mixing-make")
    keyboard.press("Enter")
    cell = page.get_by_role("button", name="1 with 3")
    cell.wait_for()
    while not cell.evaluate("cell => cell === document.activeElement"):
        keyboard.to("#mixing-grid .thumbnail-item")
    keyboard.press("Enter")
    expect(page.locator(VIEW)).to_be_focused()
    assert page.evaluate(STATE)["seed"] == 1
    keyboard.press("Escape")
    expect(cell).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_stop_is_named_and_seen_on_a_narrow_page(page: Page, app_url: str, theme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/?__theme={theme}")
    page.wait_for_function(READY)
    page.locator("#explore .explore-neighbours button").first.wait_for()
    keyboard = Keyboard(page)
    keyboard.to(VIEW)
    tops: list[int] = []
    for key in ("Tab", "Shift+Tab"):
        for _ in range(MOST_STEPS):
            keyboard.press(key)
            if keyboard.is_at("#credits a") or keyboard.is_at(VIEW):
                break
            keyboard.look()
            if key == "Tab":
                tops.append(page.evaluate("document.activeElement.getBoundingClientRect().top + scrollY"))
    # Rows are level only nearly: buttons, fields and ticks differ in height.
    assert all(next_one > one - 60 for one, next_one in pairwise(tops)), tops


def test_another_checkpoint_and_its_classes(page: Page) -> None:
    ready(page)
    keyboard = Keyboard(page)
    keyboard.back_to(".explore-checkpoint")
    before = keyboard.shown()
    keyboard.press("ArrowDown")
    page.wait_for_function(OTHER, arg=before)
    keyboard.to(".explore-class")
    keyboard.changes("ArrowDown")
    assert page.evaluate(STATE)["class"] == 1
    keyboard.to(SLIDER.split()[-1])
    keyboard.changes("End")
