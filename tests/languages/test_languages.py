"""Every language says all that the page says; what a text is made with is in its translation, too."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import app
from languages import PLACEHOLDER, dictionary, languages
from languages.tab_language import choices_of, texts_of, translations
from tests.languages.sentences import said_in, sentences

# Names of things, which are the same everywhere.
NAMES = re.compile(r"[a-z0-9_+./-]+|[^a-z]*|WebP|GIF|MP4", re.ASCII)


def test_romanian_is_spoken() -> None:
    assert "ro" in languages()


def test_an_unknown_language_has_no_dictionary() -> None:
    with pytest.raises(KeyError):
        dictionary("../ro")


@pytest.mark.parametrize("language", languages())
def test_what_a_text_is_made_with_is_in_its_translation(language: str) -> None:
    for english, translation in dictionary(language).items():
        assert english.strip()
        assert translation.strip()
        places = Counter(PLACEHOLDER.findall(english))
        assert sum(places.values()) == len(PLACEHOLDER.findall(translation)), english
        assert set(places) <= {"{}"}, f"{english}: places are numbered in translations alone"


@pytest.mark.parametrize("language", languages())
def test_links_and_code_are_in_every_translation(language: str) -> None:
    for english, translation in dictionary(language).items():
        for pattern in (r"\]\([^)]+\)", r"`[^`]+`"):
            assert sorted(re.findall(pattern, english)) == sorted(re.findall(pattern, translation)), english


def is_known(text: str, known: dict[str, str]) -> bool:
    """Whether a dictionary has a text, or one that it is made from with numbers or words."""
    patterns = (re.escape(key).replace(r"\{\}", ".+?") for key in known if "{}" in key)
    return text in known or any(re.fullmatch(pattern, text, re.DOTALL) for pattern in patterns)


def test_nothing_that_stands_on_the_page_is_without_a_translation() -> None:
    blocks = list(app.build().blocks.values())
    shown = [block for block in blocks if getattr(block, "visible", True) is True]
    left = [text for _, _, text in (*texts_of(shown), *choices_of(shown)) if not NAMES.fullmatch(text)]
    for language in languages():
        unsaid = [text for text in left if not is_known(text, dictionary(language))]
        assert unsaid == [], f"add these to languages/{language}.json"


@pytest.mark.parametrize("language", languages())
def test_no_sentence_that_a_page_can_say_is_without_a_translation(language: str) -> None:
    known = {spaced(key) for key in dictionary(language)}
    said = {text: place for text, place in sentences().items() if re.search("[a-z]{2}", text)}
    assert len(said) > 250, "they are still found"
    unsaid = {text: place for text, place in said.items() if spaced(text) not in known}
    assert unsaid == {}, f"add these to languages/{language}.json"


def test_sentences_are_found_however_they_are_said() -> None:
    source = """
DAMAGED = "It is damaged."
_STATUS = {1: "No {what}.", 2: DAMAGED}
def why(name): return f"No {name!r}." if name else "No " + "name."
def work(error):
    raise GanError(DAMAGED)
    raise errors.StyleError(f"{1} of {2}: " "again.")
    raise CheckpointError(why(3))
    yield Step(0.5, f"Doing {error}…")
    raise CheckpointError(_STATUS[2].format(what=3))
    raise CheckpointError(str(error))
"""
    assert set(said_in(source)) == {
        "It is damaged.", "{} of {}: again.", "No {}.", "No name.", "Doing {}…",
    }  # fmt: skip


def spaced(text: str) -> str:
    """As the page's script compares texts."""
    return " ".join(text.split())


def test_english_has_every_key() -> None:
    spoken = translations().translations
    assert all(set(texts) == set(spoken["en"]) for texts in spoken.values())
    assert all(text == translation for text, translation in spoken["en"].items())
