"""A verdict as HTML: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from gan.diagnosis import Verdict
from gan.failures import FAILURES

CSS = """
.verdict{border:1px solid var(--border-color-primary,#ccc);border-left:5px solid #8a8f98;border-radius:8px;
  padding:10px 14px;font-size:14px;color:var(--body-text-color);font-variant-numeric:tabular-nums;
  overflow-wrap:anywhere}
.verdict.good{border-left-color:#3f9b6b}
.verdict.bad{border-left-color:#d9534f}
.verdict b{font-size:15px}
.verdict p{margin:6px 0 0}
.verdict ul{margin:6px 0 0;padding-left:1.2em;list-style:disc}
.verdict li{margin:2px 0}
"""

HOW_TO_BREAK = """
See what each failure looks like, then press **Mend it**. While your run trains, its levers are moved so that
it fails; otherwise a small run of a minute begins that is made to fail, with the pictures chosen here.
"""


def verdict_html(verdicts: Sequence[Verdict]) -> str:
    """The main verdict with its evidence and remedy, and the names of the others."""
    if not verdicts:
        return ""
    main, *others = verdicts
    kind = "good" if main.name.startswith("healthy") else "" if main.healthy else "bad"
    evidence = "".join(f"<li>{escape(each)}</li>" for each in main.evidence)
    parts = [f"<b>{escape(main.name.capitalize())}</b><p>{escape(main.sentence)}</p>"]
    parts += [f"<ul>{evidence}</ul>"] if evidence else []
    parts += [f"<p>What to do: {escape(main.remedy)}</p>"] if main.remedy else []
    parts += [f"<p>Mend it sets: {escape(main.moves())}.</p>"] if main.levers else []
    if others:
        names = ", ".join(escape(other.name) for other in others)
        parts.append(f"<p>Also seen: {names}.</p>")
    return f'<div class="verdict {kind}" role="group" aria-label="Verdict">{"".join(parts)}</div>'


def failures_text() -> str:
    """Each failure and why it happens, as a Markdown list."""
    return "\n".join(f"* **{each.title}**: {each.why}" for each in FAILURES)
