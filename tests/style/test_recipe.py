"""The recipe: one definition, checked wherever its values come from."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from style.errors import StyleError
from style.recipe import Recipe


def values_of(item: object) -> st.SearchStrategy[object]:
    metadata = item.metadata  # type: ignore[attr-defined]
    if "choices" in metadata:
        return st.sampled_from(metadata["choices"])
    if "most" in metadata:
        number = st.floats(metadata["minimum"], metadata["maximum"], allow_nan=False)
        return st.lists(number, max_size=metadata["most"]).map(tuple)
    if isinstance(item.default, int):  # type: ignore[attr-defined]
        return st.integers(metadata["minimum"], metadata["maximum"])
    return st.floats(metadata["minimum"], metadata["maximum"], allow_nan=False)


recipes = st.builds(Recipe, **{item.name: values_of(item) for item in fields(Recipe)})


@given(recipes)
def test_json_brings_back_the_same_recipe(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe


@given(st.text() | st.binary())
def test_any_text_is_a_recipe_or_a_sentence(text: str | bytes) -> None:
    try:
        assert isinstance(Recipe.from_json(text), Recipe)
    except StyleError as error:
        sentence = str(error)
    else:
        return
    assert sentence.endswith(".")


@given(
    st.sampled_from(fields(Recipe)),
    st.none() | st.booleans() | st.text() | st.floats() | st.lists(st.integers()),
)
def test_any_value_is_allowed_or_gets_a_sentence(item: object, value: object) -> None:
    text = json.dumps({item.name: value})  # type: ignore[attr-defined]
    try:
        recipe = Recipe.from_json(text)
    except StyleError as error:
        sentence = str(error)
    else:
        expected = tuple(value) if isinstance(value, list) else value
        assert getattr(recipe, item.name) == expected  # type: ignore[attr-defined]
        assert not isinstance(value, bool)
        return
    assert item.name in sentence  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change",
    [{"size": 127}, {"size": 2049}, {"size": 512.5}, {"seconds": 0}, {"mode": "magic"}, {"seed": True}],
)
def test_values_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(StyleError, match=next(iter(change))):
        Recipe(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["[]", "3", "{", '{"colour": 1}', "null", "[" * 100_000])
def test_what_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(StyleError):
        Recipe.from_json(text)


def test_every_field_says_what_the_page_needs() -> None:
    for item in fields(Recipe):
        assert item.metadata["label"]
        assert item.metadata["help"].endswith(".")
        assert "choices" in item.metadata or item.metadata["minimum"] < item.metadata["maximum"]
