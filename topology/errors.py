"""The errors a user can meet, each with its exit code."""


class GridstressError(Exception):
    """Root of everything gridstress raises on purpose.

    Parameters
    ----------
    message
        What was wrong and where, in one line.
    hint
        What to do about it; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(GridstressError):
    """A command was called in a way that cannot work."""

    exit_code = 2


class BrokerError(GridstressError):
    """The Kafka broker cannot be reached or did not answer in time."""

    exit_code = 3


class DataError(GridstressError):
    """A file or record does not hold what it should."""

    exit_code = 4


class MessageError(DataError):
    """A Kafka record that cannot be used; it belongs in ``dead_letters``.

    Parameters
    ----------
    reason
        A short constant such as ``invalid`` or ``late``, for counting.
    message
        The detail for a person.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
