"""What Gradio lacks for a visitor with a keyboard or a screen reader: script and styles for the page."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
KEYBOARD_HEAD = f"<script>\n{(_FOLDER / 'keyboard.js').read_text('utf-8')}</script>"
KEYBOARD_CSS = (_FOLDER / "keyboard.css").read_text("utf-8")
