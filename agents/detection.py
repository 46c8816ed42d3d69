"""Detection: from loads to stress."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.counters import StageCounters
from agents.outbox import Outbox, Topic
from topology.clock import HOUR_S
from topology.codec import FORMATS, Format, decode
from topology.errors import MessageError
from topology.grid import Grid, zone_indices
from topology.messages import SENT_MS, Floats, MeasurementFrame, StressFrame, row_slices


def stress_of(load_mw: Floats, rating_mw: Floats, threshold: float, period_s: float) -> Floats:
    """Stress-hours of loads: 0 up to the threshold, 1 for an hour at full rating.

    ``max(0, (load / rating - threshold) / (1 - threshold)) * period / 1 h``; shapes (..., nodes)
    and (nodes,), the threshold in (0, 1).
    """
    excess = (load_mw / rating_mw - threshold) / (1.0 - threshold)
    stress: Floats = np.maximum(0.0, excess) * (period_s / HOUR_S)
    return stress


@dataclass(frozen=True)
class Detection:
    """The detection stage for one grid; a pure function of the frame."""

    grid: Grid
    threshold: float
    ended_runs: Collection[str] = ()
    """Runs that were made under other settings, of which nothing is worked on any more."""

    def __call__(self, frame: MeasurementFrame) -> Iterator[StressFrame]:
        """The stressed nodes of a frame; a frame without any still moves time forward.

        One frame comes of one, but for very large ones, which are cut by rows.

        Raises
        ------
        MessageError
            If the run was ended, the zone is not the grid's, or a node is not the zone's.
        """
        check_run(frame.run, self.ended_runs)
        index = zone_indices(frame.nodes, frame.zone, self.grid)
        load = np.array(frame.load_mw).reshape(len(frame.timestamps), len(index))
        stress = stress_of(load, self.grid.ratings_mw[index], self.threshold, frame.period_s)
        stressed = np.flatnonzero(stress.any(axis=0))
        name_bytes = int(self.grid.name_bytes[[index[i] for i in stressed]].sum())
        for rows in row_slices(len(stress), len(stressed), name_bytes):
            yield StressFrame(
                run=frame.run,
                zone=frame.zone,
                seq=frame.seq + rows.start,
                timestamps=frame.timestamps[rows],
                nodes=[frame.nodes[i] for i in stressed],
                stress=stress[rows, stressed],
                final=frame.final,
            )


def check_run(run: str, ended_runs: Collection[str]) -> None:
    """Raise MessageError if the run was ended when other settings were accepted."""
    if run in ended_runs:
        raise MessageError(
            "other-settings", f"run {run!r} was ended when other settings were accepted"
        )


@dataclass
class DetectionStage:
    """``grid_measurements`` to ``stress_events``, as an agent runs it."""

    detect: Detection
    stress_events: Topic
    counters: StageCounters
    format: Format = FORMATS["msgpack"]

    async def __call__(self, events: Sequence[Any]) -> int:
        """Detect the frames' stress and send it to the same partition; how many are finished."""
        outbox, loads = Outbox(), 0
        for event in events:
            measured = decode(event.value, MeasurementFrame)
            loads += len(measured.nodes) * len(measured.timestamps)
            partition = event.message.partition
            sent = SENT_MS, b"%d" % round(event.message.timestamp * 1000)
            for frame in self.detect(measured):
                value = self.format.encode(frame)
                headers = sent, self.format.header
                outbox.add(self.stress_events, frame.zone, value, partition, *headers)
                await outbox.flush_if_full()
        await outbox.flush()
        self.counters.frames["detection"] += len(events)
        self.counters.node_measurements += loads
        return len(events)
