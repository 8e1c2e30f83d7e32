"""The Share tab's lower part: stylised pictures and their recipes as a data set, after a look at its card."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from checkpoints import collected, hub, pictures, share_view, tab_collected
from checkpoints.errors import CheckpointError
from checkpoints.tab_common import (
    AT_ONCE,
    PRIVATE,
    PUBLIC,
    QUEUED,
    Agreed,
    ready_again,
    steps_shown,
    token_of,
)

LICENCES = [
    ("CC-BY 4.0: others may use them and must name you", "cc-by-4.0"),
    ("CC-BY-SA 4.0: the same, under the same licence", "cc-by-sa-4.0"),
    ("CC0: anybody may do anything", "cc0-1.0"),
    ("Another one, or I do not know", "other"),
]
HINT = """What you have collected in Stylise, and PNG files that you have downloaded from there, become a data
set with a viewer on the Hub; each carries the recipe by which it was painted. Only pixels and recipes leave
this machine; look at the card and the list of files first."""
BUTTON = "Push the pictures"


@dataclass(frozen=True)
class Gallery:
    """The components; `agreed` is what the visitor has seen the card of."""

    shelf: tab_collected.Shelf
    files: gr.File
    title: gr.Textbox
    repository: gr.Textbox
    attribution: gr.Textbox
    licence: gr.Dropdown
    visibility: gr.Radio
    show: gr.Button
    shown: gr.HTML
    panel: gr.Accordion
    card: gr.Markdown
    button: gr.Button
    result: gr.HTML
    agreed: gr.State

    @property
    def typed(self) -> list[Any]:
        """What the visitor chooses, in the order of `show_card`'s arguments."""
        return [self.shelf.key, *self.changed]

    @property
    def changed(self) -> list[Any]:
        """What takes the permission to push back when it changes."""
        return [self.files, self.title, self.repository, self.attribution, self.licence, self.visibility]


def lay_out(may_push: bool, key: gr.BrowserState) -> Gallery:
    """Pictures, what is said about them, the card and the last button."""
    with gr.Accordion("Share stylised pictures", open=False, elem_id="share-pictures") as whole:
        shelf = tab_collected.lay_out(key, whole)
        files = gr.File(
            label="More pictures of Stylise (PNG)", file_count="multiple", file_types=[".png"], height=170,
            elem_id="share-pictures-files",
        )  # fmt: skip
        title = gr.Textbox(
            label="Title", info="One line about the collection.", value="Stylised pictures", max_lines=1,
            elem_id="share-pictures-title",
        )  # fmt: skip
        repository = gr.Textbox(
            label="Name on the Hub", info="A name for your own account, or owner/name.", max_lines=1,
            placeholder="my-pictures", elem_id="share-pictures-repo",
        )  # fmt: skip
        attribution = gr.Textbox(
            label="Whose photos and paintings", info="Credit belongs to whoever made them.", max_lines=2,
            elem_id="share-pictures-attribution",
        )  # fmt: skip
        licence = gr.Dropdown(
            LICENCES, value="cc-by-4.0", label="Licence", info="What others may do with them.",
            elem_id="share-pictures-licence",
        )  # fmt: skip
        visibility = gr.Radio(
            [PRIVATE, PUBLIC], value=PRIVATE, label="Who can see them", elem_id="share-pictures-visibility"
        )
        show = gr.Button("Show their card", interactive=may_push, elem_id="share-pictures-card-button")
        shown = gr.HTML(share_view.note(HINT), css_template=share_view.CSS, elem_id="share-pictures-shown")
        with gr.Accordion("The data set's card", visible=False) as panel:
            card = gr.Markdown(max_height=320, elem_id="share-pictures-card")
        button = gr.Button(BUTTON, variant="primary", interactive=False, elem_id="share-pictures-push")
        result = gr.HTML(css_template=share_view.CSS, elem_id="share-pictures-result")
    return Gallery(
        shelf, files, title, repository, attribution, licence, visibility, show, shown, panel, card, button,
        result, gr.State({}),
    )  # fmt: skip


def connect(gallery: Gallery, token: gr.Textbox | None, tab: gr.Tab | None) -> None:
    """Connect the buttons. A change of what was chosen takes the permission to push back."""
    show: Callable[..., Any] = show_card
    send: Callable[..., Any] = push_agreed
    if os.getenv("OAUTH_CLIENT_ID"):  # Gradio refuses to launch off a Space when it sees an OAuth type
        show, send = show_card_signed_in, push_agreed_signed_in
    tokens = [token] if token else []
    tab_collected.connect(gallery.shelf, tab)
    gallery.show.click(
        show,
        [*gallery.typed, *tokens],
        [gallery.shown, gallery.panel, gallery.card, gallery.button, gallery.agreed, gallery.result],
        **QUEUED,
    )
    gr.on(
        [field.change for field in (gallery.shelf.shown, *gallery.changed, *tokens)],
        lambda: (gr.Button(BUTTON, interactive=False), {}),
        outputs=[gallery.button, gallery.agreed],
        trigger_mode="multiple",
        **AT_ONCE,
    )
    pushed = gallery.button.click(
        send, [gallery.agreed, *tokens], [gallery.result, gallery.button, gallery.agreed], **QUEUED
    )
    ready_again(pushed, gallery.button, gallery.agreed)


def show_card(
    key: object,
    files: list[str] | None,
    title: str,
    repository: str,
    attribution: str,
    licence: str,
    visibility: str,
    token: str = "",
    request: gr.Request | None = None,
) -> tuple[Any, ...]:
    """What a push would send, and the permission to send exactly that.

    Returns:
        Values for (files, panel of the card, card, push button, agreed, push result).
    """
    try:
        name = hub.full_name(repository, token_of(token, request))
        about = {"title": title, "licence": licence, "attribution": attribution}
        paths = [*collected.listed(key), *(Path(file) for file in files or [])]
        card, sizes = pictures.preview_push(paths, pictures.Collection(**about), name)
    except CheckpointError as error:
        nothing = gr.Button(BUTTON, interactive=False)
        return share_view.note(str(error), "bad"), gr.Accordion(visible=False), "", nothing, {}, ""
    private = visibility != PUBLIC
    agreed = {"files": [str(p) for p in paths], "about": about, "repository": name, "private": private}
    button = gr.Button(f"Push to {name} ({'private' if private else 'public'})", interactive=True)
    shown = share_view.note(f"This is what {name} will hold. Read it, then push.")
    shown += share_view.files_html(sizes)
    return shown, gr.Accordion(visible=True), share_view.card_markdown(card), button, agreed, ""


def push_agreed(
    agreed: Agreed, token: str = "", request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Send what `show_card` showed; yields values for (push result, button, agreed)."""
    if not agreed:
        yield share_view.note("Look at the card first.", "bad"), gr.Button(interactive=False), {}
        return

    def shown(html: str) -> tuple[Any, ...]:
        return html, gr.Button(interactive=False), gr.skip()

    try:
        steps = pictures.pushing(
            [Path(file) for file in agreed["files"]],
            pictures.Collection(**agreed["about"]),
            agreed["repository"],
            token=token_of(token, request),
            private=agreed["private"],
        )
        result = yield from steps_shown(steps, shown)
    except CheckpointError as error:
        yield share_view.note(str(error), "bad"), gr.skip(), gr.skip()
        return
    yield share_view.pushed_html(result, agreed["private"]), gr.Button(BUTTON, interactive=False), {}


def show_card_signed_in(
    key: object,
    files: list[str] | None,
    title: str,
    repository: str,
    attribution: str,
    licence: str,
    visibility: str,
    login: gr.OAuthToken | None,
) -> tuple[Any, ...]:
    """`show_card` by the login of the visitor of a Space."""
    token = login.token if login else ""
    return show_card(key, files, title, repository, attribution, licence, visibility, token)


def push_agreed_signed_in(agreed: Agreed, login: gr.OAuthToken | None) -> Iterator[tuple[Any, ...]]:
    """`push_agreed` by the login of the visitor of a Space."""
    yield from push_agreed(agreed, login.token if login else "")
