"""Every kind of upload that has ever broken a picture site, made for real with Pillow."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from style.images import Limits, Picture, StyleError, fit, read_archive, read_picture, to_image, to_tensor

CAT = Path(__file__).parents[2] / "data" / "pictures" / "photos" / "cat.jpg"


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(mode: str, left: object, right: object) -> Image.Image:
    image = Image.new(mode, (40, 20), left)
    image.paste(right, (20, 0, 40, 20))
    return image


def test_photo_from_path_bytes_and_file_is_the_same() -> None:
    from_path = read_picture(CAT)
    assert from_path.size == (768, 768)
    assert from_path.rgb.dtype == np.uint8
    assert from_path.alpha is None
    with open(CAT, "rb") as file:
        assert np.array_equal(read_picture(file).rgb, from_path.rgb)
    assert np.array_equal(read_picture(CAT.read_bytes()).rgb, from_path.rgb)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = halves("RGB", "red", "blue")
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[274] = orientation
    picture = read_picture(encode(stored, "PNG", exif=exif))
    assert np.array_equal(picture.rgb, np.asarray(upright))


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    values = np.linspace(0, 65535, 40 * 20).reshape(20, 40).astype(np.uint16)
    picture = read_picture(encode(Image.fromarray(values), "PNG"))
    assert np.abs(picture.rgb[..., 0].astype(float) - values / 257).max() <= 0.5 + 1e-9
    assert picture.rgb[-1, -1].tolist() == [255, 255, 255]


def test_float_tiff_is_scaled() -> None:
    values = np.linspace(0, 1, 800, dtype=np.float32).reshape(20, 40)
    picture = read_picture(encode(Image.fromarray(values), "TIFF"))
    assert np.abs(picture.rgb[..., 1] - values * 255).max() <= 0.5 + 1e-4


def test_cmyk_becomes_rgb() -> None:
    picture = read_picture(encode(halves("RGB", "red", "white").convert("CMYK"), "JPEG", quality=95))
    red, white = picture.rgb[10, 5].astype(int), picture.rgb[10, 35].astype(int)
    assert red[0] > 200
    assert red[1:].max() < 60
    assert white.min() > 240


@pytest.mark.parametrize(
    ("mode", "left", "right"),
    [("1", 0, 1), ("L", 0, 255), ("P", 0, 255)],
)
def test_other_modes_become_rgb(mode: str, left: object, right: object) -> None:
    image = halves(mode, left, right)
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    picture = read_picture(encode(image, "PNG"))
    assert picture.rgb[10, 5].max() <= 3
    assert picture.rgb[10, 35].min() >= 252


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept_apart(mode: str) -> None:
    image = halves("RGBA", (200, 200, 200, 255), (0, 0, 0, 0)).convert(mode)
    picture = read_picture(encode(image, "PNG"))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 255
    assert picture.alpha[0, -1] == 0
    assert np.all(picture.rgb == 200), "hidden pixels take the mean visible colour"


def test_palette_transparency_and_opaque_alpha() -> None:
    image = halves("P", 1, 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    picture = read_picture(encode(image, "PNG", transparency=0))
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == [255] * 20 + [0] * 20
    assert read_picture(encode(Image.new("RGBA", (20, 20), "red"), "PNG")).alpha is None


@pytest.mark.parametrize(("kind", "note"), [("GIF", "several"), ("PNG", "3"), ("WEBP", "3")])
def test_first_frame_of_an_animation(kind: str, note: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    picture = read_picture(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert picture.rgb[16, 16, 0] > 240
    assert picture.rgb[16, 16, 1:].max() < 15
    assert picture.note == f"first of {note} frames"


def test_still_pictures_have_no_note() -> None:
    for kind in ("GIF", "PNG", "WEBP", "TIFF", "BMP", "JPEG"):
        assert read_picture(encode(Image.new("RGB", (20, 20)), kind)).note == ""


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
def test_text_named_like_a_picture_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("This is not a picture. " * 50)
    with pytest.raises(StyleError, match="not a picture"):
        read_picture(path)


def test_empty_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="empty"):
        read_picture(b"")
    with pytest.raises(StyleError, match="cannot be opened"):
        read_picture(tmp_path / "absent.png")
    with pytest.raises(StyleError, match="not a picture"):
        read_picture(encode(Image.new("RGB", (20, 20)), "ICO"))
    with pytest.raises(StyleError, match="not a picture"):
        read_picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_truncated_files_are_refused(kind: str) -> None:
    data = encode(Image.open(CAT).resize((256, 256)), kind)
    with pytest.raises(StyleError, match=r"damaged|not a picture"):
        read_picture(data[: len(data) // 2])


def test_twenty_thousand_pixels_a_side_are_refused_before_decoding() -> None:
    # A valid header over empty data: decoding it would fail in another way.
    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(StyleError, match="million pixels"):
        read_picture(data + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")))
    with pytest.raises(StyleError, match="million pixels"):
        read_picture(encode(Image.new("1", (20000, 20000)), "PNG"))


def test_limits_of_bytes_and_pixels() -> None:
    data = encode(Image.new("RGB", (100, 100)), "BMP")
    with pytest.raises(StyleError, match="million pixels"):
        read_picture(data, limits=Limits(pixels=9_999))
    with pytest.raises(StyleError, match="larger than"):
        read_picture(data, limits=Limits(file_bytes=len(data) - 1))
    assert read_picture(data, limits=Limits(pixels=10_000, file_bytes=len(data))).size == (100, 100)


def test_pillow_settings_are_left_alone() -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    read_picture(CAT)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_tensor_and_back() -> None:
    picture = read_picture(CAT)
    tensor = to_tensor(picture)
    assert tensor.shape == (1, 3, 768, 768)
    assert tensor.dtype == torch.float32
    assert np.array_equal(np.asarray(to_image(tensor)), picture.rgb)
    assert to_tensor(picture, 96).shape == (1, 3, 96, 96)


def test_resizing_is_antialiased_and_keeps_the_aspect() -> None:
    stripes = np.zeros((60, 120, 3), np.uint8)
    stripes[:, ::2] = 255
    small = to_tensor(Picture(stripes), 40)
    assert small.shape == (1, 3, 20, 40)
    assert (small[..., 2:-2] - 0.5).abs().max() < 0.08
    assert fit((1000, 10), 500) == (500, 16)


def test_values_outside_are_clipped_and_alpha_is_restored() -> None:
    tensor = torch.full((1, 3, 8, 12), 2.0)
    alpha = np.full((4, 6), 7, np.uint8)
    image = to_image(tensor, alpha)
    assert image.mode == "RGBA"
    assert image.size == (12, 8)
    assert image.getpixel((3, 3)) == (255, 255, 255, 7)


def write_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_archive_yields_pictures_and_reports_the_rest(tmp_path: Path) -> None:
    png = encode(Image.new("RGB", (20, 20), "red"), "PNG")
    files = {
        "a/one.png": png,
        "../outside.png": png,
        "/absolute.png": png,
        "C:\\windows.png": png,
        "notes.txt": b"hello",
        "inner.zip": b"PK",
        "broken.jpg": CAT.read_bytes()[:3000],
        "__MACOSX/._one.png": b"x",
        "two.png": png,
    }
    found = dict(read_archive(write_zip(tmp_path / "pictures.zip", files)))
    good = {name for name, result in found.items() if isinstance(result, Picture)}
    assert good == {"a/one.png", "two.png"}
    assert len(found) == 8
    assert "outside" in str(found["../outside.png"])
    assert "inside" in str(found["inner.zip"])
    assert list(tmp_path.iterdir()) == [tmp_path / "pictures.zip"], "nothing is unpacked to disk"


def test_encrypted_entries_are_reported(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "locked.zip", {"a.png": b"abc"})
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    ((_, result),) = read_archive(path)
    assert "password" in str(result)


def test_bombs_are_refused(tmp_path: Path) -> None:
    bomb = write_zip(tmp_path / "bomb.zip", {"a.bmp": bytes(8 << 20)})
    with pytest.raises(StyleError, match="far more than its size"):
        list(read_archive(bomb))
    noise = np.random.default_rng(0).integers(0, 255, (40, 200, 3), dtype=np.uint8)
    files = {f"{index}.bmp": encode(Image.fromarray(noise), "BMP") for index in range(4)}
    many = write_zip(tmp_path / "many.zip", files)
    with pytest.raises(StyleError, match="too much data"):
        list(read_archive(many, limits=Limits(unpacked_bytes=60_000)))
    with pytest.raises(StyleError, match="more than 3 files"):
        list(read_archive(many, limits=Limits(archive_files=3)))


def test_a_lying_size_is_cut_off(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "lie.zip", {"a.bmp": encode(Image.new("RGB", (300, 300)), "BMP")})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"PK\x01\x02") + 24, 100)
    path.write_bytes(data)
    ((_, result),) = read_archive(path)
    assert isinstance(result, StyleError)


def test_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.zip"
    path.write_text("no zip at all " * 20)
    with pytest.raises(StyleError, match="not a zip"):
        list(read_archive(path))
    with pytest.raises(StyleError, match="cannot be opened"):
        list(read_archive(tmp_path / "absent.zip"))
    whole = write_zip(tmp_path / "whole.zip", {"a.png": CAT.read_bytes()}).read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(StyleError, match="zip"):
        list(read_archive(path))
