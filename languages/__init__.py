"""The page in other languages: one JSON file each, from the English text to its translation.

The code says everything in English. What stands on the page from the beginning is translated by Gradio
(`tab_language`), what appears later by `page.js` in the browser; both read the same file. A `{}` stands for
a number or a word that the text is made with, `{1}` in a translation for the first of them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent
PLACEHOLDER = re.compile(r"\{\d*\}")


def languages() -> list[str]:
    """The languages that the page speaks besides English, by their two letters."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def dictionary(language: str) -> dict[str, str]:
    """English text -> translation; placeholders are kept as they are.

    Raises:
        KeyError: when there is no file for the language.
    """
    if language not in languages():
        raise KeyError(language)
    texts: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return texts
