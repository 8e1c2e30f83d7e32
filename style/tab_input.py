"""The Stylise tab's picture field, apart because Gradio writes a stub file beside every subclass's module."""

from __future__ import annotations

from typing import Any

import gradio as gr


class PictureInput(gr.Image):
    """A picture whose file reaches Python as it was sent, so that `style.images` alone opens it.

    Gradio's own field opens the file first, and a damaged one then ends in an error without a sentence.
    """

    is_template = True  # the page shows it as what it is made from, an image

    def preprocess(self, payload: Any) -> str | None:
        """The path of the uploaded file, or None."""
        return payload.path if payload is not None else None
