"""A run's record: its description, counts of what was sent, and merging of two records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from msgspec.structs import replace

from gridstress.group_settings.fingerprint import fingerprint, grid_fingerprint
from gridstress.settings import Settings
from topology.errors import UsageError
from topology.grid import Grid
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord, ZoneSent

Sent = Mapping[str, ZoneSent]


@dataclass(frozen=True)
class Origin:
    """Where a run's data come from; ``synthetic`` is None where the sender does not know."""

    kind: Literal["replay", "live"]
    source: str
    synthetic: bool | None
    credit: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Sender:
    """Describes the runs that are sent with these settings for this grid."""

    origin: Origin
    settings: Settings
    grid: Grid

    def record(self, run: str, sent: Sent | None = None) -> RunRecord:
        """Describe a run that begins now, or goes on after what has been ``sent`` of it."""
        return _with_state(
            replace(self._record, run=run, sent=dict(sent or {}), began=datetime.now(UTC))
        )

    @cached_property
    def _record(self) -> RunRecord:
        # Fingerprints of a large grid take some hundredths of a second.
        origin, settings, grid = self.origin, self.settings, self.grid
        return RunRecord(
            run="",
            kind=origin.kind,
            state="running",
            source=origin.source[:1000],
            synthetic=origin.synthetic,
            credit=origin.credit[:1000],
            start=origin.start,
            end=origin.end,
            grid=grid.name[:1000],
            grid_fingerprint=grid_fingerprint(grid),
            settings_fingerprint=fingerprint(settings, grid),
            models=list(settings.model_names),
            zones=list(grid.zones),
            sent={},
            began=datetime.now(UTC),
        )


def zone_sent(before: ZoneSent | None, frame: MeasurementFrame) -> ZoneSent:
    """Add a frame to what was sent of its zone; rows that were sent before count once.

    A row was sent before if its number is not above the last one: numbers only grow in a zone.
    """
    last = -1 if before is None else before.last_seq
    before = before or ZoneSent()
    fresh = max(0, frame.last_seq - max(last, frame.seq - 1))
    return ZoneSent(
        rows=before.rows + (0 if frame.final else fresh),
        last_seq=max(last, frame.last_seq),
        final=before.final or frame.final,
    )


def with_frame(record: RunRecord, frame: MeasurementFrame) -> RunRecord:
    """Count a frame that has been sent. A live run's period grows with what is sent."""
    sent = {**record.sent, frame.zone: zone_sent(record.sent.get(frame.zone), frame)}
    if sent == record.sent:
        return record
    state = "running" if record.state == "interrupted" else record.state
    record = replace(record, sent=sent, state=state)
    if record.kind == "live":
        first, last = min(frame.timestamps), max(frame.timestamps)
        record = replace(
            record,
            start=first if record.start is None else min(record.start, first),
            end=max(record.end or last, last) if frame.final else record.end,
        )
    return _with_state(record)


def merged(newer: RunRecord, older: RunRecord) -> RunRecord:
    """Describe a run as ``newer`` does, with all that either knows to have been sent.

    What ``older`` says of zones that are not ``newer``'s is left out.
    """
    zones = newer.sent.keys() | (older.sent.keys() & set(newer.zones))
    sent = {
        zone: _more(newer.sent.get(zone, ZoneSent()), older.sent.get(zone, ZoneSent()))
        for zone in sorted(zones)
    }
    starts = [moment for moment in (newer.start, older.start) if moment is not None]
    ends = [moment for moment in (newer.end, older.end) if moment is not None]
    times = [moment for moment in (newer.ended, older.ended) if moment is not None]
    live = newer.kind == "live"
    return _with_state(
        replace(
            newer,
            sent=sent,
            began=min(newer.began, older.began),
            start=min(starts, default=None) if live else newer.start,
            end=max(ends, default=None) if live else newer.end,
        ),
        min(times, default=None),
    )


def check_known(record: RunRecord, known: RunRecord) -> None:
    """Check that a run that is ``known`` may be gone on with by the sender of ``record``.

    Raises
    ------
    UsageError
        If the one is a replay and the other is live, or if it is a replay in another grid.
    """
    if record.kind != known.kind:
        what = "a replay" if known.kind == "replay" else "live"
    elif record.kind == "replay" and record.grid_fingerprint != known.grid_fingerprint:
        what = f"a replay in another grid ({known.grid})"
    else:
        return
    raise UsageError(f"run {record.run!r} is {what} already", hint="give the run another name")


def interrupted(record: RunRecord) -> RunRecord:
    """Say that the sender has stopped before the run's end."""
    return record if record.state == "ended" else replace(record, state="interrupted")


def is_complete(record: RunRecord) -> bool:
    """Whether every zone of the grid has been ended by its final frame."""
    return all(record.sent.get(zone, ZoneSent()).final for zone in record.zones)


def _with_state(record: RunRecord, ended: datetime | None = None) -> RunRecord:
    if not is_complete(record):
        state = "running" if record.state == "ended" else record.state
        return replace(record, state=state, ended=None)
    moment = record.ended or ended or datetime.now(UTC)
    return replace(record, state="ended", ended=moment)


def _more(one: ZoneSent, other: ZoneSent) -> ZoneSent:
    return ZoneSent(
        rows=max(one.rows, other.rows),
        last_seq=max(one.last_seq, other.last_seq),
        final=one.final or other.final,
    )
