"""Who asks the Hub, by what name, and where the Hub is.

A token is a text (the visitor's own), None (the login of this machine: `hf auth login` or HF_TOKEN) or False
(nobody's). On a Space the machine's login belongs to the Space's owner, so there None means False.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from huggingface_hub import constants
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from checkpoints.errors import CheckpointError
from checkpoints.hub_errors import in_one_sentence

TIMEOUT_SECONDS = 10.0

Token = str | Literal[False] | None
Result = TypeVar("Result")

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?:models/|datasets/)?")
_REVISION_IN_LINK = re.compile(r"/(?:tree|blob|resolve|commit)/([^/?#\s]{1,200})")


@dataclass(frozen=True)
class Step:
    """What a pull or push is doing: share of the way, 0..1, and a sentence about it."""

    share: float
    text: str


def parse_repository(text: str, owner: str | None = None) -> str:
    """`owner/name` from what someone typed: that, its page's link, or a bare name for `owner`.

    Raises:
        CheckpointError: when it cannot be the name of a repository.
    """
    name = _LINK.sub("", str(text).strip(), count=1).split("?")[0].split("#")[0].strip("/")
    parts = name.split("/")
    if len(parts) > 2 and parts[2] in ("tree", "blob", "resolve", "commit"):
        parts = parts[:2]
    if len(parts) == 1 and owner:
        parts = [owner, *parts]
    valid = len(parts) == 2 and all(re.fullmatch(_NAME, part) for part in parts)
    if not valid or ".." in name or "--" in name or name.endswith(".git"):
        raise CheckpointError('A repository is named "owner/name", such as "alice/cats"; please check it.')
    return "/".join(parts)


def revision_in(text: str) -> str | None:
    """The revision that a link of a repository's page names (`…/tree/v2`, `…/commit/1a2b`), if any."""
    link = str(text).strip()
    found = _REVISION_IN_LINK.search(link) if _LINK.match(link) else None
    return found[1].replace("%2F", "/") if found and found[1] != "main" else None


def own(token: Token) -> Token:
    """The token to use: cleaned, and never the login of a Space's owner.

    Raises:
        CheckpointError: when a text was given that cannot be a token.
    """
    if token is None or token == "":
        return False if os.getenv("SPACE_ID") or os.getenv("SYSTEM") == "spaces" else None
    if token is not False and not re.fullmatch(r"[\x21-\x7e]{1,2000}", token.strip()):
        raise CheckpointError("This is not a token; copy it again from huggingface.co/settings/tokens.")
    return token.strip() if token else False


def address(endpoint: str | None) -> str:
    """Where the Hub is: `endpoint`, else `$HF_ENDPOINT`, else huggingface.co; without a slash at the end."""
    return (endpoint or os.getenv("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def whoami(token: Token = None, endpoint: str | None = None) -> str:
    """The user name that a token belongs to.

    Raises:
        CheckpointError: when there is no token, the Hub does not accept it or cannot be reached.
    """
    token = own(token)
    if token is False:
        raise CheckpointError("Please sign in to the Hugging Face Hub first.")
    with in_one_sentence("your account"):
        # HfApi.whoami waits for ever where the network swallows packets.
        headers = build_hf_headers(token=token or True)
        answer = get_session().get(
            f"{address(endpoint)}/api/whoami-v2", headers=headers, timeout=TIMEOUT_SECONDS
        )
        hf_raise_for_status(answer)
        return str(answer.json()["name"])


def full_name(repository: str, token: Token = None, endpoint: str | None = None) -> str:
    """`owner/name` for a push: a bare name is put under the token's own account.

    Raises:
        CheckpointError: when it cannot be a repository's name, and as `whoami` where the account is needed.
    """
    if "/" in repository.strip():
        return parse_repository(repository)
    parse_repository(repository, "someone")
    return parse_repository(repository, whoami(token, endpoint))


def last(steps: Generator[Any, None, Result]) -> Result:
    """A generator's return value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
