"""What a caller's or visitor's mistake raises: one exception for each package, all of them one sentence."""


class OneSentenceError(Exception):
    """One plain sentence that says what went wrong and what to do about it.

    A name that somebody else chose may stand in it: what is no printable character becomes a space, so that
    it forges no line of a log and sends nothing to a terminal.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("".join(c if c.isprintable() else " " for c in sentence))


class CheckpointError(OneSentenceError):
    """The one of this package."""
