from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from style.errors import StyleError
from style.images import read_picture, to_tensor
from style.output import RECIPE_KEY, save
from style.recipe import Recipe
from style.restore import read_recipe

PICTURES = Path(__file__).resolve().parents[2] / "data" / "pictures"
RECIPE = Recipe(size=256, seconds=15, style_weight=12, start="noise", seed=7, colours="photo", strength=0.4)


def test_a_painted_png_and_its_json_give_the_recipe_back(tmp_path: Path) -> None:
    photo, painting = (read_picture(PICTURES / name) for name in ("photos/cat.jpg", "styles/scream.jpg"))
    save(tmp_path / "painted.png", to_tensor(photo, 64), photo, [painting], RECIPE)
    assert read_recipe(tmp_path / "painted.png") == RECIPE
    (tmp_path / "recipe.json").write_text(RECIPE.to_json())
    assert read_recipe(str(tmp_path / "recipe.json")) == RECIPE


@pytest.mark.parametrize("text", ['{"size": 9999}', '{"colour": "red"}', "[]", "not json", "\x00" * 20])
def test_a_png_that_carries_something_else_gets_a_sentence(tmp_path: Path, text: str) -> None:
    information = PngInfo()
    information.add_text(RECIPE_KEY, text)
    Image.new("RGB", (20, 20)).save(tmp_path / "odd.png", pnginfo=information)
    with pytest.raises(StyleError):
        read_recipe(tmp_path / "odd.png")


def test_what_has_no_recipe_gets_a_sentence(tmp_path: Path) -> None:
    plain, broken, large = (tmp_path / name for name in ("plain.png", "broken.png", "large.json"))
    Image.new("RGB", (20, 20)).save(plain)
    broken.write_bytes(plain.read_bytes()[:20])
    large.write_bytes(b" " * (1 << 20))
    for file in (plain, broken, large, PICTURES / "photos" / "cat.jpg", tmp_path / "missing.png"):
        with pytest.raises(StyleError):
            read_recipe(file)
