"""Iterates as small pieces of HTML: the picture, the progress bar and the curves. Knows no Gradio."""

from __future__ import annotations

import base64
import html
import io
import math
from dataclasses import dataclass, field

from PIL import Image

from style.images import to_image
from style.iterate import Iterate

_WIDTH, _HEIGHT, _LEFT = 360, 132, 34
_DECADES = 3
_MOST_POINTS = 240
_CURVES = (("content", "#2563eb"), ("style", "#d97706"), ("variation", "#059669"), ("edges", "#9333ea"))
_LONGEST_LIVE = 640

EMPTY = """
<div style="min-height:18rem;display:flex;align-items:center;justify-content:center;text-align:center;
padding:1.5rem;border:2px dashed var(--border-color-primary);border-radius:12px">
<div style="max-width:26rem"><p style="font-size:1.15rem;font-weight:600;margin:0 0 .5rem">
Your photo, repainted</p><p style="margin:0;opacity:.8">Choose a photo and a painting, or click an example
pair, then press <b>Stylise</b>. You will see the picture change here every second: first the large colours,
then the brush strokes. Stop whenever you like what you see.</p></div></div>
"""


def live(iterate: Iterate) -> str:
    """The picture itself as a JPEG inside the page; a file per frame would only fill the disk."""
    image = to_image(iterate.picture)
    longer = max(image.size)
    if longer > _LONGEST_LIVE:
        ratio = _LONGEST_LIVE / longer
        image = image.resize((round(image.width * ratio), round(image.height * ratio)))
    return picture_tag(image, "The picture while it is painted")


def picture_tag(image: Image.Image, description: str) -> str:
    """An `img` element that fills the width and keeps its place while the next frame loads."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=88)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img alt="{html.escape(description)}" src="data:image/jpeg;base64,{data}" style="display:block;'
        f"width:100%;max-height:70vh;object-fit:contain;aspect-ratio:{image.width}/{image.height};"
        f'border-radius:12px;margin:0 auto">'
    )


def progress(iterate: Iterate) -> str:
    """A bar with what is done and how long it still takes, in words."""
    where = f"{iterate.scale} pixels, step {iterate.step} of about {iterate.steps}"
    if iterate.enlarged_from:
        where = enlarged(iterate)
    return progress_bar(iterate.progress, f"{time_left(iterate.seconds_left)} · {where}")


def enlarged(iterate: Iterate) -> str:
    """Says that there was no time to paint at the size that was asked for; nothing if there was."""
    if not iterate.enlarged_from:
        return ""
    return (
        f"Painted at {iterate.enlarged_from} pixels and enlarged to {iterate.scale}, with the photo's lines: "
        f"more time paints finer strokes."
    )


def progress_bar(share: float, text: str) -> str:
    """A bar filled to `share` (0..1) above a line of text."""
    return (
        '<div style="height:10px;border-radius:5px;background:var(--border-color-primary);overflow:hidden" '
        f'role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * share:.0f}">'
        f'<div style="height:100%;width:{share:.1%};background:var(--color-accent);'
        'transition:width .8s linear"></div></div>'
        f'<p style="margin:.35rem 0 0;font-size:.9rem">{html.escape(text)}</p>'
    )


def time_left(seconds: float) -> str:
    """Says a duration the way people do: "about 40 seconds left"."""
    if seconds < 1.5:
        return "nearly done"
    if seconds < 90:
        rounded = round(seconds) if seconds < 10 else round(seconds / 5) * 5
        return f"about {rounded} seconds left"
    return f"about {round(seconds / 60)} minutes left"


def duration(seconds: float) -> str:
    """For instance: 1.4 seconds. or: 63 seconds."""
    return f"{seconds:.1f} seconds." if seconds < 10 else f"{seconds:.0f} seconds."


def message(text: str) -> str:
    """A sentence that the visitor should read, such as a mistake to mend."""
    if not text:
        return ""
    return (
        '<p role="alert" style="margin:0;padding:.6rem .8rem;border-left:4px solid #d97706;'
        f'background:var(--block-background-fill);border-radius:6px">{html.escape(text)}</p>'
    )


@dataclass
class Curves:
    """The three losses over time, each relative to its highest value, on a logarithmic axis."""

    _points: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name, _ in _CURVES})
    _progress: list[float] = field(default_factory=list)

    def add(self, iterate: Iterate) -> None:
        """Appends a point to each curve; of a long run every second point is dropped now and then."""
        if iterate.losses is None:
            return
        self._progress.append(iterate.progress)
        for name, values in self._points.items():
            values.append(getattr(iterate.losses, name))
        if len(self._progress) > _MOST_POINTS:
            self._progress = self._progress[::2]
            self._points = {name: values[::2] for name, values in self._points.items()}

    def render(self) -> str:
        """Returns an SVG figure of fixed size, so that nothing on the page jumps; without points nothing."""
        if not self._progress:
            return ""
        lines = "".join(self._line(name, colour) for name, colour in _CURVES)
        legend = " ".join(
            f'<span style="white-space:nowrap"><b style="color:{colour}">—</b> {name}</span>'
            for name, colour in _CURVES
        )
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" aria-label="Losses over time" '
            f'style="display:block">{_grid()}{lines}</svg><p style="margin:0;font-size:.85rem;display:flex;'
            f'gap:1rem;flex-wrap:wrap">{legend} <span style="opacity:.7">each against its highest value; '
            f"lower is closer</span></p>"
        )

    def _line(self, name: str, colour: str) -> str:
        values = self._points[name]
        highest = max(values, default=0.0)
        if highest <= 0:
            return ""
        points = " ".join(
            f"{_across(share):.1f},{_down(value / highest):.1f}"
            for share, value in zip(self._progress, values, strict=True)
        )
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _grid() -> str:
    parts = []
    for decade in range(_DECADES + 1):
        height = _down(10.0**-decade)
        label = f"{100 * 10.0**-decade:g}%"
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 4}" y1="{height:.1f}" y2="{height:.1f}" '
            f'stroke="currentColor" stroke-opacity=".15"/><text x="{_LEFT - 4}" y="{height + 3:.1f}" '
            f'text-anchor="end" font-size="9" fill="currentColor" fill-opacity=".7">{label}</text>'
        )
    return "".join(parts)


def _across(share: float) -> float:
    return _LEFT + share * (_WIDTH - 4 - _LEFT)


def _down(ratio: float) -> float:
    """Height of a ratio 0..1 on the logarithmic axis; what lies under its foot is drawn at the foot."""
    decades = min(-math.log10(max(ratio, 10.0**-_DECADES)), _DECADES)
    return 8 + decades / _DECADES * (_HEIGHT - 16)
