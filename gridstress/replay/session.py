"""The runs that one process replays, one after the other, and their records."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pandas as pd
from msgspec import structs

from gridstress.replay.archived import Run
from gridstress.replay.control import Control, Extent
from gridstress.replay.pace import Pace, Speed
from gridstress.replay.progress import Show
from gridstress.replay.replayer import Summary, replay
from gridstress.replay.resume import check_sent
from gridstress.replay.schedule import Schedule
from gridstress.run_records.record import Origin, Sender
from gridstress.run_records.recorded_sink import RecordedSink
from gridstress.settings import Settings
from topology.clock import to_iso
from topology.errors import DataError, GridstressError, UsageError
from topology.grid import Grid
from topology.run_messages import RunRecord

log = logging.getLogger(__name__)


def run_name(data: str) -> str:
    """Name of a run of these data that begins now."""
    return f"{data[:100]}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


@dataclass
class Session:
    """What is replayed, from the first run on.

    Parameters
    ----------
    origin
        Where the data of all runs come from.
    name
        What the names of later runs begin with.
    made_from
        The archived run that is sent again; None if it is none.
    resumed
        Whether the rows of the first run have been compared with those on the topic.
    """

    first: Run
    origin: Origin
    settings: Settings
    grid: Grid
    name: str
    made_from: str | None = None
    resumed: bool = False
    current: Run = field(init=False)
    _begun: int = 1

    def __post_init__(self) -> None:
        self.current = self.first

    async def send(
        self,
        speed: Speed,
        stop: asyncio.Event,
        watch: Callable[[Run], AbstractContextManager[Show]],
        ended: Callable[[Summary], None],
        *,
        loop: bool = False,
        stay: bool = False,
    ) -> None:
        """Send the first run, and those that are asked for while it is sent, or then.

        Parameters
        ----------
        stop
            When set, the run that is sent stops after the step that it is at, and no other begins.
        watch
            Shows the progress of a run.
        ended
            Called when no more of a run is sent.
        loop
            Whether another run begins when one has ended.
        stay
            Whether to wait for commands when no run is sent.

        Raises
        ------
        BrokerError
            If the broker does not take the frames.
        UsageError, DataError
            As of `RecordedSink.begin`.
        """
        sink = RecordedSink(self.settings, self.grid.zones, self._describe, self._check)
        control = Control(self.settings, sink.status, self._extent, self._new_run, speed)
        async with sink, control:
            stopping = asyncio.create_task(_when(stop, control.stop))
            run: Run | None = self.first
            try:
                while run is not None:
                    self.current = run
                    pace = await self._begin(run, sink, control, stay=stay)
                    stopped = pace is None
                    if pace is not None:
                        with watch(run) as show:
                            summary = await replay(
                                run,
                                sink,
                                pace,
                                threshold=self.settings.stress_threshold,
                                on_step=show,
                            )
                        control.end()
                        await sink.leave(run.run)
                        ended(summary)
                        stopped = summary.stopped
                    again = loop and not stopped
                    run = await control.next(stay=stay and not again)
                    if run is None and again and not control.stopped:
                        self._begun += 1
                        run = self._renamed(f"{self.first.run}-{self._begun}")
            finally:
                stopping.cancel()

    async def _begin(
        self, run: Run, sink: RecordedSink, control: Control, *, stay: bool
    ) -> Pace | None:
        """Begin a run; None if one that was asked for cannot be begun, and another may be."""
        try:
            await sink.begin(run.run)
            return await control.begin(run.run)
        except GridstressError as error:
            if run is self.first or not stay:
                raise
            log.error("run %s is not begun: %s", run.run, error)
            control.end()
            return None

    def _new_run(self, begin_s: float | None) -> Run:
        """A run from an event time on, epoch seconds, or from the beginning.

        Raises
        ------
        UsageError
            If it can begin only where the data do.
        DataError
            If there are no data from then on.
        """
        run = self._renamed(f"{run_name(self.name)}-{secrets.token_hex(2)}")
        if begin_s is None:
            return run
        if not isinstance(run, Schedule):
            raise UsageError("an archived run is sent from its beginning")
        begin = pd.Timestamp(begin_s, unit="s", tz="UTC")
        run = replace(run, series=run.series.between(begin, None))
        if not run.zones:
            raise DataError(f"no zone has a value from {to_iso(begin_s)} on")
        return run

    def _renamed(self, name: str) -> Run:
        if isinstance(self.first, Schedule):
            return replace(self.first, run=name, sent={})
        return self.first.renamed(name)

    @property
    def _extent(self) -> Extent:
        run = self.first
        end_s = run.start_s + run.rows * run.period_s
        whole = not isinstance(run, Schedule)
        return Extent(self.origin.source, run.start_s, end_s, whole=whole)

    def _describe(self, name: str) -> RunRecord:
        run, origin, sent = self.current, self.origin, None
        if isinstance(run, Schedule):
            series, sent = run.series, run.zones_sent()
            origin = replace(
                origin, start=series.start.to_pydatetime(), end=series.end.to_pydatetime()
            )
        record = Sender(origin, self.settings, self.grid).record(name, sent)
        return structs.replace(record, made_from=self.made_from)

    async def _check(self, name: str) -> None:
        if not (self.resumed and name == self.first.run):
            await check_sent(self.settings, self.current)


async def _when(event: asyncio.Event, act: Callable[[], None]) -> None:
    await event.wait()
    act()
