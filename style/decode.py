"""Decodes a picture that came from outside.

Nothing that a visitor sends is trusted: size and pixel count are checked from the header before anything is
decoded, only known formats are opened, and whatever a decoder complains about becomes one plain sentence.
Pillow's global settings are left alone.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps

from style.errors import StyleError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_LARGEST_PROFILE = 4 << 20
_EXTENT_16_BIT = 65535.0


@dataclass(frozen=True)
class Limits:
    """What is accepted from outside; the defaults suit a small machine that serves strangers."""

    file_bytes: int = 32 << 20
    pixels: int = 24_000_000
    archive_bytes: int = 256 << 20
    archive_files: int = 20_000
    unpacked_bytes: int = 1 << 30
    ratio: int = 200


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright, decoded picture in sRGB.

    Attributes:
        rgb: uint8 array `[H, W, 3]`. Where alpha is 0 it holds the mean visible colour.
        alpha: uint8 array `[H, W]`, or None when every pixel is opaque.
        note: what the visitor should know, such as "first of 12 frames"; often empty.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def read_picture(source: str | Path | bytes | BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Reads an untrusted picture: a path, the bytes of a file, or an open binary file.

    EXIF orientation is applied, an embedded colour profile is converted to sRGB, alpha is kept apart,
    16-bit values are scaled (not clipped), and of an animation the first frame is taken.

    Raises:
        StyleError: if it is no picture, is damaged, has an unknown format or breaks a limit.
    """
    data = _read_bytes(source, limits)
    image = _open(data, limits)
    # Decoders answer hostile files with nearly every kind of exception, so all of them end here.
    try:
        image.load()
    except Exception as error:
        raise StyleError(
            "This picture is damaged or was cut off while it was saved; please try another copy of it."
        ) from error
    try:
        rgb, alpha = _to_arrays(_upright(image))
        note = _frame_note(image)
    except StyleError:
        raise
    except Exception as error:
        raise StyleError(
            f"The colours of this picture ({image.mode}) cannot be read; please save it as PNG or JPEG."
        ) from error
    return Picture(rgb, alpha, note)


def _read_bytes(source: str | Path | bytes | BinaryIO, limits: Limits) -> bytes:
    """Returns the content of `source`, never reading more than the limit and one byte."""
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, (str, Path)):
        try:
            with open(source, "rb") as file:
                data = file.read(limits.file_bytes + 1)
        except (OSError, ValueError) as error:
            name = Path(source).name
            raise StyleError(f"The picture {name!r} cannot be opened; please check its name.") from error
    else:
        data = source.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        size = limits.file_bytes / (1 << 20)
        raise StyleError(f"This file is larger than {size:.0f} MB; please send a smaller picture.")
    if not data:
        raise StyleError("This file is empty; please choose another picture.")
    return data


def _open(data: bytes, limits: Limits) -> Image.Image:
    """Reads the header alone and checks the number of pixels; nothing is decoded yet."""
    too_large = (
        f"This picture has more than {limits.pixels / 1e6:.0f} million pixels; please make it smaller first."
    )
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise StyleError(too_large) from error
    except Exception as error:
        raise StyleError(
            "This file is not a picture that can be read here; please use JPEG, PNG, WebP, GIF, BMP or TIFF."
        ) from error
    if image.width * image.height > limits.pixels:
        raise StyleError(too_large)
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Turns the picture the way the camera was held; a damaged EXIF block counts as none."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def _to_arrays(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Converts any Pillow mode to RGB `[H, W, 3]` and alpha `[H, W]` or None, both uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = _scale_to_bytes(np.asarray(image), image.mode)
        return np.repeat(grey[..., None], 3, axis=2), None
    if not image.has_transparency_data:
        return np.array(_to_srgb(image)), None
    alpha = np.array(image.convert("RGBA").getchannel("A"))
    rgb = np.array(_to_srgb(image if image.mode == "RGB" else image.convert("RGBA")))
    if alpha.min() == 255:
        return rgb, None
    hidden = alpha == 0
    if hidden.any() and not hidden.all():
        # What lies under full transparency is arbitrary, often black, and would be painted like the rest.
        rgb[hidden] = rgb[~hidden].mean(axis=0).round()
    return rgb, alpha


def _to_srgb(image: Image.Image) -> Image.Image:
    """Returns the picture as RGB in sRGB, through its colour profile where it has a usable one."""
    profile = image.info.get("icc_profile")
    if profile and len(profile) <= _LARGEST_PROFILE and image.mode in ("RGB", "RGBA", "CMYK"):
        source = image.convert("RGB") if image.mode == "RGBA" else image
        try:
            converted = ImageCms.profileToProfile(
                source,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A profile that does not fit the picture is common; then its numbers are taken as they are.
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _scale_to_bytes(values: np.ndarray, mode: str) -> np.ndarray:
    """Maps 16-bit, 32-bit or float grey values `[H, W]` onto 0..255 (uint8).

    Unsigned 16-bit values have a fixed range; the other kinds are stretched from their least to their
    greatest value unless they already fill 0..1 (float) or 0..65535 (how Pillow passes on some 16-bit files).
    """
    values = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if mode.startswith("I;16") or (mode == "I" and low >= 0 and high <= _EXTENT_16_BIT):
        low, high = 0.0, _EXTENT_16_BIT
    elif mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return ((values - low) * (255.0 / max(high - low, 1e-12))).round().astype(np.uint8)


def _frame_note(image: Image.Image) -> str:
    """Says so if there are more frames than the one that was taken.

    Counting the frames of a GIF or TIFF means walking through the whole file, so only the formats that name
    the number in their header get a number.
    """
    if image.format in ("PNG", "WEBP"):
        frames = getattr(image, "n_frames", 1)
        return f"first of {frames} frames" if frames > 1 else ""
    if image.format not in ("GIF", "TIFF"):
        return ""
    try:
        image.seek(1)
    except Exception:
        return ""
    return "first of several frames"
