"""Stylised pictures as a data set: what leaves the machine, what does not, and what is refused."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from checkpoints import pictures
from checkpoints.__main__ import main
from checkpoints.errors import CheckpointError
from style.recipe import Recipe
from tests.hub_server import HubServer

ALICE = "hf_alice"
ABOUT = pictures.Collection("My <b>boats</b>", "cc0-1.0", "Photos by *me*.")


def painted(folder: Path, name: str = "boat.png", recipe: str | None = None, secret: str = "") -> Path:
    information = PngInfo()
    if recipe is not None:
        information.add_text(pictures.RECIPE, recipe)
    if secret:
        information.add_text("Comment", secret)
    exif = Image.Exif()
    exif[0x010F] = secret
    path = folder / name
    Image.linear_gradient("L").convert("RGB").save(path, pnginfo=information, exif=exif)
    return path


def test_pictures_and_recipes_arrive_and_nothing_else(hub_server: HubServer, tmp_path: Path) -> None:
    recipe = Recipe(size=512).to_json()
    paths = [painted(tmp_path, "a b.png", recipe, "my address"), painted(tmp_path, "plain.png")]
    card, files = pictures.preview_push(paths, ABOUT, "alice/boats")
    assert hub_server.requests == []
    result = pictures.push(paths, ABOUT, "boats", token=ALICE)
    assert result.url == f"{hub_server.url}/datasets/alice/boats"
    assert hub_server.repositories["datasets/alice/boats"].private
    sent = hub_server.files("datasets/alice/boats")
    assert {name: len(sent[name]) for name in sent if name != ".gitattributes"} == dict(files)
    assert sent["README.md"].decode() == card
    lines = [json.loads(line) for line in sent["metadata.jsonl"].splitlines()]
    assert [line["file_name"] for line in lines] == ["001-a-b.png", "002-plain.png"]
    assert all(line["file_name"] in sent for line in lines)
    assert json.loads(lines[0]["recipe"]) == json.loads(recipe)
    assert lines[1]["recipe"] == ""
    assert not any(b"my address" in content for content in sent.values())
    with Image.open(BytesIO(sent["001-a-b.png"])) as picture, Image.open(paths[0]) as original:
        assert json.loads(picture.text[pictures.RECIPE]) == json.loads(recipe)
        assert picture.tobytes() == original.tobytes()


def test_the_recipe_that_arrives_sets_stylise_as_it_was(tmp_path: Path) -> None:
    recipe = Recipe(mode="instant", size=640)
    finished = pictures.read_finished(painted(tmp_path, recipe=recipe.to_json()), 1)
    with Image.open(BytesIO(finished.content)) as picture:
        assert Recipe.from_json(picture.text[pictures.RECIPE]) == recipe


def test_the_card_is_what_the_hub_understands_and_escapes_the_rest() -> None:
    finished = pictures.Finished("001-a.png", b"", (8, 8), {})
    card = DatasetCard(pictures.dataset_card([finished], ABOUT, "alice/boats"))
    assert card.data.license == "cc0-1.0"
    assert "latent-atelier" in card.data.tags
    assert "<b>" not in card.text
    assert r"\*me\*" in card.text
    assert 'load_dataset("alice/boats"' in card.text


def test_pushing_again_replaces_and_never_mixes(hub_server: HubServer, tmp_path: Path) -> None:
    first, second = painted(tmp_path, "a.png"), painted(tmp_path, "b.png")
    pictures.push([first, second], ABOUT, "boats", token=ALICE, private=False)
    pictures.push([second], ABOUT, "boats", token=ALICE, private=False)
    sent = hub_server.files("datasets/alice/boats")
    assert [name for name in sent if name.endswith(".png")] == ["001-b.png"]
    hub_server.add("datasets/alice/texts", {"train.csv": b"a,b"}, private=True)
    with pytest.raises(CheckpointError, match="already holds other files"):
        pictures.push([first], ABOUT, "texts", token=ALICE)
    with pytest.raises(CheckpointError, match="exists and is public"):
        pictures.push([first], ABOUT, "boats", token=ALICE)


def test_a_push_that_breaks_off_shows_nothing(hub_server: HubServer, tmp_path: Path) -> None:
    hub_server.fail("/commit/", 500, times=9)
    with pytest.raises(CheckpointError, match="has trouble"):
        pictures.push([painted(tmp_path)], ABOUT, "boats", token=ALICE)
    assert set(hub_server.files("datasets/alice/boats")) == {".gitattributes"}


@pytest.mark.parametrize("recipe", ["{", "[1]", "x" * 100_000, "null"])
def test_a_recipe_that_is_none_is_left_out(tmp_path: Path, recipe: str) -> None:
    assert pictures.read_finished(painted(tmp_path, recipe=recipe), 1).recipe == {}


def test_what_cannot_be_shared_says_why(tmp_path: Path) -> None:
    wrong = tmp_path / "x.png"
    wrong.write_bytes(b"<svg onload=alert(1)>")
    large = tmp_path / "large.png"
    Image.new("L", (4000, 3000)).save(large)
    for paths, says in (
        ([], "Choose 1 to"),
        ([wrong], "no PNG"),
        ([large], "too many pixels"),
        ([tmp_path / "none.png"], "missing"),
        ([painted(tmp_path)] * 201, "Choose 1 to"),
    ):
        with pytest.raises(CheckpointError, match=says):
            pictures.preview_push(paths, ABOUT, "alice/boats")


def test_the_command_takes_a_folder(
    hub_server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    folder = tmp_path / "painted"
    folder.mkdir()
    painted(folder)
    assert main(["push-pictures", str(folder), "boats", "--title", "Boats", "--public"]) == 0
    assert capsys.readouterr().out == f"{hub_server.url}/datasets/alice/boats\n"
    assert main(["push-pictures", str(tmp_path / "none"), "boats"]) == 2
