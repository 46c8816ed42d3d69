"""The records that travel between the stages; ``docs/messages.md`` has a table for each.

A frame is columnar: ``nodes`` names the columns, ``timestamps`` the rows. Row *i* has the sequence
number ``seq + i``, so a row keeps its number however many rows a message carries.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from sys import float_info
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from topology.columns import Column, Rows, alike, checked, of_either, to_bytes, to_lists
from topology.errors import MessageError

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

MAX_VALUES = 60_000
"""Values that one frame carries; as JSON with all digits they stay under a record's 2 MiB."""

CONTENT_TYPE = "content-type"
"""Header of a record of columns: its format."""

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


class ZoneFrame(Message, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What every frame of a zone says of itself; event times in epoch seconds by ``times_s``."""

    run: Name
    zone: Name
    seq: Seq
    timestamps: Annotated[list[Moment], Meta(min_length=1, max_length=1000)]
    nodes: list[Name]
    final: bool = False

    def __post_init__(self) -> None:
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
        super().__post_init__()
        _check_rows("load_mw", self.load_mw, len(self.timestamps), len(self.nodes))


class StressFrame(ZoneFrame, kw_only=True, frozen=True, eq=False):
    """Stress of the zone's stressed nodes; without nodes it still moves time forward.

    ``stress`` has shape (rows, nodes), in stress-hours.
    """

    stress: Rows

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_stress(self, "stress", len(self.nodes))


class PropagatedFrame(ZoneFrame, kw_only=True, frozen=True, eq=False):
    """What one zone's stressed nodes (``sources``) add to the nodes of one shard.

    ``stress`` has shape (rows, nodes), ``source_stress`` (rows, sources), both in stress-hours.
    """

    shard: Annotated[int, Meta(ge=0, le=65_535)]
    stress: Rows
    sources: list[Name]
    source_stress: Rows

    def __post_init__(self) -> None:
        super().__post_init__()
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

    def __post_init__(self) -> None:
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

    def __post_init__(self) -> None:
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

    def __post_init__(self) -> None:
        check_times((self.timestamp, self.window_start, self.window_end), RESULT_TIMES)


Record = TypeVar("Record", bound=Struct)
_encoder = msgspec.json.Encoder(enc_hook=to_lists)
_packer = msgspec.msgpack.Encoder(enc_hook=to_bytes)

MAX_DEPTH = 500
"""Levels that a record may nest; what msgspec bears depends on the version of Python."""

_NO_NUMBER = re.compile(rb"[\[:,]\s*-?(NaN|Infinity)\b")
_BRACKETS = re.compile(rb'"(?:[^"\\]+|\\.)*"?|[][{}]', re.DOTALL)


def row_slices(rows: int, columns: int) -> Iterator[slice]:
    """Cut a frame's rows such that no message carries more than ``MAX_VALUES`` values.

    A slice has one row at least, however many columns there are.
    """
    step = max(1, MAX_VALUES // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def encode(record: Struct) -> bytes:
    """A record as UTF-8 JSON; times as ISO-8601 UTC, floats so that they read back unchanged."""
    return _encoder.encode(record)


def encode_all(records: Sequence[Struct]) -> list[bytes]:
    """Encode each record, as `encode`; quicker for many."""
    return _encoder.encode_lines(records).split(b"\n")[:-1]  # JSON escapes line breaks


class Format(NamedTuple):
    """How records of columns are written: the encoder, and the header that names it."""

    encode: Callable[[Struct], bytes]
    header: tuple[str, bytes]


FORMATS: Mapping[str, Format] = {
    "msgpack": Format(_packer.encode, (CONTENT_TYPE, b"application/msgpack")),
    "json": Format(encode, (CONTENT_TYPE, b"application/json")),
}
"""By the value of ``GRIDSTRESS_RECORD_FORMAT``."""

PACKED = (StressFrame, PropagatedFrame, RiskWindow, WindowHead)
"""Kinds of record that may be MessagePack; all others are JSON."""


def decode(raw: bytes | None, kind: type[Record]) -> Record:
    """Read and check one record, in whichever format it is.

    Raises
    ------
    MessageError
        With reason ``invalid`` and the field that is wrong, for anything that is not a record of
        this kind; with reason ``newer`` for what a newer gridstress has written.
    """
    if raw is None:
        raise MessageError("invalid", "the record has no value")
    if is_packed(raw) and issubclass(kind, PACKED):
        return _unpacked(raw, kind)
    if not kind.__struct_config__.forbid_unknown_fields:
        return _decode_leniently(raw, kind)
    try:
        # What is accepted here is nested no deeper than its kind: it has no unknown fields.
        record: Record = _decoder(kind).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_leniently(raw, kind)
    return record


def _decode_leniently(raw: bytes, kind: type[Record]) -> Record:
    """Read and check one record that may have unknown fields."""
    if _is_deep(raw):
        raise MessageError(
            "invalid", f"not a {kind.__name__}: nested more than {MAX_DEPTH} levels deep"
        ) from None
    try:
        record: Record = _decoder(_lenient(kind)).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if (schema := _schema_of(raw)) > SCHEMA:
            raise _newer(kind, schema) from None
        no_number = "; NaN and Infinity are no JSON" if _NO_NUMBER.search(raw) else ""
        raise MessageError("invalid", f"not a {kind.__name__}: {error}{no_number}") from None
    return record if type(record) is kind else kind(**msgspec.structs.asdict(record))


def is_packed(raw: bytes) -> bool:
    """Whether a record begins as a map of MessagePack, as no JSON does."""
    return raw[:1] >= b"\x80"


def _unpacked(raw: bytes, kind: type[Record]) -> Record:
    try:
        record: Record = _unpacker(kind).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if (schema := msgspec.msgpack.decode(raw, type=_Versioned).schema) > SCHEMA:
                raise _newer(kind, schema) from None
        raise MessageError("invalid", f"not a {kind.__name__}: {error}") from None
    return record if type(record) is kind else kind(**msgspec.structs.asdict(record))


def _newer(kind: type[Struct], schema: int) -> MessageError:
    problem = f"a {kind.__name__} of schema {schema}; this gridstress reads {SCHEMA}"
    return MessageError("newer", problem)


@cache
def _decoder(kind: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=of_either)


@cache
def _unpacker(kind: type[Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(_lenient(kind), dec_hook=of_either)


@cache
def _lenient(kind: type[Struct]) -> type[Struct]:
    """The same kind of record, with unknown fields allowed."""
    if not kind.__struct_config__.forbid_unknown_fields:
        return kind
    return msgspec.defstruct(
        kind.__name__, [], bases=(kind,), kw_only=True, frozen=True, forbid_unknown_fields=False
    )


def _is_deep(raw: bytes) -> bool:
    """Whether brackets outside of texts are nested more than `MAX_DEPTH` levels deep."""
    if len(raw) <= MAX_DEPTH or not any(islice(_opened(raw), MAX_DEPTH, None)):
        return False
    depth = 0
    for found in _BRACKETS.finditer(raw):
        first = found[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > MAX_DEPTH:
            return True
    return False


def _opened(raw: bytes) -> Iterator[bool]:
    """Yield True for each opening bracket, also in texts: much faster than to count them."""
    for bracket in b"[", b"{":
        at = raw.find(bracket)
        while at >= 0:
            yield True
            at = raw.find(bracket, at + 1)


class _Versioned(Struct):
    schema: int = SCHEMA


def _schema_of(raw: bytes) -> int:
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(raw, type=_Versioned).schema
    return SCHEMA
