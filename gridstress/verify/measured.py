"""The measurements of a run as they are in the topic, including records that cannot be used."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

from aiokafka import ConsumerRecord

from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.verify.records import Pairs, measurement_of, parse, run_of
from topology.errors import DataError, MessageError
from topology.grid import Grid
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord

UNDECODABLE = "undecodable"
"""Reason of dead letters about batches that an operator had the workers pass over."""


class Place(NamedTuple):
    """Where a record lies in its topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """Return it as it is written in reports."""
        return f"{self.partition}/{self.offset}"


@dataclass(frozen=True)
class Measured:
    """One record of ``grid_measurements``.

    Attributes
    ----------
    place, sent_ms, digest
        Where it lies, its timestamp (of one without, that of the record before it; -1 if there is
        none), and the digest of its value.
    frame
        What it holds; None if it is not a frame.
    reason, detail
        Why it cannot be used, as in its dead letter and in words; empty if it can.
    """

    place: Place
    sent_ms: int
    digest: str
    frame: MeasurementFrame | None
    reason: str = ""
    detail: str = ""


@dataclass
class Measurements:
    """What ``grid_measurements`` holds of one run.

    Attributes
    ----------
    records
        The run's, in the order of their places.
    nameless
        Records that name no run, so that they could be of any.
    read
        Offsets that were read, by partition.
    record
        What the run's sender says of it; None if it says nothing.
    held
        By partition, the offset from which on records wait for a transaction that is open.
    """

    run: str
    records: list[Measured] = field(default_factory=list)
    nameless: list[Measured] = field(default_factory=list)
    read: dict[int, range] = field(default_factory=dict)
    record: RunRecord | None = None
    held: dict[int, int] = field(default_factory=dict)
    _sent_ms: dict[int, int] = field(default_factory=dict)

    @property
    def frames(self) -> list[MeasurementFrame]:
        """The run's frames, also those of unknown zones and nodes."""
        return [record.frame for record in self.records if record.frame is not None]

    def check_order(self, grid: Grid) -> None:
        """Make sure that the rows of each zone have one order, that of their partition.

        Raises
        ------
        DataError
            If frames of a zone lie in several partitions: it cannot be known in which order the
            workers have read them.
        """
        found: dict[str, set[int]] = defaultdict(set)
        for record in self.judged(grid):
            if record.frame is not None and not record.reason:
                found[record.frame.zone].add(record.place.partition)
        split = [
            f"zone {zone} in {', '.join(map(str, sorted(places)))}"
            for zone, places in sorted(found.items())
            if len(places) > 1
        ]
        if split:
            raise DataError(
                f"run {self.run}: frames of one zone lie in several partitions of "
                f"grid_measurements, so that their order is not known: {'; '.join(split)}",
                hint="Send all frames of a zone to one partition (docs/messages.md), as a run of "
                "another name.",
            )

    def add(self, record: ConsumerRecord, parsed: Pairs | MessageError | None = None) -> None:
        """Take a record of the topic, the next of its partition; one of another run is passed.

        ``parsed`` is what `parsed_value` gave of it, where that was asked before.
        """
        first = self.read.get(record.partition, range(record.offset, record.offset)).start
        self.read[record.partition] = range(first, record.offset + 1)
        if record.timestamp >= 0:
            self._sent_ms[record.partition] = record.timestamp
        run, frame, reason, detail = None, None, "", ""
        try:
            pairs = parsed or parsed_value(record)
            if isinstance(pairs, MessageError):
                raise pairs
            run = run_of(pairs)
            if run not in (self.run, None):
                return
            frame = measurement_of(pairs)
        except MessageError as error:
            reason, detail = error.reason, str(error)
        place = Place(record.partition, record.offset)
        sent_ms = self._sent_ms.get(record.partition, -1)
        measured = Measured(place, sent_ms, digest(record.value), frame, reason, detail)
        (self.nameless if run is None else self.records).append(measured)

    def judged(self, grid: Grid) -> Iterator[Measured]:
        """Yield the run's records, each with why it cannot be used on this grid."""
        for record in self.records:
            if record.frame is None:
                yield record
            else:
                reason, detail = refusal_of(record.frame, grid)
                yield replace(record, reason=reason, detail=detail)


def parsed_value(record: ConsumerRecord) -> Pairs | MessageError:
    """Parse a record of ``grid_measurements`` as JSON; the error says why it is none."""
    if isinstance(record.value, Undecodable):
        return MessageError(UNDECODABLE, record.value.cause)
    try:
        return parse(record.value)
    except MessageError as error:
        return error


def digest(value: bytes | None) -> str:
    """SHA-256 of a record's value, as dead letters that were cut give it."""
    return sha256(value or b"").hexdigest()


def refusal_of(frame: MeasurementFrame, grid: Grid) -> tuple[str, str]:
    """Why a frame cannot be used on a grid: the reason and words; both are empty if it can."""
    if frame.zone not in grid.zones:
        return "unknown-zone", f"unknown zone {frame.zone!r}"
    for node_id in frame.nodes:
        at = grid.index.get(node_id)
        if at is None or grid.nodes[at].zone != frame.zone:
            return "unknown-node", f"node {node_id!r} is not of zone {frame.zone}"
    return "", ""
