"""Puts the page's own texts into Gradio's hands, so that they appear in the browser's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import gradio as gr
from gradio.i18n import I18nData
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from languages import FOLDER, dictionary, languages

# Its own text tells the page's script which language Gradio has chosen.
MARK = "en"
HEAD = '<script src="languages/page.js" defer></script>'
CSS = "#language { display: none; }"
TEXTS = ("label", "info", "placeholder")
# Components whose value is a text for the eye, and not for the program.
READ = (gr.Markdown, gr.Button, gr.DownloadButton, gr.UploadButton)


def mark() -> None:
    """A hidden component that says the language; to be laid out once on the page."""
    gr.HTML(MARK, elem_id="language")


def routes() -> list[Route]:
    """`languages/page.js` and `languages/LANGUAGE.json`."""
    return [Route("/languages/{name}", _file)]


def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ("page.js", *(f"{language}.json" for language in languages())):
        return Response("There is no such file.", status_code=404)
    return FileResponse(FOLDER / name, headers={"Cache-Control": "no-cache"})


def translations() -> gr.I18n:
    """All languages for `launch(i18n=...)`; English says each text as it is."""
    others = {language: {**dictionary(language), MARK: language} for language in languages()}
    english = {text: text for texts in others.values() for text in texts}
    return gr.I18n(en=english | {MARK: MARK}, **others)


def texts_of(blocks: Iterable[Any]) -> Iterator[tuple[Any, str, str]]:
    """(component, attribute, text) of all that can be read on a page as it is laid out."""
    for block in blocks:
        names = (*TEXTS, "value") if isinstance(block, READ) else TEXTS
        for name in names:
            text = getattr(block, name, None)
            if isinstance(text, str) and text.strip() and not text.startswith("__i18n__"):
                yield block, name, text


def choices_of(blocks: Iterable[Any]) -> Iterator[tuple[Any, int, str]]:
    """(component, place, text) of all that a list on the page offers."""
    for block in blocks:
        for place, choice in enumerate(getattr(block, "choices", None) or []):
            if isinstance(choice, tuple) and isinstance(choice[0], str):
                yield block, place, choice[0]


def translate(demo: gr.Blocks) -> gr.Blocks:
    """Replace the page's texts that a dictionary knows by keys, which Gradio fills in for each browser.

    Called after the page is laid out, so that no tab has to know of languages.
    """
    i18n = translations()
    known = i18n.translations["en"]
    blocks = list(demo.blocks.values())
    for block, name, text in texts_of(blocks):
        if text in known:
            key: I18nData = i18n(text)
            setattr(block, name, str(key) if name == "value" else key)
    for block, place, text in choices_of(blocks):
        if text in known:
            block.choices[place] = (i18n(text), *block.choices[place][1:])
    for block in blocks:
        if isinstance(block, gr.HTML) and block.elem_id == "language":
            block.value = str(i18n(MARK))
    return demo
