"""Train in a real browser: samples change, a reload finds the run again, what is kept opens in Explore."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

IMAGE = "document.querySelector('#train-live img.samples')?.src"
SAMPLES = f"() => {IMAGE} || ''"
CHANGED = f"before => {{ const now = {IMAGE}; return now && now !== before; }}"
CHECKPOINT = "document.querySelector('#explore .explore-checkpoint')?.selectedOptions[0]?.text"
EXPLORED = "() => document.querySelector('#explore .explore-view canvas')?.width"


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-start").wait_for(state="visible")


def choose(page: Page, group: str, label: str) -> None:
    page.locator(f"#{group}").get_by_text(label, exact=False).first.click()


def test_a_run_on_cats_survives_a_reload_and_opens_in_explore(page: Page) -> None:
    open_tab(page)
    choose(page, "train-resolution", "32 px")
    page.locator("#train-minutes input[type=number]").fill("1")
    page.locator("#train-start").click()
    page.wait_for_function(CHANGED, arg="")
    first = page.evaluate(SAMPLES)
    page.wait_for_function(CHANGED, arg=first)
    expect(page.locator("#train-progress")).to_contain_text("left")

    page.reload()
    open_tab(page)
    page.wait_for_function(CHANGED, arg="")
    second = page.evaluate(SAMPLES)
    page.wait_for_function(CHANGED, arg=second)

    page.locator("#train-stop").click()
    page.locator("#train-keep").wait_for(state="visible")
    page.locator("#train-name input, #train-name textarea").first.fill("My first cats")
    page.locator("#train-keep").click()
    page.locator("#train-explore").wait_for(state="visible")
    page.locator("#train-explore").click()
    page.wait_for_function(f"() => {CHECKPOINT} === 'My first cats'")
    page.wait_for_function(f"() => ({EXPLORED})() === 32")
    assert page.locator("#explore input[data-direction]").count() >= 8
    expect(page.locator("#explore .explore-path")).to_have_attribute("data-path", "browser")


def test_a_run_can_be_continued(page: Page) -> None:
    open_tab(page)
    choose(page, "train-data", "Fashion")
    choose(page, "train-recipe", "The lesson's MLP")
    page.locator("#train-start").click()
    page.wait_for_function(CHANGED, arg="")
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")
    stopped_at = page.evaluate(SAMPLES)
    page.locator("#train-continue").click()
    page.wait_for_function(CHANGED, arg=stopped_at)
    assert page.evaluate(SAMPLES) != stopped_at
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")


def test_a_growing_run_shows_its_scale_and_what_it_was_before(any_page: Page) -> None:
    page = any_page
    open_tab(page)
    choose(page, "train-data", "Fashion")
    choose(page, "train-recipe", "Growing")
    expect(page.locator("#train-recipe-note")).to_contain_text("until it is grown up")
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("· 7 px")
    row = page.locator("#train-live .scales figure")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("7 px")
    natural = "image => image.complete && image.naturalWidth"
    assert row.locator("img").evaluate(natural) == 8 * 7
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")


def scale(page: Page, side: int) -> Locator:
    """The row of eight pictures of one scale."""
    return page.locator("#train-live .scales figure", has_text=f"{side} px").locator("img")


def has_pixels(image: Locator, width: int) -> None:
    image.wait_for()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == width


def test_a_growing_run_fades_its_second_scale_in_beside_the_first(page: Page) -> None:
    open_tab(page)
    choose(page, "train-data", "Fashion")
    choose(page, "train-recipe", "Growing")
    expect(page.locator("#train-recipe-note")).to_contain_text("until it is grown up")
    expect(page.locator("#train-minutes input[type=number]")).to_have_value("5")
    page.locator("#train-minutes input[type=number]").fill("1")
    page.locator("#train-advanced").get_by_role("button", name="Advanced").click()
    page.locator("#train-width input").fill("4")
    page.locator("#train-growth input").fill("0.3")
    page.locator("#train-growth input").blur()
    page.locator("#train-start").click()
    progress = page.locator("#train-progress")
    expect(progress).to_contain_text(re.compile(r"14 px, \d+ % faded in"))
    has_pixels(scale(page, 14), 8 * 14)
    has_pixels(scale(page, 7), 8 * 7)
    expect(page.locator("#train-live .scales")).to_contain_text(
        "each scale as it was when the next one began"
    )
    expect(progress).to_contain_text(re.compile(r"28 px(?!,)"))
    has_pixels(scale(page, 28), 8 * 28)
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")


def test_all_scales_are_shown_and_the_film_of_the_run_can_be_saved(any_page: Page) -> None:
    page = any_page
    open_tab(page)
    choose(page, "train-data", "Fashion")
    choose(page, "train-recipe", "All scales at once")
    expect(page.locator("#train-recipe-note")).to_contain_text("drawn at all sizes at once")
    page.locator("#train-start").click()
    for side in (7, 14, 28):
        has_pixels(scale(page, side), 8 * side)
    expect(page.locator("#train-live .scales figure")).to_have_count(3)
    first = page.evaluate(SAMPLES)
    page.wait_for_function(CHANGED, arg=first)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")

    page.locator("#train-film").get_by_role("button", name="Film of this training").click()
    page.locator("#train-film-kind").get_by_text("GIF").click()
    page.locator("#train-film-make").click()
    page.locator("#train-film-shown a").wait_for()
    with page.expect_download() as download:
        page.locator("#train-film-shown a").click()
    assert download.value.suggested_filename == "training.gif"
    with Image.open(download.value.path()) as film:
        assert film.format == "GIF"
        assert getattr(film, "n_frames", 1) >= 2


def test_levers_are_in_force_at_once_marked_on_the_curves_and_found_again(any_page: Page) -> None:
    page = any_page
    open_tab(page)
    expect(page.locator("#train-levers")).to_be_hidden()
    choose(page, "train-data", "Fashion")
    choose(page, "train-recipe", "The lesson's MLP")
    expect(page.locator("#train-recipe-note")).to_contain_text("fully connected")
    page.locator("#train-start").click()
    rate = page.locator("#lever-generator-lr input")
    expect(rate).to_have_value("0.0002")
    rate.fill("0.0001")
    rate.press("Enter")
    changes = page.locator("#train-curves .changes")
    expect(changes).to_contain_text("1: generator learning rate 0.0002 → 0.0001 at step")
    assert page.locator("#train-curves line.mark").count() == 2

    page.locator("#lever-noise input[type=range]").press("ArrowRight")
    expect(changes).to_contain_text("2: instance noise 0 → 0.01 at step")
    page.locator("#lever-skip-below input").fill("90")
    page.locator("#lever-skip-below input").blur()
    expect(page.locator("#train-progress")).to_contain_text("discriminator steps skipped")
    page.locator("#lever-batch input").fill("100000")
    page.locator("#lever-batch input").blur()
    expect(page.locator("#train-pulled")).to_contain_text("between 2 and 1024")
    expect(page.locator("#lever-batch input")).to_have_value("256")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.reload()
    open_tab(page)
    expect(rate).to_have_value("0.0001")
    expect(changes).to_contain_text("1: generator learning rate")
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")
    expect(page.locator("#train-levers")).to_be_hidden()


def test_own_pictures_say_what_was_understood_and_two_are_too_few(page: Page, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    names = []
    for number in range(2):
        names.append(tmp_path / f"{number}.png")
        Image.fromarray(random.integers(0, 255, (80, 100, 3), np.uint8)).save(names[-1])
    archive = tmp_path / "two.zip"
    with ZipFile(archive, "w") as zipped:
        for name in names:
            zipped.write(name, name.name)
        zipped.writestr("../escape.png", names[0].read_bytes())
    open_tab(page)
    choose(page, "train-data", "My own")
    page.locator("#train-files input[type=file]").first.set_input_files(str(archive))
    strip = page.locator("#train-strip")
    strip.get_by_text("16").first.wait_for()
    assert not (tmp_path.parent / "escape.png").exists()


def test_another_visitor_sees_nothing_of_a_run(page: Page) -> None:
    open_tab(page)
    assert page.evaluate(SAMPLES) == ""
    assert page.locator("#train-live .empty").is_visible()
