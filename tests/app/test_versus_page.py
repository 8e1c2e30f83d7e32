"""Two runs side by side in a real browser: MLP against DCGAN, found again, continued, and one kept."""

from __future__ import annotations

from playwright.sync_api import Page, expect

STEP = "Number(document.querySelector('#versus .side.{}')?.dataset.step || 0)"


def open_section(page: Page) -> None:
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Two runs side by side").click()
    page.locator("#versus-start").wait_for(state="visible")


def test_mlp_and_dcgan_on_the_same_garments(page: Page) -> None:
    open_section(page)
    expect(page.locator("#versus .nothing")).to_be_visible()
    page.locator("#versus-experiment input").click()
    page.get_by_role("option", name="MLP against").click()
    expect(page.locator("#versus-look-for")).to_contain_text("The same garments")
    expect(page.locator("#versus-value input")).to_have_value("lesson-dcgan")
    page.locator("#versus-start").click()
    page.wait_for_function(f"() => {STEP.format('b')} > 0")
    expect(page.locator("#versus .side.b")).to_contain_text("lesson-dcgan")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.reload()
    open_section(page)
    page.locator("#versus-stop").click()
    keep = page.locator("#versus-keep-a")
    keep.wait_for(state="visible")
    stopped = page.evaluate(STEP.format("a"))
    assert page.evaluate(STEP.format("b")) == stopped

    page.locator("#versus-continue").click()
    page.wait_for_function(f"() => {STEP.format('b')} > {stopped}")
    expect(keep).to_be_hidden()
    page.locator("#versus-stop").click()
    keep.wait_for(state="visible")
    assert page.evaluate(f"{STEP.format('a')} === {STEP.format('b')}")
    keep.click()
    expect(page.locator("#versus-message")).to_contain_text("it is in Explore now")
    page.get_by_role("tab", name="Explore").click()
    chooser = page.locator("#explore .explore-checkpoint")
    expect(chooser.locator("option", has_text="Fashion-MNIST, lesson mlp")).to_have_count(1)
