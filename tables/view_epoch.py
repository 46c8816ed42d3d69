"""Which of two records about a shard's view is newer: decided by fencing epochs, never by clocks.

The worker that owns a shard has won an epoch of the shard's changelog
(``gridstress/faust_fixes/fencing.py``). It writes that epoch into a header of every view it
publishes, and of every tombstone. A worker that was suspended and has lost the shard still has its
old epoch when it wakes.
"""

from collections.abc import Iterable
from typing import NamedTuple, Self

HEADER = "view-epoch"
MAX_BYTES = 18 + 1 + 249
"""Of the header: a number, a colon, and what Kafka allows as a topic's name."""


class ViewEpoch(NamedTuple):
    """The epoch in which a view or its tombstone was published.

    Attributes
    ----------
    number
        >= 1; grows with each take-over of the shard. 0 if the record has none.
    changelog
        The topic that the number counts in: the changelog of another group begins anew at 1.
    """

    number: int
    changelog: str

    @property
    def header(self) -> tuple[str, bytes]:
        """The header of a record published in this epoch."""
        return HEADER, f"{self.number}:{self.changelog}".encode()

    @classmethod
    def of(cls, headers: Iterable[tuple[str, bytes | None]]) -> Self:
        """Read a record's epoch; `NO_EPOCH` if it has none that can be read."""
        raw = dict(headers).get(HEADER) or b""
        number, _, changelog = raw.partition(b":")
        if len(raw) > MAX_BYTES or not (
            number.isdigit() and len(number) < 19 and changelog.isascii()
        ):
            return cls(*NO_EPOCH)
        return cls(int(number), changelog.decode())

    def replaces(self, known: "ViewEpoch") -> bool:
        """Whether a record of this epoch replaces one of `known` that stands before it in the log.

        Numbers of different changelogs cannot be compared; there the log alone decides. A record
        without an epoch never replaces one that has an epoch.
        """
        comparable = self.changelog == known.changelog or self.number == 0
        return self.number >= known.number if comparable else True


NO_EPOCH = ViewEpoch(0, "")
"""What a record without a readable epoch has; a gridstress before view epochs writes such."""
