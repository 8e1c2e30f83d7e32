"""A GAN in two dimensions: a part of the Train tab that the visitor's browser computes alone."""

from __future__ import annotations

import gradio as gr

from gan.browser_files import FOLDER

# In the order in which they need each other; all are one function body in the page.
SCRIPTS = (
    "random.js",
    "plane/network.js",
    "plane/losses.js",
    "plane/data.js",
    "plane/training.js",
    "plane/views.js",
    "plane/words.js",
    "plane/page.js",
)


def script() -> str:
    """All scripts of the two-dimensional GAN, with `element` in scope."""
    return "\n".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS)


def build() -> None:
    """Lay out the section. It has no events: the server takes no part in it."""
    with gr.Accordion(
        "A GAN you can see whole: two dimensions, in your browser", open=False, elem_id="plane"
    ):
        gr.HTML(
            "",
            html_template=(FOLDER / "plane" / "plane.html").read_text("utf-8"),
            css_template=(FOLDER / "plane" / "plane.css").read_text("utf-8"),
            js_on_load=script(),
            apply_default_css=False,
            elem_id="plane-gan",
        )
