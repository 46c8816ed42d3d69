"""The shape of table values, marked by their first byte, so that no worker misreads another's.

| schema | values |
|---|---|
| 1 | MessagePack alone; its first byte is that of an array, >= 0x80 |
| 2 | this byte, then the same |
| 3 | as 2; a state has a tag, for a tombstone may stand in its place; a pane may be in parts |
| 4 | as 3; a state has the peak risk of each open alarm episode |

A worker reads all schemas up to its own and writes its own, so an older state is carried over as
it is worked on. A newer one it refuses: what it does not know of, it would lose.
"""

from topology.errors import GridstressError

SCHEMA = 4
_UNMARKED = 0x80


class NewerStateError(GridstressError):
    """A state that a newer gridstress has written."""


def add_schema_byte(packed: bytes) -> bytes:
    """Mark a value with the schema it is written in."""
    return bytes((SCHEMA,)) + packed


def strip_schema_byte(raw: bytes) -> bytes | memoryview:
    """A value without its mark.

    Raises
    ------
    NewerStateError
        If it is of a schema that this gridstress does not know.
    """
    schema_of(raw)
    return raw if raw[0] >= _UNMARKED else memoryview(raw)[1:]


def schema_of(raw: bytes) -> int:
    """The schema of a value.

    Raises
    ------
    NewerStateError
        As `strip_schema_byte`.
    """
    first = raw[0]
    if first >= _UNMARKED:
        return 1
    if first > SCHEMA:
        raise NewerStateError(
            f"the tables are of schema {first}, and this gridstress reads {SCHEMA} at most: it is "
            "older than the one that has written them",
            hint="install the newer one again, or give this one a group of its own "
            "(GRIDSTRESS_GROUP), which begins anew",
        )
    return first
