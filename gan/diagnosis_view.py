"""A verdict as HTML: pure functions."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO

from PIL import Image

from gan.diagnosis import Verdict
from gan.evidence import Kinds
from gan.failures import FAILURES
from gan.signals import Signals

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

EVIDENCE_CSS = """
.evidence{font-size:13px;color:var(--body-text-color);font-variant-numeric:tabular-nums}
.evidence p{margin:0 0 6px}
.evidence ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:4px 16px;margin:0;
  padding:0;list-style:none}
.evidence li{display:flex;align-items:flex-end;gap:8px;min-width:0}
.evidence li>span{flex:0 0 74px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.evidence .share{position:relative;flex:1;height:11px;align-self:center;border-radius:3px;
  background:var(--background-fill-secondary,#eee)}
.evidence .share i{position:absolute;left:0;top:0;bottom:0;border-radius:3px;
  background:var(--color-accent,#e07b39)}
.evidence .share b{position:absolute;top:-2px;bottom:-2px;width:2px;background:var(--body-text-color)}
.evidence .shares{display:flex;flex:1;align-items:flex-end;gap:1px;height:30px}
.evidence .shares i{flex:1;background:var(--color-accent,#e07b39);min-height:1px}
.evidence img{display:block;width:100%;max-width:520px;border-radius:6px;image-rendering:pixelated}
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


def evidence_html(signals: Signals | None, kinds: Sequence[Kinds], copies: Image.Image | None) -> str:
    """Copies beside what they may be copies of, and a histogram of kinds; empty where nothing is known."""
    parts = []
    if copies is not None:
        words = "Above, what it draws from some latent vectors; below, the training picture nearest to each."
        parts.append(f'<p>{words}</p><img alt="{words}" src="{_uri(copies)}">')
    if kinds and signals is not None and signals.variety is not None:
        several = len(kinds) > 1
        how = "a column for each kind" if several else "the line shows how often it is among real ones"
        parts.append(
            f"<p>What a classifier sees in its pictures, {how}: {signals.made} of {signals.of} kinds, "
            f"{min(1.0, signals.variety):.0%} as evenly as among real ones.</p>"
            f"<ul>{''.join(map(_columns, kinds)) if several else _rows(kinds[0])}</ul>"
        )
    return f'<div class="evidence">{"".join(parts)}</div>' if parts else ""


def _rows(kinds: Kinds) -> str:
    """A bar for each value, with a line where it would end if it were as frequent as among real pictures."""
    largest = max(*kinds.made, *kinds.real)
    return "".join(
        f"<li><span>{escape(name)}</span>"
        f'<span class="share" role="img" aria-label="{made:.0%}"><i style="width:{made / largest:.0%}"></i>'
        f'<b style="left:{real / largest * 99:.0f}%"></b></span></li>'
        for name, made, real in zip(kinds.attribute.values, kinds.made, kinds.real, strict=True)
    )


def _columns(kinds: Kinds) -> str:
    """A column for each value that real pictures have."""
    shown = [made for made, real in zip(kinds.made, kinds.real, strict=True) if made or real]
    bars = "".join(f'<i style="height:{made / max(shown):.0%}"></i>' for made in shown)
    return f'<li><span>{escape(kinds.attribute.name)}</span><span class="shares">{bars}</span></li>'


def _uri(image: Image.Image) -> str:
    content = BytesIO()
    image.save(content, "JPEG", quality=88)
    return "data:image/jpeg;base64," + b64encode(content.getvalue()).decode()


def failures_text() -> str:
    """Each failure and why it happens, as a Markdown list."""
    return "\n".join(f"* **{each.title}**: {each.why}" for each in FAILURES)
