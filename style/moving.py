"""Frames -> a film that loops: GIF, animated WebP, or MP4 with H.264, which every browser and phone plays."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from style.errors import StyleError

SUFFIXES = (".gif", ".webp", ".mp4")
MEDIA_TYPES = {".gif": "image/gif", ".webp": "image/webp", ".mp4": "video/mp4"}
WEBP_QUALITY = 85
# x264's constant quality: 18 is hard to tell from the original, each 6 more is half the size.
H264_QUALITY = 18
PALETTE_FRAMES = 16
COLOURS = 256
MILLISECONDS = 1000


def film(frames: Sequence[Image.Image], suffix: str, milliseconds: int | Sequence[int]) -> bytes:
    """A film of frames of one size, by the file's ending.

    Args:
        suffix: `.gif`, `.webp` or `.mp4`; the first two loop by themselves, the last where the player does.
        milliseconds: how long every frame, or each of them, is shown.

    Raises:
        StyleError: for another ending, or without frames of one size.
    """
    writers = {".gif": gif, ".webp": webp, ".mp4": mp4}
    if suffix.lower() not in writers:
        raise StyleError(f"A film ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}; rename it.")
    if not frames or any(frame.size != frames[0].size for frame in frames):
        raise StyleError("A film needs frames, all of one size.")
    times = [milliseconds] * len(frames) if isinstance(milliseconds, int) else list(milliseconds)
    if len(times) != len(frames) or min(times) < 1:
        raise StyleError("Every frame of a film is shown for at least a millisecond.")
    return writers[suffix.lower()]([frame.convert("RGB") for frame in frames], times)


def gif(frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """A GIF that loops for ever. A GIF's clock counts hundredths of a second.

    All frames share one palette, made from frames spread over the film, and none is dithered: a palette or a
    noise pattern that changes from frame to frame would flicker.
    """
    palette = shared_palette(frames)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    stream = BytesIO()
    drawn[0].save(
        stream,
        "GIF",
        save_all=True,
        append_images=drawn[1:],
        duration=list(milliseconds),
        loop=0,
        optimize=False,
    )
    return stream.getvalue()


def shared_palette(frames: Sequence[Image.Image]) -> Image.Image:
    """A palette image of 256 colours for all frames, by median cut over at most 16 of them side by side."""
    chosen = frames[:: -(-len(frames) // PALETTE_FRAMES)]
    width, height = chosen[0].size
    montage = Image.new("RGB", (width * len(chosen), height))
    for i, frame in enumerate(chosen):
        montage.paste(frame, (i * width, 0))
    return montage.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)


def webp(frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """An animated WebP that loops for ever."""
    stream = BytesIO()
    frames[0].save(
        stream,
        "WEBP",
        save_all=True,
        append_images=list(frames[1:]),
        duration=list(milliseconds),
        loop=0,
        quality=WEBP_QUALITY,
    )
    return stream.getvalue()


def mp4(frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """An MP4 with H.264 in 4:2:0, each frame with its own time, ready to play while it still loads.

    H.264's colour grid has half the picture's sides, so an odd side loses its last pixel.
    """
    width, height = (side - side % 2 for side in frames[0].size)
    if min(width, height) < 2:
        raise StyleError("An MP4 is at least two pixels wide and high.")
    try:
        import av  # its libraries are large, and most visitors make no film
    except ImportError:
        raise StyleError("An MP4 needs the package av; install requirements.txt, or choose a GIF.") from None

    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            # Without frames that wait for later ones (bf), a file keeps how long the very last one is shown.
            options = {"crf": str(H264_QUALITY), "preset": "medium", "bf": "0"}
            track = container.add_stream("libx264", options=options)
            track.width, track.height, track.pix_fmt = width, height, "yuv420p"
            track.time_base = track.codec_context.time_base = Fraction(1, MILLISECONDS)
            # Two cores serve everyone, and a film of this size is done in a second anyway.
            track.codec_context.thread_count = 1
            _mark_colours(track.codec_context)
            starts = [sum(milliseconds[:i]) for i in range(len(frames))]
            shown = dict(zip(starts, milliseconds, strict=True))
            packets: list[Any] = []
            for frame, start in zip(frames, starts, strict=True):
                picture = av.VideoFrame.from_ndarray(
                    np.asarray(frame)[:height, :width].copy(), format="rgb24"
                )
                picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
                picture.pts, picture.time_base = start, Fraction(1, MILLISECONDS)
                packets += track.encode(picture)
            for packet in packets + track.encode(None):
                # The encoder forgets how long a frame is shown, and the last one has no successor to tell.
                packet.duration = shown[packet.pts]
                container.mux(packet)
        return path.read_bytes()


def _mark_colours(context: Any) -> None:
    """Say that colours are those of BT.709 with 16..235: players else guess by the size, and shift them."""
    context.colorspace = context.color_primaries = context.color_trc = 1
    context.color_range = 1
