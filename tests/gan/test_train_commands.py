from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from checkpoints import store
from gan.__main__ import main
from gan.config import TrainConfig
from gan.model import load

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "data" / "pictures" / "photos"
TINY = ["train", "--data", "fashion", "--preset", "lesson-mlp", "--z-dim", "8", "--batch", "8"]


def training(folder: Path) -> dict[str, object]:
    return json.loads((folder / "config.json").read_text())["training"]


def test_a_run_is_trained_resumed_and_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main([*TINY, "--steps", "3", "--seed", "7", "--title", "Clothes", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n"
    assert "100.0 %" in printed.err
    assert (training(out)["step"], training(out)["seed"], training(out)["preset"]) == (3, 7, "lesson-mlp")

    assert main(["train", "--resume", str(out), "--steps", "5"]) == 0
    assert training(out)["step"] == 5
    model = load(str(out))
    assert model.title == "Clothes"
    assert model.sample([0]).shape == (1, 28, 28, 1)


def test_levers_and_the_parts_of_the_networks_are_settings_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    levers = ["--skip-below", "50", "--smoothing", "0.1", "--noise", "0.2", "--discriminator-steps", "2"]
    parts = ["--dropout", "0.3", "--initialisation", "normal"]
    assert main([*TINY, "--steps", "3", *levers, *parts, "--out", str(out)]) == 0
    assert "6 D steps skipped" in capsys.readouterr().err
    assert main(["train", "--resume", str(out), "--steps", "4"]) == 0
    assert "8 D steps skipped" in capsys.readouterr().err
    saved = training(out)
    assert [saved[name] for name in ("skip_below", "smoothing", "noise")] == [50.0, 0.1, 0.2]
    model = load(str(out))
    assert (model.config.dropout, model.config.initialisation) == (0.3, "normal")
    scores = [model.discriminator(model.generator(torch.zeros(2, 8))) for _ in range(2)]
    assert torch.equal(*scores)  # nothing is dropped when it is looked at


def test_a_run_starts_from_another_ones_networks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, fresh = tmp_path / "first", tmp_path / "second", tmp_path / "fresh"
    assert main([*TINY, "--steps", "30", "--out", str(first)]) == 0
    plain = [*TINY[:5], "--batch", "8"]
    still = [*plain, "--steps", "1", "--seed", "7", "--generator-lr", "1e-6", "--discriminator-lr", "1e-6"]
    assert main([*still, "--start-from", str(first), "--out", str(second)]) == 0
    assert main([*still, "--z-dim", "8", "--out", str(fresh)]) == 0
    assert training(second)["step"] == 1
    drawn = {f: load(str(f)).sample(range(10)).astype(int) for f in (first, second, fresh)}
    assert 3 * abs(drawn[first] - drawn[second]).mean() < abs(drawn[first] - drawn[fresh]).mean()
    assert main([*TINY, "--z-dim", "9", "--start-from", str(first), "--out", str(tmp_path / "x")]) == 2
    assert "leave --z-dim away" in capsys.readouterr().err
    cats = ["train", "--data", "cats", "--pictures", "20", "--start-from", str(first)]
    assert main([*cats, "--out", str(tmp_path / "x")]) == 2
    assert "28 px, grey" in capsys.readouterr().err
    assert main([*TINY, "--preset", "from-a-checkpoint", "--out", str(tmp_path / "x")]) == 2
    assert "needs --start-from" in capsys.readouterr().err
    assert main(["train", "--resume", str(first), "--start-from", str(second)]) == 2
    assert "--start-from" in capsys.readouterr().err


def test_a_folder_of_pictures_is_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures, out = tmp_path / "paintings", tmp_path / "run"
    pictures.mkdir()
    original = Image.open(sorted(PHOTOS.glob("*.jpg"))[0]).convert("RGB")
    for i in range(16):
        original.crop((4 * i, 0, 4 * i + 64, 64)).save(pictures / f"{i}.png")
    (pictures / "notes.jpg").write_text("not a picture")
    options = ["--preset", "lesson-mlp", "--steps", "1", "--batch", "4", "--resolution", "32"]
    assert main(["train", "--data", str(pictures), *options, "--out", str(out)]) == 0
    assert "16 of 17 pictures used" in capsys.readouterr().err
    assert load(str(out)).config.resolution == 32
    assert main(["train", "--resume", str(out), "--steps", "2"]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["train", "--resume", str(out), "--steps", "2", "--data", str(pictures)]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "fashion"], "--out"),
        (["--out", "x"], "--data"),
        (["--data", "dogs", "--out", "x"], "dogs"),
        (["--data", "fashion", "--resolution", "64", "--out", "x"], "28"),
        (["--data", "fashion", "--gamma", "-1", "--out", "x"], "gamma"),
        (["--data", "fashion", "--width", "1000", "--out", "x"], "width"),
        (["--data", "fashion", "--out", "."], "no checkpoint"),
        (["--resume", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_one_line_and_status_2(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "something").touch()
    assert main(["train", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["train", "--loss", "w"], ["train", "--batch", "x"], ["paint"]])
def test_unknown_arguments_are_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_resumed_run_keeps_its_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    main([*TINY, "--steps", "1", "--out", str(out)])
    assert main(["train", "--resume", str(out), "--gamma", "3", "--steps", "2"]) == 2
    assert "--gamma" in capsys.readouterr().err


def test_every_setting_has_a_flag_with_its_limits(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in TrainConfig.__dataclass_fields__:
        assert name == "network" or f"--{name.replace('_', '-')}" in text
    assert "relativistic,soft-hinge,hinge,bce,least-squares" in text
    assert "--no-told" in text


def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "gan", *TINY, "--seconds", "600", "--out", str(out)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    while "step" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate()
    assert process.returncode == 130
    assert printed == f"{out}\n"
    assert load(str(out)).sample([0]).shape == (1, 28, 28, 1)


def test_a_number_of_pictures_can_be_asked_for_and_a_resumed_run_keeps_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    few = ["train", "--data", "fashion", "--preset", "lesson-mlp", "--pictures", "300", "--batch", "16"]
    assert main([*few, "--steps", "1", "--out", str(out)]) == 0
    assert store.read(out).config["data"]["pictures"] == 300
    assert main(["train", "--resume", str(out), "--steps", "2"]) == 0
    assert store.read(out).config["data"]["pictures"] == 300
    assert main([*few[:-4], "--pictures", "2", "--batch", "16", "--steps", "1", "--out", str(out)]) == 2
    assert "--pictures" in capsys.readouterr().err
