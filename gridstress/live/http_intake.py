"""Measurements that a program posts to a worker, which sends them on to the topic."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from agents.detection import check_run
from agents.outbox import Topic
from gridstress.kafka.topics import zone_partition
from gridstress.live.frame_check import read_frames
from gridstress.run_records.ledger import Ledger
from topology.codec import encode
from topology.errors import GridstressError
from topology.grid import Grid
from topology.run_messages import RunRecord
from ui.schema.system import Taken

MAX_WAITING = 2_000
"""Records of measurements that may wait for this worker before it takes no more."""


class BusyError(GridstressError):
    """It is not taken now; the same may be sent again later."""


@dataclass(frozen=True)
class Post:
    """Takes frames, all of them or none.

    Parameters
    ----------
    topic
        ``grid_measurements``.
    ready
        Whether this worker works.
    waiting
        How many records of measurements wait for this worker; None, with a view server, if no
        worker is known to be alive.
    ledger
        Keeps the records of the runs that are posted.
    describe
        The record of a run, by its name, its source, and whether its loads are synthetic.
    ended_runs
        Runs that were ended when other settings were accepted; of them nothing is taken.
    """

    grid: Grid
    partitions: int
    topic: Topic
    ready: Callable[[], bool]
    waiting: Callable[[], int | None]
    ledger: Ledger
    describe: Callable[[str, str, bool | None], RunRecord]
    ended_runs: Collection[str] = ()

    async def __call__(self, body: bytes, source: str, synthetic: bool | None) -> Taken:
        """Check frames and send them on; returns once the broker has all of them.

        What was taken and is sent again (the answer was lost, say) counts once: a row is known by
        run, zone and number.

        Parameters
        ----------
        body
            MeasurementFrames as JSON, a line each.
        source, synthetic
            Where the data come from and whether they were made up, for the record of a run that
            has none; None where the program does not say.

        Returns
        -------
        dict
            How many ``frames`` and ``rows`` were taken.

        Raises
        ------
        BusyError
            If this worker is not ready or so far behind that more would only wait, or if no
            worker is there.
        MessageError
            If one of them cannot be used; none is sent then.
        UsageError
            If one of them is of a run that is a replay; none is sent then.
        """
        if not self.ready():
            raise BusyError("this worker is not ready")
        if (waiting := self.waiting()) is None:
            raise BusyError("no worker is there: none that has started has reported lately")
        if waiting > MAX_WAITING:
            raise BusyError(f"{waiting:,} records wait already")
        frames = read_frames(body, self.grid)
        for frame in frames:
            check_run(frame.run, self.ended_runs)
        await self.ledger.open(
            (frame.run for frame in frames), lambda run: self.describe(run, source, synthetic)
        )
        sent = [
            await self.topic.send(
                key=frame.zone.encode(),
                value=encode(frame),
                partition=zone_partition(frame.zone, self.grid.zones, self.partitions),
            )
            for frame in frames
        ]
        await asyncio.gather(*sent)
        self.ledger.count(frames)
        rows = sum(len(frame.timestamps) for frame in frames if not frame.final)
        return Taken(len(frames), rows)
