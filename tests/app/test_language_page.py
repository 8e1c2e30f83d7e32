"""The page in Romanian, in a real browser: what stands there, what appears later, and what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from languages import dictionary

# What Gradio says by itself, names, and what a visitor or a maker has typed.
ALSO_SAID = re.compile(
    r"(#|http|Gradio|Textbox|Logo|Buton|Stop Recording|Click pentru|Plasați|- sau -|Se încarcă|Utilizați|"
    r"my-cats|my-pictures|WebP|cats$|fashion$|present$|rows$|columns$)"
)


@pytest.fixture
def romanian(browser: Browser, app_url: str) -> Iterator[Page]:
    context = browser.new_context(locale="ro-RO", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(app_url)
    page.wait_for_function("window.atelierLanguage?.language() === 'ro'")
    yield page
    context.close()
    assert errors == []


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def test_labels_help_and_what_appears_later_are_in_romanian(romanian: Page) -> None:
    page = romanian
    expect(page.locator("html")).to_have_attribute("lang", "ro")
    expect(page.locator("#header")).to_contain_text("Privește în interiorul unei rețele")
    expect(page.locator("#explore .explore-like")).to_have_text("♡ Îmi place")
    expect(page.locator("#explore")).to_contain_text("Desenat în browserul tău")
    page.locator("#explore canvas").first.wait_for()
    tab(page, "Antrenează")
    expect(page.locator("#train-start")).to_have_text("Pornește")
    page.locator("#train-data").get_by_label("Imaginile mele").check()
    page.locator("#train-start").click()
    expect(page.locator("#train-message")).to_contain_text(
        "Alege întâi imaginile: mai multe fișiere sau un zip."
    )


def test_nothing_that_was_seen_is_left_in_english(romanian: Page) -> None:
    page = romanian
    for name in ("Stilizează", "Antrenează", "Distribuie", "Explorează"):
        tab(page, name)
        closed = page.locator("button.label-wrap:visible:not(.open)")
        while closed.count():
            closed.first.click()
    expect(page.locator("#explore")).to_contain_text("Desenat în browserul tău")
    said = re.sub(r"\]\([^)]*\)|[*`#\[\]]|\s+", " ", " ".join(dictionary("ro").values()))
    said = re.sub(r"\s+", " ", said)
    left = [
        text
        for text in page.evaluate("atelierLanguage.untranslated()")
        if not ALSO_SAID.match(text) and text not in said and not _filled(text, said)
    ]
    assert left == []


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        (
            "Against mode collapse: generator learning rate to 0.001, penalty to r1+r2, for one more minute.",
            "rata de învățare a generatorului la 0.001, penalizarea la r1+r2, pentru încă un minut.",
        ),
        (
            "Generator learning rate 0.002 → 0.0005, from the next step on.",
            "Rata de învățare a generatorului 0.002 → 0.0005, de la pasul următor.",
        ),
        (
            "2: penalty r1 → none, batch 16 → 32 at step 1,240",
            "2: penalizarea r1 → none, lotul 16 → 32 la pasul 1,240",
        ),
    ],
)
def test_levers_are_named_inside_a_sentence(romanian: Page, english: str, expected: str) -> None:
    said = romanian.evaluate("text => atelierLanguage.lookup(text)", english)
    assert said is not None
    assert said.endswith(expected)


def _filled(text: str, said: str) -> bool:
    """Whether a text is one of the translations with its numbers filled in."""
    return re.sub(r"\d[\d.,]*\d|\d", "{}", text) in re.sub(r"\d[\d.,]*\d|\d", "{}", said)


def test_longer_words_fit_on_a_phone(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="ro-RO", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(app_url)
    expect(page.locator("#explore")).to_contain_text("Desenat în browserul tău")
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_english_is_spoken_to_everyone_else(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto(app_url)
    expect(page.locator("#header")).to_contain_text("Look inside a network that draws")
    expect(page.locator("#explore .explore-like")).to_have_text("♡ Like")
    context.close()
