"""A page whose server is far away comes to rest: its listeners do not set each other off."""

from __future__ import annotations

import json
from collections import Counter

from playwright.sync_api import Page, Request

# The tests' server answers at once; a Space on another continent, or one with many visitors, does not.
FAR_AWAY = """
const near = window.fetch;
window.fetch = (...asked) => new Promise((resolve, reject) =>
  setTimeout(() => near(...asked).then(resolve, reject), 700));
"""
TIMERS = 1
LOOKS = 40


def comes_to_rest(page: Page, asked: Counter[int]) -> bool:
    """Whether there are four seconds in which nothing but a timer asks the server."""
    for _ in range(LOOKS):
        asked.clear()
        page.wait_for_timeout(4000)
        if asked.total() <= TIMERS:
            return True
    return False


def test_a_page_far_from_its_server_comes_to_rest(page: Page) -> None:
    asked: Counter[int] = Counter()

    def count(request: Request) -> None:
        if request.method == "POST" and "fn_index" in (request.post_data or ""):
            asked[json.loads(request.post_data or "")["fn_index"]] += 1

    page.on("request", count)
    page.add_init_script(FAR_AWAY)
    page.reload()
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-start").wait_for(state="visible")
    page.wait_for_timeout(2000)
    assert asked.total() > TIMERS
    assert comes_to_rest(page, asked), asked
    page.locator("#train-data").get_by_text("Fashion").first.click()
    page.locator("#train-recipe").get_by_text("The lesson's MLP").first.click()
    page.wait_for_timeout(2000)
    assert asked.total() > TIMERS
    assert comes_to_rest(page, asked), asked
