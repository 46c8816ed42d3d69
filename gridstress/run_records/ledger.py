"""Keep the records of the runs that this process sends up to date on the topic ``runs``."""

import time
from collections.abc import Awaitable, Callable, Iterable

from gridstress.run_records.record import interrupted, merged, with_frame
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord

EVERY_S = 10.0
"""While a run is sent its record is written this often, at most."""

Write = Callable[[RunRecord], Awaitable[None]]
Describe = Callable[[str], RunRecord]


class Ledger:
    """The records of the runs that are sent here.

    Parameters
    ----------
    write
        Writes a record; returns once the broker has acknowledged it.
    kept
        Runs whose records stay in memory; None for all.
    """

    def __init__(self, write: Write, kept: int | None = None) -> None:
        self._write, self._kept = write, kept
        self._records: dict[str, RunRecord] = {}
        self._changed: set[str] = set()
        self._has_ended = False
        self._written_at = time.monotonic()

    def __contains__(self, run: str) -> bool:
        """Whether a run is open."""
        return run in self._records

    async def open(self, runs: Iterable[str], describe: Describe) -> None:
        """Write the record of each run that is not open yet; returns once they are kept.

        ``describe`` gives the record that a run begins or goes on with.
        """
        opened = [describe(run) for run in dict.fromkeys(runs) if run not in self]
        for record in opened:
            await self._write(record)
            # Another task may have opened the run, and counted, in the meantime.
            self._records.setdefault(record.run, record)
        if self._kept is not None:
            self._forget(self._kept)

    def count(self, frames: Iterable[MeasurementFrame]) -> None:
        """Count frames of open runs that have been sent."""
        for frame in frames:
            before = self._records.get(frame.run)
            if before is not None and (record := with_frame(before, frame)) is not before:
                self._keep(record)
                self._has_ended |= record.state == "ended"

    def learn(self, record: RunRecord) -> None:
        """Take note of a record on the topic, which another sender of the run may have written."""
        own = self._records.get(record.run)
        if own is None:
            return
        self._keep(merged(record, own))
        if self._records[record.run] == record:
            self._changed.discard(record.run)

    @property
    def due(self) -> bool:
        """Whether records are to be written: a run has ended, or some time has passed."""
        waited_s = time.monotonic() - self._written_at
        return self._has_ended or (bool(self._changed) and waited_s > EVERY_S)

    async def write_changed(self) -> None:
        """Write every record that has changed since it was written."""
        changed, self._changed, self._has_ended = self._changed, set(), False
        for run in sorted(changed):
            await self._write(self._records[run])
        self._written_at = time.monotonic()

    async def leave(self, *runs: str) -> None:
        """Say of runs that have not ended that nothing more of them is sent here."""
        for record in [self._records[run] for run in runs if run in self]:
            if (after := interrupted(record)) != record:
                self._keep(after)
        await self.write_changed()

    async def close(self) -> None:
        """Leave all runs."""
        await self.leave(*self._records)

    def _keep(self, record: RunRecord) -> None:
        self._records[record.run] = record
        self._changed.add(record.run)

    def _forget(self, kept: int) -> None:
        old = [run for run in self._records if run not in self._changed]
        for run in old[: max(0, len(self._records) - kept)]:
            del self._records[run]
