"""A run that is broken on purpose in a real browser: a verdict comes, and Mend it moves the levers."""

from __future__ import annotations

from playwright.sync_api import Page, expect

KNOWN = "#train-verdict .verdict.bad, #train-verdict .verdict.good"


def test_a_run_is_broken_diagnosed_and_mended(any_page: Page) -> None:
    page = any_page
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-start").wait_for(state="visible")
    expect(page.locator("#train-mend")).to_be_hidden()
    page.locator("#train-data").get_by_text("Fashion").first.click()
    page.locator("#train-break").get_by_role("button", name="Break it on purpose").click()
    breaker = page.get_by_role("button", name="Discriminator too strong", exact=True)
    breaker.focus()
    breaker.press("Enter")
    verdict = page.locator("#train-verdict .verdict")
    expect(verdict).to_contain_text("Too early to say")
    page.locator(KNOWN).wait_for()
    expect(verdict).to_contain_text("Discriminator too strong")
    expect(verdict).to_contain_text("100% of pairs")
    expect(verdict).to_contain_text("What to do")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.locator("#train-mend").click()
    expect(page.locator("#train-mended")).to_contain_text("Against discriminator too strong")
    expect(page.locator("#lever-discriminator-lr input")).to_have_value("0.0002")
    changes = page.locator("#train-curves .changes")
    expect(changes).to_contain_text("discriminator learning rate 0.005 → 0.0002")
    expect(verdict).to_contain_text("since a lever was moved")

    page.locator("#break-mode-collapse").click()
    expect(page.locator("#train-mended")).to_contain_text("before the start")
    page.locator("#break-memorising").click()
    expect(page.locator("#train-mended")).to_contain_text("Towards memorising")
    expect(page.locator("#lever-only-first input")).to_have_value("16")
    expect(changes).to_contain_text("number of pictures all → 16")
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")
