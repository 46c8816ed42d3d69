"""An archived run, to be sent again under another name."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

from aiokafka import ConsumerRecord
from msgspec.structs import replace

from gridstress.archive.reading import ArchivedRun
from gridstress.replay.schedule import Schedule, Step
from topology.codec import decode
from topology.errors import DataError, MessageError
from topology.grid import Grid
from topology.messages import MeasurementFrame


@dataclass(frozen=True)
class ArchivedSchedule:
    """Frames in the order in which they were sent, with their numbers; repeats are left out.

    Frames that the workers have refused are no part of it. Rows with a time that is far from that
    of all others are sent, but not waited for.

    Parameters
    ----------
    max_ahead_s
        How far a row may be ahead of its zone's newest, as for the workers; 0 allows any.
    """

    archived: ArchivedRun
    grid: Grid
    run: str
    max_ahead_s: int
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

    def begin(self) -> "ArchivedRows":
        """Give all frames, each due at the latest event time so far of rows that count."""
        return ArchivedRows(self._steps())

    def _steps(self) -> Iterator[Step]:
        time_s = self.start_s
        for frame, times_s in zip(self.frames(), self._counted, strict=True):
            time_s = max(time_s, int(min(times_s, default=time_s)))
            position = (time_s - self.start_s) // self.period_s
            yield Step(position, time_s, (frame,), min(position + 1, self.rows))

    def frames(self) -> Iterator[MeasurementFrame]:
        """Yield all frames."""
        for frame in self._sent:
            yield replace(frame, run=self.run)

    def renamed(self, run: str) -> "ArchivedSchedule":
        """The same frames under another name; they are read once."""
        again = copy(self)
        object.__setattr__(again, "run", run)
        return again

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
    def _counted(self) -> list[list[float]]:
        """The times of each frame's rows that move event time, epoch seconds."""
        newest_s = self._begins
        return [list(self._moving(frame, newest_s)) for frame in self._sent]

    @property
    def _begins(self) -> dict[str, float]:
        """The time of each zone's first row, but for zones whose clock is off.

        The workers believe a first row; a run whose pace it set would wait for years.
        """
        firsts: dict[str, float] = {}
        for frame in self._sent:
            if not frame.final:
                firsts.setdefault(frame.zone, float(frame.times_s[0]))
        middle_s = sorted(firsts.values())[(len(firsts) - 1) // 2]
        return {
            zone: first_s
            for zone, first_s in firsts.items()
            if not self.max_ahead_s or abs(first_s - middle_s) <= self.max_ahead_s
        }

    def _moving(self, frame: MeasurementFrame, newest_s: dict[str, float]) -> Iterator[float]:
        for time_s in frame.times_s.tolist():
            known_s = newest_s.get(frame.zone)
            if known_s is None or (self.max_ahead_s and time_s > known_s + self.max_ahead_s):
                continue
            if not frame.final:
                newest_s[frame.zone] = max(known_s, time_s)
            yield time_s

    @cached_property
    def _period(self) -> tuple[int, int, int]:
        loads = [
            (frame.period_s, times_s)
            for frame, times_s in zip(self._sent, self._counted, strict=True)
            if times_s and not frame.final
        ]
        start_s = int(min(self._begins.values()))
        end_s = int(max(max(times_s) for _, times_s in loads))
        period_s = min(period_s for period_s, _ in loads)
        return start_s, period_s, (end_s - start_s) // period_s + 1


class ArchivedRows:
    """What is left of an archived run: frame by frame, as they were cut when they were sent."""

    def __init__(self, steps: Iterator[Step]) -> None:
        self._steps = steps
        self._next = next(steps, None)

    @property
    def time_s(self) -> int | None:
        """When the next frame is due, in event time, epoch seconds; None behind the last."""
        return None if self._next is None else self._next.time_s

    def calm_rows(self, threshold: float) -> int:
        """None: frames are not looked into."""
        return 0

    def take(self, batch: int) -> Step:  # they are cut already
        """Take the next frame."""
        step = self._next
        if step is None:
            raise LookupError("nothing is left")
        self._next = next(self._steps, None)
        return step


Run = Schedule | ArchivedSchedule
"""What can be replayed: a series of loads, or an archived run."""
