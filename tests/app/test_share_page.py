"""Share in a real browser against the loopback Hub: the card comes first, then push, then pull."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect

from style.output import RECIPE_KEY
from style.recipe import Recipe
from tests.app.conftest import collect_a_picture
from tests.hub_server import HubServer

CATS = Path(__file__).resolve().parents[2] / "checkpoints" / "cats"
FITS = "document.documentElement.scrollWidth <= innerWidth"


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


def test_what_others_have_shared_is_found_with_pictures_and_opens_in_explore(
    any_page: Page, hub: HubServer
) -> None:
    page = any_page
    hub.add("bob/small-cats", {path.name: path.read_bytes() for path in CATS.iterdir()})
    hub.add(
        "bob/without-a-picture", {"README.md": b"---\ntags: [latent-atelier]\n---\n", "config.json": b"{}"}
    )
    open_tab(page)
    page.locator(field(page, "share-browse-words")).first.fill("bob/")
    page.locator("#share-browse").click()
    found = page.locator("#share-browse-found li")
    expect(found).to_have_count(2)
    cats = found.filter(has_text="Small cats")
    expect(cats).to_contain_text("by bob")
    expect(cats).to_contain_text("cc-by-4.0")
    expect(cats.locator("img")).to_have_js_property("naturalWidth", 320)
    expect(found.filter(has_text="Without a picture")).to_contain_text("no preview")
    assert page.evaluate(FITS)

    cats.get_by_role("button").click()
    expect(page.locator("#share-pull-result")).to_contain_text("Cats is yours to open in Explore")
    expect(page.locator(field(page, "share-pull-repo")).first).to_have_value("bob/small-cats")
    page.locator("#share-pull-open").click()
    expect(page.locator("#explore .explore-checkpoint")).to_have_value("pulled/bob/small-cats")
    page.wait_for_function("document.querySelector('#explore .explore-view canvas')?.dataset.frame > 0")
    page.wait_for_function("scrollY === 0")


def painted(folder: Path, name: str) -> str:
    """A picture as Stylise gives it, with a recipe."""
    information = PngInfo()
    information.add_text(RECIPE_KEY, Recipe(mode="instant").to_json())
    Image.linear_gradient("L").convert("RGB").save(folder / name, pnginfo=information)
    return str(folder / name)


def test_stylised_pictures_are_pushed_as_a_data_set(any_page: Page, hub: HubServer, tmp_path: Path) -> None:
    page, owner = any_page, f"painter-{any_page.viewport_size['width']}"  # type: ignore[index]
    token = hub.add_user(owner)
    open_tab(page)
    page.locator(field(page, "share-token")).first.fill(token)
    page.get_by_text("Share stylised pictures").click()
    push = page.locator("#share-pictures-push")
    expect(push).to_be_disabled()
    page.locator("#share-pictures-card-button").click()
    expect(page.locator("#share-pictures-shown .bad")).to_be_visible()
    page.locator("#share-pictures-files input[type=file]").set_input_files(
        [painted(tmp_path, "boat.png"), painted(tmp_path, "garden.png")]
    )
    expect(page.locator("#share-pictures-files tr.file")).to_have_count(2)
    page.locator(field(page, "share-pictures-repo")).first.fill("boats")
    page.locator("#share-pictures-card-button").click()
    expect(page.locator("#share-pictures-shown")).to_contain_text("002-garden.png")
    expect(page.locator("#share-pictures-card")).to_contain_text("2 of them carry their recipe")
    assert page.evaluate(FITS)
    expect(push).to_be_enabled()
    push.click()
    expect(page.locator("#share-pictures-result")).to_contain_text("Only you can see it")
    sent = hub.files(f"datasets/{owner}/boats")
    assert {"README.md", "metadata.jsonl", "001-boat.png", "002-garden.png"} <= sent.keys()
    assert hub.repositories[f"datasets/{owner}/boats"].private

    expect(push).to_be_disabled()
    page.locator(field(page, "share-pictures-title")).first.fill("Boats and gardens")
    expect(push).to_be_disabled()


def test_a_stylised_picture_goes_to_the_pictures_to_share_with_one_click(
    any_page: Page, hub: HubServer
) -> None:
    page, owner = any_page, f"collector-{any_page.viewport_size['width']}"  # type: ignore[index]
    token = hub.add_user(owner)
    page.get_by_role("tab", name="Stylise").click()
    expect(page.locator("#style-collect")).to_be_hidden()
    page.locator("#style-examples button").first.click()
    page.locator("#style-collect").click()
    told = page.locator("#style-collected")
    expect(told).to_contain_text("Added, with its recipe. 1 picture is collected.")
    page.locator("#style-collect-undo").click()
    expect(told).to_contain_text("Taken out again. 0 pictures are collected.")
    page.locator("#style-collect").click()
    expect(told).to_contain_text("1 picture is collected.")
    # Another finish of the picture is another picture.
    page.locator("#style-colours").get_by_text("Photo", exact=True).click()
    expect(told).to_be_empty()
    page.locator("#style-collect").click()
    expect(told).to_contain_text("2 pictures are collected.")

    page.reload()
    open_tab(page)
    shelf = page.locator("#share-collected")
    expect(shelf.locator("li")).to_have_count(2)
    expect(shelf.locator("img").first).to_have_js_property("naturalWidth", 192)
    assert page.evaluate(FITS)
    shelf.get_by_role("button").first.click()
    expect(shelf.locator("li")).to_have_count(1)
    page.locator("#share-collected-back").click()
    expect(shelf.locator("li")).to_have_count(2)

    page.locator(field(page, "share-token")).first.fill(token)
    page.locator(field(page, "share-pictures-repo")).first.fill("cats")
    page.locator("#share-pictures-card-button").click()
    expect(page.locator("#share-pictures-card")).to_contain_text("2 of them carry their recipe")
    push = page.locator("#share-pictures-push")
    shelf.get_by_role("button").last.click()
    expect(push).to_be_disabled()
    page.locator("#share-pictures-card-button").click()
    expect(page.locator("#share-pictures-card")).to_contain_text("1 of them")
    expect(push).to_be_enabled()
    push.click()
    expect(page.locator("#share-pictures-result")).to_contain_text("Only you can see it")
    (name,) = (name for name in hub.files(f"datasets/{owner}/cats") if name.endswith(".png"))
    assert re.fullmatch(r"001-\w+_x_\w+\.png", name)


def test_what_one_visitor_collects_no_other_sees(page: Page, browser: Browser, app_url: str) -> None:
    collect_a_picture(page)
    other = browser.new_page()
    other.goto(app_url)
    open_tab(other)
    other.get_by_text("Share stylised pictures").click()
    expect(other.locator("#share-collected")).to_contain_text("Nothing is collected yet")
    other.close()
