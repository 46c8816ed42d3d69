"""Find what ``grid_measurements`` holds of a run, to resume its replay."""

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import blake2b

import msgspec

from gridstress.kafka.topic_reader import scan_topic
from gridstress.kafka.topics import MEASUREMENTS, ensure_topics
from gridstress.kafka_connection import Where
from gridstress.replay.archived import Run
from gridstress.replay.schedule import Schedule
from gridstress.settings import Settings
from topology.clock import to_iso
from topology.codec import decode
from topology.errors import DataError, MessageError
from topology.messages import MeasurementFrame

Rows = dict[str, dict[int, bytes]]
"""By zone and number, what a row says, as a digest: a run of any length fits into memory."""


async def behind_the_topic(settings: Settings, schedule: Schedule) -> Schedule:
    """Give the rest of a run: the schedule without what the topic already holds of it.

    The zones may have stopped at different rows.

    Raises
    ------
    DataError
        If what the topic holds is not the beginning of this schedule: other data, other options,
        another topology, or a row missing in between.
    BrokerError
        If no broker answers.
    """
    await ensure_topics(settings)
    return rest_of(schedule, await _rows_sent(settings.kafka, schedule.run))


async def check_sent(settings: Settings, schedule: Run) -> None:
    """Check that the topic holds no other rows of a run than those of this schedule.

    Rows that it lacks, such as those behind its retention, may be sent again.

    Raises
    ------
    DataError
        If it does: other data, other options, or another topology.
    BrokerError
        If no broker answers.
    """
    _first_missing(schedule, await _rows_sent(settings.kafka, schedule.run))


def rest_of(schedule: Schedule, sent: Rows) -> Schedule:
    """Leave out of a schedule what was sent, having compared it row by row.

    Raises
    ------
    DataError
        As `behind_the_topic`.
    """
    if missing := _first_missing(schedule, sent):
        raise _other(schedule, f"{missing} is missing")
    return replace(schedule, sent={zone: max(rows) for zone, rows in sent.items() if rows})


def _first_missing(schedule: Run, sent: Rows) -> str:
    """Compare rows with a schedule; its first row that is missing in between, or nothing."""
    last = {zone: max(rows) for zone, rows in sent.items() if rows}
    left = {(zone, seq) for zone, rows in sent.items() for seq in rows}
    missing = ""
    for frame in schedule.frames() if left else ():
        for seq, digest in digests(frame).items():
            if seq > last.get(frame.zone, -1):
                break
            row = f"row {seq} of zone {frame.zone}, {to_iso(frame.times_s[seq - frame.seq])},"
            found = sent[frame.zone].get(seq)
            if found is None:
                missing = missing or row
            elif found != digest:
                raise _other(schedule, f"{row} is not that of this replay")
            left.discard((frame.zone, seq))
    if left:
        zone, seq = min(left)
        raise _other(schedule, f"row {seq} of zone {zone} is not a row of this replay")
    return missing


def digests(frame: MeasurementFrame) -> dict[int, bytes]:
    """Digest what each row of a frame says, by its number, however the rows are cut into frames."""
    return {
        frame.seq + i: blake2b(
            msgspec.json.encode([moment, frame.nodes, loads, frame.period_s, frame.final]),
            digest_size=16,
        ).digest()
        for i, (moment, loads) in enumerate(zip(frame.timestamps, frame.load_mw, strict=True))
    }


async def frames_of(where: Where, run: str) -> AsyncIterator[MeasurementFrame]:
    """Yield what the topic holds of a run, each partition's frames in the order of its log.

    What the workers refuse is not part of the run.
    """
    # Most of a topic are other runs; looking for the name costs far less than decoding.
    name = msgspec.json.encode(run)
    async for record in scan_topic(where, MEASUREMENTS):
        if record.value is None or name not in record.value:
            continue
        try:
            frame = decode(record.value, MeasurementFrame)
        except MessageError:
            continue
        if frame.run == run:
            yield frame


async def _rows_sent(where: Where, run: str) -> Rows:
    sent: Rows = {}
    async for frame in frames_of(where, run):
        rows = sent.setdefault(frame.zone, {})
        for seq, digest in digests(frame).items():
            rows.setdefault(seq, digest)
    return sent


def _other(schedule: Run, what: str) -> DataError:
    return DataError(
        f"run {schedule.run!r} in {MEASUREMENTS} is not the beginning of this replay: {what}",
        hint="Give the file, --start, --on-gap, --resolution, --zone, --seed and topology the run "
        "was begun with, or another --run to begin a new one.",
    )
