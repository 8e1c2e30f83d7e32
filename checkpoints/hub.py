"""Checkpoints to and from the Hugging Face Hub: the door to `hub_pull`, `hub_push` and `hub_account`."""

from __future__ import annotations

from checkpoints.hub_account import (
    TIMEOUT_SECONDS,
    Step,
    Token,
    full_name,
    parse_repository,
    revision_in,
    whoami,
)
from checkpoints.hub_pull import FILES, pull, pulling
from checkpoints.hub_push import Parts, PushResult, files_to_push, preview_push, push, pushing

__all__ = [
    "FILES",
    "TIMEOUT_SECONDS",
    "Parts",
    "PushResult",
    "Step",
    "Token",
    "files_to_push",
    "full_name",
    "parse_repository",
    "preview_push",
    "pull",
    "pulling",
    "push",
    "pushing",
    "revision_in",
    "whoami",
]
