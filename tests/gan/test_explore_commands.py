from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from explorer_helpers import cats_in, fashion_in
from PIL import Image

from gan import commands_explore
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


def run(*words: str) -> int:
    parser = ArgumentParser()
    commands_explore.add_parsers(parser.add_subparsers())
    arguments = parser.parse_args(words)
    return arguments.run(arguments)


def test_samples_are_the_models_own_by_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sample", CATS, "--seeds", "0-4,9", "--npz", "samples.npz", "--truncation", "0.8") == 0
    with np.load("samples.npz", allow_pickle=False) as archive:
        images = archive["images"]
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, load(CATS).sample([0, 1, 2, 3, 4, 9], 0.8))
    assert capsys.readouterr().out == "samples.npz\n"


def test_a_sheet_shows_the_pictures_in_rows() -> None:
    assert run("sample", CATS, "--seeds", "0-5", "--out", "sheet.png", "--columns", "3") == 0
    sheet = np.asarray(Image.open("sheet.png"))
    assert sheet.shape == (2 * 34 - 2, 3 * 34 - 2, 3)
    np.testing.assert_array_equal(sheet[34:66, 34:66], load(CATS).sample([4])[0])


def test_a_class_is_chosen_by_name_or_number() -> None:
    assert run("sample", FASHION, "--seeds", "1,2", "--npz", "a.npz", "--class", "bag") == 0
    assert run("sample", FASHION, "--seeds", "1,2", "--npz", "b.npz", "--class", "8") == 0
    assert run("sample", FASHION, "--seeds", "1,2", "--npz", "c.npz") == 0
    a, b, c = (np.load(f"{name}.npz")["images"] for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


@pytest.mark.parametrize("suffix", ["webp", "mp4"])
def test_a_walk_is_a_film_of_other_kinds(suffix: str) -> None:
    assert run("walk", CATS, "--seeds", "1,5", "--out", f"walk.{suffix}", "--frames", "2") == 0
    content = Path(f"walk.{suffix}").read_bytes()
    assert (b"WEBP" if suffix == "webp" else b"ftyp") in content[:16]


def test_a_walk_is_a_gif_of_the_size_and_length_asked_for() -> None:
    assert run("walk", CATS, "--seeds", "1,5,9", "--out", "walk.gif", "--frames", "5", "--size", "128") == 0
    image = Image.open("walk.gif")
    assert image.size == (128, 128)
    assert image.info["loop"] == 0
    assert 10 <= image.n_frames <= 15


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sample", CATS], "Say where"),
        (["sample", CATS, "--seeds", "x", "--out", "a.png"], "is not a seed"),
        (["sample", CATS, "--seeds", "1", "--out", "a.exe"], "should end in"),
        (["sample", "nothing-here", "--out", "a.png"], "nothing-here"),
        (["sample", CATS, "--class", "bag", "--out", "a.png"], "knows no classes"),
        (["sample", FASHION, "--class", "cat", "--out", "a.png"], "has no class"),
        (["sample", CATS, "--seeds", "1", "--out", "missing/a.png"], "cannot be written"),
        (["walk", CATS, "--seeds", "1", "--out", "a.gif"], "2 to 12 seeds"),
        (["walk", CATS, "--out", "a.png"], "should end in .gif, .webp or .mp4"),
        (["walk", CATS, "--out", "a.gif", "--size", "9999"], "side"),
        (["walk", CATS, "--out", "a.gif", "--frames", "500"], "frames"),
    ],
)
def test_a_callers_mistake_is_one_line_and_status_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(*words) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--truncation", "3"], ["--truncation", "x"], ["--columns", "0"]])
def test_options_out_of_range_are_refused_by_the_parser(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run("sample", CATS, *words)
    assert stop.value.code == 2
    assert words[1] in capsys.readouterr().err
