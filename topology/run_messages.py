"""What the sender of a run says of it, on the topic ``runs``; ``docs/messages.md`` has a table."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from topology.codec import decode
from topology.errors import MessageError
from topology.messages import Message, Moment, Name, Seq, Text, check_times

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

MAX_ZONES = 10_000
"""Zones that a run's record may name."""


class ZoneSent(Struct, frozen=True):
    """What has been sent of one zone of a run.

    ``rows`` are those with loads, each once; ``last_seq`` is the last sequence number, that of the
    final frame included; ``final`` is whether the zone's final frame is among them.
    """

    rows: Annotated[int, Meta(ge=0, le=2**53)] = 0
    last_seq: Seq = 0
    final: bool = False


class RunRecord(Message, kw_only=True, frozen=True):
    """What the sender of a run says of it; ``docs/messages.md`` has every field.

    ``synthetic`` is None where the sender does not know. ``start`` and ``end`` are the period of
    event time, half-open; ``began`` and ``ended`` wall clock.
    """

    run: Name
    kind: Literal["replay", "live"]
    state: Literal["running", "interrupted", "ended"]
    source: Text
    synthetic: bool | None
    credit: Text = ""
    start: Moment | None = None
    end: Moment | None = None
    grid: Text
    grid_fingerprint: Digest
    settings_fingerprint: Digest
    models: Annotated[list[Name], Meta(max_length=100)]
    zones: Annotated[list[Name], Meta(max_length=MAX_ZONES)]
    sent: Annotated[dict[Name, ZoneSent], Meta(max_length=MAX_ZONES)]
    began: Moment
    ended: Moment | None = None
    made_from: Name | None = None
    changes: Annotated[list[Text], Meta(max_length=1000)] = field(default_factory=list)

    def __post_init__(self) -> None:
        times = (self.start, self.end, self.began, self.ended)
        check_times(moment for moment in times if moment is not None)
        if (self.state == "ended") != (self.ended is not None):
            raise ValueError(f"state {self.state} with ended {self.ended}")


def decode_run_record(key: bytes | None, raw: bytes | None) -> tuple[str, RunRecord | None]:
    """Read what the topic ``runs`` says of a run: its name, and its record or None if deleted.

    Raises
    ------
    MessageError
        As `decode`, and if the key is not the run's name.
    """
    try:
        run = (key or b"").decode()
    except UnicodeDecodeError:
        raise MessageError("invalid", "the key is not UTF-8") from None
    if not run:
        raise MessageError("invalid", "the record has no key")
    if raw is None:
        return run, None
    record = decode(raw, RunRecord)
    if record.run != run:
        raise MessageError("invalid", f"a record of run {record.run!r} with key {run!r}")
    return run, record
