"""The one exception of this package."""


class StyleError(Exception):
    """A mistake that the caller can mend: the text is one plain sentence that says what to do."""
