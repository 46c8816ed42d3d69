"""Read, filter and redeliver records of the dead-letter topic."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gridstress.faust_fixes.headers import as_number, as_text, known_headers
from gridstress.kafka import topics
from gridstress.kafka.readable import as_json
from gridstress.verify.collect import run_of
from topology.clock import from_iso
from topology.codec import decode, encode
from topology.errors import DataError, MessageError, UsageError
from topology.messages import MeasurementFrame

if TYPE_CHECKING:
    from gridstress.kafka_connection import Where

PASSED = ("late", "ahead")
"""Reasons whose rows have been seen and judged: sent again they are repeats."""
LOST, UNDECODABLE = "lost", "undecodable"
"""Reasons of dead letters about offsets of a log, not about a record that could be sent again."""
SHOWN_BYTES = 4096
MAX_PARTITION = 2**31 - 1
"""The greatest number of a partition that Kafka's protocol can carry."""


@dataclass(frozen=True)
class DeadLetter:
    """One dead letter.

    Attributes
    ----------
    partition, offset
        Where in ``dead_letters`` it lies; together its id.
    topic, origin_partition, origin_offset, key, value
        The record it was; the numbers are None where the dead letter lacks them.
    stage, reason, detail, at, rows
        As in ``docs/messages.md``; empty where the dead letter lacks it.
    upto
        Of a dead letter that stands for several offsets, the one behind the last.
    length, sha256
        If it has only the beginning of its record's value: size and hash of the whole.
    """

    partition: int
    offset: int
    value: bytes | None
    topic: str
    origin_partition: int | None
    origin_offset: int | None
    key: bytes
    stage: str
    reason: str
    detail: str
    at: str
    rows: str
    upto: int | None = None
    length: int | None = None
    sha256: str = ""

    @property
    def id(self) -> str:
        """``partition:offset``."""
        return f"{self.partition}:{self.offset}"

    @property
    def run(self) -> str | None:
        """The run its value names, if it can be read so far."""
        return run_of(self.topic, self.value)

    @property
    def at_s(self) -> float | None:
        """When it was written, epoch seconds; None if it lacks that."""
        try:
            return from_iso(self.at)
        except (ValueError, OverflowError):
            return None

    def to_dict(self) -> dict[str, Any]:
        """Lay it out for ``--json``, without the value."""
        return {
            "id": self.id,
            "at": self.at,
            "topic": self.topic,
            "partition": self.origin_partition,
            "offset": self.origin_offset,
            "key": self.key.decode(errors="backslashreplace"),
            "run": self.run,
            "stage": self.stage,
            "reason": self.reason,
            "detail": self.detail,
            "rows": self.rows,
            "upto": self.upto,
            "bytes": None if self.value is None else len(self.value),
            "truncated_from": self.length,
            "sha256": self.sha256,
        }

    def pretty(self) -> str:
        """The value for a person: a record as indented JSON, anything else as hexadecimal dump."""
        if self.value is None:
            return "(no value)"
        found = as_json(self.topic, self.value)
        if found is None:
            text = _hex(self.value[:SHOWN_BYTES])
        else:
            text = json.dumps(json.loads(found), indent=1, ensure_ascii=True)
        cut = len(text) > 4 * SHOWN_BYTES or len(self.value) > SHOWN_BYTES
        return text[: 4 * SHOWN_BYTES] + (f"\n... of {len(self.value):,} bytes" if cut else "")


def parse_dead_letter(
    partition: int, offset: int, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> DeadLetter:
    """Read a record of ``dead_letters``; any program may have written it, and left fields out."""
    known = known_headers(headers)

    def text(name: str) -> str:
        return as_text(known.get(name, b""))

    return DeadLetter(
        partition=partition,
        offset=offset,
        value=value,
        topic=text("topic"),
        origin_partition=as_number(known.get("partition", b""), MAX_PARTITION),
        origin_offset=as_number(known.get("offset", b"")),
        key=known.get("key", b""),
        stage=text("stage"),
        reason=text("reason"),
        detail=text("detail"),
        at=text("at"),
        rows=text("rows"),
        upto=as_number(known.get("upto", b"")),
        length=as_number(known.get("truncated", b"")),
        sha256=text("sha256"),
    )


def _hex(raw: bytes) -> str:
    rows = [raw[at : at + 16] for at in range(0, len(raw), 16)]
    return "\n".join(
        f"{16 * number:06x}  {row.hex(' '):<47}  "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        for number, row in enumerate(rows)
    )


async def read_dead_letters(where: "Where", keep: Callable[[DeadLetter], bool]) -> list[DeadLetter]:
    """Read the dead letters that are wanted, each partition's in order.

    Raises
    ------
    DataError
        If there is no topic of dead letters.
    BrokerError
        If the broker does not answer.
    """
    from gridstress.kafka.topic_reader import scan_topic

    found = []
    async for record in scan_topic(where, topics.DEAD_LETTERS):
        dead_letter = parse_dead_letter(
            record.partition, record.offset, record.value, record.headers
        )
        if keep(dead_letter):
            found.append(dead_letter)
    return sorted(found, key=lambda one: (one.at_s or 0.0, one.partition, one.offset))


@dataclass(frozen=True)
class DeadLetterFilter:
    """Which dead letters are meant: those that meet every condition that is given."""

    ids: tuple[tuple[int, int], ...] = ()
    topic: str | None = None
    reason: str | None = None
    run: str | None = None
    since_s: float | None = None

    def __call__(self, dead_letter: DeadLetter) -> bool:
        """Whether a dead letter is meant."""
        return (
            (not self.ids or (dead_letter.partition, dead_letter.offset) in self.ids)
            and self.topic in (None, dead_letter.topic)
            and self.reason in (None, dead_letter.reason)
            and (self.run is None or self.run == dead_letter.run)
            and (self.since_s is None or (dead_letter.at_s or 0.0) >= self.since_s)
        )


def parse_id(text: str) -> tuple[int, int]:
    """Partition and offset from ``partition:offset``.

    Raises
    ------
    UsageError
        If it is not of that form.
    """
    partition, _, offset = text.partition(":")
    if not all(
        part.isascii() and part.isdigit() and len(part) < 19 for part in (partition, offset)
    ):
        raise UsageError(
            f"{text!r} is not the id of a dead letter",
            hint="`gridstress dead-letters list` shows ids such as 0:17",
        )
    return int(partition), int(offset)


@dataclass(frozen=True)
class Plan:
    """What a replay sends, in the order of the original records; ``left`` tells what it does not.

    ``repeated`` counts the dead letters whose record is sent anyway, for another dead letter.
    """

    dead_letters: Sequence[DeadLetter]
    repeated: int
    left: Sequence[str]


def plan_replay(
    dead_letters: Iterable[DeadLetter], *, read: Collection[str], passed: bool, as_run: str | None
) -> Plan:
    """Choose what is sent: each record once, however many dead letters it has.

    Parameters
    ----------
    dead_letters
        Those that were asked for.
    read
        Topics that a dead letter may be sent back to: its own word is not enough.
    passed
        Whether to send dead letters with a reason in ``PASSED``, too.
    as_run
        Send measurements under this run instead of their own, and nothing else.
    """
    chosen: dict[tuple[str, int, bytes, bytes | None], DeadLetter] = {}
    left: list[str] = []
    repeated = 0
    for dead_letter in sorted(dead_letters, key=lambda one: one.origin_offset or 0):
        problem = _problem(dead_letter, read, passed, as_run)
        if problem:
            left.append(f"{dead_letter.id}: {problem}")
            continue
        try:
            moved = dead_letter
            if as_run is not None:
                moved = replace(dead_letter, value=_renamed(dead_letter, as_run))
        except MessageError as error:
            left.append(f"{dead_letter.id}: cannot be given another run: {error}")
            continue
        identity = (moved.topic, moved.origin_partition or 0, moved.key, moved.value)
        if identity in chosen:
            repeated += 1
        chosen.setdefault(identity, moved)
    ordered = sorted(
        chosen.values(), key=lambda one: (one.topic, one.origin_partition, one.origin_offset or 0)
    )
    return Plan(ordered, repeated, left)


def _problem(
    dead_letter: DeadLetter, read: Collection[str], passed: bool, as_run: str | None
) -> str:
    if dead_letter.topic not in read:
        return f"comes from {dead_letter.topic[:80]!r}, which is not a topic that is read"
    if dead_letter.reason in (LOST, UNDECODABLE):
        return f"is {dead_letter.reason}: it stands for records of the log, none of which it has"
    if dead_letter.length is not None:
        return f"is truncated: it has the beginning of a record of {dead_letter.length:,} bytes"
    if dead_letter.origin_partition is None:
        return "does not say which partition it comes from"
    if as_run is not None and dead_letter.topic != topics.MEASUREMENTS:
        return f"is no measurement (but of {dead_letter.topic}), so it has no run to change"
    if dead_letter.reason in PASSED and not passed:
        return f"is {dead_letter.reason}: its rows are seen, sent again they would be repeats"
    return ""


def _renamed(dead_letter: DeadLetter, run: str) -> bytes:
    frame = decode(dead_letter.value, MeasurementFrame)
    renamed = {name: getattr(frame, name) for name in frame.__struct_fields__} | {"run": run}
    return encode(MeasurementFrame(**renamed))


def only(dead_letters: Sequence[DeadLetter], partition: int, offset: int) -> DeadLetter:
    """The dead letter of that id.

    Raises
    ------
    DataError
        If there is none.
    """
    for dead_letter in dead_letters:
        if (dead_letter.partition, dead_letter.offset) == (partition, offset):
            return dead_letter
    raise DataError(
        f"no dead letter {partition}:{offset}", hint="`gridstress dead-letters list` shows all"
    )
