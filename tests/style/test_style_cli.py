"""The command line as a user types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from style.__main__ import main
from style.output import RECIPE_KEY
from style.recipe import Recipe

ROOT = Path(__file__).parents[2]
PHOTO = str(ROOT / "data" / "pictures" / "photos" / "red_panda.jpg")
PAINTING = str(ROOT / "data" / "pictures" / "styles" / "starry_night.jpg")
SMALL = ["--size", "128", "--steps", "2"]


def test_json_describes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.png"
    assert main([PHOTO, PAINTING, "-o", str(output), "--json", "--style-weight", "40", *SMALL]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    with Image.open(output) as image:
        assert image.size == (report["width"], report["height"]) == (128, 72)
        recipe = Recipe.from_json(image.info[RECIPE_KEY])
    assert recipe == Recipe(size=128, steps=2, style_weight=40.0) == Recipe(**report["recipe"])
    assert report["losses"]["total"] > 0
    assert set(report["scores"]) == {"structure", "texture"}
    assert "100%" in captured.err
    assert list(tmp_path.iterdir()) == [output]


def test_transparency_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = Image.open(PHOTO).resize((160, 90)).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 80, 90))
    image.save(tmp_path / "cut.png")
    for name in ("out.png", "out.jpg"):
        assert main([str(tmp_path / "cut.png"), PAINTING, "-o", str(tmp_path / name), *SMALL]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "out.png"), str(tmp_path / "out.jpg")]
    alpha = np.asarray(Image.open(tmp_path / "out.png").getchannel("A"))
    assert alpha[:, :60].max() == 0
    assert alpha[:, 68:].min() == 255
    assert Image.open(tmp_path / "out.jpg").mode == "RGB"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [PHOTO],
        [PHOTO, PAINTING],
        [PHOTO, "absent.jpg", "-o", "{}/out.png"],
        [__file__, PAINTING, "-o", "{}/out.png"],
        [PHOTO, PAINTING, "-o", "{}/out.txt"],
        [PHOTO, PAINTING, "-o", "{}/no/out.png"],
        [PHOTO, PAINTING, "-o", "{}/out.png", "--size", "5"],
        [PHOTO, PAINTING, "-o", "{}/out.png", "--size", "large"],
        [PHOTO, PAINTING, "-o", "{}/out.png", "--mode", "dream"],
    ],
)
def test_a_callers_mistake_is_one_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(tmp_path) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("python -m style: ")
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_interruption_keeps_the_best(tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    command = [sys.executable, "-m", "style", PHOTO, PAINTING, "-o", str(output), "--size", "128"]
    with subprocess.Popen(
        [*command, "--seconds", "900"], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "128 px" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert out.strip() == str(output)
    assert "best picture so far is kept" in err
    assert Image.open(output).size == (128, 72)


def test_help_names_every_control(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for flag in ("--mode", "--size", "--seconds", "--variation-weight", "--lesson-run", "--json"):
        assert flag in text


def test_paintings_are_mixed_by_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.png"
    instant = ["-o", str(output), "--mode", "instant", "--size", "128", "--json", "--weights"]
    assert main([PHOTO, PAINTING, PHOTO, *instant, "0.3", "0.7"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["recipe"]["weights"], report["losses"]) == ([0.3, 0.7], None)
    assert main([PHOTO, PAINTING, PHOTO, *instant, "0.3"]) == 2
    assert "weights" in capsys.readouterr().err
