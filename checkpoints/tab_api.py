"""What the Share tab does, for programs: list, get and describe checkpoints.

Pushing is not among them: it would need an access token as an argument, and arguments of an API end up in
logs. `python -m checkpoints push` does it from the command line.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from checkpoints import store
from checkpoints.errors import CheckpointError
from checkpoints.tab_endpoint import endpoint

MOST_REFERENCES = 200
# Nobody's search finds private ones, and previews are files of the Hub.
_NOT_TOLD = ("private", "has_preview")


def build() -> None:
    """Offer the endpoints; call it inside `gr.Blocks`."""
    for function in (checkpoints, card):
        endpoint(function, (CheckpointError,))
    endpoint(pull, (CheckpointError,), queue="hub", at_once=2)
    endpoint(search_hub, (CheckpointError,), queue="hub", at_once=2)


def checkpoints(references: list[str] | None = None) -> list[dict[str, Any]]:
    """The networks that can be opened: those that come with the app, then yours.

    Args:
        references: your own, such as "runs/0123..." from train_keep or "pulled/owner/name" from pull.

    Returns:
        The name (`checkpoint`), `title` and `attribution` of each.
    """
    wanted = references if isinstance(references, list) else []
    found = store.list_checkpoints([each for each in wanted[:MOST_REFERENCES] if isinstance(each, str)])
    return [
        {"checkpoint": each.reference, "title": each.title, "attribution": _attribution(each)}
        for each in found
        if each.kind == "gan"
    ]


def _attribution(checkpoint: store.Checkpoint) -> str:
    data = checkpoint.config.get("data")
    return str(data.get("attribution", ""))[:500] if isinstance(data, dict) else ""


def card(checkpoint: str) -> str:
    """The model card of a network, as Markdown: what it is, what it learned from, whose work that is.

    Args:
        checkpoint: a name from checkpoints.
    """
    from checkpoints.card import model_card

    return model_card(store.find(checkpoint), None)


def search_hub(words: str = "", sort: str = "likes", limit: int = 24) -> list[dict[str, Any]]:
    """Search the Hugging Face Hub for networks of this app's format, which pull can get.

    Args:
        words: what their names should contain; "author/" looks among one author's.
        sort: likes, newest or downloads first.
        limit: how many at most, 1 to 60.

    Returns:
        The `repository`, `title`, `author`, `likes`, `downloads`, `licence`, `updated` day, newest `commit`
        and whether it is `gated`, of each.
    """
    from checkpoints import browse

    if not isinstance(words, str) or isinstance(limit, bool) or not isinstance(limit, int):
        raise CheckpointError("The words are text, and the limit is a whole number.")
    found = browse.search(words, sort=sort, limit=limit, token=False)
    told = [asdict(each) for each in found]
    return [{name: value for name, value in each.items() if name not in _NOT_TOLD} for each in told]


def pull(repository: str, revision: str = "") -> dict[str, Any]:
    """Get a public network from the Hugging Face Hub; it is checked before it can be opened.

    Args:
        repository: "owner/name" or the link of its page.
        revision: branch, tag or commit; the newest where it is empty.
    """
    from checkpoints import hub

    if not isinstance(repository, str) or not isinstance(revision, str):
        raise CheckpointError('Name the repository, such as "alice/cats", and the revision as text.')
    # As nobody: a program that calls from elsewhere must never use the login of this machine's owner.
    found = hub.pull(repository[:200], revision=revision[:100], token=False)
    return {"checkpoint": found.reference, "title": found.title}
