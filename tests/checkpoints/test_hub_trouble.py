"""Trouble at the Hub or on the way: a sentence that says what to do, and what was pulled still opens."""

from __future__ import annotations

import socket

import httpx2
import pytest
from huggingface_hub import errors

from checkpoints import hub, store
from checkpoints.errors import CheckpointError
from checkpoints.hub_errors import sentence
from tests.checkpoints.conftest import Make
from tests.checkpoints.hub_helpers import ALICE, Files
from tests.hub_server import HubServer

pytestmark = pytest.mark.usefixtures("no_waits")


def test_without_a_network(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = f"http://127.0.0.1:{port}"
    for attempt in (
        lambda: hub.pull("alice/cats", endpoint=nowhere),
        lambda: hub.push(make(), "alice/cats", token=ALICE, endpoint=nowhere),
        lambda: hub.whoami(ALICE, nowhere),
    ):
        with pytest.raises(CheckpointError, match="Hub cannot be reached"):
            attempt()


@pytest.mark.parametrize(
    ("pattern", "status", "says"),
    [
        ("GET /api/models", 503, "has trouble"),
        ("GET /api/models", 429, "too many requests"),
        ("GET /api/models", 418, "refused"),
        ("GET /api/models", 504, "in time"),
    ],
)  # fmt: skip
def test_trouble_at_the_hub_while_pulling(
    hub_server: HubServer, repository_files: Files, pattern: str, status: int, says: str
) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.fail(pattern, status, times=100)
    with pytest.raises(CheckpointError, match=says):
        hub.pull("alice/cats")


@pytest.mark.parametrize(
    ("pattern", "status", "says"),
    [
        ("whoami", 500, "has trouble"),
        ("repos/create", 500, "has trouble"),
        ("repos/create", 403, "may not write"),
        ("/commit/", 412, "changed by somebody else"),
        ("/commit/", 413, "too large"),
    ],
)
def test_trouble_at_the_hub_while_pushing(
    hub_server: HubServer, make: Make, pattern: str, status: int, says: str
) -> None:
    hub_server.fail(pattern, status, times=100)
    with pytest.raises(CheckpointError, match=says):
        hub.push(make(), "cats", token=ALICE)


def test_what_was_pulled_opens_without_a_network(
    hub_server: HubServer, repository_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_server.add("alice/cats", repository_files)
    hub.pull("alice/cats")
    nowhere = "http://127.0.0.1:9"
    steps = list(hub.pulling("alice/cats", endpoint=nowhere))
    assert "copy from before" in steps[-1].text
    assert store.find_anywhere("alice/cats").reference == "pulled/alice/cats"
    for refused in ({"token": False}, {"revision": "v2"}):
        with pytest.raises(CheckpointError, match="cannot be reached"):
            hub.pull("alice/cats", endpoint=nowhere, **refused)  # type: ignore[arg-type]


def test_the_hub_says_how_long_to_wait(hub_server: HubServer, repository_files: Files, make: Make) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.retry_after = "90"
    hub_server.fail("GET /api/models", 429, times=9)
    with pytest.raises(CheckpointError, match="wait 90 seconds and try again"):
        hub.pull("alice/cats")
    hub_server.reset_faults()
    hub_server.retry_after = "600"
    hub_server.fail("repos/create", 429, times=99)
    with pytest.raises(CheckpointError, match="wait 10 minutes"):
        hub.push(make(), "dogs", token=ALICE)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx2.ConnectTimeout("x"), "in time"),
        (TimeoutError(), "in time"),
        (httpx2.ConnectError("x"), "cannot be reached"),
        (ConnectionResetError(), "cannot be reached"),
        (errors.OfflineModeIsEnabled(), "HF_HUB_OFFLINE"),
        (errors.LocalTokenNotFoundError(), "sign in"),
        (errors.FileMetadataError(), "did not arrive whole"),
        (OSError(28, "No space left on device"), "No space left"),
        (ValueError("hf_secret"), "broke off"),
    ],
)
def test_other_failures_have_a_sentence(error: Exception, says: str) -> None:
    text = sentence(error, "alice/cats")
    assert says in text
    assert "hf_secret" not in text
