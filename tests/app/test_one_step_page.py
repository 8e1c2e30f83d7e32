"""One step of training in a real browser: ten parts at the keyboard, one player alone, slow motion, undo."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

SHOWN = "#one-step .one-step"


def open_section(page: Page) -> Locator:
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="One step of training, part by part").click()
    section = page.locator("#one-step")
    section.locator("#one-step-next").wait_for(state="visible")
    return section


def part(page: Page, name: str, player: str) -> Locator:
    return page.locator(f'{SHOWN}[data-part="{name}"][data-player="{player}"]')


def test_ten_parts_at_the_keyboard_end_with_a_proof_and_can_be_taken_back(any_page: Page) -> None:
    section = open_section(any_page)
    expect(section.locator(".nothing")).to_be_visible()
    section.locator("#one-step-next").focus()
    for player in ("discriminator", "generator"):
        for name in ("sample", "classify", "loss", "gradients", "update"):
            any_page.keyboard.press("Enter")
            expect(part(any_page, name, player)).to_be_visible()
            expect(section.locator("li[aria-current=step]")).to_have_text(f"{player[0].upper()} {name}")
    assert section.locator(".scores li").count() == 16
    assert section.locator("img").count() == 8
    assert section.evaluate("e => [...e.querySelectorAll('img')].every(i => i.naturalWidth > 0)")
    expect(section.locator(".proof")).to_contain_text("Not one of its weights changed.")
    assert any_page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    section.locator("#one-step-undo").click()
    expect(section.locator(SHOWN.split()[1])).to_contain_text("after 0 steps")
    expect(section.locator("#one-step-undo")).to_be_disabled()


def test_only_the_generator_of_a_checkpoint_learns_in_slow_motion(page: Page) -> None:
    section = open_section(page)
    section.get_by_text("Those of a checkpoint").click()
    expect(section.locator("#one-step-checkpoint input")).not_to_have_value("")
    section.get_by_text("Only G").click()
    section.locator("#one-step-slow").click()
    expect(part(page, "sample", "generator")).to_be_visible()
    expect(part(page, "classify", "generator")).to_be_visible()
    section.locator("#one-step-slow").click()
    expect(section.locator("#one-step-slow")).to_have_text("Slow motion")
    section.locator("#one-step-whole").click()
    expect(part(page, "update", "generator")).to_be_visible()
    section.locator("#one-step-again").click()
    expect(section.locator(".nothing")).to_be_visible()
