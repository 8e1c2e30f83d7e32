"""The film of a training: what the same latent vectors became, from noise to the last step.

A run's folder keeps some of its previews as small files in `frames/`. Their number is bounded: when there are
too many, every second one goes, and from then on only half as many are taken.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gan.errors import GanError
from gan.pictures import grid_image
from style import moving
from style.errors import StyleError

FOLDER = "frames"
MOST_FRAMES = 160
QUALITY = 90
COLUMNS = 8
# Of the usual distance in time between two frames; a half or less would undo the thinning.
SHORTEST_GAP = 0.75
WIDTH = 640
CAPTION = 28
FILM_MILLISECONDS = 9_000
SHORTEST, LONGEST, AT_THE_END = 50, 400, 2_000
LARGEST_FRAME = 2_048


@dataclass(frozen=True)
class Frame:
    """One kept preview: after so many steps and whole seconds of training."""

    path: Path
    step: int
    seconds: int


def frames_of(run: Path) -> list[Frame]:
    """The frames of a run's folder from first to last."""
    frames = []
    for path in (run / FOLDER).glob("*-*.webp"):
        with suppress(ValueError):
            step, tenths = map(int, path.stem.split("-"))
            frames.append(Frame(path, step, tenths // 10))
    return sorted(frames, key=lambda frame: frame.step)


def add_frame(run: Path, pictures: Tensor, step: int, seconds: float) -> None:
    """Keep a preview `[N, C, H, W]` in [-1, 1], unless it comes too soon after the last one.

    Raises:
        OSError: when the disk does not take it.
    """
    frames = frames_of(run)
    if len(frames) >= MOST_FRAMES:
        for frame in frames[1::2]:
            frame.path.unlink(missing_ok=True)
        frames = frames[::2]
    if len(frames) > 1:
        usual = (_tenths(frames[-1]) - _tenths(frames[0])) / (len(frames) - 1)
        if 10 * seconds - _tenths(frames[-1]) < SHORTEST_GAP * usual:
            return
    content = BytesIO()
    grid_image(pictures, COLUMNS).convert("RGB").save(content, "WEBP", quality=QUALITY)
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{step:010d}-{round(10 * seconds):08d}.webp").write_bytes(content.getvalue())


def _tenths(frame: Frame) -> int:
    return int(frame.path.stem.split("-")[1])


def forget_frames_after(run: Path, step: int) -> None:
    """Drop the frames of a lost stretch: those behind the checkpoint from which the run goes on."""
    for frame in frames_of(run):
        if frame.step > step:
            frame.path.unlink(missing_ok=True)


def training_film(run: Path, suffix: str = ".mp4") -> bytes:
    """The film of a run, about nine seconds long, with steps and time below the pictures.

    Args:
        run: a run's folder.
        suffix: `.gif`, `.webp` or `.mp4`.

    Raises:
        GanError: for another ending, or while there are fewer than two frames.
    """
    frames = frames_of(run)
    pictures = [picture for frame in frames if (picture := _captioned(frame)) is not None]
    pictures = [picture for picture in pictures if picture.size == pictures[-1].size]
    if len(pictures) < 2:
        raise GanError("There is no film yet: a run keeps its first pictures after a few seconds.")
    each = min(LONGEST, max(SHORTEST, FILM_MILLISECONDS // len(pictures)))
    try:
        return moving.film(pictures, suffix, [*[each] * (len(pictures) - 1), AT_THE_END])
    except StyleError as error:
        raise GanError(str(error)) from error


def check_suffix(suffix: str) -> None:
    """Raises GanError for an ending that is no film's, before anybody has waited for one."""
    if suffix.lower() not in moving.SUFFIXES:
        raise GanError(
            f"A film ends in {', '.join(moving.SUFFIXES[:-1])} or {moving.SUFFIXES[-1]}; rename it."
        )


def _captioned(frame: Frame) -> Image.Image | None:
    """The frame at the film's width with its caption; None where the file is damaged."""
    try:
        with Image.open(frame.path, formats=["WEBP"]) as opened:
            if max(opened.size) > LARGEST_FRAME:
                return None
            picture = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    height = round(picture.height * WIDTH / picture.width)
    whole = Image.new("RGB", (WIDTH, height + CAPTION), "#14141c")
    whole.paste(picture.resize((WIDTH, height), Image.Resampling.LANCZOS))
    minutes, seconds = divmod(frame.seconds, 60)
    time = f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
    font = ImageFont.load_default(15)
    ImageDraw.Draw(whole).text((10, height + 5), f"step {frame.step:,} · {time}", "#f0f0f4", font)
    return whole
