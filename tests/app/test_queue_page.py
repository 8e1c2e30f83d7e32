"""Five visitors start a run at once, in five real browsers' pages: a fair queue, and sliders that answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from gan.runs import most_at_once

VISITORS = 5
AT_ONCE = most_at_once()
QUEUED = re.compile(r"Number (\d+) in the queue")
SLIDER = "#explore input[data-direction]"
PICTURE = "() => document.querySelector('#explore .explore-view canvas')?.toDataURL() || ''"


@pytest.fixture
def visitors(browser: Browser, app_url: str) -> Iterator[list[Page]]:
    contexts = [browser.new_context(viewport={"width": 900, "height": 900}) for _ in range(VISITORS)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.set_default_timeout(600_000)
        page.goto(app_url)
    yield pages
    for context in contexts:
        context.close()


def test_five_visitors_are_queued_in_their_order_and_sliders_answer(visitors: list[Page]) -> None:
    for page in visitors:
        page.get_by_role("tab", name="Train").click()
        page.locator("#train-data").get_by_text("Fashion").first.click()
        page.locator("#train-recipe").get_by_text("The lesson's MLP").first.click()
        expect(page.locator("#train-recipe-note")).to_contain_text("fully connected")
        page.locator("#train-minutes input[type=number]").fill("10")
        page.locator("#train-minutes input[type=number]").blur()
    for page in visitors:
        page.locator("#train-start").click()
    places = [place_of(page) for page in visitors]
    waiting = VISITORS - min(VISITORS, AT_ONCE)
    assert sorted(places) == [0] * (VISITORS - waiting) + list(range(1, waiting + 1))
    assert places == sorted(places), "whoever came first is served first"

    # While one trains and others wait, a sixth thing is asked for: a picture.
    last = visitors[-1]
    last.get_by_role("tab", name="Explore").click()
    last.wait_for_function(f"() => ({PICTURE})().length > 1000")
    before = last.evaluate(PICTURE)
    slider = last.locator(SLIDER).first
    slider.evaluate(
        "s => { s.value = s.max; for (const kind of ['input', 'change']) "
        "s.dispatchEvent(new Event(kind, {bubbles: true})); }"
    )
    last.wait_for_function(f"before => ({PICTURE})() !== before", arg=before)
    last.get_by_role("tab", name="Train").click()

    # One that waits gives up, the first one ends: the others move up, and nobody is left out.
    for number, page in enumerate(visitors):
        page.locator("#train-stop").click()
        page.locator("#train-continue").wait_for(state="visible")
        following = visitors[number + AT_ONCE : number + AT_ONCE + 1]
        for other in following:
            expect(other.locator("#train-progress")).to_contain_text(
                re.compile("Training|Preparing|Starting")
            )


def place_of(page: Page) -> int:
    """The place that the page shows: 0 once the run is being trained."""
    progress = page.locator("#train-progress")
    expect(progress).to_contain_text(re.compile("Number|Training|Preparing|Starting"))
    found = QUEUED.search(progress.inner_text())
    return int(found[1]) if found else 0
