"""What the Hub's client raises, as one sentence that says what to do, never quoting the exception's text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import errors

from checkpoints.errors import CheckpointError

# HfHubHTTPError is both of the first two; without a network the client lets plain httpx2 errors through.
TROUBLES: tuple[type[Exception], ...] = (
    httpx2.HTTPError,
    OSError,
    ValueError,
    RuntimeError,
    errors.EntryNotFoundError,
    errors.RevisionResolutionError,
    errors.XetDownloadError,
    httpx2.InvalidURL,
)

_UNREACHABLE = "The Hub cannot be reached; check the network. Everything on this machine works without it."
_OFF = "The Hub is switched off on this machine (HF_HUB_OFFLINE); everything else works."
_SLOW = "The Hub did not answer in time; try again in a minute."
GATED = "{what} is gated: ask for access on its page at the Hub, then use a token of your own."
_STATUS = {
    401: "The Hub does not accept this token; make a new one at huggingface.co/settings/tokens.",
    403: "This token may not write to {what}; use your own user name and a token with write access.",
    408: _SLOW,
    409: "{what} is being changed by somebody else; try again in a minute.",
    412: "{what} is being changed by somebody else; try again in a minute.",
    413: "{what} is too large for the Hub; leave the training state out.",
    429: "The Hub gets too many requests from here; wait some minutes and try again.",
    504: _SLOW,
}


class UnreachableError(CheckpointError):
    """The Hub itself cannot be asked: no network, or switched off on this machine."""


@contextmanager
def in_one_sentence(what: str, revision: str | None = None) -> Iterator[None]:
    """Turn what the Hub's client raises into a CheckpointError about the repository `what`.

    The client's exception holds the request, whose headers hold the token: it does not travel along as the
    context.
    """
    try:
        yield
    except TROUBLES as error:
        text = sentence(error, what, revision)
        failure = (UnreachableError if text in (_UNREACHABLE, _OFF) else CheckpointError)(text)
    else:
        return
    try:
        raise failure
    finally:
        failure.__context__ = None


def sentence(error: BaseException, what: str, revision: str | None = None) -> str:
    """The sentence for `error`, which came up while working with the repository `what`."""
    match error:
        case errors.GatedRepoError():
            return GATED.format(what=what)
        case errors.RepositoryNotFoundError():
            return f"There is no {what} on the Hub, or it is private and you are not signed in as its reader."
        case errors.RevisionNotFoundError() | errors.RevisionResolutionError():
            wanted = (revision or "main")[:60]
            return f"{what} has no branch, tag or commit {wanted!r}; leave it empty for the newest."
        case errors.DisabledRepoError():
            return f"The Hub has disabled {what}; choose another repository."
        case errors.LocalTokenNotFoundError():
            return "Please sign in to the Hub first: give a token, or run `hf auth login` on this machine."
        case errors.OfflineModeIsEnabled():
            return _OFF
        case errors.HfHubHTTPError():
            return _by_status(error.response.status_code, what, error.response.headers.get("retry-after", ""))
        case errors.LocalEntryNotFoundError() if error.__cause__ is not None:
            return sentence(error.__cause__, what, revision)
        case httpx2.TimeoutException() | TimeoutError():
            return _SLOW
        case errors.EntryNotFoundError() | errors.XetDownloadError() | errors.FileMetadataError():
            return f"A file of {what} did not arrive whole; try again in a minute."
        case httpx2.RemoteProtocolError() | httpx2.ReadError() | httpx2.WriteError():
            return "The connection to the Hub broke off; try again, and a download goes on from there."
        case httpx2.HTTPError() | httpx2.InvalidURL() | ConnectionError():
            return _UNREACHABLE
        case PermissionError() if type(error).__name__ == "XetAuthenticationError":
            return _STATUS[403].format(what=what)
        case OSError() if error.errno is not None:
            return f"This machine could not store {what} ({error.strerror}); check its disk."
    return f"The transfer of {what} broke off; try again in a minute."


def _by_status(status: int, what: str, wait: str) -> str:
    if status == 429 and wait.isascii() and wait.isdigit() and len(wait) < 6:
        return f"The Hub gets too many requests from here; wait {_duration(int(wait))} and try again."
    if status in _STATUS:
        return _STATUS[status].format(what=what)
    if status >= 500:
        return f"The Hub has trouble at the moment (status {status}); try again in some minutes."
    return f"The Hub refused the request about {what} (status {status}); check the name and try again."


def _duration(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
