"""Fencing rule: which changelog records are valid, decided from the log alone.

Every record carries an *epoch* in a header: a number, and the process that writes under it. Read
in the order of the log, a record counts if its number is greater than all before it, or if it is
of the very epoch that is current. The first record of a number wins; the same number of another
process never counts. A worker that takes a partition over appends a *fence*, a record of a greater
number, and whatever the owner before appends behind it is passed over by every reader.
"""

from collections.abc import Iterable
from typing import NamedTuple, Self

from gridstress.faust_fixes.headers import as_number, known_headers

HEADER = "epoch"

MAX_NUMBER = 10**18 - 1
"""No partition is taken over so often: a record of a greater number was not written by us."""

_FENCE = b"\x00fence "


class Epoch(NamedTuple):
    """One owner's time with a partition.

    Attributes
    ----------
    number
        >= 0; grows with each take-over of the partition.
    owner
        Which process, 8 random hex digits: two that take the same number differ in it.
    """

    number: int
    owner: str

    @property
    def header(self) -> tuple[str, bytes]:
        """The header of a record written in this epoch."""
        return HEADER, f"{self.number}:{self.owner}".encode()

    @property
    def fence_key(self) -> bytes:
        """Key of the fence that opens it.

        Every epoch has its own, so that compaction keeps all fences: were only the newest kept, it
        could be one that lost, and the winner's records would no longer count.
        """
        return _FENCE + self.header[1]

    @classmethod
    def of(cls, headers: Iterable[tuple[str, bytes | None]]) -> Self:
        """Read a record's epoch; `NO_OWNER` if it has none that can be read."""
        raw = known_headers(headers).get(HEADER, b"")
        digits, _, owner = raw.partition(b":")
        number = as_number(digits, MAX_NUMBER)
        if number is None or not (owner.isalnum() and owner.isascii()):
            return cls(*NO_OWNER)
        return cls(number, owner.decode())


NO_OWNER = Epoch(0, "")
"""The epoch of a log that no worker has taken over yet, and of records without one."""


def is_fence(key: bytes | None) -> bool:
    """Whether a record with this key is a fence, and so not an entry of the table."""
    return key is not None and key.startswith(_FENCE)


def counts(epoch: Epoch, current: Epoch) -> bool:
    """Whether a record counts that follows others of which `current` was the last to count."""
    return epoch.number > current.number or epoch == current
