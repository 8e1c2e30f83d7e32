"""The explorer's page in parts: markup, styles, script and settings, for the app and for a plain page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan.explorer import OPENING_TRUNCATION
from gan.serve import runtime_address

FOLDER = Path(__file__).resolve().parent / "browser"
SCRIPTS = (
    "random.js",
    "codes.js",
    "latent.js",
    "styles.js",
    "state.js",
    "files.js",
    "engine.js",
    "sliders.js",
    "explorer.js",
    "painting.js",
    "panel.js",
    "memory.js",
    "methods.js",
    "own.js",
    "idle.js",
    "axes.js",
    "hand.js",
    "keys.js",
    "taken_back.js",
    "family.js",
    "favourites.js",
    "liked_actions.js",
    "controls.js",
)


def _text(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def markup() -> str:
    """The explorer's elements."""
    return _text("explorer.html")


def styles() -> str:
    """The explorer's styles, to be nested in a rule for the element that holds it."""
    return _text("explorer.css") + _text("favourites.css") + _text("family.css")


def script() -> str:
    """All scripts as one function body with `element`, `props`, `server` and `watch` in scope."""
    return "\n".join(_text(name) for name in SCRIPTS)


def alone_script() -> str:
    """The same scripts for a page without the app, as one file."""
    return f"(() => {{\n{_text('alone.js')}\n{script()}\n}})();\n"


def page_markup() -> str:
    """The page around the explorer, with its places in double braces."""
    return _text("page.html")


def page_styles() -> str:
    """The styles of the page, and those of the explorer nested in a rule for its element."""
    return f"{_text('page.css')}\n#explore {{\n{styles()}\n}}\n"


def page_settings() -> dict[str, Any]:
    """What the script finds in `props` besides its value."""
    runtime = runtime_address()
    return {
        "opening_truncation": OPENING_TRUNCATION,
        "runtime": {
            "entry": f"{runtime}/ort.wasm.min.mjs",
            "loader": f"{runtime}/ort-wasm-simd-threaded.mjs",
            "wasm": f"{runtime}/ort-wasm-simd-threaded.wasm",
        },
    }
