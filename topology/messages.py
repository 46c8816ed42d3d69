"""The records that travel between the stages; ``docs/messages.md`` has a table for each.

A frame is columnar: ``nodes`` names the columns, ``timestamps`` the rows. Row *i* has the sequence
number ``seq + i``, so a row keeps its number however many rows a message carries.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from sys import float_info
from typing import Annotated, Any, Literal, get_args

import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from topology.columns import Column, Rows, alike, checked

Name = Annotated[str, Meta(min_length=1, max_length=128)]
Moment = Annotated[datetime, Meta(tz=True)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
Period = Annotated[int, Meta(ge=1, le=86_400)]
Load = Annotated[float, Meta(ge=-1e6, le=1e6)]
MAX_STRESS = 1e100
"""More than any load can lead to, and so little that no number of them adds up to infinity."""
Risk = Annotated[float, Meta(ge=0, le=1)]
Share = Annotated[float, Meta(ge=0, le=1 + 1e-9)]
Text = Annotated[str, Meta(max_length=1000)]
Level = Literal["WARNING", "HIGH", "CRITICAL"]
LEVELS: tuple[Level, ...] = get_args(Level)
State = Literal["RAISED", "ESCALATED", "CLEARED"]

SCHEMA = 1
"""Version of the shape of all records; a record of another is refused."""

NUMBER_BYTES = 25
"""A number of JSON with all its digits, and a comma."""

MAX_COLUMN_BYTES = 1_500_000
"""What the columns of a frame take as JSON at most, unless one row alone takes more: so that it
stays under a record's 2 MiB."""

SENT_MS = "measured-sent-ms"
"""Header of a stress frame: when its measurements were sent, the record's timestamp in ms."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


def _check_rows(what: str, rows: list[list[float]], timestamps: int, columns: int) -> None:
    if len(rows) != timestamps:
        raise ValueError(f"{what} has {len(rows)} rows for {timestamps} timestamps")
    for i, row in enumerate(rows):
        if len(row) != columns:
            raise ValueError(f"{what}[{i}] has {len(row)} values for {columns} columns")


EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""The first and the last event time that a frame may have."""

RESULT_TIMES = datetime(1700, 1, 1, tzinfo=UTC), datetime(2400, 1, 1, tzinfo=UTC)
"""The same for what comes of frames: it may lie a window and the lateness outside, and the
settings allow a hundred years for each."""


def check_times(
    moments: Iterable[datetime], between: tuple[datetime, datetime] = (EARLIEST, LATEST)
) -> None:
    """Raise ValueError if a time is not between two others."""
    earliest, latest = between
    for moment in moments:
        if not earliest <= moment <= latest:
            raise ValueError(f"time {moment} is not between {earliest:%Y} and {latest:%Y} (UTC)")


def _check_stress(frame: "ZoneFrame", name: str, columns: int) -> None:
    shape = len(frame.timestamps), columns
    force_setattr(frame, name, checked(name, getattr(frame, name), shape, MAX_STRESS))


def _check_unique(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"{what} names a node twice")


class Message(Struct, kw_only=True, frozen=True, tag_field="schema", tag=SCHEMA):
    """What every record says of itself: ``"schema": 1``; one that does not say is of schema 1.

    Where unknown fields are forbidden, `decode` notices them, and ignores them.
    """

    def check(self) -> None:
        """Raise ValueError if fields do not fit together, in a record that was read."""


class ZoneFrame(Message, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What every frame of a zone says of itself; event times in epoch seconds by ``times_s``."""

    run: Name
    zone: Name
    seq: Seq
    timestamps: Annotated[list[Moment], Meta(min_length=1, max_length=1000)]
    nodes: list[Name]
    final: bool = False

    def _check_zone(self) -> None:
        check_times(self.timestamps)
        _check_unique("nodes", self.nodes)
        if self.final and (self.nodes or len(self.timestamps) != 1):
            raise ValueError(
                f"a final frame has one row and no nodes, not {len(self.timestamps)} rows "
                f"of {len(self.nodes)}"
            )

    def __eq__(self, other: object) -> bool:
        """Whether another says the same."""
        return alike(self, other)

    @property
    def times_s(self) -> Floats:
        """Row times in epoch seconds, shape (rows,)."""
        return np.array([moment.timestamp() for moment in self.timestamps])

    @property
    def last_seq(self) -> int:
        """The sequence number of the last row."""
        return self.seq + len(self.timestamps) - 1


class MeasurementFrame(ZoneFrame, kw_only=True, frozen=True):
    """Loads of one zone's nodes, in MW, at consecutive times; a value stands for ``period_s``.

    ``final`` marks the end of the zone's run: one row without nodes, at the end of its data.
    """

    load_mw: list[list[Load]]
    period_s: Period = 3600

    def __post_init__(self) -> None:
        self._check_zone()
        _check_rows("load_mw", self.load_mw, len(self.timestamps), len(self.nodes))


class StressFrame(ZoneFrame, kw_only=True, frozen=True, eq=False):
    """Stress of the zone's stressed nodes; without nodes it still moves time forward.

    ``stress`` has shape (rows, nodes), in stress-hours.
    """

    stress: Rows

    def check(self) -> None:
        """As of `Message`."""
        self._check_zone()
        _check_stress(self, "stress", len(self.nodes))


class PropagatedFrame(ZoneFrame, kw_only=True, frozen=True, eq=False):
    """What one zone's stressed nodes (``sources``) add to the nodes of one shard.

    ``stress`` has shape (rows, nodes), ``source_stress`` (rows, sources), both in stress-hours.
    """

    shard: Annotated[int, Meta(ge=0, le=65_535)]
    stress: Rows
    sources: list[Name]
    source_stress: Rows

    def check(self) -> None:
        """As of `Message`."""
        self._check_zone()
        _check_stress(self, "stress", len(self.nodes))
        _check_stress(self, "source_stress", len(self.sources))
        _check_unique("sources", self.sources)
        if self.final and self.sources:
            raise ValueError("a final frame has no sources")


class RiskWindow(Message, kw_only=True, frozen=True, forbid_unknown_fields=True, eq=False):
    """The final values of one window for one shard's nodes; nodes without stress are left out.

    ``stress``, in stress-hours, and ``risk`` have shape (nodes,).
    """

    model: Name
    run: Name
    shard: Annotated[int, Meta(ge=0, le=65_535)]
    window_start: Moment
    window_end: Moment
    nodes: list[Name]
    stress: Column
    risk: Column

    def check(self) -> None:
        """As of `Message`."""
        check_times((self.window_start, self.window_end), RESULT_TIMES)
        _check_unique("nodes", self.nodes)
        shape = (len(self.nodes),)
        force_setattr(self, "stress", checked("stress", self.stress, shape, float_info.max))
        force_setattr(self, "risk", checked("risk", self.risk, shape, 1.0))

    def __eq__(self, other: object) -> bool:
        """Whether another says the same."""
        return alike(self, other)


class WindowHead(Message, kw_only=True, frozen=True, eq=False):
    """What is read of every RiskWindow that comes: whose it is, and its risks. The rest is left."""

    model: Name
    run: Name
    shard: Annotated[int, Meta(ge=0, le=65_535)]
    window_end: Moment
    risk: Column

    def check(self) -> None:
        """As of `Message`."""
        check_times((self.window_end,), RESULT_TIMES)
        checked("risk", self.risk, self.risk.shape, 1.0)

    def __eq__(self, other: object) -> bool:
        """Whether another says the same."""
        return alike(self, other)


class SourceShare(Struct, frozen=True, gc=False):
    """How much of a node's stress in a window came from one source."""

    node_id: Name
    share: Share


class RiskAlert(Message, kw_only=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """One step of an alarm episode, decided when the watermark passed ``window_end``.

    ``peak_risk`` is the highest risk of the node's windows since the episode was raised, this one
    included; None in an episode that an older gridstress has raised.
    """

    alert_id: Name
    episode_id: Name
    model: Name
    run: Name
    node_id: Name
    timestamp: Moment
    window_start: Moment
    window_end: Moment
    risk_score: Risk
    peak_risk: Risk | None = None
    level: Level
    state: State
    sources: list[SourceShare]

    def check(self) -> None:
        """As of `Message`."""
        check_times((self.timestamp, self.window_start, self.window_end), RESULT_TIMES)


def name_bytes(name: str) -> int:
    """What a name takes in a list of JSON, with its comma, in bytes."""
    return len(msgspec.json.encode(name)) + 1


def row_slices(rows: int, columns: int, names_bytes: int) -> Iterator[slice]:
    """Cut a frame's rows such that its columns take no more than `MAX_COLUMN_BYTES`.

    A slice has one row at least, however many columns there are.

    Parameters
    ----------
    names_bytes
        What the names of the columns take as JSON.
    """
    room = (MAX_COLUMN_BYTES - names_bytes) // NUMBER_BYTES
    step = max(1, room // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
