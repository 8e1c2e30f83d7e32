"""The Share tab's right side: one's own checkpoint to the Hub, after a look at all that would be sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import Context

from checkpoints import hub, share_view, store
from checkpoints.errors import CheckpointError
from checkpoints.tab_common import (
    AT_ONCE,
    PRIVATE,
    PUBLIC,
    QUEUED,
    Agreed,
    checkpoint_choices,
    ready_again,
    steps_shown,
    token_of,
)

LONGEST_FAVOURITES = 1_000_000
LONGEST_RIGHTS = 500
# What the data of a network are called that learned from somebody's own pictures.
OWN = "own"
FILMS = [".gif", ".webp", ".mp4"]
# The favourites lie in the visitor's browser; they leave it when the box is ticked, and not before.
WITH_FAVOURITES = """(...values) => {
  values[%d] = values[%d] ? (window.localStorage.getItem("latent-atelier-favourites") || "") : "";
  return values;
}"""


@dataclass(frozen=True)
class Push:
    """The components of the right column; `agreed` is what the visitor has seen the card of."""

    choice: gr.Dropdown
    repository: gr.Textbox
    visibility: gr.Radio
    training: gr.Checkbox
    sliders: gr.Checkbox
    liked: gr.Checkbox
    film: gr.File
    rights: gr.Textbox
    favourites: gr.Textbox
    show: gr.Button
    files: gr.HTML
    panel: gr.Accordion
    card: gr.Markdown
    button: gr.Button
    stop: gr.Button
    result: gr.HTML
    agreed: gr.State

    @property
    def typed(self) -> list[Any]:
        """What the visitor chooses, in the order of `show_card`'s arguments."""
        return [
            self.choice, self.repository, self.visibility, self.training, self.sliders, self.liked, self.film,
            self.rights,
        ]  # fmt: skip


def lay_out(may_push: bool) -> Push:
    """What to share, how it is called, who sees it and what goes along; then the card and the last button."""
    choices = checkpoint_choices([])
    choice = gr.Dropdown(
        choices,
        value=choices[0][1] if choices else None,
        label="Network to share",
        elem_id="share-push-choice",
    )
    repository = gr.Textbox(
        label="Name on the Hub", info="A name for your own account, or owner/name.", placeholder="my-cats",
        max_lines=1, elem_id="share-push-repo",
    )  # fmt: skip
    with gr.Row():
        visibility = gr.Radio(
            [PRIVATE, PUBLIC], value=PRIVATE, label="Who can see it", elem_id="share-push-visibility"
        )
        training = gr.Checkbox(
            False, label="Include the training state", info="So that others can train it further.",
            elem_id="share-push-training",
        )  # fmt: skip
    rights = gr.Textbox(
        label="Whose pictures are these, and may they be shared?", max_lines=3, max_length=LONGEST_RIGHTS,
        info="This network learned from pictures of your own. What you write here goes into its card.",
        placeholder="My own photos, CC-BY 4.0", visible=False, elem_id="share-push-rights",
    )  # fmt: skip
    with gr.Accordion("What else goes along", open=False, elem_id="share-push-more"):
        sliders = gr.Checkbox(
            True, label="Saved sliders", info="Directions that you or training found and kept.",
            elem_id="share-push-sliders",
        )  # fmt: skip
        liked = gr.Checkbox(
            False, label="My favourites of this network", info="The pictures you like (♡), with your notes.",
            elem_id="share-push-favourites",
        )  # fmt: skip
        film = gr.File(
            label="A film, for its page: GIF, WebP or MP4",
            file_types=FILMS,
            height=160,
            elem_id="share-push-film",
        )
    favourites = gr.Textbox(visible=False)
    show = gr.Button("Show the card", interactive=may_push, elem_id="share-card-button")
    hint = share_view.note(share_view.CARD_HINT)
    files = gr.HTML(hint, css_template=share_view.CSS, head=share_view.HEAD, elem_id="share-files")
    with gr.Accordion("The model card", visible=False, elem_id="share-card-panel") as panel:
        card = gr.Markdown(max_height=420, elem_id="share-card")
    with gr.Row():
        button = gr.Button("Push to the Hub", variant="primary", interactive=False, elem_id="share-push")
        stop = gr.Button("Stop", visible=False, elem_id="share-push-stop")
    result = gr.HTML(css_template=share_view.CSS, elem_id="share-push-result")
    return Push(
        choice, repository, visibility, training, sliders, liked, film, rights, favourites, show, files,
        panel, card, button, stop, result, gr.State({}),
    )  # fmt: skip


def connect(push: Push, library: gr.BrowserState, token: gr.Textbox | None) -> None:
    """Connect the buttons. A change of what was chosen takes the permission to push back."""
    show: Callable[..., Any] = show_card
    send: Callable[..., Any] = push_agreed
    if os.getenv("OAUTH_CLIENT_ID"):  # Gradio refuses to launch off a Space when it sees an OAuth type
        show, send = show_card_signed_in, push_agreed_signed_in
    tokens = [token] if token else []
    gr.on(
        [push.show.click, push.repository.submit],
        show,
        [*push.typed, push.favourites, *tokens],
        [push.files, push.panel, push.card, push.button, push.agreed, push.result],
        js=WITH_FAVOURITES % (len(push.typed), push.typed.index(push.liked)),
        **QUEUED,
    )
    gr.on(
        [field.change for field in (*push.typed, *tokens)],
        lambda: (gr.Button("Push to the Hub", interactive=False), {}),
        outputs=[push.button, push.agreed],
        trigger_mode="multiple",
        **AT_ONCE,
    )
    shown = [push.result, push.button, push.agreed, push.stop]
    pushed = push.button.click(send, [push.agreed, *tokens], shown, **QUEUED)
    push.stop.click(stopped, outputs=[push.result, push.button, push.stop], cancels=[pushed], **AT_ONCE)
    ready_again(pushed, push.button, push.agreed)
    page = Context.root_block
    assert page is not None, "build is called inside gr.Blocks"
    push.choice.change(asked_for_rights, push.choice, push.rights, **AT_ONCE)
    gr.on(
        [library.change, page.load],
        refreshed_choice,
        [library, push.choice],
        push.choice,
        trigger_mode="multiple",
        **AT_ONCE,
    )


def refreshed_choice(references: Any, chosen: str | None) -> gr.Dropdown:
    """The dropdown after the library has changed; what was chosen stays chosen while it is there."""
    choices = checkpoint_choices(references)
    known = [reference for _, reference in choices]
    return gr.Dropdown(choices=choices, value=chosen if chosen in known else next(iter(known), None))


def asked_for_rights(reference: Any) -> gr.Textbox:
    """The question whose pictures these are, for a network that learned from somebody's own."""
    try:
        data = store.find(reference).config.get("data")
    except CheckpointError:
        data = None
    return gr.Textbox(visible=isinstance(data, dict) and data.get("name") == OWN)


def show_card(
    reference: str | None,
    repository: str,
    visibility: str,
    training: bool,
    sliders: bool = True,
    liked: bool = False,
    film: str | None = None,
    rights: str = "",
    favourites: str = "",
    token: str = "",
    request: gr.Request | None = None,
) -> tuple[Any, ...]:
    """What a push would send, and the permission to send exactly that.

    Returns:
        Values for (files, panel of the card, card, push button, agreed, push result).
    """
    try:
        checkpoint = store.find(reference or "")
        name = hub.full_name(repository, token_of(token, request))
        chosen = {
            "training": bool(training),
            "sliders": bool(sliders),
            "film": film if isinstance(film, str) else None,
            "favourites": _favourites(favourites) if liked else [],
            "rights": str(rights)[:LONGEST_RIGHTS],
        }
        card, files = hub.preview_push(checkpoint, name, _parts(chosen))
    except CheckpointError as error:
        nothing = gr.Button("Push to the Hub", interactive=False)
        return share_view.note(str(error), "bad"), gr.Accordion(visible=False), "", nothing, {}, ""
    private = visibility != PUBLIC
    agreed = {"reference": reference, "repository": name, "private": private, "parts": chosen}
    button = gr.Button(f"Push to {name} ({'private' if private else 'public'})", interactive=True)
    shown = share_view.note(f"This is what {name} will hold. Read it, then push.")
    shown += share_view.files_html(files) + share_view.preview_html(checkpoint)
    return shown, gr.Accordion(visible=True), share_view.card_markdown(card), button, agreed, ""


def _favourites(text: Any) -> list[Any]:
    """Favourites as the visitor's browser keeps them. Raises CheckpointError when there are none."""
    try:
        found = json.loads(text) if isinstance(text, str) and len(text) <= LONGEST_FAVOURITES else []
    except (ValueError, RecursionError):
        found = []
    if not isinstance(found, list) or not found:
        raise CheckpointError("You like no picture yet: press ♡ in Explore, or leave the favourites out.")
    return found


def _parts(chosen: Agreed) -> hub.Parts:
    return hub.Parts(**{**chosen, "film": Path(chosen["film"]) if chosen["film"] else None})


def push_agreed(
    agreed: Agreed, token: str = "", request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Send what `show_card` showed; yields values for (push result, button, agreed, stop).

    What was agreed stays untouched until it is done: the visitor may take it back meanwhile.
    """
    hidden = gr.Button(visible=False)
    if not agreed:
        yield share_view.note("Look at the card first.", "bad"), gr.Button(interactive=False), {}, hidden
        return

    def shown(html: str) -> tuple[Any, ...]:
        return html, gr.Button(interactive=False), gr.skip(), gr.Button(visible=True)

    try:
        checkpoint = store.find(agreed["reference"])
        steps = hub.pushing(
            checkpoint,
            agreed["repository"],
            token=token_of(token, request),
            private=agreed["private"],
            parts=_parts(agreed["parts"]),
        )
        result = yield from steps_shown(steps, shown)
    except CheckpointError as error:
        yield share_view.note(str(error), "bad"), gr.skip(), gr.skip(), hidden
        return
    done = gr.Button("Push to the Hub", interactive=False)
    yield share_view.pushed_html(result, agreed["private"]), done, {}, hidden


def stopped() -> tuple[str, gr.Button, gr.Button]:
    """What the page shows after Stop: values for (result, button, stop)."""
    text = "Stopped. Nothing of it is to be seen on the Hub; pushing again sends only what is missing."
    return share_view.note(text), gr.Button(interactive=True), gr.Button(visible=False)


def show_card_signed_in(
    reference: str | None,
    repository: str,
    visibility: str,
    training: bool,
    sliders: bool,
    liked: bool,
    film: str | None,
    rights: str,
    favourites: str,
    login: gr.OAuthToken | None,
) -> tuple[Any, ...]:
    """`show_card` by the login of the visitor of a Space."""
    token = login.token if login else ""
    return show_card(
        reference, repository, visibility, training, sliders, liked, film, rights, favourites, token
    )


def push_agreed_signed_in(agreed: Agreed, login: gr.OAuthToken | None) -> Iterator[tuple[Any, ...]]:
    """`push_agreed` by the login of the visitor of a Space."""
    yield from push_agreed(agreed, login.token if login else "")
