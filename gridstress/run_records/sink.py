"""A sink that keeps the runs' records beside their frames."""

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from gridstress.replay_sinks import KafkaSink
from gridstress.run_records.ledger import Ledger
from gridstress.run_records.reading import read_records
from gridstress.run_records.record import merged
from gridstress.settings import Settings
from topology.clock import to_iso
from topology.errors import UsageError
from topology.messages import MeasurementFrame, RunRecord


class RecordedSink:
    """Sends as `KafkaSink`, and writes a run's record before its first frame and at its end.

    Parameters
    ----------
    zones
        All zones of the grid.
    describe
        What the sender says of a run, by its name. What the topic knows to have been sent of the
        run is added.
    """

    def __init__(
        self, settings: Settings, zones: tuple[str, ...], describe: Callable[[str], RunRecord]
    ) -> None:
        self._settings, self._describe = settings, describe
        self._sink = KafkaSink(settings, zones)

    async def __aenter__(self) -> Self:
        """Connect, make the topics that are missing, and read the records that are there.

        Raises
        ------
        BrokerError
            If no broker answers.
        """
        await self._sink.__aenter__()
        try:
            known = await read_records(self._settings.kafka)
        except BaseException as error:
            await self._sink.__aexit__(type(error), error, error.__traceback__)
            raise

        self._ledger, self._known = Ledger(self._sink.record), known
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
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
            As of `KafkaSink.check`, or if the run is there with other data.
        """
        self._sink.check(run)
        await self._ledger.open([run], self._described)

    async def send(self, frames: tuple[MeasurementFrame, ...]) -> None:
        """Send frames, after the records of their runs; errors as `KafkaSink.send`."""
        for frame in frames:
            self._sink.check(frame.run)
        await self._ledger.open((frame.run for frame in frames), self._described)
        await self._sink.send(frames)
        self._ledger.count(frames)
        if self._ledger.due:
            await self.flush()

    async def flush(self) -> None:
        """Wait until everything sent is kept; then the records may say so."""
        await self._sink.flush()
        if self._ledger.due:
            await self._ledger.write_changed()

    def _described(self, run: str) -> RunRecord:
        record, known = self._describe(run), self._known.get(run)
        if known is None:
            return record
        if record.kind == "replay" and (other := _otherwise(record, known)):
            raise UsageError(
                f"run {run!r} is there already with {other}: nothing of this would count",
                hint="give the run another name",
            )
        return merged(record, known)


def _otherwise(record: RunRecord, known: RunRecord) -> str:
    """What a run that is there has otherwise than one to be sent; empty if it is the same.

    A replay that was broken off may be sent further than was meant at first.
    """
    told = ["kind", "source", "start", "grid_fingerprint"]
    if known.state == "ended":
        told.append("end")
    for name in told:
        if getattr(record, name) != getattr(known, name):
            if name == "grid_fingerprint":
                return f"another grid ({known.grid})"
            value = getattr(known, name)
            return f"{name} {to_iso(value.timestamp()) if isinstance(value, datetime) else value}"
    return ""
