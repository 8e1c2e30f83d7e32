"""Explore in a real browser: sliders, undo, links, neighbours, walks, downloads."""

from __future__ import annotations

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from gradio_client import Client
from PIL import Image
from playwright.sync_api import Page, expect

PICTURE = "#explore .explore-view canvas"
SOURCE = f"() => document.querySelector('{PICTURE}').toDataURL()"
OTHER = f"before => document.querySelector('{PICTURE}').toDataURL() !== before"
SAME = f"before => document.querySelector('{PICTURE}')?.toDataURL() === before"
QUIET = "() => document.querySelector('#explore .explore-picture').ariaBusy !== 'true'"
PATH = "#explore .explore-path"
READY = f"""() => ['browser', 'server'].includes(document.querySelector('{PATH}')?.dataset.path)
  && document.querySelector('#explore .explore-picture').ariaBusy === 'false'"""
SLIDER = "#explore input[data-direction='0']"
VIEW = "#explore .explore-view"


def ready(page: Page) -> str:
    page.wait_for_function(READY)
    # Gradio's loading screen lies over the page a moment longer; a click on trial waits until it has gone.
    page.locator("#explore .explore-surprise").click(trial=True)
    return str(page.evaluate(SOURCE))


def test_a_dragged_slider_changes_the_picture_and_undo_brings_it_back(page: Page) -> None:
    before = ready(page)
    slider = page.locator(SLIDER)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, middle, steps=15)
    page.mouse.up()
    page.wait_for_function(OTHER, arg=before)
    page.locator("#explore .explore-undo").click()
    page.wait_for_function(SAME, arg=before)
    page.locator("#explore .explore-redo").click()
    page.wait_for_function(OTHER, arg=before)
    moved = page.evaluate(SOURCE)
    page.locator("#explore .explore-reset").click()
    page.wait_for_function(SAME, arg=before)
    page.locator("#explore .explore-take-back").click()
    page.wait_for_function(SAME, arg=moved)


def test_the_picture_shown_last_belongs_to_the_last_position(page: Page) -> None:
    ready(page)
    slider = page.locator(SLIDER)
    for value in ("-3", "2", "-1", "3.5", "1.5"):
        slider.fill(value)
    page.wait_for_function(QUIET)
    after_many = page.evaluate(SOURCE)
    page.locator("#explore .explore-reset").click()
    page.wait_for_function(OTHER, arg=after_many)
    slider.fill("1.5")
    page.wait_for_function(SAME, arg=after_many)
    assert page.evaluate(SOURCE) == after_many


def test_there_are_eight_to_twelve_directions_and_raw_coordinates_on_request(page: Page) -> None:
    before = ready(page)
    assert 8 <= page.locator("#explore input[data-direction]").count() <= 12
    page.locator("#explore .explore-raw").check()
    coordinate = page.locator("#explore .explore-sliders input[type=range]").first
    coordinate.wait_for()
    coordinate.fill("3")
    page.wait_for_function(OTHER, arg=before)


def test_a_link_reproduces_the_exact_picture(page: Page) -> None:
    before = ready(page)
    page.locator("#explore .explore-seed").fill("1234")
    page.locator("#explore .explore-seed").press("Enter")
    page.wait_for_function(OTHER, arg=before)
    between = page.evaluate(SOURCE)
    page.locator(SLIDER).fill("2")
    page.wait_for_function(OTHER, arg=between)
    page.wait_for_function(QUIET)
    shown = page.evaluate(SOURCE)
    expect(page.locator("#explore .explore-link")).to_have_value(re.compile("seed=1234.*edits=2"))
    link = page.locator("#explore .explore-link").input_value()
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_function(SAME, arg=shown)
    assert page.evaluate(SOURCE) == shown


def test_neighbours_can_be_jumped_to(page: Page) -> None:
    before = ready(page)
    neighbour = page.locator("#explore .explore-neighbours button").first
    neighbour.wait_for()
    neighbour.click()
    page.wait_for_function(OTHER, arg=before)
    assert page.locator("#explore .explore-undo").is_enabled()


def test_the_discriminator_has_an_opinion(page: Page) -> None:
    ready(page)
    expect(page.locator("#explore .explore-opinion")).to_contain_text("discriminator")


def test_fashion_has_classes(page: Page) -> None:
    before = ready(page)
    page.locator("#explore .explore-checkpoint").select_option(label="Fashion")
    page.wait_for_function(OTHER, arg=before)
    chosen = page.locator("#explore .explore-class")
    chosen.wait_for()
    page.wait_for_function(READY)
    between = page.evaluate(SOURCE)
    chosen.select_option(label="ankle boot")
    page.wait_for_function(OTHER, arg=between)
    assert page.locator("#explore .explore-credit").inner_text().count("Zalando") == 1


def test_cats_can_be_asked_for_what_they_wear(page: Page) -> None:
    before = ready(page)
    menus = page.locator("#explore .explore-attributes select")
    assert menus.count() == 6
    accessories = page.locator("#explore select[data-attribute=accessories]")
    # Two values: the seed may have chosen one of them by itself.
    accessories.select_option(index=3)
    page.wait_for_timeout(300)
    between = page.evaluate(SOURCE)
    accessories.select_option(index=9)
    page.wait_for_function(OTHER, arg=between)
    expect(page.locator("#explore .explore-link")).to_have_value(re.compile("raw=58:4"))
    asked = page.evaluate(SOURCE)
    page.reload()
    ready(page)
    page.wait_for_function(SAME, arg=asked)
    expect(accessories).to_have_value("8")
    accessories.select_option(label="any")
    page.wait_for_function(SAME, arg=before)


@pytest.mark.parametrize(("kind", "side"), [("gif", "256"), ("webp", "128"), ("mp4", "512")])
def test_a_walk_becomes_a_looping_film(page: Page, kind: str, side: str) -> None:
    ready(page)
    page.locator("#explore .explore-walk summary").click()
    page.locator("#explore .explore-walk-seeds").fill("1, 5")
    page.locator("#explore .explore-walk-kind").select_option(kind)
    page.locator("#explore .explore-walk-side").select_option(side)
    page.locator("#explore .explore-walk-make").click()
    page.locator("#explore .explore-walk-" + ("video" if kind == "mp4" else "image")).wait_for(
        state="visible"
    )
    with page.expect_download() as download:
        page.locator("#explore .explore-walk-download").click()
    assert download.value.suggested_filename == f"walk.{kind}"
    if kind == "mp4":
        assert b"ftyp" in download.value.path().read_bytes()[:16]
        return
    with Image.open(download.value.path()) as film:
        assert film.format == kind.upper()
        assert film.size == (int(side), int(side))
        assert getattr(film, "n_frames", 1) > 8
        assert film.info["loop"] == 0


def test_the_downloaded_picture_is_the_one_shown(page: Page) -> None:
    ready(page)
    with page.expect_download() as download:
        page.locator("#explore .explore-download-small").click()
    with Image.open(download.value.path()) as saved:
        assert saved.size == (64, 64)
        pixels = saved.convert("RGB").tobytes()
    shown = base64.b64decode(str(page.evaluate(SOURCE)).partition("base64,")[2])
    with Image.open(BytesIO(shown)) as picture:
        assert picture.convert("RGB").tobytes() == pixels


def test_wrong_seeds_for_a_walk_get_a_sentence(page: Page) -> None:
    before = ready(page)
    page.locator("#explore .explore-walk summary").click()
    page.locator("#explore .explore-walk-seeds").fill("one, two")
    page.locator("#explore .explore-walk-make").click()
    error = page.locator("#explore .explore-error")
    error.wait_for(state="visible")
    assert error.inner_text().strip()
    assert page.evaluate(SOURCE) == before


def pixels(page: Page) -> np.ndarray:
    content = base64.b64decode(str(page.evaluate(SOURCE)).partition("base64,")[2])
    with Image.open(BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def middle(page: Page) -> tuple[float, float]:
    page.locator(VIEW).scroll_into_view_if_needed()
    box = page.locator(VIEW).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_browser_draws_what_the_server_draws_and_asks_it_for_nothing(page: Page, app_url: str) -> None:
    # The critic comes last of all that is loaded.
    with page.expect_event("requestfinished", lambda request: "/model/critic" in request.url):
        page.reload()
    ready(page)
    expect(page.locator(PATH)).to_have_attribute("data-path", "browser")
    page.wait_for_selector("#explore .explore-strip canvas")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for value in ("-3", "2", "1.5"):
        page.locator(SLIDER).fill(value)
    expect(page.locator("#explore .explore-link")).to_have_value(re.compile("edits=1.5"))
    page.wait_for_function(READY)
    assert asked == []
    client = Client(app_url, verbose=False, analytics_enabled=False)
    drawn = client.predict("cats", 0, 0.7, 0, [1.5], api_name="/sample")
    with Image.open(drawn) as picture:
        assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - pixels(page)).max() <= 2


@pytest.mark.parametrize("what", ["runtime", "model"])
def test_the_server_takes_over_where_the_browser_cannot_draw(page: Page, what: str) -> None:
    page.route(f"**/atelier/{what}/**", lambda route: route.abort())
    page.reload()
    before = ready(page)
    expect(page.locator(PATH)).to_have_attribute("data-path", "server")
    page.locator(SLIDER).fill("2")
    page.wait_for_function(OTHER, arg=before)
    page.locator("#explore .explore-neighbours button").first.wait_for()
    expect(page.locator("#explore .explore-opinion")).to_contain_text("than")


def test_dragging_the_picture_moves_along_two_directions(page: Page) -> None:
    before = ready(page)
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y - 60, steps=12)
    page.mouse.up()
    page.wait_for_function(OTHER, arg=before)
    assert float(page.locator(SLIDER).input_value()) > 0
    assert float(page.locator("#explore input[data-direction='1']").input_value()) > 0
    page.locator("#explore .explore-plane-x").select_option(index=4)
    page.locator(VIEW).focus()
    page.keyboard.press("ArrowLeft")
    assert float(page.locator("#explore input[data-direction='4']").input_value()) < 0
    page.locator("#explore .explore-undo").click()
    page.locator("#explore .explore-undo").click()
    page.wait_for_function(SAME, arg=before)


def test_two_fingers_enlarge_the_picture(any_page: Page) -> None:
    page = any_page
    before = ready(page)
    x, y = middle(page)
    touch = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 30), ("touchMove", 45), ("touchMove", 60), ("touchEnd", 0)):
        points = [{"x": x + side * apart, "y": y, "id": n} for n, side in enumerate((-1, 1)) if apart]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    scale = page.evaluate(f"new DOMMatrix(getComputedStyle(document.querySelector('{PICTURE}')).transform).a")
    assert scale == pytest.approx(2, abs=0.05)
    page.locator(VIEW).dblclick()
    expect(page.locator(f"{VIEW}.explore-zoomed")).to_have_count(0)
    assert page.evaluate(SOURCE) == before


def test_dragging_moves_along_any_slider_there_is(page: Page) -> None:
    before = ready(page)
    across, upwards = (page.locator(f"#explore .explore-plane-{axis}") for axis in "xy")
    groups = across.locator("optgroup")
    expect(groups).to_have_count(1)
    across.select_option(label="More directions")
    expect(groups).to_have_count(4)
    expect(across).to_have_value("0")
    page.locator(SLIDER).fill("1")
    page.locator("#explore .explore-methods").get_by_text("Yours").click()
    page.locator("#explore .explore-own-name").fill("wilder")
    page.locator("#explore .explore-own-moved").click()
    page.locator("#explore .explore-reset").click()
    page.wait_for_function(SAME, arg=before)
    across.select_option(label="background · warmer")
    upwards.select_option(label="wilder")
    page.locator(VIEW).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.wait_for_function(OTHER, arg=before)
    expect(page.locator("#explore .explore-said")).to_contain_text("background · warmer")
    expect(page.locator("#explore .explore-said")).to_contain_text("wilder")
    own = page.locator("#explore input[data-own]")
    assert float(own.input_value()) > 0
    page.locator("#explore .explore-methods").get_by_text("By name").click()
    moved = page.locator("#explore .explore-slider.explore-moved", has_text="background · warmer")
    expect(moved).to_have_count(1)
    expect(page.locator("#explore .explore-link")).to_have_value(re.compile("edits=.*own="))


def test_dragging_between_four_seeds_leaves_a_link(page: Page) -> None:
    before = ready(page)
    page.locator("#explore .explore-plane-x").select_option(label="Between four seeds")
    page.locator("#explore .explore-plane-seeds").fill("2, 4, 6, 8")
    page.locator("#explore .explore-plane-seeds").press("Enter")
    page.wait_for_function(OTHER, arg=before)
    between = str(page.evaluate(SOURCE))
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y + 40, steps=8)
    page.mouse.up()
    page.wait_for_function(OTHER, arg=between)
    expect(page.locator("#explore .explore-link")).to_have_value(re.compile("between=2,4,6,8:0(?!.5,0.5)"))
    page.wait_for_function(READY)
    moved = page.evaluate(SOURCE)
    page.goto(page.locator("#explore .explore-link").input_value())
    page.wait_for_function(SAME, arg=moved)
    expect(page.locator(PATH)).to_contain_text("between seeds 2, 4, 6, 8")


def test_the_wheel_enlarges_and_a_double_click_puts_back(page: Page) -> None:
    ready(page)
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    enlarged = page.locator(f"{VIEW}.explore-zoomed")
    enlarged.wait_for()
    page.mouse.dblclick(x, y)
    enlarged.wait_for(state="detached")
    page.locator(VIEW).focus()
    page.keyboard.press("+")
    enlarged.wait_for()
    page.keyboard.press("0")
    enlarged.wait_for(state="detached")


def test_a_walk_plays_and_pauses_where_it_is(page: Page) -> None:
    before = ready(page)
    page.locator("#explore .explore-play").click()
    page.wait_for_function(OTHER, arg=before)
    expect(page.locator(PATH)).to_contain_text("between seeds 1 and 5")
    page.locator(SLIDER).fill("1")
    expect(page.locator("#explore .explore-play")).to_have_text("Pause")
    page.locator(VIEW).focus()
    page.keyboard.press("Space")
    expect(page.locator("#explore .explore-play")).to_have_text("Play")
    expect(page.locator("#explore .explore-link")).to_have_value(re.compile("between=[0-9]+,"))
    page.locator("#explore .explore-next").click()
    expect(page.locator("#explore .explore-link")).not_to_have_value(re.compile("between="))


def test_each_slider_shows_what_it_does(page: Page) -> None:
    before = ready(page)
    strip = page.locator(f"#explore .explore-slider:has({SLIDER.split()[1]}) .explore-strip canvas")
    strip.nth(4).wait_for()
    strip.nth(4).click()
    page.wait_for_function(OTHER, arg=before)
    assert float(page.locator(SLIDER).input_value()) == float(page.locator(SLIDER).get_attribute("max") or 0)
    page.wait_for_function(READY)
    page.wait_for_function(
        "() => document.querySelectorAll('#explore .explore-strip canvas')[9].toDataURL() === "
        f"document.querySelector('{PICTURE}').toDataURL()"
    )


def test_a_phone_holds_the_picture_and_nothing_sticks_out(any_page: Page) -> None:
    ready(any_page)
    page = any_page
    x, y = middle(page)
    session = page.context.new_cdp_session(page)
    touch = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    session.send("Input.dispatchTouchEvent", touch)
    for step in range(1, 8):
        moved = {"type": "touchMove", "touchPoints": [{"x": x + 8 * step, "y": y}]}
        session.send("Input.dispatchTouchEvent", moved)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("selector => Number(document.querySelector(selector).value) > 0", arg=SLIDER)
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_alone_reaches_the_picture_and_its_controls(page: Page) -> None:
    before = ready(page)
    page.locator("#explore .explore-link").focus()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        reached |= set(str(page.evaluate("document.activeElement.className")).split())
        if "explore-view" in reached:
            break
    assert {"explore-view", "explore-plane-x", "explore-plane-y", "explore-play"} <= reached
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowUp")
    page.wait_for_function(OTHER, arg=before)


def test_the_api_draws_the_same_picture_twice(app_url: str) -> None:
    client = Client(app_url, verbose=False, analytics_enabled=False)
    first, second = (
        client.predict("cats", 7, 1.0, 0, [1.0], api_name="/sample") for _ in range(2)
    )  # fmt: skip
    with Image.open(first) as one, Image.open(second) as two:
        assert one.tobytes() == two.tobytes()
