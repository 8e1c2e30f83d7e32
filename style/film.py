"""A film of how a picture was painted, from the snapshots, as a GIF, an animated WebP or an MP4."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from style.errors import StyleError
from style.images import fit, to_image
from style.iterate import Iterate
from style.moving import SUFFIXES, film

LARGEST_SIDE = 480
MOST_FRAMES = 60
FRAME_MILLISECONDS = 120
LAST_MILLISECONDS = 2000


class Film:
    """Keeps the pictures of a run, as JPEG in memory; of a long run every second one is dropped now and then.

    Args:
        side: longer side of the film in pixels.
    """

    def __init__(self, side: int = LARGEST_SIDE) -> None:
        self._side = side
        self._kept: list[bytes] = []
        self._every = 1
        self._seen = 0
        self._newest: bytes | None = None
        self._last: Iterate | None = None

    def add(self, iterate: Iterate) -> None:
        """Appends what an iterate shows; the same iterate again adds nothing."""
        if iterate is self._last:
            return
        self._last = iterate
        image = to_image(iterate.picture)
        buffer = io.BytesIO()
        size = fit(image.size, min(self._side, max(image.size)))
        image.resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
        self._newest = buffer.getvalue()
        if self._seen % self._every == 0:
            self._kept.append(self._newest)
        self._seen += 1
        if len(self._kept) >= MOST_FRAMES:
            self._kept = self._kept[::2]
            self._every *= 2

    @property
    def frames(self) -> list[Image.Image]:
        """The pictures so far, all of the last one's size; the last iterate is always among them."""
        if self._newest is None:
            return []
        kept = self._kept if self._kept[-1] is self._newest else [*self._kept, self._newest]
        images = [Image.open(io.BytesIO(data)).convert("RGB") for data in kept]
        return [image.resize(images[-1].size, Image.Resampling.BILINEAR) for image in images]

    def write(self, path: Path) -> None:
        """Writes a film that rests at its last picture; a GIF or WebP loops for ever.

        Raises:
            StyleError: if there is nothing to show yet, or the file cannot be written.
        """
        check_film(path)
        frames = self.frames
        if not frames:
            raise StyleError("There is no film before the first picture.")
        rests = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_MILLISECONDS]
        content = film(frames, path.suffix, rests)
        try:
            path.write_bytes(content)
        except OSError as error:
            raise StyleError(f"The film cannot be written to {str(path)!r}: {error.strerror}.") from error


def check_film(path: Path) -> None:
    """Raises StyleError if no film can be written there."""
    if path.suffix.lower() not in SUFFIXES:
        raise StyleError(f"The film {path.name!r} must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    if not path.parent.is_dir():
        raise StyleError(f"The folder {str(path.parent)!r} does not exist; please make it first.")
