"""The Share tab: pull a checkpoint from the Hub; push one to it after a look at all that would be sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import gradio as gr
from gradio.context import Context
from gradio.utils import get_space

from checkpoints import hub, share_view, store
from checkpoints.errors import CheckpointError

MOST_CHOICES = 200
INTRODUCTION = """Networks live on the [Hugging Face Hub](https://huggingface.co/models?other=latent-atelier)
as *checkpoints*: a folder with the weights, their settings and a description. **Get** one that somebody
shared, or **share** one of yours."""
PRIVATE, PUBLIC = "Private: only you", "Public: everybody"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NO_LOGIN = "Sharing is switched off on this Space: its owner has to add `hf_oauth: true` to its README."

AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# The token is an input, so none of these is an endpoint of the API.
QUEUED: dict[str, Any] = {
    "concurrency_id": "hub",
    "concurrency_limit": 2,
    "show_progress": "hidden",
    "api_visibility": "private",
}

Agreed = dict[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Pull:
    """The components of the left column."""

    repository: gr.Textbox
    revision: gr.Textbox
    button: gr.Button
    result: gr.HTML
    explore: gr.Button
    pulled: gr.State


@dataclass(frozen=True)
class Push:
    """The components of the right column; `agreed` is what the visitor has seen the card of."""

    choice: gr.Dropdown
    repository: gr.Textbox
    visibility: gr.Radio
    training: gr.Checkbox
    show: gr.Button
    files: gr.HTML
    panel: gr.Accordion
    card: gr.Markdown
    button: gr.Button
    result: gr.HTML
    agreed: gr.State


def build(library: gr.BrowserState, open_in_explore: gr.Textbox | None = None) -> None:
    """Lay out the tab and connect it.

    Args:
        library: the visitor's own checkpoints, a list of references; what is pulled is added to it.
        open_in_explore: set to a pulled checkpoint's reference when the visitor wants to explore it now.
    """
    gr.Markdown(INTRODUCTION, elem_id="share-introduction")
    with gr.Row():
        with gr.Column(min_width=320):
            pull = _lay_out_pull()
        with gr.Column(min_width=320):
            token, may_push = _lay_out_login()
            push = _lay_out_push(may_push)
    _connect_pull(pull, library, token, open_in_explore)
    _connect_push(push, library, token)


def _lay_out_pull() -> Pull:
    gr.Markdown("### Get a network")
    repository = gr.Textbox(
        label="Repository or its link", placeholder="owner/name", max_lines=1, elem_id="share-pull-repo"
    )
    with gr.Accordion("A certain version", open=False):
        revision = gr.Textbox(
            label="Revision", info="Branch, tag or commit; empty for the newest.", max_lines=1,
            elem_id="share-pull-revision",
        )  # fmt: skip
    button = gr.Button("Get it", variant="primary", elem_id="share-pull")
    result = gr.HTML(
        share_view.note(share_view.PULL_HINT), css_template=share_view.CSS, elem_id="share-pull-result"
    )
    explore = gr.Button("Open in Explore", visible=False, elem_id="share-pull-open")
    return Pull(repository, revision, button, result, explore, gr.State(""))


def _lay_out_login() -> tuple[gr.Textbox | None, bool]:
    """The login button on a Space, a field for a token elsewhere; and whether anybody can push here."""
    gr.Markdown("### Share a network")
    if os.getenv("OAUTH_CLIENT_ID"):
        gr.LoginButton(elem_id="share-login")
        return None, True
    if get_space() is not None:
        gr.Markdown(NO_LOGIN, elem_id="share-no-login")
        return None, False
    token = gr.Textbox(
        label="Your access token", info="Empty: this machine's own login.", type="password", max_lines=1,
        html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False), elem_id="share-token",
    )  # fmt: skip
    with gr.Accordion("What is a token?", open=False, elem_id="share-token-help"):
        gr.Markdown(share_view.TOKEN_HINT)
    return token, True


def _lay_out_push(may_push: bool) -> Push:
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
    show = gr.Button("Show the card", interactive=may_push, elem_id="share-card-button")
    hint = share_view.note(share_view.CARD_HINT)
    files = gr.HTML(hint, css_template=share_view.CSS, head=share_view.HEAD, elem_id="share-files")
    with gr.Accordion("The model card", visible=False, elem_id="share-card-panel") as panel:
        card = gr.Markdown(max_height=420, elem_id="share-card")
    button = gr.Button("Push to the Hub", variant="primary", interactive=False, elem_id="share-push")
    result = gr.HTML(css_template=share_view.CSS, elem_id="share-push-result")
    return Push(
        choice, repository, visibility, training, show, files, panel, card, button, result, gr.State({})
    )


def _connect_pull(
    pull: Pull, library: gr.BrowserState, token: gr.Textbox | None, open_in_explore: gr.Textbox | None
) -> None:
    inputs = [pull.repository, pull.revision, library, *([token] if token else [])]
    pulled = gr.on(
        [pull.button.click, pull.repository.submit],
        pull_here if token else pull_on_a_space,
        inputs,
        [pull.result, library, pull.pulled, pull.button],
        **QUEUED,
    )
    _ready_again(pulled, pull.button)
    if open_in_explore is not None:
        pull.pulled.change(
            lambda reference: gr.Button(visible=bool(reference)), pull.pulled, pull.explore, **AT_ONCE
        )
        pull.explore.click(lambda reference: reference, pull.pulled, open_in_explore, **AT_ONCE)


def _connect_push(push: Push, library: gr.BrowserState, token: gr.Textbox | None) -> None:
    show: Callable[..., Any] = show_card
    send: Callable[..., Any] = push_agreed
    if os.getenv("OAUTH_CLIENT_ID"):  # Gradio refuses to launch off a Space when it sees an OAuth type
        show, send = show_card_signed_in, push_agreed_signed_in
    typed: list[Any] = [push.choice, push.repository, push.visibility, push.training]
    tokens = [token] if token else []
    gr.on(
        [push.show.click, push.repository.submit],
        show,
        [*typed, *tokens],
        [push.files, push.panel, push.card, push.button, push.agreed, push.result],
        **QUEUED,
    )
    gr.on(
        [field.change for field in (*typed, *tokens)],
        lambda: (gr.Button("Push to the Hub", interactive=False), {}),
        outputs=[push.button, push.agreed],
        **AT_ONCE,
    )
    pushed = push.button.click(
        send, [push.agreed, *tokens], [push.result, push.button, push.agreed], **QUEUED
    )
    _ready_again(pushed, push.button, push.agreed)
    page = Context.root_block
    assert page is not None, "build is called inside gr.Blocks"
    gr.on([library.change, page.load], refreshed_choice, [library, push.choice], push.choice, **AT_ONCE)


def _ready_again(event: Any, button: gr.Button, needed: gr.State | None = None) -> None:
    """Switch a button on when its event is over (and `needed` still holds something).

    Not with the event's last words: the page drops a click that comes before it has heard the end.
    """
    for after in (event.then, event.failure):
        after(
            lambda *values: gr.Button(interactive=all(map(bool, values))),
            [needed] if needed else [],
            button,
            **AT_ONCE,
        )


def checkpoint_choices(references: Any) -> list[tuple[str, str]]:
    """(label, reference) of what can be pushed: the newest of their own first, then the shipped ones."""
    own = references_of(references)
    found = {c.reference: c for c in store.list_checkpoints(own) if c.kind == "gan"}
    ordered = [*(r for r in reversed(own) if r in found), *(r for r in found if r not in own)]
    return [(f"{found[reference].title} ({_origin(reference)})", reference) for reference in ordered]


def _origin(reference: str) -> str:
    if reference.startswith("runs/"):
        return f"trained here, {reference[5:11]}"
    return f"from {reference[7:]}" if reference.startswith("pulled/") else "shipped"


def references_of(value: Any) -> list[str]:
    """The library as the page sent it: texts, each once; what is not a list of texts counts as empty."""
    texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    return list(dict.fromkeys(texts))[-MOST_CHOICES:]


def refreshed_choice(references: Any, chosen: str | None) -> gr.Dropdown:
    """The dropdown after the library has changed; what was chosen stays chosen while it is there."""
    choices = checkpoint_choices(references)
    known = [reference for _, reference in choices]
    return gr.Dropdown(choices=choices, value=chosen if chosen in known else next(iter(known), None))


def pull_here(
    repository: str, revision: str, references: Any, token: str, request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Pull with the token or login of whoever sits at this machine; yields what the left column shows.

    Visitors from elsewhere pull as on a Space.
    """
    yield from _pull(repository, revision, references, (token or None) if sits_here(request) else False)


def pull_on_a_space(repository: str, revision: str, references: Any) -> Iterator[tuple[Any, ...]]:
    """Pull as nobody: what is pulled to a Space can be opened by all its visitors, so it must be public."""
    yield from _pull(repository, revision, references, False)


def _pull(repository: str, revision: str, references: Any, token: hub.Token) -> Iterator[tuple[Any, ...]]:
    """Values for (result, library, reference of the pulled checkpoint, button)."""

    def shown(html: str) -> tuple[Any, ...]:
        return html, gr.skip(), "", gr.Button(interactive=False)

    try:
        checkpoint = yield from _steps(hub.pulling(repository, revision=revision, token=token), shown)
    except CheckpointError as error:
        yield share_view.note(str(error), "bad"), gr.skip(), "", gr.skip()
        return
    kept = [reference for reference in references_of(references) if reference != checkpoint.reference]
    yield share_view.pulled_html(checkpoint), [*kept, checkpoint.reference], checkpoint.reference, gr.skip()


def _steps(
    steps: Generator[hub.Step, None, Result], shown: Callable[[str], tuple[Any, ...]]
) -> Generator[tuple[Any, ...], None, Result]:
    """Yield what `shown` makes of every step; returns the work's result."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield shown(share_view.step_html(step))


def sits_here(request: gr.Request | None) -> bool:
    """Whether a visitor is at this machine, so that its login is theirs; not so behind a tunnel or a proxy.

    None stands for a call without a page.
    """
    if request is None:
        return True
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    client = request.client.host if request.client else None
    return client in LOOPBACK and name in LOOPBACK and "x-forwarded-for" not in request.headers


def _token_of(typed: str, request: gr.Request | None) -> hub.Token:
    """The token that was typed, else this machine's login for whoever sits at it, else nobody's."""
    return typed or (None if sits_here(request) else False)


def show_card(
    reference: str | None,
    repository: str,
    visibility: str,
    training: bool,
    token: str = "",
    request: gr.Request | None = None,
) -> tuple[Any, ...]:
    """What a push would send, and the permission to send exactly that.

    Returns:
        Values for (files, panel of the card, card, push button, agreed, push result).
    """
    try:
        checkpoint = store.find(reference or "")
        name = hub.full_name(repository, _token_of(token, request))
        card, files = hub.preview_push(checkpoint, name, training)
    except CheckpointError as error:
        nothing = gr.Button("Push to the Hub", interactive=False)
        return share_view.note(str(error), "bad"), gr.Accordion(visible=False), "", nothing, {}, ""
    private = visibility != PUBLIC
    agreed = {"reference": reference, "repository": name, "private": private, "training": bool(training)}
    button = gr.Button(f"Push to {name} ({'private' if private else 'public'})", interactive=True)
    shown = share_view.note(f"This is what {name} will hold. Read it, then push.")
    shown += share_view.files_html(files) + share_view.preview_html(checkpoint)
    return shown, gr.Accordion(visible=True), share_view.card_markdown(card), button, agreed, ""


def push_agreed(
    agreed: Agreed, token: str = "", request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Send what `show_card` showed; yields values for (push result, button, agreed).

    What was agreed stays untouched until it is done: the visitor may take it back meanwhile.
    """
    if not agreed:
        yield share_view.note("Look at the card first.", "bad"), gr.Button(interactive=False), {}
        return

    def shown(html: str) -> tuple[Any, ...]:
        return html, gr.Button(interactive=False), gr.skip()

    try:
        checkpoint = store.find(agreed["reference"])
        steps = hub.pushing(
            checkpoint,
            agreed["repository"],
            token=_token_of(token, request),
            private=agreed["private"],
            include_training=agreed["training"],
        )
        result = yield from _steps(steps, shown)
    except CheckpointError as error:
        yield share_view.note(str(error), "bad"), gr.skip(), gr.skip()
        return
    done = gr.Button("Push to the Hub", interactive=False)
    yield share_view.pushed_html(result, agreed["private"]), done, {}


def show_card_signed_in(
    reference: str | None, repository: str, visibility: str, training: bool, login: gr.OAuthToken | None
) -> tuple[Any, ...]:
    """`show_card` by the login of the visitor of a Space."""
    return show_card(reference, repository, visibility, training, login.token if login else "")


def push_agreed_signed_in(agreed: Agreed, login: gr.OAuthToken | None) -> Iterator[tuple[Any, ...]]:
    """`push_agreed` by the login of the visitor of a Space."""
    yield from push_agreed(agreed, login.token if login else "")
