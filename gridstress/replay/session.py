"""The runs that one process replays, one after the other, and their records."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pandas as pd
from msgspec import structs

from gridstress.replay.archived import Run
from gridstress.replay.control import Control, Extent, Start
from gridstress.replay.pace import Speed
from gridstress.replay.progress import Show
from gridstress.replay.replayer import Summary, replay
from gridstress.replay.resume import check_sent
from gridstress.replay.schedule import Schedule
from gridstress.run_records.record import Origin, Sender
from gridstress.run_records.recorded_sink import RecordedSink
from gridstress.settings import Settings
from topology.grid import Grid
from topology.messages import RunRecord


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
    runs: dict[str, Run] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runs[self.first.run] = self.first

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
        async with sink, Control(self.settings, sink.status, self._extent, speed) as control:
            stopping = asyncio.create_task(_when(stop, control.stop))
            run: Run | None = self.first
            try:
                while run is not None:
                    await sink.begin(run.run)
                    pace = await control.begin(run.run)
                    with watch(run) as show:
                        summary = await replay(run, sink, pace, on_step=show)
                    control.end()
                    await sink.leave(run.run)
                    ended(summary)
                    run = await self._next(control, loop=loop and not summary.stopped, stay=stay)
            finally:
                stopping.cancel()

    async def _next(self, control: Control, *, loop: bool, stay: bool) -> Run | None:
        start = await control.next(stay=stay and not loop)
        if start is None and (control.stopped or not loop):
            return None
        run = self._anew(start or Start(None), numbered=start is None)
        self.runs[run.run] = run
        return run

    def _anew(self, start: Start, *, numbered: bool) -> Run:
        first = self.first
        name = first.run if numbered else run_name(self.name)
        if name in self.runs:
            name = f"{name}-{len(self.runs) + 1}"
        run = replace(first, run=name, sent={})
        if start.begin_s is not None and isinstance(run, Schedule):
            begin = pd.Timestamp(start.begin_s, unit="s", tz="UTC")
            run = replace(run, series=run.series.between(begin, None))
        return run

    @property
    def _extent(self) -> Extent:
        run = self.first
        end_s = run.start_s + run.rows * run.period_s
        whole = not isinstance(run, Schedule)
        return Extent(self.origin.source, run.start_s, end_s, whole=whole)

    def _describe(self, name: str) -> RunRecord:
        run, origin, sent = self.runs[name], self.origin, None
        if isinstance(run, Schedule):
            series, sent = run.series, run.zones_sent()
            origin = replace(
                origin, start=series.start.to_pydatetime(), end=series.end.to_pydatetime()
            )
        record = Sender(origin, self.settings, self.grid).record(name, sent)
        return structs.replace(record, made_from=self.made_from)

    async def _check(self, name: str) -> None:
        if not (self.resumed and name == self.first.run):
            await check_sent(self.settings, self.runs[name])


async def _when(event: asyncio.Event, act: Callable[[], None]) -> None:
    await event.wait()
    act()
