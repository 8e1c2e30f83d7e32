"""The curves of a training run as inline SVG, which a page can replace every second without flicker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from gan.levers import Change, change_text
from gan.training import Snapshot

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 8, 24
GENERATOR_COLOUR, DISCRIMINATOR_COLOUR, REAL_COLOUR = "#e07b39", "#3b82c4", "#3f9b6b"

CSS = """
.curves{display:flex;flex-wrap:wrap;gap:12px}
.curves figure{flex:1 1 280px;min-width:0;margin:0}
.curves svg{display:block;width:100%;height:auto;color:var(--body-text-color)}
.curves figcaption{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:13px;color:var(--body-text-color)}
.curves .key{white-space:nowrap;font-variant-numeric:tabular-nums}
.curves .key i{display:inline-block;width:14px;height:3px;margin-right:5px;vertical-align:middle;
  border-radius:2px}
.changes{margin:10px 0 0;padding:0;list-style:none;max-height:11em;overflow:auto;font-size:13px;
  color:var(--body-text-color);font-variant-numeric:tabular-nums}
.changes li{margin:2px 0;overflow-wrap:anywhere}
.curves text{font-size:11px;fill:currentColor;font-family:inherit}
"""


@dataclass(frozen=True)
class Series:
    """One line of a chart."""

    label: str
    colour: str
    value: Callable[[Snapshot], float]


LOSSES = (
    Series("generator loss", GENERATOR_COLOUR, lambda s: s.generator_loss),
    Series("discriminator loss", DISCRIMINATOR_COLOUR, lambda s: s.discriminator_loss),
)
SCORES = (
    Series("D(x), real", REAL_COLOUR, lambda s: s.real_score),
    Series("D(G(z)), generated", GENERATOR_COLOUR, lambda s: s.fake_score),
)


def curves_html(history: Sequence[Snapshot]) -> str:
    """Both losses, and D's scores for real and generated pictures, against seconds of training.

    Each change of a lever is a numbered line across both, and a sentence below.
    """
    if len(history) < 2:
        return ""
    moments = _moments(history)
    losses = [series.value(s) for s in history for series in LOSSES]
    low, high = _loss_range(losses)
    return (
        '<div class="curves">'
        + _chart("Losses", LOSSES, history, moments, low, high)
        + _chart("Scores from 0 (fake) to 1 (real)", SCORES, history, moments, 0.0, 1.0, middle=0.5)
        + f"</div>{_changes_list(moments)}"
    )


def _moments(history: Sequence[Snapshot]) -> list[tuple[Change, ...]]:
    """The changes of the run, those of the same step together."""
    changes = [change for snapshot in history for change in snapshot.changes]
    return [tuple(same) for _, same in groupby(changes, key=lambda change: change.step)]


def _changes_list(moments: Sequence[tuple[Change, ...]]) -> str:
    """One line a moment, the newest first: "1: generator learning rate 0.002 → 0.0005 at step 320"."""
    items = []
    for number, changes in enumerate(moments, start=1):
        moved = ", ".join(change_text(c.name, c.old, c.new) for c in changes)
        items.append(f"<li>{number}: {escape(moved)} at step {changes[0].step:,}</li>")
    return f'<ul class="changes">{"".join(reversed(items))}</ul>' if items else ""


def _loss_range(values: Sequence[float]) -> tuple[float, float]:
    """A range that one outlier, such as the first step, does not stretch."""
    ordered = sorted(values)
    low, high = min(0.0, ordered[len(ordered) // 50]), ordered[-1 - len(ordered) // 50]
    return low, high + 0.05 * (high - low) + 1e-3


def _chart(
    title: str,
    lines: Sequence[Series],
    history: Sequence[Snapshot],
    moments: Sequence[tuple[Change, ...]],
    low: float,
    high: float,
    middle: float | None = None,
) -> str:
    start, end = history[0].seconds, max(history[-1].seconds, history[0].seconds + 1e-9)

    def x(seconds: float) -> float:
        return LEFT + (seconds - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    ticks = [low, (low + high) / 2, high] if middle is None else [low, middle, high]
    parts = [_rule(y(tick), f"{tick:.2g}", dashed=tick == middle) for tick in ticks]
    for seconds, anchor in ((start, "start"), ((start + end) / 2, "middle"), (end, "end")):
        parts.append(
            f'<text x="{x(seconds):.0f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{seconds:.0f} s</text>'
        )
    parts += [_mark(x(changes[0].seconds), number) for number, changes in enumerate(moments, start=1)]
    for line in lines:
        points = " ".join(f"{x(s.seconds):.1f},{y(line.value(s)):.1f}" for s in history)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2" '
            'stroke-linejoin="round"/>'
        )
    keys = "".join(
        f'<span class="key"><i style="background:{line.colour}"></i>{line.label} '
        f"{line.value(history[-1]):.2f}</span>"
        for line in lines
    )
    return (
        f'<figure><figcaption>{keys}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{title}">{"".join(parts)}</svg></figure>'
    )


def _mark(across: float, number: int) -> str:
    """A thin numbered line where a lever was moved."""
    across = min(max(across, LEFT), WIDTH - RIGHT)
    ends = f'x1="{across:.1f}" x2="{across:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"'
    side, anchor = (-3, "end") if across > WIDTH - 40 else (3, "start")
    return (
        f'<line {ends} class="mark" stroke="currentColor" stroke-opacity=".6"/>'
        f'<text x="{across + side:.1f}" y="{TOP + 10}" text-anchor="{anchor}">{number}</text>'
    )


def _rule(height: float, label: str, dashed: bool) -> str:
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"'
    text = f'<text x="{LEFT - 5}" y="{height + 4:.1f}" text-anchor="end">{label}</text>'
    return f'<line {ends} stroke="currentColor" stroke-opacity=".3"{dash}/>{text}'
