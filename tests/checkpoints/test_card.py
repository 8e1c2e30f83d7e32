"""The model card: what it must say, and that nothing from a config becomes metadata or markup."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoints.card import model_card, plain
from tests.checkpoints.conftest import Make

NASTY = [
    "---\nlicense: mit\n---",
    "x\ninference: true",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](https://example.com/track.png)",
    "# Heading\n\n```\ncode",
    "a | b `c` *d* _e_ ~~f~~",
    "&lt;b&gt; \u202e\x00\u2028",
    "'\": {}[]",
]


def parts(card: str) -> tuple[dict[str, Any], str]:
    """Metadata and body as the Hub splits them."""
    _, metadata, body = card.split("---\n", 2)
    return yaml.safe_load(metadata), body


def test_metadata_is_what_the_hub_asks_for(make: Make) -> None:
    metadata, _ = parts(model_card(make()))
    assert metadata == {
        "library_name": "latent-atelier",
        "license": "cc-by-4.0",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["gan", "image-generation", "latent-atelier"],
    }
    assert ModelCard(model_card(make())).data.to_dict() == metadata


def test_the_card_tells_what_how_and_from_whom(make: Make, config: dict[str, Any]) -> None:
    card = model_card(make(), "alice/small-cats")
    for expected in (
        "# Small cats",
        "](preview.png)",
        'load("alice/small-cats").sample(seeds=[1, 2, 3])',
        "python -m checkpoints pull alice/small-cats",
        "64 × 64 pixels",
        "| Loss | relativistic |",
        "| Pictures seen | 1,234,567 |",
        "| Time | 10 min |",
        "David Revoy",
        "CC-BY 4.0",
        "tabby, plain",
        "## Known limits",
    ):
        assert expected in card


@pytest.mark.parametrize(
    ("network", "naming", "said"),
    [
        ({"classes": 10}, 0.5, True),
        ({"attributes": [2, 3]}, 1, True),
        ({"classes": 10}, 0.0, False),
        ({}, 1, False),
    ],
)
def test_a_reward_for_naming_is_told_where_there_was_something_to_name(
    make: Make, config: dict[str, Any], network: dict[str, Any], naming: float, said: bool
) -> None:
    config["network"] = network
    config["training"] |= {"naming": naming, "likeness": 30.0}
    card = model_card(make())
    assert ("rewarded for naming" in card) is said
    assert (f"| Weight of naming real pictures | {naming} |" in card) is bool(naming)
    assert "| Weight of likeness to real pictures | 30.0 |" in card


def test_known_data_is_linked_and_unknown_licences_are_other(make: Make) -> None:
    fashion = {"name": "fashion", "licence": "mit", "attribution": "Fashion-MNIST (c) 2017 Zalando SE"}
    metadata, body = parts(model_card(make(data=fashion)))
    assert metadata["datasets"] == ["zalando-datasets/fashion_mnist"]
    assert metadata["license"] == "mit"
    assert "Zalando SE" in body
    metadata, _ = parts(model_card(make(data={"name": "mine", "licence": "All rights: mine!"})))
    assert metadata["license"] == "other"
    assert "datasets" not in metadata


def test_the_training_state_is_promised_only_where_it_is(make: Make) -> None:
    assert "training can go on" in model_card(make(1, training=True))
    assert "training state is not included" in model_card(make(2, training=False))


@pytest.mark.parametrize(
    "changes", [{}, {"training": 3, "data": "cats", "network": []}, {"training": {"seconds": "x"}}]
)
def test_poor_configs_still_have_a_card(make: Make, changes: dict[str, Any]) -> None:
    bare: dict[str, Any] = {"training": None, "data": None, "network": None, **changes}
    metadata, body = parts(model_card(make(**bare)))
    assert metadata["license"] == "other"
    assert "Not recorded" in body


@pytest.mark.parametrize("repository", [None, "", "no-owner", 'a/b").x("', "a/b\nc", "../x/y"])
def test_a_strange_repository_name_is_not_put_into_code(make: Make, repository: str | None) -> None:
    assert 'load("owner/name")' in model_card(make(), repository)


@pytest.mark.parametrize("text", NASTY)
def test_nothing_from_a_config_becomes_metadata_or_markup(make: Make, text: str) -> None:
    clean_metadata, clean = parts(model_card(make()))
    data = {"name": text, "title": text, "licence": text, "attribution": text, "classes": [text]}
    training = {"preset": text, "loss": text, "penalty": text, "batch": text, "images_seen": text}
    network = {"architecture": text, "resolution": text, "z_dim": text}
    metadata, body = parts(model_card(make(title=text, data=data, training=training, network=network)))
    assert metadata == {**clean_metadata, "license": "other", "license_name": metadata["license_name"]}
    assert "<" not in body
    assert re.findall(r"(?<!\\)!\[[^]]*\]\(([^)]*)\)", body) == ["preview.png"]
    assert re.findall(r"(?<![\\!])\[[^]]*\]\(", body) == []
    assert body.count("```") == clean.count("```")
    assert re.findall(r"^#+ ", body, re.MULTILINE) == re.findall(r"^#+ ", clean, re.MULTILINE)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=400))
def test_plain_text_is_one_line_without_markup(text: str) -> None:
    line = plain(text)
    assert line.isprintable()
    assert "<" not in line
    assert ">" not in line
    without_escaped = re.sub(r"\\[\\`*_{}\[\]#|~!$]", "", line)
    assert not set(without_escaped) & set("\\`*_{}[]#|~!$")


def test_what_was_measured_stands_beside_what_real_pictures_get(make: Make) -> None:
    scores = {"frechet_distance": 123.4, "kernel_distance": 0.01, "coverage": 0.8, "recall": 0.5}
    ruler = {
        "features": "cats, <b>classifier</b>",
        "pictures": 5000,
        "scores": scores,
        "floor": {name: value / 2 for name, value in scores.items()},
        "attributes": {"body": {"made": 14, "of": 15, "asked": 0.93}},
        "unclear": 0.2,
        "floor_unclear": 0.1,
        "copies": None,
    }
    card = model_card(make(ruler=ruler, flaws=["Hats *smear*."]))
    assert "| Frechet distance | 123.4 | 61.7 |" in card
    assert "body 14 of 15 (93 % recognised as asked for)" in card
    assert "&lt;b&gt;" in card
    assert "<b>" not in card
    assert "- Hats \\*smear\\*." in card
    assert "training picture |" not in card


@pytest.mark.parametrize("ruler", [None, [], {}, {"scores": 1, "floor": {}}, {"scores": {}, "floor": {}}])
def test_a_strange_table_does_no_harm(make: Make, ruler: Any) -> None:
    assert "# " in model_card(make(ruler=ruler, flaws=ruler))
