"""Stylise in a real browser: a photo changes before the eyes, Stop keeps it, bad files get a sentence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from style.output import RECIPE_KEY
from style.recipe import Recipe

PICTURES = Path(__file__).resolve().parents[2] / "data" / "pictures"
IMAGE = "document.querySelector('#style-live img')?.src"
LIVE = f"() => {IMAGE} || ''"
CHANGED = f"before => {{ const now = {IMAGE}; return now && now !== before; }}"


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Stylise").click()
    page.locator("#style-run").wait_for(state="visible")


def upload(page: Page, which: str, file: Path) -> None:
    page.locator(f"#style-{which} input[type=file]").first.set_input_files(str(file))


def mode(page: Page, name: str) -> None:
    page.locator("#style-preset input").click()
    page.get_by_role("option", name=name).click()


def painted_recipe(page: Page) -> Recipe:
    with page.expect_download() as download:
        page.locator("#style-download").click()
    with Image.open(download.value.path()) as picture:
        return Recipe.from_json(picture.info[RECIPE_KEY])


def choose(page: Page) -> None:
    for which, file in (("photo", "photos/astronaut.jpg"), ("painting", "styles/starry_night.jpg")):
        upload(page, which, PICTURES / file)
        # The page shows the upload itself until the answer, a PNG, takes its place.
        page.locator(f"#style-{which} img[src*='.png']").first.wait_for()


def test_a_512_px_photo_changes_visibly_and_stop_keeps_it(page: Page) -> None:
    open_tab(page)
    mode(page, "Studio")
    choose(page)
    page.locator("#style-start").get_by_text("Photo", exact=True).click()
    page.locator("#style-run").click()
    page.wait_for_function(CHANGED, arg="")
    seen = {page.evaluate(LIVE)}
    while len(seen) < 3:
        page.wait_for_function(CHANGED, arg=list(seen)[-1])
        seen.add(page.evaluate(LIVE))
    assert "left" in page.locator("#style-progress").inner_text()
    page.locator("#style-stop").click()
    page.locator("#style-compare").wait_for(state="visible")
    assert "kept" in page.locator("#style-progress").inner_text()
    with page.expect_download() as download:
        page.locator("#style-download").click()
    with Image.open(download.value.path()) as picture:
        assert picture.format == "PNG"
        assert max(picture.size) >= 128
        colours = picture.convert("RGB").resize((32, 32)).getcolors(1024)
    assert colours is not None
    assert len(colours) > 100

    after = "() => [...document.querySelectorAll('#style-compare img')].at(-1)?.src"
    painted = page.evaluate(after)
    page.locator("#style-colours").get_by_text("Photo", exact=True).click()
    page.wait_for_function(f"before => ({after})() !== before", arg=painted)
    with page.expect_download() as download:
        page.locator("#style-download").click()
    with Image.open(download.value.path()) as picture:
        assert Recipe.from_json(picture.info[RECIPE_KEY]).colours == "photo"

    with page.expect_download() as download:
        page.locator("#style-film").click()
    with Image.open(download.value.path()) as film:
        assert (film.format, getattr(film, "n_frames", 1) > 1) == ("GIF", True)
    with page.expect_download() as download:
        page.locator("#style-mp4").click()
    with av.open(str(download.value.path())) as film:
        assert len(list(film.decode(video=0))) > 1

    expect(page.locator("#style-run")).to_be_enabled()
    shown = page.evaluate(LIVE)
    page.locator("#style-run").click()
    page.wait_for_function(CHANGED, arg=shown)
    page.locator("#style-stop").click()
    expect(page.locator("#style-progress")).to_contain_text("kept")


def test_an_example_paints_itself_at_a_click_and_again_after_a_change(page: Page) -> None:
    open_tab(page)
    page.locator("#style-examples button").first.click()
    progress = page.locator("#style-progress")
    expect(progress).to_contain_text("% of the painting")
    page.locator("#style-compare").wait_for(state="visible")
    after = "() => [...document.querySelectorAll('#style-compare img')].at(-1)?.src"
    before = page.evaluate(after)
    page.get_by_text("Mix several paintings").click()
    page.locator("#style-slot").get_by_text("Painting 2", exact=True).click()
    page.locator("#style-paintings button").last.click()
    two = f"before => ({after})() !== before && ({after})()?.includes('garden')"
    page.wait_for_function(two, arg=before)
    recipe = painted_recipe(page)
    assert (recipe.mode, recipe.weights) == ("instant", (1.0, 1.0))


def test_several_photos_get_one_recipe(page: Page) -> None:
    open_tab(page)
    page.locator("#style-paintings button").first.click()
    page.get_by_text("Several photos with one recipe").click()
    photos = [str(PICTURES / "photos" / f"{name}.jpg") for name in ("cat", "dandelions")]
    page.locator("#style-batch-files input[type=file]").set_input_files(photos)
    page.locator("#style-batch-files").get_by_text("dandelions").first.wait_for()
    page.locator("#style-batch-run").click()
    expect(page.locator("#style-batch-progress")).to_contain_text("2 of 2 painted.")
    expect(page.locator("#style-batch-gallery img")).to_have_count(2)
    with page.expect_download() as download:
        page.locator("#style-batch-download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == ["cat.png", "dandelions.png"]
    expect(page.locator("#style-batch-run")).to_be_enabled()
    page.locator("#style-batch-collect").click()
    told = page.locator("#style-batch-collected")
    expect(told).to_contain_text("Added, with their recipes. 2 pictures are collected.")
    page.locator("#style-batch-collect-undo").click()
    expect(told).to_contain_text("Taken out again. 0 pictures are collected.")


def test_a_closed_page_makes_room_for_the_next_visitor(page: Page, app_url: str) -> None:
    assert page.context.browser is not None
    other = page.context.browser.new_page()
    other.goto(app_url)
    open_tab(other)
    mode(other, "Studio")
    choose(other)
    # By the keyboard to the longest time there is.
    other.locator("#style-seconds input[type=range]").press("End")
    other.locator("#style-run").click()
    other.wait_for_function(CHANGED, arg="")
    other.close()
    open_tab(page)
    mode(page, "Studio")
    choose(page)
    page.locator("#style-run").click()
    page.wait_for_function(CHANGED, arg="")
    page.locator("#style-stop").click()
    expect(page.locator("#style-progress")).to_contain_text("kept")


def test_a_brushed_region_stays_the_photo(page: Page) -> None:
    open_tab(page)
    mode(page, "Studio")
    choose(page)
    page.get_by_text("Brush regions").click()
    canvas = page.locator("#style-brush canvas").first
    canvas.wait_for(state="visible")
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    box = canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 60, middle[1])
    page.mouse.down()
    for step in range(13):
        page.mouse.move(middle[0] - 60 + 10 * step, middle[1])
    page.mouse.up()
    page.wait_for_timeout(1500)
    mode(page, "Instant")
    expect(page.locator("#style-progress")).to_contain_text("Done.")
    with page.expect_download() as download:
        page.locator("#style-download").click()
    with Image.open(download.value.path()) as picture:
        painted = picture.convert("RGB")
    with Image.open(PICTURES / "photos" / "astronaut.jpg") as photo:
        original = photo.convert("RGB").resize(painted.size)
    apart = np.abs(np.asarray(painted, np.float32) - np.asarray(original, np.float32)).mean(2)
    height, width = apart.shape
    centre = apart[height // 2 - 4 : height // 2 + 4, width // 2 - 8 : width // 2 + 8]
    assert centre.mean() < 0.3 * apart.mean()


def test_a_text_that_claims_to_be_a_picture_gets_a_sentence(page: Page, tmp_path: Path) -> None:
    open_tab(page)
    choose(page)
    fake = tmp_path / "photo.jpg"
    fake.write_text("this is no picture")
    page.locator("#style-photo button[aria-label='Remove Image']").first.click()
    upload(page, "photo", fake)
    message = page.locator("#style-message")
    message.get_by_text("picture").first.wait_for()
    assert "Traceback" not in message.inner_text()
    assert page.locator("#style-painting img").first.is_visible()


def test_without_a_photo_the_page_says_what_is_missing(page: Page) -> None:
    open_tab(page)
    page.locator("#style-run").click()
    page.locator("#style-message").get_by_text("photo").first.wait_for()
    assert page.locator("#style-run").is_enabled()


def test_a_recipe_that_is_dropped_sets_the_controls(page: Page, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(Recipe(size=256, seconds=90, start="noise", seed=12).to_json())
    open_tab(page)
    page.get_by_text("More", exact=True).last.click()
    page.locator("#style-recipe input[type=file]").first.set_input_files(str(recipe))
    expect(page.locator("#style-seed input")).to_have_value("12")
    expect(page.locator("#style-seconds input[type=number]")).to_have_value("90")
    expect(page.locator("#style-size input[type=number]")).to_have_value("256")
    expect(page.locator("#style-start").get_by_label("Noise")).to_be_checked()


def test_a_painted_picture_among_the_photos_offers_its_recipe(page: Page, tmp_path: Path) -> None:
    painted, recipe = tmp_path / "painted.png", Recipe(mode="instant", size=320, weights=(0.25, 0.75), seed=7)
    about = PngInfo()
    about.add_text(RECIPE_KEY, recipe.to_json())
    Image.open(PICTURES / "photos/cat.jpg").save(painted, pnginfo=about)
    open_tab(page)
    offer = page.locator("#style-offer")
    expect(offer).to_be_hidden()
    page.locator("#style-paintings button").first.click()
    page.get_by_text("Mix several paintings").click()
    page.locator("#style-slot").get_by_text("Painting 3", exact=True).click()
    page.locator("#style-paintings button").last.click()
    # Which slots are filled is asked when the offer is taken.
    page.locator("#style-painting-3 img").first.wait_for()
    upload(page, "photo", painted)
    offer.click()
    expect(page.locator("#style-size input[type=number]")).to_have_value("320")
    for slot, value in ((1, "0.25"), (2, "1"), (3, "0.75")):
        expect(page.locator(f"#style-mix-{slot} input[type=number]")).to_have_value(value)
    expect(offer).to_be_hidden()


@pytest.mark.parametrize("run", ["a", "b", "c"])
def test_the_lesson_s_runs_are_painted_and_say_what_to_look_at(page: Page, run: str) -> None:
    open_tab(page)
    mode(page, f"Lesson {run}")
    expect(page.locator("#style-lesson")).to_contain_text("What to look at.")
    choose(page)
    page.locator("#style-lesson-pace").get_by_text("Quick").click()
    page.locator("#style-run").click()
    page.wait_for_function(CHANGED, arg="")
    page.locator("#style-curves svg").first.wait_for()
    page.locator("#style-stop").click()
    expect(page.locator("#style-progress")).to_contain_text("kept")
    recipe = painted_recipe(page)
    assert (recipe.mode, recipe.lesson_run, recipe.lesson_pace) == ("lesson", run, "quick")


def test_four_paintings_with_weights_and_every_finish(page: Page) -> None:
    open_tab(page)
    page.get_by_text("Mix several paintings").click()
    for number in range(4):
        page.locator("#style-slot").get_by_text(f"Painting {number + 1}", exact=True).click()
        page.locator("#style-paintings button").nth(number).click()
        page.locator(f"#style-painting{f'-{number + 1}' if number else ''} img").first.wait_for()
    page.locator("#style-mix-2 input[type=range]").press("Home")
    upload(page, "photo", PICTURES / "photos/cat.jpg")
    expect(page.locator("#style-progress")).to_contain_text("% of the painting")
    assert painted_recipe(page).weights == (1.0, 0.0, 1.0, 1.0)
    after = "() => [...document.querySelectorAll('#style-compare img')].at(-1)?.src"
    for control, choice in (("colours", "Palette"), ("brightness", "Photo")):
        before = page.evaluate(after)
        page.locator(f"#style-{control}").get_by_text(choice, exact=True).click()
        page.wait_for_function(f"before => ({after})() !== before", arg=before)
    before = page.evaluate(after)
    page.locator("#style-strength input[type=range]").press("ArrowLeft")
    page.wait_for_function(f"before => ({after})() !== before", arg=before)
    finished = painted_recipe(page)
    assert (finished.colours, finished.brightness, finished.strength) == ("palette", "photo", 0.95)


def test_budgets_and_starts_of_the_studio(page: Page) -> None:
    open_tab(page)
    mode(page, "Studio")
    choose(page)
    for value in (30, 600, 120):
        page.locator(f"#style-budget-{value}").click()
        expect(page.locator("#style-seconds input[type=number]")).to_have_value(str(value))
    for start in ("Noise", "Instant", "Both"):
        page.locator("#style-start").get_by_text(start, exact=True).click()
        shown = page.evaluate(LIVE)
        page.locator("#style-run").click()
        page.wait_for_function(CHANGED, arg=shown)
        page.locator("#style-stop").click()
        expect(page.locator("#style-run")).to_be_enabled()
        assert painted_recipe(page).start == start.lower()


def test_odd_pictures_in_both_slots(page: Page, tmp_path: Path) -> None:
    long, clear, dot = (tmp_path / f"{name}.png" for name in ("long", "clear", "dot"))
    Image.open(PICTURES / "photos/cat.jpg").resize((3000, 20)).save(long)
    Image.new("RGBA", (64, 48), (200, 40, 40, 0)).save(clear)
    Image.new("RGB", (1, 1), "red").save(dot)
    open_tab(page)
    progress, message = page.locator("#style-progress"), page.locator("#style-message")
    for photo, painting in ((long, clear), (clear, long)):
        for which, file in (("painting", painting), ("photo", photo)):
            upload(page, which, file)
            page.locator(f"#style-{which} img[src*='{file.stem}.png']").first.wait_for()
        expect(page.locator(f"#style-compare img[src*='{photo.stem}']").last).to_be_visible()
        expect(progress).to_contain_text("Done.")
    upload(page, "photo", dot)
    expect(message).to_contain_text("at least 16 pixels")
