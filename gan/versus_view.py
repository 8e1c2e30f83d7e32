"""Two runs side by side as HTML: pictures from the same latent vectors, and curves on the same axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from gan.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from gan.levers import setting_label
from gan.run_files import SIDES
from gan.run_status import Status
from gan.train_view import in_words, picture_uri
from gan.training import Snapshot
from gan.versus import Difference
from gan.versus_run import Both

COLOURS = {"a": "#3b82c4", "b": "#e07b39"}
MOST_DIFFERENCES = 8

CSS = """
.versus{display:grid;gap:14px;color:var(--body-text-color);--a:#3b82c4;--b:#e07b39}
.versus p,.versus figure{margin:0}
.versus .nothing{padding:16px 20px;border:1px dashed var(--border-color-primary);border-radius:10px}
.versus .pair,.versus .curves{display:grid;gap:12px 16px;
  grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}
.versus .curves{grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
.versus .side{border-top:4px solid var(--a);padding-top:6px;min-width:0}
.versus .side.b{border-color:var(--b)}
.versus .side b{font-size:15px}
.versus .side span{font-size:13px;overflow-wrap:anywhere}
.versus .side img{display:block;width:100%;aspect-ratio:2/1;border-radius:6px;margin:6px 0 4px;
  background:var(--background-fill-secondary)}
.versus .numbers,.versus figcaption{font-size:13px;font-variant-numeric:tabular-nums}
.versus .note{font-size:13px}
.versus svg{display:block;width:100%;height:auto;color:var(--body-text-color)}
.versus svg text{font-size:11px;fill:currentColor;font-family:inherit}
.versus figcaption{display:flex;flex-wrap:wrap;gap:2px 14px}
.versus .key{white-space:nowrap}
.versus .key i{display:inline-block;width:14px;height:3px;margin-right:5px;vertical-align:middle;
  border-radius:2px}
.versus .trouble{color:var(--error-text-color,#b91c1c)}
.versus .bar{height:8px;border-radius:4px;overflow:hidden;background:var(--background-fill-secondary);
  border:1px solid var(--border-color-primary)}
.versus .bar i{display:block;height:100%;background:var(--color-accent)}
.versus .state{font-size:14px;margin-top:6px}
"""

EMPTY = """<div class="versus"><div class="nothing"><b>An experiment with two runs.</b> Run A is what is
chosen at the top of this page. Run B is the same but for the one thing that you change here. Both begin with
the same weights and meet the same pictures in the same order, so what comes out differently comes from your
change. Choose a ready experiment or your own change, and press <b>Start both</b>.</div></div>"""

Value = Callable[[Snapshot], float]
CHARTS: tuple[tuple[str, Value, bool], ...] = (
    ("Discriminator loss", lambda s: s.discriminator_loss, False),
    ("Generator loss", lambda s: s.generator_loss, False),
    ("D(x): how real it finds real pictures", lambda s: s.real_score, True),
    ("D(G(z)): how real it finds generated ones", lambda s: s.fake_score, True),
)


def both_html(both: Both) -> str:
    """All that two runs show at one moment."""
    sides = "".join(_side_html(both, number) for number in range(len(SIDES)))
    return (
        f'<div class="versus" data-state="{both.status.state}">{_progress_html(both)}'
        f'<div class="pair">{sides}</div>{curves_html(*both.histories)}</div>'
    )


def trouble_html(text: str) -> str:
    """A sentence (untrusted) that says what went wrong."""
    return f'<div class="versus"><p class="trouble" role="alert">⚠️ {escape(text)}</p></div>'


def differences_text(different: Sequence[Difference], side: str) -> str:
    """What a run has that the other has not, such as "discriminator learning rate 0.01"."""
    if not different:
        return "no difference"
    parts = [f"{setting_label(each.name)} {_value(getattr(each, side))}" for each in different]
    more = f" and {len(parts) - MOST_DIFFERENCES} more" if len(parts) > MOST_DIFFERENCES else ""
    return ", ".join(parts[:MOST_DIFFERENCES]) + more


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value or "none")


def _side_html(both: Both, number: int) -> str:
    side, history = SIDES[number], both.histories[number]
    recipes = [request.preset.removesuffix(", changed") for request in both.requests]
    words = differences_text(both.different, side)
    if recipes[0] != recipes[1]:
        words = recipes[number]
    source = picture_uri(both.folders[number] / "preview.png")
    picture = f'<img alt="Samples of run {side.upper()}" src="{source}">' if source else "<img alt=''>"
    numbers, note = "", ""
    if history:
        last = history[-1]
        numbers = f"step {last.step:,} · {1000 / max(_steps_a_second(last, history), 1e-9):,.0f} ms a step"
        note = f'<p class="note" role="status">{escape(last.note)}</p>' if last.note else ""
    return (
        f'<div class="side {side}" data-step="{history[-1].step if history else 0}">'
        f"<b>Run {side.upper()}</b> "
        f'<span>{escape(words)}</span>{picture}<p class="numbers">{numbers}</p>{note}</div>'
    )


def _steps_a_second(last: Snapshot, history: Sequence[Snapshot]) -> float:
    """From the speed in pictures and the pictures of a step."""
    return last.images_per_second * last.step / max(1, last.images_seen)


def _progress_html(both: Both) -> str:
    status = both.status
    share = status.snapshot.progress if status.snapshot else 0.0
    share = 1.0 if status.state == "finished" else share
    return (
        f'<div><div class="bar"><i style="width:{100 * share:.1f}%"></i></div>'
        f'<p class="state" role="status">{escape(_words(status))}</p></div>'
    )


def _words(status: Status) -> str:
    if status.state == "waiting":
        ahead = status.place - 1
        return f"Number {status.place} in the queue" + (
            f": {ahead} waiting before you." if ahead else ": next, as soon as a running training ends."
        )
    if status.message:
        return status.message
    steps = status.snapshot.step if status.snapshot else 0
    trained = f" after {steps:,} step{'' if steps == 1 else 's'} of each" if steps else ""
    if status.state == "running" and status.snapshot:
        left = in_words(2 * status.snapshot.seconds_left)
        return f"Both train by turns, step for step: about {left} left"
    return f"{'Finished' if status.state == 'finished' else 'Stopped'}{trained}."


def curves_html(first: Sequence[Snapshot], second: Sequence[Snapshot]) -> str:
    """Four charts against steps, each with a line of either run on the same axes."""
    if min(len(first), len(second)) < 2:
        return ""
    charts = "".join(_chart(title, value, score, (first, second)) for title, value, score in CHARTS)
    return f'<div class="curves">{charts}</div>'


def _chart(title: str, value: Value, score: bool, histories: Sequence[Sequence[Snapshot]]) -> str:
    low, high = (0.0, 1.0) if score else _range([value(s) for history in histories for s in history])
    start = min(history[0].step for history in histories)
    end = max(start + 1, *(history[-1].step for history in histories))

    def x(step: float) -> float:
        return LEFT + (step - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    def y(number: float) -> float:
        share = (min(max(number, low), high) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [_rule(y(tick), f"{tick:.2g}") for tick in (low, (low + high) / 2, high)]
    for step, anchor in ((start, "start"), (end, "end")):
        parts.append(f'<text x="{x(step):.0f}" y="{HEIGHT - 6}" text-anchor="{anchor}">step {step:,}</text>')
    keys = []
    for side, history in zip(SIDES, histories, strict=True):
        points = " ".join(f"{x(s.step):.1f},{y(value(s)):.1f}" for s in history)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[side]}" stroke-width="2" '
            'stroke-linejoin="round"/>'
        )
        keys.append(
            f'<span class="key"><i style="background:{COLOURS[side]}"></i>{side.upper()} '
            f"{value(history[-1]):.2f}</span>"
        )
    return (
        f"<figure><figcaption><span>{title}</span>{''.join(keys)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg></figure>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """A range that the first steps do not stretch."""
    ordered = sorted(values)
    low, high = min(0.0, ordered[len(ordered) // 50]), ordered[-1 - len(ordered) // 50]
    return low, high + 0.05 * (high - low) + 1e-3


def _rule(height: float, label: str) -> str:
    ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"'
    text = f'<text x="{LEFT - 5}" y="{height + 4:.1f}" text-anchor="end">{label}</text>'
    return f'<line {ends} stroke="currentColor" stroke-opacity=".3"/>{text}'
