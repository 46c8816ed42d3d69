"""Compare what the sender of a run says it sent with what the topic holds."""

from collections.abc import Iterable

import numpy as np

from gridstress.kafka.topic_reader import held_back_text
from gridstress.kafka.topics import MEASUREMENTS
from gridstress.verify.measured import Measurements
from gridstress.verify.outcome import Outcome
from topology.clock import to_iso
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord, ZoneSent


def arrived(frames: Iterable[MeasurementFrame]) -> dict[str, ZoneSent]:
    """Count by zone the rows of a run that are in the topic, each number once, in any order."""
    numbers: dict[str, list[range]] = {}
    ends: dict[str, list[int]] = {}
    for frame in frames:
        if frame.final:
            ends.setdefault(frame.zone, []).append(frame.last_seq)
        else:
            numbers.setdefault(frame.zone, []).append(range(frame.seq, frame.last_seq + 1))
    found = {}
    for zone in numbers.keys() | ends.keys():
        parts = [np.arange(r.start, r.stop) for r in numbers.get(zone, [])]
        rows = np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
        last = max([*ends.get(zone, []), *rows[-1:].tolist()])
        found[zone] = ZoneSent(rows=len(rows), last_seq=last, final=zone in ends)
    return found


def compare_sent(measurements: Measurements, outcome: Outcome) -> None:
    """Add to the outcome what was lost between the sender and the topic.

    It is a problem in a run that has ended, a note in one that goes on. What may wait in the topic
    behind a transaction that is open is not lost, and a note.
    """
    record, held = measurements.record, measurements.held
    if held:
        outcome.notes.append(held_back_text(MEASUREMENTS, held))
    if record is None:
        outcome.notes.insert(
            0, "the run has no record: where its data come from and how much was sent is not known"
        )
        return
    found = arrived(measurements.frames)
    partitions = {m.frame.zone: m.place.partition for m in measurements.records if m.frame}
    for zone, sent in sorted(record.sent.items()):
        there = found.get(zone, ZoneSent(last_seq=-1))
        lacks = there.last_seq < sent.last_seq or (sent.final and not there.final)
        missing = max(0, sent.rows - there.rows)
        may_wait = bool(held) and partitions.get(zone) in (None, *held)
        outcome.counts["rows sent"] += sent.rows
        outcome.counts["rows lost"] += 0 if may_wait else missing
        if not (missing or lacks):
            continue
        text = (
            f"zone {zone}: {sent.rows} rows up to seq {sent.last_seq} were sent, {there.rows} "
            f"up to {there.last_seq} are in the topic"
        )
        if may_wait:
            outcome.notes.append(f"{text}; the others may wait for the transaction")
        elif record.state == "ended":
            outcome.problem("zones lost before the topic", text)
        else:
            outcome.notes.append(f"{text}; the run has not ended")
    more = [z for z, zone in found.items() if zone.rows > record.sent.get(z, ZoneSent()).rows]
    if more and record.state == "ended":
        outcome.notes.append(f"more rows than the run's record says: zones {', '.join(more)}")


def origin_of(record: RunRecord) -> str:
    """Say where a run's data come from, and how far its sender has come."""
    made = {True: "synthetic", False: "measured", None: "not known whether measured"}
    parts = [f"{record.kind} of {record.source or 'an unnamed source'}, {made[record.synthetic]}"]
    if record.made_from is not None:
        changes = "; ".join(record.changes) or "no changes"
        parts.append(f"made from run {record.made_from} with {changes}")
    if record.ended is not None:
        parts.append(f"ended {to_iso(record.ended.timestamp())}")
    elif record.state == "interrupted":
        parts.append("interrupted by its sender")
    else:
        parts.append("without an end: it goes on, or its sender was killed")
    return ", ".join(parts)
