"""The one exception that a caller's or visitor's mistake raises in this package."""

from __future__ import annotations

from checkpoints.errors import OneSentenceError


class GanError(OneSentenceError):
    """One plain sentence that says what went wrong and what to do about it."""
