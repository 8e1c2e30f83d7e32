"""Share in a real browser against the loopback Hub: the card comes first, then push, then pull."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.hub_server import HubServer


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Share").click()
    page.locator("#share-pull").wait_for(state="visible")


def field(page: Page, name: str) -> str:
    return f"#{name} input, #{name} textarea"


def test_the_card_is_shown_first_then_push_and_pull_work(page: Page, hub: HubServer) -> None:
    token = hub.add_user("ada")
    open_tab(page)
    expect(page.locator("#share-push")).to_be_disabled()
    page.locator(field(page, "share-push-repo")).first.fill("ada/cats-again")
    page.locator(field(page, "share-token")).first.fill(token)
    page.locator("#share-card-button").click()
    expect(page.locator("#share-card")).to_contain_text("David Revoy")
    expect(page.locator("#share-files")).to_contain_text("generator.safetensors")
    expect(page.locator("#share-push")).to_be_enabled()
    page.locator("#share-push").click()
    expect(page.locator("#share-push-result")).to_contain_text("ada/cats-again")

    page.locator(field(page, "share-pull-repo")).first.fill("ada/nothing-here")
    page.locator("#share-pull").click()
    expect(page.locator("#share-pull-result .bad")).to_contain_text("nothing-here")

    hub.publish("ada/cats-again")
    page.locator(field(page, "share-pull-repo")).first.fill("ada/cats-again")
    page.locator("#share-pull").click()
    page.locator("#share-pull-result img").wait_for()
    page.get_by_role("tab", name="Explore").click()
    choices = page.locator("#explore .explore-checkpoint option")
    expect(choices.filter(has_text="Cats")).to_have_count(2)


def test_a_wrong_token_gets_a_sentence_and_nothing_is_lost(page: Page) -> None:
    open_tab(page)
    page.locator(field(page, "share-push-repo")).first.fill("ada/mine")
    page.locator(field(page, "share-token")).first.fill("hf_wrong")
    page.locator("#share-card-button").click()
    expect(page.locator("#share-push")).to_be_enabled()
    page.locator("#share-push").click()
    result = page.locator("#share-push-result")
    expect(result.locator(".bad")).to_contain_text("token")
    assert "hf_wrong" not in result.inner_text()
    assert page.locator(field(page, "share-push-repo")).first.input_value() == "ada/mine"
    expect(page.locator("#share-push")).to_be_enabled()


def test_an_answer_can_be_followed_by_the_next_click_at_once(page: Page) -> None:
    open_tab(page)
    result = page.locator("#share-pull-result .bad")
    for name in ("ada/not-here", "ada/nor-here", "ada/nor-there"):
        page.locator(field(page, "share-pull-repo")).first.fill(name)
        page.locator("#share-pull").click()
        expect(result).to_contain_text(name)
