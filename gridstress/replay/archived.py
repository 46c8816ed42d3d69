"""An archived run, to be sent again under another name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

from aiokafka import ConsumerRecord
from msgspec.structs import replace

from gridstress.archive.reading import ArchivedRun
from gridstress.replay.schedule import Schedule, Step
from topology.errors import DataError, MessageError
from topology.grid import Grid
from topology.messages import MeasurementFrame, decode


@dataclass(frozen=True)
class ArchivedSchedule:
    """Frames in the order in which they were sent, with their numbers; repeats are left out.

    Frames that the workers have refused are no part of it.
    """

    archived: ArchivedRun
    grid: Grid
    run: str
    batch: int = 1
    first: int = 0
    sent: Mapping[str, int] = field(default_factory=dict)

    @property
    def start_s(self) -> int:
        """Event time of the first row, epoch seconds."""
        return self._period[0]

    @property
    def period_s(self) -> int:
        """The shortest time that a row stands for, s."""
        return self._period[1]

    @property
    def rows(self) -> int:
        """Time steps from the first row to the last."""
        return self._period[2]

    @cached_property
    def zones(self) -> list[str]:
        """Zones with rows."""
        loaded = {frame.zone for frame in self._sent if not frame.final}
        return [zone for zone in self.grid.zones if zone in loaded]

    def steps(self) -> Iterator[Step]:
        """Yield the frames, each at the latest event time so far."""
        time_s = self.start_s
        for frame in self.frames():
            time_s = max(time_s, int(frame.times_s.min()))
            yield Step((time_s - self.start_s) // self.period_s, time_s, (frame,))

    def frames(self) -> Iterator[MeasurementFrame]:
        """Yield the frames of all steps."""
        for frame in self._sent:
            yield replace(frame, run=self.run)

    @cached_property
    def _sent(self) -> list[MeasurementFrame]:
        records = sorted(self.archived.measurements(), key=attrgetter("timestamp"))
        frames = [frame for record in records if (frame := self._frame(record)) is not None]
        if not any(not frame.final for frame in frames):
            raise DataError(f"the archive has no loads of run {self.archived.name} on this grid")
        return frames

    def _frame(self, record: ConsumerRecord) -> MeasurementFrame | None:
        try:
            frame = decode(record.value, MeasurementFrame)
        except MessageError:
            return None
        known = all(
            node in self.grid.index and self.grid.nodes[self.grid.index[node]].zone == frame.zone
            for node in frame.nodes
        )
        return frame if known and frame.zone in self.grid.zones else None

    @cached_property
    def _period(self) -> tuple[int, int, int]:
        loads = [frame for frame in self._sent if not frame.final]
        start_s = int(min(frame.times_s.min() for frame in loads))
        end_s = int(max(frame.times_s.max() for frame in loads))
        period_s = min(frame.period_s for frame in loads)
        return start_s, period_s, (end_s - start_s) // period_s + 1


Run = Schedule | ArchivedSchedule
"""What can be replayed: a series of loads, or an archived run."""
