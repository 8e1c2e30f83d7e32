"""The one exception that a caller's or visitor's mistake raises in this package."""


class GanError(Exception):
    """One plain sentence that says what went wrong and what to do about it."""
