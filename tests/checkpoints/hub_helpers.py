"""What the tests of the Hub share."""

from __future__ import annotations

from checkpoints import hub
from tests.hub_server import HubServer

ALICE, BOB = "hf_alice", "hf_bob"
TRAINING = hub.Parts(training=True)
Files = dict[str, bytes]


def requests_with(server: HubServer, text: str) -> list[str]:
    """What was asked of the Hub, as far as it has this text."""
    return [line for line in server.requests if text in line]
