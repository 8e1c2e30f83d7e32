"""Favourites in a real browser: liking, families, children, sums, strips, films, files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from test_explore_page import OTHER, READY, SAME, SOURCE, ready

LIKE = "#explore .explore-like"
TILES = "#explore .explore-liked-list .explore-tile"
OFFERED = "#explore .explore-offer-list .explore-tile"


def like_seeds(page: Page, *seeds: int) -> list[str]:
    """The pictures of these seeds become favourites; returns what the page shows for each."""
    pictures = []
    ready(page)
    for seed in seeds:
        before = page.evaluate(SOURCE)
        page.locator("#explore .explore-seed").fill(str(seed))
        page.wait_for_function(OTHER, arg=before)
        page.wait_for_function(READY)
        page.locator(LIKE).click()
        expect(page.locator(LIKE)).to_have_attribute("aria-pressed", "true")
        pictures.append(str(page.evaluate(SOURCE)))
    return pictures


def choose(page: Page, *places: int) -> None:
    for place in places:
        page.locator(TILES).nth(place).click()


def test_a_liked_picture_is_remembered_visited_noted_and_removed(page: Page) -> None:
    ready(page)
    expect(page.locator("#explore .explore-liked-empty")).to_be_visible()
    pictures = like_seeds(page, 11, 12)
    page.reload()
    before = ready(page)
    expect(page.locator(f"{TILES} canvas")).to_have_count(2)
    page.locator("#explore .explore-seed").fill("99")
    page.wait_for_function(OTHER, arg=before)
    choose(page, 0)
    page.locator("#explore .explore-go").click()
    page.wait_for_function(SAME, arg=pictures[0])
    page.locator("#explore .explore-note").fill("<i>grumpy</i>")
    page.locator("#explore .explore-note").press("Enter")
    expect(page.locator(TILES).first).to_have_attribute("aria-label", "<i>grumpy</i>")
    page.locator("#explore .explore-remove").click()
    expect(page.locator(TILES)).to_have_count(1)
    expect(page.locator("#explore .explore-take-back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(TILES)).to_have_count(2)
    expect(page.locator(TILES).first).to_have_attribute("aria-label", "<i>grumpy</i>")
    expect(page.locator("#explore .explore-taken-back")).to_be_hidden()


def test_children_of_two_favourites_know_their_parents(page: Page) -> None:
    like_seeds(page, 11, 12)
    expect(page.locator("#explore .explore-cross")).to_be_disabled()
    choose(page, 1, 0)
    page.locator("#explore .explore-cross").click()
    expect(page.locator(f"{OFFERED} canvas")).to_have_count(6)
    before = page.evaluate(SOURCE)
    page.locator(OFFERED).nth(2).click()
    page.wait_for_function(OTHER, arg=before)
    page.wait_for_function(READY)
    page.locator(LIKE).click()
    expect(page.locator(TILES)).to_have_count(3)
    choose(page, 2)
    members = page.locator("#explore .explore-tree .explore-tile")
    expect(members).to_have_count(3)
    expect(page.locator("#explore .explore-tree path.explore-kin")).to_have_count(2)
    child = page.locator("#explore .explore-tree [aria-current]")
    name = "Favourite 3, generation 2, child of Favourite 1 and Favourite 2"
    expect(child).to_have_attribute("aria-label", name)
    tops = [member.evaluate("each => each.offsetTop") for member in members.all()]
    assert tops[0] == tops[1] < tops[2]
    child.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#explore .explore-tree [aria-current]")).to_have_attribute(
        "aria-label", "Favourite 2, generation 1"
    )


def test_a_morph_ends_at_its_pictures_and_a_sum_is_a_picture(page: Page) -> None:
    pictures = like_seeds(page, 11, 12, 13)
    choose(page, 0, 1)
    page.locator("#explore .explore-morph").click()
    expect(page.locator(f"{OFFERED} canvas")).to_have_count(7)
    with page.expect_download() as download:
        page.locator("#explore .explore-offer-save").click()
    with Image.open(download.value.path()) as strip:
        assert strip.size == (7 * 128, 128)
    page.locator(OFFERED).nth(3).click()
    page.wait_for_function(OTHER, arg=pictures[2])
    middle = page.evaluate(SOURCE)
    choose(page, 2)
    page.locator("#explore .explore-sum").click()
    page.wait_for_function(OTHER, arg=middle)
    page.wait_for_function(READY)
    link = page.locator("#explore .explore-link")
    base = page.evaluate("document.querySelector('#explore').atelierState().base")
    expect(link).to_have_value(re.compile(re.escape(base)))
    summed = page.evaluate(SOURCE)
    page.goto(link.input_value())
    page.wait_for_function(SAME, arg=summed)


def test_two_favourites_make_a_slider(page: Page) -> None:
    like_seeds(page, 11, 12)
    choose(page, 0, 1)
    before = page.evaluate(SOURCE)
    page.locator("#explore .explore-between").click()
    slider = page.locator("#explore .explore-slider", has_text="to Favourite 2").locator("input")
    slider.fill("3")
    page.wait_for_function(OTHER, arg=before)


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_a_film_through_favourites_can_be_downloaded(page: Page, kind: str) -> None:
    like_seeds(page, 11, 12)
    choose(page, 0, 1)
    page.locator("#explore .explore-film-kind").select_option(kind)
    page.locator("#explore .explore-film").click()
    with page.expect_download() as download:
        page.locator("#explore .explore-film-download").click()
    assert download.value.suggested_filename == f"film.{kind}"
    if kind != "mp4":
        with Image.open(download.value.path()) as film:
            assert getattr(film, "n_frames", 1) > 8
            assert film.info["loop"] == 0
    else:
        assert download.value.path().read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize("kind", ["sheet", "json"])
def test_favourites_are_saved_in_a_file_and_opened_again(page: Page, kind: str, tmp_path: Path) -> None:
    like_seeds(page, 11, 12)
    with page.expect_download() as download:
        page.locator(f"#explore .explore-save-{kind}").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    page.evaluate("localStorage.clear()")
    page.reload()
    ready(page)
    page.locator("#explore .explore-load-file").set_input_files(path)
    expect(page.locator(f"{TILES} canvas")).to_have_count(2)
    page.locator("#explore .explore-load-file").set_input_files(path)
    page.locator("#explore .explore-load-file").set_input_files(
        {"name": "x.json", "mimeType": "application/json", "buffer": json.dumps({"a": 1}).encode()}
    )
    expect(page.locator("#explore .explore-error")).to_contain_text("no favourites")
    expect(page.locator(TILES)).to_have_count(2)


def test_the_keyboard_alone_likes_chooses_and_crosses(page: Page) -> None:
    before = ready(page)
    page.locator("#explore .explore-view").focus()
    page.keyboard.press("l")
    expect(page.locator(TILES)).to_have_count(1)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(OTHER, arg=before)
    page.keyboard.press("l")
    expect(page.locator(TILES)).to_have_count(2)
    page.locator(TILES).first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#explore .explore-cross")).to_be_enabled()
    page.locator("#explore .explore-cross").focus()
    page.keyboard.press("Enter")
    expect(page.locator(OFFERED)).to_have_count(6)
    page.locator("#explore .explore-note").focus()
    page.keyboard.type("lll")
    expect(page.locator(TILES)).to_have_count(2)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_of_it_sticks_out_on_a_phone(page: Page, theme: str, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/?__theme={theme}")
    like_seeds(page, 11, 12)
    choose(page, 0, 1)
    page.locator("#explore .explore-cross").click()
    expect(page.locator(f"{OFFERED} canvas")).to_have_count(6)
    page.locator("#explore .explore-methods").get_by_text("Yours", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator("#explore .explore-makers button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 40


def test_the_server_draws_favourites_where_the_browser_cannot(page: Page) -> None:
    page.route("**/atelier/runtime/**", lambda route: route.abort())
    page.reload()
    like_seeds(page, 11, 12)
    expect(page.locator(f"{TILES} canvas")).to_have_count(2)
    choose(page, 0, 1)
    page.locator("#explore .explore-morph").click()
    expect(page.locator(f"{OFFERED} canvas")).to_have_count(7)
