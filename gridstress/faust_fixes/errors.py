"""The error that the corrections raise."""


class FaustFixError(Exception):
    """What keeps an app from being, or from going on, correct.

    Parameters
    ----------
    message
        What is wrong and where, in one line.
    hint
        What to do about it; may be empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
