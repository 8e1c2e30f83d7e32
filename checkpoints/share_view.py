"""What the Share tab shows, as HTML and Markdown. All text that comes from outside is escaped here."""

from __future__ import annotations

import base64
import json
from html import escape
from io import BytesIO
from typing import Any

from PIL import Image

from checkpoints.errors import CheckpointError
from checkpoints.hub import PushResult, Step
from checkpoints.store import Checkpoint

PREVIEW_SIDE = 512
FAVOURITES = "favourites.json"
CSS = """
.share-note { margin: 0; padding: .6rem .8rem; border-radius: 8px; line-height: 1.45;
  border: 1px solid var(--border-color-primary); overflow-wrap: anywhere; }
.share-note.bad { border-color: #dc2626; background: rgba(220, 38, 38, .08); }
.share-note.good { border-color: #16a34a; background: rgba(22, 163, 74, .08); }
.share-note progress { width: 100%; height: 8px; display: block; margin-top: .5rem; appearance: none;
  border: 0; border-radius: 4px; overflow: hidden; background: var(--border-color-primary); }
.share-note progress::-webkit-progress-bar { background: var(--border-color-primary); }
.share-note progress::-webkit-progress-value { background: #4f46e5; }
.share-note progress::-moz-progress-bar { background: #4f46e5; }
.share-picture { max-width: 100%; width: 384px; margin-top: .6rem; border-radius: 8px;
  image-rendering: pixelated; }
.share-files { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .6rem 0 0 !important; }
.share-files, .share-files tr { border: 0 !important; }
.share-files td { padding: .2rem .4rem !important; border: 0 !important;
  border-bottom: 1px solid var(--border-color-primary) !important; }
.share-files td + td { text-align: right; white-space: nowrap; }
"""
# Long lines of code would make a phone's page wider than the phone.
HEAD = """<style>:is(#share-card, #share-pictures-card) :is(pre, code) { white-space: pre-wrap;
  overflow-wrap: anywhere; }</style>"""

PULL_HINT = """Every checkpoint on the Hub is a repository. Paste its name or link: this app looks at its
files first, downloads one exact commit, checks every number in it, and adds it to your list in Explore. Only
safetensors and JSON are read, never a pickle, so nothing that you get can run code here."""
CARD_HINT = """Choose a network and a name, then look at its model card: what others will read, and every
file that will leave this machine. Nothing is sent before you have seen that and pressed the last button."""
TOKEN_HINT = """An **access token** is a password that only lets programs use your Hugging Face account. Make
one with *write* access at [huggingface.co/settings/tokens](https://huggingface.co/settings/tokens), paste it
above, and delete it there whenever you like. It goes to the Hub and nowhere else: it is not stored, logged or
shown. Leave the field empty if this machine is signed in already (`hf auth login` or `HF_TOKEN`)."""


def note(text: str, kind: str = "") -> str:
    """A sentence in a box; `kind` is `good`, `bad` or empty."""
    role = "alert" if kind == "bad" else "status"
    return f'<p class="share-note {kind}" role="{role}">{escape(text)}</p>'


def step_html(step: Step) -> str:
    """What a pull or push is doing, with a bar."""
    bar = f'<progress max="1" value="{step.share:.2f}"></progress>'
    return f'<div class="share-note" role="status">{escape(step.text)}{bar}</div>'


def pulled_html(checkpoint: Checkpoint) -> str:
    """That a checkpoint has arrived, with its preview picture."""
    text = f"{checkpoint.title} is yours to open in Explore now, as {checkpoint.reference}."
    if checkpoint.reference.startswith("private/"):
        text += (
            " It is not public, so only whoever knows this name can open it here: links from Explore hold it."
        )
    more = ""
    if checkpoint.has("training.safetensors"):
        more = note("Its training state came along: choose “From a checkpoint” in Train to continue it.")
    return note(text, "good") + more + preview_html(checkpoint) + favourites_html(checkpoint)


def favourites_html(checkpoint: Checkpoint) -> str:
    """A link that saves the favourites that came along; nothing where there are none."""
    try:
        document = checkpoint.document(FAVOURITES) if checkpoint.has(FAVOURITES) else {}
    except CheckpointError:
        return ""
    favourites = document.get("favourites")
    if not isinstance(favourites, list) or not favourites:
        return ""
    here = [_opened_as(checkpoint.reference, entry) for entry in favourites]
    content = base64.b64encode(json.dumps({**document, "favourites": here}).encode()).decode()
    return (
        '<p class="share-note"><a download="favourites.json" '
        f'href="data:application/json;base64,{content}">Save its maker’s favourites ({len(favourites)})</a>, '
        "then open that file under Favourites in Explore.</p>"
    )


def _opened_as(reference: str, entry: Any) -> Any:
    """A favourite of a pushed checkpoint as a picture of the copy that was pulled."""
    state = entry.get("state") if isinstance(entry, dict) else None
    return {**entry, "state": {**state, "checkpoint": reference}} if isinstance(state, dict) else entry


def preview_html(checkpoint: Checkpoint) -> str:
    """The preview picture, reduced; nothing where there is none that can be shown."""
    try:
        with Image.open(checkpoint.path("preview.png"), formats=["PNG"]) as picture:
            picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
            stream = BytesIO()
            picture.convert("RGB").save(stream, "PNG")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    content = base64.b64encode(stream.getvalue()).decode()
    text = escape(f"Pictures drawn by {checkpoint.title}", quote=True)
    return f'<img class="share-picture" alt="{text}" src="data:image/png;base64,{content}">'


def pushed_html(result: PushResult, private: bool) -> str:
    """Where the pushed checkpoint is."""
    url = escape(result.url, quote=True)
    link = f'<a href="{url}" target="_blank" rel="noopener">{escape(result.repository)}</a>'
    seen = "Only you can see it." if private else "Everybody can see it."
    text = f"It is on the Hub: {link} (commit {escape(result.commit[:7])}). {seen}"
    return f'<p class="share-note good" role="status">{text}</p>'


def files_html(files: list[tuple[str, int]]) -> str:
    """Names and sizes of what a push uploads."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{size_text(size)}</td></tr>" for name, size in files)
    total = size_text(sum(size for _, size in files))
    last = f"<tr><td><b>{len(files)} files</b></td><td><b>{total}</b></td></tr>"
    return f'<table class="share-files">{rows}{last}</table>'


def size_text(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{max(size, 100) / 1e3:.1f} kB"


def card_markdown(card: str) -> str:
    """A model card for the page: its metadata as a block of code; the preview stands beside it, not in it."""
    _, metadata, body = card.split("---\n", 2)
    lines = [line for line in body.splitlines() if not line.startswith("![")]
    return f"```yaml\n{metadata.strip()}\n```\n\n" + "\n".join(lines).strip()
