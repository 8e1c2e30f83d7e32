from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan.datasets import open_dataset
from gan.errors import GanError
from gan.own_pictures import (
    FEWEST_PICTURES,
    Limits,
    load_pictures,
    own_pictures,
    read_pictures,
    reduced,
    save_pictures,
    square,
)
from style.images import Picture

PHOTOS = Path(__file__).resolve().parents[2] / "data" / "pictures" / "photos"


def photo(size: int = 96) -> Image.Image:
    return Image.open(sorted(PHOTOS.glob("*.jpg"))[0]).convert("RGB").resize((size, size))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty different crops of a real photograph."""
    original = Image.open(sorted(PHOTOS.glob("*.jpg"))[0]).convert("RGB")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(20):
        original.crop((8 * i, 4 * i, 8 * i + 160, 4 * i + 120)).save(pictures / f"crop{i:02d}.jpg")
    return pictures


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def members(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize("side", [32, 64])
def test_files_folder_and_zip_give_the_same_pictures(folder: Path, tmp_path: Path, side: int) -> None:
    archive = zipped(tmp_path / "pictures.zip", members(folder))
    one = own_pictures(sorted(folder.iterdir()), side)
    two = own_pictures([folder], side)
    three = own_pictures([archive], side)
    assert one.images.shape == (20, 3, side, side)
    assert one.images.dtype == torch.uint8
    assert torch.equal(one.images, two.images)
    assert torch.equal(one.images, three.images)
    assert one.note == "20 of 20 pictures used."
    assert open_dataset(str(archive), side).title == "pictures"


def test_the_middle_is_cut_out_and_averaged() -> None:
    rgb = np.zeros((64, 128, 3), np.uint8)
    rgb[:, 32:64], rgb[:, 64:96] = (255, 0, 0), (0, 255, 0)
    result = square(Picture(rgb), 32)
    assert result[:, :, 2:12].float().mean((1, 2)).tolist() == [255, 0, 0]
    assert result[:, :, 20:30].float().mean((1, 2)).tolist() == [0, 255, 0]
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 1), np.uint8).repeat(3, 2)
    # Averages of 8 x 8 independent values spread far less than the values: nothing is picked out.
    assert square(Picture(noise), 32).float().std() < 0.3 * noise.std()


def test_what_is_transparent_becomes_white() -> None:
    rgb = np.full((40, 40, 3), 10, np.uint8)
    alpha = np.zeros((40, 40), np.uint8)
    alpha[:, 20:] = 255
    result = square(Picture(rgb, alpha), 32).float()
    assert result[:, :, :12].mean() == 255
    assert result[:, :, 20:].mean() == 10


def bad_inputs() -> dict[str, bytes]:
    whole = encoded(photo(), "JPEG")
    return {
        "text.jpg": b"this is no picture",
        "empty.png": b"",
        "truncated.jpg": whole[: len(whole) // 2],
        "bomb.png": encoded(Image.new("1", (20_000, 20_000))),
        "tiny.png": encoded(photo(8)),
    }


def good_inputs() -> dict[str, bytes]:
    image, exif = photo(), Image.Exif()
    exif[274] = 6
    frames = [image.rotate(angle) for angle in (0, 90)]
    sixteen = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    return {
        "cmyk.jpg": encoded(image.convert("CMYK"), "JPEG"),
        "sixteen.png": encoded(sixteen),
        "palette.png": encoded(image.quantize(16)),
        "animated.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "alpha.png": encoded(image.convert("RGBA")),
        "turned.jpg": encoded(image, "JPEG", exif=exif),
        "grey.png": encoded(image.convert("L")),
    }


def test_unusual_pictures_are_used_and_damaged_ones_named(folder: Path) -> None:
    for name, content in {**bad_inputs(), **good_inputs()}.items():
        (folder / name).write_bytes(content)
    images, tally = read_pictures([folder], 64)
    assert tally.used == len(images) == 20 + len(good_inputs())
    assert tally.sentence() == "27 of 32 pictures used; 4 were not readable, 1 was too small."
    assert any(example.startswith("bomb.png: ") for example in tally.examples)


def test_a_turned_photograph_is_put_upright(folder: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    plain, turned = folder / "plain.png", folder / "turned.png"
    photo().save(plain)
    photo().rotate(90).save(turned, exif=exif)
    images, _ = read_pictures([plain, turned, *sorted(folder.glob("crop*"))], 64)
    assert torch.equal(images[0], images[1])


def test_two_pictures_are_too_few_and_why_is_said(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"nothing")
    with pytest.raises(GanError) as caught:
        own_pictures([*sorted(folder.iterdir())[:2], broken])
    assert f"Only 2 of these pictures can be used; add at least {FEWEST_PICTURES}" in str(caught.value)
    assert "broken.jpg" in str(caught.value)


def test_paths_in_a_zip_lead_nowhere(folder: Path, tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "inside"
    inside.mkdir(parents=True)
    content = members(folder)
    archive = zipped(
        inside / "evil.zip",
        {**content, "../escaped.png": content["crop00.jpg"], "/root.png": content["crop00.jpg"]},
    )
    before = sorted(tmp_path.rglob("*"))
    dataset = own_pictures([archive])
    assert len(dataset) == 20
    assert "2 were not readable" in dataset.note
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "make",
    [
        lambda path: zipped(path, {f"{i}.png": bytes(40_000_000) for i in range(3)}),
        lambda path: zipped(path, {"a.zip": b"PK\x05\x06" + bytes(18)}),
        lambda path: path.write_bytes(b"no zip at all") and path,
        lambda path: zipped(path, {}),
    ],
    ids=["bomb", "zip in zip", "text", "empty"],
)
def test_unusable_archives_get_a_sentence(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(GanError) as caught:
        own_pictures([make(tmp_path / "archive.zip")])
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_what_is_beyond_the_limits_is_left_out_and_said(folder: Path) -> None:
    images, tally = read_pictures([folder], limits=Limits(pictures=17))
    assert len(images) == 17
    assert "the rest was left out" in tally.sentence()
    images, _ = read_pictures([folder], limits=Limits(pixels=17 * 160 * 120 - 1))
    assert len(images) == 17
    with pytest.raises(GanError, match="fewer"):
        read_pictures(sorted(folder.iterdir()), limits=Limits(file_bytes=1000))


def test_a_missing_path_and_an_odd_size_are_refused(folder: Path) -> None:
    with pytest.raises(GanError, match="no file or folder 'nowhere'"):
        own_pictures([folder / "nowhere"])
    with pytest.raises(GanError, match="32 or 64"):
        own_pictures([folder], 48)


def test_what_is_saved_is_what_is_loaded(folder: Path, tmp_path: Path) -> None:
    dataset = own_pictures([folder], 32, mirror=True, title="Crops")
    save_pictures(tmp_path, dataset)
    loaded = load_pictures(tmp_path)
    assert torch.equal(loaded.images, dataset.images)
    assert (loaded.title, loaded.mirror, loaded.note) == ("Crops", True, dataset.note)
    (tmp_path / "data.safetensors").write_bytes(b"damaged")
    with pytest.raises(GanError, match="send them again"):
        load_pictures(tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(GanError, match="send them again"):
        load_pictures(folder)


def test_reducing_averages_blocks() -> None:
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    blocks = images.double().reshape(3, 3, 32, 2, 32, 2).mean((3, 5))
    assert (reduced(images, 32).double() - blocks).abs().max() <= 0.5
    assert reduced(images, 64) is images
