"""The command line as a user types it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

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


def instant(*arguments: str) -> int:
    return main([*arguments, "--mode", "instant", "--size", "128"])


def test_a_folder_is_painted_into_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, output = tmp_path / "photos", tmp_path / "made" / "painted"
    photos.mkdir()
    image = Image.open(PHOTO).resize((160, 90))
    for name in ("a.png", "b.jpg", "b.png"):
        image.save(photos / name)
    (photos / "broken.jpg").write_text("no picture")
    (photos / "notes.txt").write_text("left out")
    assert instant(str(photos), PAINTING, "-o", str(output), "--json") == 1
    captured = capsys.readouterr()
    reports = [json.loads(line) for line in captured.out.splitlines()]
    names = ["a.png", "b-2.png", "b.png"]
    assert sorted(Path(report["output"]).name for report in reports) == names
    assert sorted(path.name for path in output.iterdir()) == names
    assert "photo 2 of 4" in captured.err
    assert "broken.jpg: " in captured.err


def test_an_empty_folder_or_a_film_of_one_is_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert instant(str(tmp_path), PAINTING, "-o", str(tmp_path / "out")) == 2
    assert "no picture in the folder" in capsys.readouterr().err
    Image.open(PHOTO).resize((64, 64)).save(tmp_path / "a.png")
    assert instant(str(tmp_path), PAINTING, "-o", f"{tmp_path}/") == 2
    assert "overwrite the photos" in capsys.readouterr().err
    assert instant(str(tmp_path), PAINTING, "-o", str(tmp_path / "out"), "--film", "a.gif") == 2
    assert "belong to one photo" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_film_shows_how_it_was_painted(tmp_path: Path, suffix: str) -> None:
    output, film = tmp_path / "out.png", tmp_path / f"film{suffix}"
    size = ["--size", "128", "--steps", "3", "--start", "noise"]
    assert main([PHOTO, PAINTING, "-o", str(output), "--film", str(film), *size]) == 0
    with Image.open(film) as frames, Image.open(output) as painted:
        assert getattr(frames, "n_frames", 1) >= 2
        frames.seek(0)
        first = np.asarray(frames.convert("RGB"), dtype=float)
        frames.seek(frames.n_frames - 1)  # type: ignore[attr-defined]
        last = np.asarray(frames.convert("RGB").resize(painted.size), dtype=float)
        wanted = np.asarray(painted, dtype=float)
    assert np.abs(last - wanted).mean() < 12
    assert np.abs(first - last).mean() > 2


def test_masks_keep_the_photo_and_part_the_paintings(tmp_path: Path) -> None:
    left, right = (tmp_path / f"{side}.png" for side in ("left", "right"))
    for path, box in ((left, (0, 0, 60, 72)), (right, (60, 0, 128, 72))):
        mask = Image.new("L", (128, 72))
        mask.paste(255, box)
        mask.save(path)
    plain, kept, parted = (tmp_path / f"{name}.png" for name in ("plain", "kept", "parted"))
    other = PAINTING.replace("starry_night", "composition_viii")
    assert instant(PHOTO, PAINTING, other, "-o", str(plain)) == 0
    assert instant(PHOTO, PAINTING, other, "-o", str(kept), "--keep", str(left)) == 0
    assert instant(PHOTO, PAINTING, other, "-o", str(parted), "--regions", str(left), str(right)) == 0
    photo = np.asarray(Image.open(PHOTO).resize((128, 72), Image.Resampling.LANCZOS), dtype=float)
    pixels = {
        path: np.asarray(Image.open(path).convert("RGB"), dtype=float) for path in (plain, kept, parted)
    }
    assert np.abs(pixels[kept] - photo)[:, :50].mean() < 2
    assert np.abs(pixels[kept] - photo)[:, 70:].mean() > 10
    assert np.abs(pixels[parted] - pixels[plain]).mean() > 5
    assert instant(PHOTO, PAINTING, other, "-o", str(parted), "--regions", str(left)) == 2


def test_what_is_written_says_that_it_is_srgb(tmp_path: Path) -> None:
    for name in ("out.png", "out.jpg", "out.webp"):
        assert instant(PHOTO, PAINTING, "-o", str(tmp_path / name)) == 0
        with Image.open(tmp_path / name) as image:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
