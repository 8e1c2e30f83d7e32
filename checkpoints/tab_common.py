"""What the parts of the Share tab have in common: who asks, how events run, how steps are shown."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import gradio as gr

from checkpoints import hub, share_view, store

MOST_CHOICES = 200
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PRIVATE, PUBLIC = "Private: only you", "Public: everybody"

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


def ready_again(event: Any, button: gr.Button, needed: gr.State | None = None) -> None:
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


def steps_shown(
    steps: Generator[hub.Step, None, Result], shown: Callable[[str], tuple[Any, ...]]
) -> Generator[tuple[Any, ...], None, Result]:
    """Yield what `shown` makes of every step; returns the work's result. Closing it closes the work."""
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield shown(share_view.step_html(step))
    finally:
        steps.close()


def references_of(value: Any) -> list[str]:
    """The library as the page sent it: texts, each once; what is not a list of texts counts as empty."""
    texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    return list(dict.fromkeys(texts))[-MOST_CHOICES:]


def checkpoint_choices(references: Any) -> list[tuple[str, str]]:
    """(label, reference) of what can be pushed: the newest of their own first, then the shipped ones."""
    own = references_of(references)
    found = {c.reference: c for c in store.list_checkpoints(own) if c.kind == "gan"}
    ordered = [*(r for r in reversed(own) if r in found), *(r for r in found if r not in own)]
    return [(f"{found[reference].title} ({_origin(reference)})", reference) for reference in ordered]


def _origin(reference: str) -> str:
    if reference.startswith("runs/"):
        return f"trained here, {reference[5:11]}"
    if reference.startswith("private/"):
        return f"from the Hub, not public, {reference[8:14]}"
    return f"from {reference[7:]}" if reference.startswith("pulled/") else "shipped"


def sits_here(request: gr.Request | None) -> bool:
    """Whether a visitor is at this machine, so that its login is theirs; not so behind a tunnel or a proxy.

    None stands for a call without a page.
    """
    if request is None:
        return True
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    client = request.client.host if request.client else None
    return client in LOOPBACK and name in LOOPBACK and "x-forwarded-for" not in request.headers


def token_of(typed: str, request: gr.Request | None) -> hub.Token:
    """The token that was typed, else this machine's login for whoever sits at it, else nobody's."""
    return typed or (None if sits_here(request) else False)
