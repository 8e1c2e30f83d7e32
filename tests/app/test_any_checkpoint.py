"""Everything in Explore for a checkpoint of a minute ago, and for one that came from the Hub."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from test_closer_page import unfold
from test_explore_page import OTHER, PATH, READY, SLIDER, SOURCE, ready
from test_favourites_page import LIKE, OFFERED, TILES

from checkpoints import hub as client
from tests.hub_server import HubServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gan"))
from explorer_helpers import cats_in, fashion_in

PHOTO = Path(__file__).resolve().parents[2] / "data" / "pictures" / "photos" / "cat.jpg"


@pytest.fixture(scope="module")
def references(app_home: Path, hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A run that was told classes, in grey; one in colour that was told nothing, which came from the Hub."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    folder = elsewhere / cats_in(elsewhere) / "checkpoint"
    hub.add("eve/small-cats", {path.name: path.read_bytes() for path in folder.iterdir()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(app_home))
        pulled = client.pull("eve/small-cats", endpoint=hub.url)
    return {"trained": fashion_in(app_home, "e1" * 16), "pulled": pulled.reference}


@pytest.fixture(params=["trained", "pulled"])
def opened(request: pytest.FixtureRequest, page: Page, references: dict[str, str], app_url: str) -> Page:
    page.goto(f"{app_url}/?checkpoint={references[request.param]}&seed=3")
    ready(page)
    expect(page.locator(PATH)).to_have_attribute("data-path", "browser")
    expect(page.locator("#explore .explore-checkpoint option:checked")).to_have_text(re.compile("Small"))
    return page


def test_sliders_of_every_kind_and_favourites_work(opened: Page) -> None:
    page = opened
    before = page.evaluate(SOURCE)
    page.locator(SLIDER).fill("2")
    page.wait_for_function(OTHER, arg=before)
    for name, kind in (("PCA", "pca"), ("Closed form", "closed-form"), ("By name", "supervised")):
        page.locator("#explore .explore-methods").get_by_text(name, exact=True).click()
        expect(page.locator("#explore .explore-mode-hint")).not_to_contain_text("Looking")
        none = page.locator("#explore .explore-mode-hint", has_text="no directions of this kind")
        slider = page.locator("#explore .explore-sliders input[type=range]").first
        expect(none.or_(slider)).to_be_visible()
        if slider.count():
            between = page.evaluate(SOURCE)
            slider.fill("2.5")
            page.wait_for_function(OTHER, arg=between)
            assert int(slider.get_attribute("data-direction") or 0) >= 8, kind
    page.locator("#explore .explore-neighbours button").first.wait_for()
    expect(page.locator("#explore .explore-opinion")).to_contain_text("than")
    page.locator(LIKE).click()
    page.locator("#explore .explore-next").click()
    page.wait_for_function(READY)
    page.locator(LIKE).click()
    for place in (0, 1):
        page.locator(TILES).nth(place).click()
    page.locator("#explore .explore-cross").click()
    expect(page.locator(f"{OFFERED} canvas")).to_have_count(6)
    page.locator("#explore .explore-film").click()
    expect(page.locator("#explore .explore-film-image")).to_have_attribute(
        "src", re.compile("^data:image/gif")
    )


def test_all_panels_work(opened: Page) -> None:
    page = opened
    unfold(page, "closer")
    shown = page.locator("#closer-shown")
    for label, says in (
        ("Where the", "Red places speak"),
        ("Is it a copy", "training picture|not here"),
        ("Inside", "latent vector to the picture"),
        ("Both", "Generator: numbers to picture"),
    ):
        page.locator("#closer-what").get_by_text(label).click()
        page.locator("#closer-look").click()
        expect(shown).to_contain_text(re.compile(says))
    unfold(page, "mixing")
    page.locator("#mixing-make").click()
    expect(page.locator("#mixing-grid button:has(img)")).to_have_count(20)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the grid").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    unfold(page, "comparing")
    expect(page.locator("#comparing-other input")).not_to_have_value("")
    page.locator("#comparing-start").click()
    expect(page.locator("#comparing-shown")).to_contain_text("Used for both: truncation 0.7")
    unfold(page, "project")
    page.locator("#project-photo input[type=file]").set_input_files(str(PHOTO))
    page.locator("#project-photo img").wait_for()
    page.locator("#project-start").click()
    expect(page.locator("#project-shown")).to_contain_text("Distance")
    page.locator("#project-stop").click()
    expect(page.locator("#project-open")).to_be_enabled()
    page.locator("#project-open").click()
    page.wait_for_function("document.querySelector('#explore').atelierState().base")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_control_of_the_explorer_is_named_explained_and_large_enough(
    page: Page, theme: str, app_url: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/?__theme={theme}")
    ready(page)
    page.locator(LIKE).click()
    page.locator(TILES).first.click()
    page.locator("#explore .explore-walk summary").click()
    for name in ("Strongest", "PCA", "Yours"):
        page.locator("#explore .explore-methods").get_by_text(name, exact=True).click()
        poor = page.evaluate(POOR)
        assert poor == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# Visible controls without a name, without an explanation (a title, or small words beside it), or with too
# little to touch.
POOR = """() => [...document.querySelectorAll('#explore :is(button, select, input, summary)')]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.type !== 'hidden')
  .flatMap((each) => {
    const label = each.closest('label') || document.querySelector(`#explore label[for="${each.id}"]`);
    const name = each.ariaLabel || label?.textContent || each.textContent || each.placeholder;
    const near = each.closest('label, .explore-field, .explore-makers > div, .explore-own-way, summary,'
      + ' .explore-attributes');
    const told = each.title || each.getAttribute('aria-describedby') || each.closest('[title]')
      || near?.querySelector('small') || label?.querySelector('small');
    const { width, height } = (each.type === 'radio' ? label : each).getBoundingClientRect();
    const small = each.type !== 'checkbox' && Math.min(width, height) < 24;
    const what = each.className || each.outerHTML.slice(0, 80);
    return [!name?.trim() && 'no name: ' + what, !told && 'no word on: ' + what, small && 'small: ' + what];
  }).filter(Boolean)"""
