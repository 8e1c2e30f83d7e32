"""A GAN in two dimensions, in a real browser: it learns, is drawn upon, and shows one step in its parts."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def open_plane(page: Page) -> Locator:
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="A GAN you can see whole").click()
    plane = page.locator("#plane")
    plane.locator(".plane-play").wait_for(state="visible")
    return plane


def numbers(plane: Locator, name: str) -> int:
    return int(plane.locator(".plane-numbers").get_attribute(f"data-{name}") or 0)


def test_it_finds_most_of_eight_modes(any_page: Page) -> None:
    plane = open_plane(any_page)
    expect(plane.locator(".plane-numbers")).to_contain_text("Step 0 ")
    for _ in range(8):
        plane.get_by_role("button", name="100 steps").click()
    assert numbers(plane, "step") == 800
    assert numbers(plane, "covered") >= 6
    assert any_page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_play_goes_on_until_pause(page: Page) -> None:
    plane = open_plane(page)
    plane.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('#plane .plane-numbers').dataset.step > 20")
    plane.get_by_role("button", name="Pause").click()
    stopped = numbers(plane, "step")
    plane.get_by_role("button", name="One step").click()
    assert numbers(plane, "step") == stopped + 1


def test_one_step_has_ten_parts_at_the_keyboard_and_d_stays_in_gs(page: Page) -> None:
    plane = open_plane(page)
    plane.get_by_role("button", name="Next part").focus()
    seen = []
    for _ in range(10):
        page.keyboard.press("Enter")
        seen.append(plane.locator("li[aria-current=step]").inner_text())
    parts = ["sample", "classify", "loss", "gradients", "update"]
    assert seen == [f"{player} {part}" for player in "DG" for part in parts]
    expect(plane.locator(".plane-sentence")).to_contain_text("moves the generator's weights")
    expect(plane.locator(".plane-proof")).to_contain_text("D did not change.")


def test_a_visitor_draws_what_is_learned(page: Page) -> None:
    plane = open_plane(page)
    plane.locator("[name=data]").select_option(label="Draw your own")
    plane.get_by_role("button", name="One step").click()
    assert numbers(plane, "step") == 0
    canvas = plane.locator(".plane-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.4, steps=8)
    page.mouse.up()
    plane.get_by_role("button", name="100 steps").click()
    assert numbers(plane, "step") == 100


def test_what_was_broken_can_be_mended(page: Page) -> None:
    plane = open_plane(page)
    plane.get_by_role("button", name="Break: D too strong").click()
    expect(plane.locator(".plane-look")).to_contain_text("five times as often")
    plane.get_by_role("button", name="Pause").click()
    plane.get_by_role("button", name="Mend: relativistic").click()
    expect(plane.locator("[name=loss]")).to_have_value("relativistic")
    plane.get_by_role("button", name="Pause").click()
