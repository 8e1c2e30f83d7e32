"""The Share tab's left side: get a checkpoint by its name, or find one among what others have shared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from checkpoints import browse, browse_view, hub, share_view
from checkpoints.errors import CheckpointError
from checkpoints.tab_common import AT_ONCE, QUEUED, ready_again, references_of, steps_shown, token_of

SORTS = [("Most liked", "likes"), ("Newest", "newest"), ("Most downloaded", "downloads")]


@dataclass(frozen=True)
class Pull:
    """The components for one repository."""

    repository: gr.Textbox
    revision: gr.Textbox
    button: gr.Button
    stop: gr.Button
    result: gr.HTML
    explore: gr.Button
    pulled: gr.State


@dataclass(frozen=True)
class Browse:
    """The components of the search."""

    words: gr.Textbox
    sort: gr.Radio
    button: gr.Button
    found: gr.HTML


def lay_out() -> tuple[Pull, Browse]:
    """Name and button, and below them the search of the Hub."""
    gr.Markdown("### Get a network")
    repository = gr.Textbox(
        label="Repository or its link", placeholder="owner/name", max_lines=1, elem_id="share-pull-repo"
    )
    with gr.Accordion("A certain version", open=False):
        revision = gr.Textbox(
            label="Revision", info="Branch, tag or commit; empty for the newest.", max_lines=1,
            elem_id="share-pull-revision",
        )  # fmt: skip
    with gr.Row():
        button = gr.Button("Get it", variant="primary", elem_id="share-pull")
        stop = gr.Button("Stop", visible=False, elem_id="share-pull-stop")
    result = gr.HTML(
        share_view.note(share_view.PULL_HINT), css_template=share_view.CSS, elem_id="share-pull-result"
    )
    explore = gr.Button("Open in Explore", visible=False, elem_id="share-pull-open")
    return Pull(repository, revision, button, stop, result, explore, gr.State("")), _lay_out_browse()


def _lay_out_browse() -> Browse:
    gr.Markdown("### What others have shared")
    words = gr.Textbox(
        label="Search", info="Words in the name, or author/ for one person's; empty for all.", max_lines=1,
        placeholder="cats", elem_id="share-browse-words",
    )  # fmt: skip
    sort = gr.Radio(SORTS, value="likes", label="First", elem_id="share-browse-sort")
    button = gr.Button("Search the Hub", elem_id="share-browse")
    found = gr.HTML(
        share_view.note(browse_view.HINT), css_template=share_view.CSS + browse_view.CSS,
        js_on_load=browse_view.JS, elem_id="share-browse-found",
    )  # fmt: skip
    return Browse(words, sort, button, found)


def connect(
    pull: Pull,
    look: Browse,
    library: gr.BrowserState,
    token: gr.Textbox | None,
    open_in_explore: gr.Textbox | None,
) -> None:
    """Connect the buttons; a pulled checkpoint is added to the library."""
    get: Callable[..., Any] = pull_here if token else pull_on_a_space
    search: Callable[..., Any] = search_here if token else search_on_a_space
    if os.getenv("OAUTH_CLIENT_ID"):  # Gradio refuses to launch off a Space when it sees an OAuth type
        get, search = pull_signed_in, search_signed_in
    inputs = [pull.repository, pull.revision, library, *([token] if token else [])]
    pulled = gr.on(
        [pull.button.click, pull.repository.submit],
        get,
        inputs,
        [pull.result, library, pull.pulled, pull.button, pull.stop],
        **QUEUED,
    )
    ready_again(pulled, pull.button)
    pull.stop.click(stopped, outputs=[pull.result, pull.button, pull.stop], cancels=[pulled], **AT_ONCE)
    searched = gr.on(
        [look.button.click, look.words.submit, look.sort.input],
        search,
        [look.words, look.sort, *([token] if token else [])],
        [look.found, look.button],
        trigger_mode="always_last",
        **QUEUED,
    )
    ready_again(searched, look.button)
    if open_in_explore is not None:
        pull.pulled.change(
            lambda reference: gr.Button(visible=bool(reference)), pull.pulled, pull.explore, **AT_ONCE
        )
        pull.explore.click(lambda reference: reference, pull.pulled, open_in_explore, **AT_ONCE)


def pull_here(
    repository: str, revision: str, references: Any, token: str, request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Pull with the token that was typed, or the login of whoever sits at this machine.

    Yields what the left column shows.
    """
    yield from _pull(repository, revision, references, token_of(token, request))


def pull_on_a_space(repository: str, revision: str, references: Any) -> Iterator[tuple[Any, ...]]:
    """Pull as nobody, so it must be public: a Space's own token belongs to its owner."""
    yield from _pull(repository, revision, references, False)


def pull_signed_in(
    repository: str, revision: str, references: Any, login: gr.OAuthToken | None
) -> Iterator[tuple[Any, ...]]:
    """Pull by the login of the visitor of a Space, if there is one; what is not public is theirs alone."""
    yield from _pull(repository, revision, references, login.token if login else False)


def _pull(repository: str, revision: str, references: Any, token: hub.Token) -> Iterator[tuple[Any, ...]]:
    """Values for (result, library, reference of the pulled checkpoint, button, stop)."""

    def shown(html: str) -> tuple[Any, ...]:
        return html, gr.skip(), "", gr.Button(interactive=False), gr.Button(visible=True)

    hidden = gr.Button(visible=False)
    try:
        checkpoint = yield from steps_shown(hub.pulling(repository, revision=revision, token=token), shown)
    except CheckpointError as error:
        yield share_view.note(str(error), "bad"), gr.skip(), "", gr.skip(), hidden
        return
    kept = [reference for reference in references_of(references) if reference != checkpoint.reference]
    reference = checkpoint.reference
    yield share_view.pulled_html(checkpoint), [*kept, reference], reference, gr.skip(), hidden


def stopped() -> tuple[str, gr.Button, gr.Button]:
    """What the page shows after Stop: values for (result, button, stop)."""
    text = "Stopped. What has arrived is kept: getting it again goes on from there."
    return share_view.note(text), gr.Button(interactive=True), gr.Button(visible=False)


def search_here(
    words: str, sort: str, token: str, request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Search with the token that was typed, or the login of whoever sits at this machine."""
    yield from _search(words, sort, token_of(token, request))


def search_on_a_space(words: str, sort: str) -> Iterator[tuple[Any, ...]]:
    """Search as nobody: what is found must be what can be pulled here."""
    yield from _search(words, sort, False)


def search_signed_in(words: str, sort: str, login: gr.OAuthToken | None) -> Iterator[tuple[Any, ...]]:
    """Search by the login of the visitor of a Space, if there is one."""
    yield from _search(words, sort, login.token if login else False)


def _search(words: str, sort: str, token: hub.Token) -> Iterator[tuple[Any, ...]]:
    """Values for (what was found, button); names first, then their pictures."""
    yield share_view.note("Asking the Hub…"), gr.Button(interactive=False)
    try:
        found = browse.search(str(words), sort=str(sort), token=token)
    except CheckpointError as error:
        yield share_view.note(str(error), "bad"), gr.skip()
        return
    yield browse_view.found_html(found, [None] * len(found)), gr.skip()
    if any(each.has_preview for each in found):
        yield browse_view.found_html(found, browse.previews(found, token)), gr.skip()
