"""A sink that keeps the runs' records beside their frames."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

from gridstress.kafka.topics import REPLAY_STATUS, RUNS
from gridstress.run_records.frame_sinks import KafkaSink
from gridstress.run_records.ledger import Ledger
from gridstress.run_records.reading import read_records
from gridstress.run_records.record import check_known, merged
from gridstress.settings import Settings
from topology.messages import MeasurementFrame
from topology.replay_messages import ReplayStatus
from topology.run_messages import RunRecord


class RecordedSink:
    """Sends as `KafkaSink`, and writes a run's record before its first frame and at its end.

    Parameters
    ----------
    zones
        All zones of the grid.
    describe
        What the sender says of a run, by its name. What the topic knows to have been sent of the
        run is added.
    check
        Refuses a run that has a record already, by its name, before anything of it is sent.
    """

    def __init__(
        self,
        settings: Settings,
        zones: tuple[str, ...],
        describe: Callable[[str], RunRecord],
        check: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._settings, self._describe, self._check = settings, describe, check
        self._sink = KafkaSink(settings, zones)
        self._ledger = Ledger(self._record)

    async def __aenter__(self) -> Self:
        """Connect, and make the topics that are missing.

        Raises
        ------
        BrokerError
            If no broker answers.
        """
        await self._sink.__aenter__()
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Close the connection; without an error every record says how far its run was sent."""
        try:
            if kind is None:
                await self._sink.flush()
                await self._ledger.close()
        finally:
            await self._sink.__aexit__(kind, error, trace)

    async def begin(self, run: str) -> None:
        """Write a run's record, unless that has been done; returns once it is kept.

        Raises
        ------
        BrokerError
            If the broker does not take it.
        UsageError
            As of `KafkaSink.check` and `check_known`. Errors of ``check`` are passed on.
        """
        self._sink.check(run)
        if run in self._ledger:
            return
        record, known = self._describe(run), (await read_records(self._settings.kafka)).get(run)
        if known is not None:
            check_known(record, known)
            if self._check is not None:
                await self._check(run)
            record = merged(record, known)
        await self._ledger.open([run], lambda run: record)

    async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
        """Send frames, after the records of their runs; errors as `begin` and `KafkaSink.send`."""
        for frame in frames:
            await self.begin(frame.run)
        await self._sink.send(frames)
        self._ledger.count(frames)
        if self._ledger.due:
            await self.flush()

    async def flush(self) -> None:
        """Wait until everything sent is kept; then the records may say so."""
        await self._sink.flush()
        if self._ledger.due:
            await self._ledger.write_changed()

    async def leave(self, run: str) -> None:
        """Let the record of a run say that nothing more of it is sent here."""
        await self.flush()
        await self._ledger.leave(run)

    async def status(self, replay: str, status: ReplayStatus | None) -> None:
        """Write how a replay is, None when it is gone; errors as of `KafkaSink.write`."""
        await self._sink.write(REPLAY_STATUS, replay, status)

    async def _record(self, record: RunRecord) -> None:
        await self._sink.write(RUNS, record.run, record)
