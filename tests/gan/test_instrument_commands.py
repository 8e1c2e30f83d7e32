from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from explorer_helpers import cats_in, fashion_in
from PIL import Image

from gan.__main__ import main
from gan.datasets import fashion
from gan.direction_sets import all_directions
from gan.explorer import ExplorerState, png, render
from gan.favourites import read_favourites
from gan.model import load


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    cats_in(home)
    fashion_in(home)
    return home


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(home))
    monkeypatch.chdir(tmp_path)


CATS, FASHION = "runs/" + "cd" * 16, "runs/" + "ab" * 16


def size_of(name: str) -> tuple[int, int]:
    with Image.open(name) as image:
        return image.size


def test_directions_are_told_as_json_and_shown_as_strips(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["directions", FASHION]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [d["name"] for d in told] == [d.name for d in all_directions(load(FASHION))]
    assert main(["strip", FASHION, told[2]["name"], "--class", "bag", "-o", "a.png"]) == 0
    assert main(["strip", FASHION, "3", "--class", "8", "--picture", "0", "-o", "b.png"]) == 0
    assert size_of("a.png") == (5 * 30 - 2, 28)
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_a_film_goes_through_seeds(suffix: str) -> None:
    assert main(["film", CATS, "--seeds", "1,5", "--frames", "4", "--size", "64", "-o", f"f{suffix}"]) == 0
    if suffix == ".mp4":
        with av.open("f.mp4") as container:
            assert len(list(container.decode(video=0))) == 8
    else:
        assert size_of(f"f{suffix}") == (64, 64)


def test_favourites_are_a_sheet_that_a_film_can_go_through() -> None:
    assert main(["favourites", CATS, "--seeds", "1,5,9", "-o", "sheet.png"]) == 0
    assert main(["favourites", CATS, "--seeds", "1,5,9", "-o", "list.json"]) == 0
    assert read_favourites(Path("sheet.png").read_bytes()) == read_favourites(Path("list.json").read_bytes())
    assert main(["film", CATS, "--favourites", "sheet.png", "--frames", "2", "-o", "f.webp"]) == 0
    assert main(["film", CATS, "--favourites", "list.json", "--frames", "2", "-o", "g.webp"]) == 0
    assert Path("f.webp").read_bytes() == Path("g.webp").read_bytes()


def test_a_picture_that_the_page_saved_is_as_good_as_a_seed() -> None:
    model = load(CATS)
    state = ExplorerState(model.reference, 5)
    Path("mine.png").write_bytes(png(render(model, state)[0], state=state))
    assert main(["morph", CATS, "mine.png", "9", "--count", "3", "-o", "a.png"]) == 0
    assert main(["morph", CATS, "5", "9", "--count", "3", "-o", "b.png"]) == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_pictures_are_mixed_crossed_and_added(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["mix", FASHION, "--rows", "0-1", "--columns", "4-6", "--take", "faint", "-o", "mix.png"]) == 0
    )
    assert size_of("mix.png") == (4 * 30 - 2, 3 * 30 - 2)
    capsys.readouterr()
    assert main(["cross", CATS, "1", "2", "--count", "3", "-o", "cross.png"]) == 0
    children = json.loads(capsys.readouterr().out)
    assert len(children) == 3
    Path("child.json").write_text(json.dumps(children[0]["state"]))
    assert main(["add", CATS, "child.json", "2", "3", "-o", "sum.png"]) == 0
    assert ExplorerState.from_json(json.loads(capsys.readouterr().out)).base


def test_a_photo_is_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(fashion(embedded=True).images[1, 0].numpy()).resize((90, 60)).save("photo.png")
    assert main(["project", FASHION, "photo.png", "--steps", "10", "-o", "found.png", "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert size_of("found.png") == (58, 28)
    assert 0 <= told["distance"] <= 1
    assert ExplorerState.from_json(told["state"]).reference == FASHION
    assert "distance" in captured.err


def test_networks_and_pictures_are_looked_into(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", FASHION]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["generator"][-1]["shape"] == [1, 28, 28]
    assert told["discriminator"]
    assert main(["maps", FASHION, "3", "--layer", "2", "-o", "maps.png"]) == 0
    assert main(["heat", CATS, "3", "-o", "heat.png"]) == 0
    assert size_of("heat.png") == (66, 32)
    assert main(["compare", CATS, FASHION, "--seeds", "1,2", "-o", "both.png"]) == 0
    assert size_of("both.png") == (66, 66)


def test_the_nearest_training_pictures_are_shown_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("pictures")
    folder.mkdir()
    random = np.random.RandomState(0)
    for i in range(40):
        Image.fromarray(random.randint(0, 255, (32, 32, 3), np.uint8)).save(folder / f"{i}.png")
    assert main(["nearest", CATS, "3", "--data", "pictures", "-o", "near.png"]) == 0
    assert "training picture" in capsys.readouterr().out
    assert size_of("near.png")[1] == 32


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["strip", CATS, "999", "-o", "a.png"], "has no direction"),
        (["strip", CATS, "1", "-o", "a.exe"], "should end in"),
        (["film", CATS, "-o", "a.avi"], "should end in .gif"),
        (["film", CATS, "--seeds", "1", "-o", "a.gif"], "2 to 12 pictures"),
        (["film", CATS, "--favourites", "none.json", "-o", "a.gif"], "cannot be read"),
        (["film", CATS, "-o", "missing/a.gif"], "cannot be written"),
        (["mix", CATS, "--take", "tail", "-o", "a.png"], "no group"),
        (["cross", CATS, "1", "2", "--mutation", "7", "-o", "a.png"], "mutation"),
        (["morph", CATS, "x", "2", "-o", "a.png"], "is not a seed"),
        (["project", CATS, "none.png", "-o", "a.png"], "none.png"),
        (["maps", CATS, "1", "--layer", "999", "-o", "a.png"], "layers with a grid"),
        (["nearest", FASHION, "1", "-o", "a.png"], "not here"),
        (["layers", "nothing-here"], "nothing-here"),
        (["favourites", CATS, "-o", "a.gif"], "should end in"),
    ],
)
def test_a_callers_mistake_is_one_line_and_status_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_a_stopped_search_keeps_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    from gan import commands_inspect

    real = commands_inspect.project

    def stopped(*arguments: object) -> object:
        yield next(real(*arguments))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(commands_inspect, "project", stopped)
    Image.fromarray(np.full((40, 40, 3), 99, np.uint8)).save("photo.png")
    assert main(["project", CATS, "photo.png", "-o", "kept.png"]) == 130
    assert size_of("kept.png") == (66, 32)
    assert not torch.is_inference_mode_enabled()
    assert BytesIO(Path("kept.png").read_bytes()).read(4) == b"\x89PNG"
