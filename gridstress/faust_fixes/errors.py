"""The error that the corrections raise, and what an app adds to what they log."""

from dataclasses import dataclass


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


@dataclass(frozen=True)
class Hints:
    """What an operator can do, in the words of the app; each ends a line of the log.

    Attributes
    ----------
    data_directory
        Where another worker uses the data directory.
    partitions
        Where a topic has too few partitions.
    truncated
        Where a log has lost records that were acknowledged.
    undecodable
        Where a batch cannot be decoded; ``{topic}``, ``{partition}`` and ``{offset}`` say which.
    """

    data_directory: str = "give every worker its own: `--datadir`"
    partitions: str = ""
    truncated: str = ""
    undecodable: str = ""
