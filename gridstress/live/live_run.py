"""A live run: turn zone loads into frames that are numbered by their time.

A row's number is its time divided by the period, counted from 1970. So numbers only grow with
time, whatever the topic still holds of the run, and two feeds of a run give a row the same number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gridstress.replay.schedule import Split
from topology.grid import Grid
from topology.messages import MeasurementFrame
from topology.run_messages import ZoneSent


@dataclass
class LiveRun:
    """Gives what is new of each zone, in order and once.

    A zone's values come in the order of time; one that is missing is waited for, and passed over
    only when it is older than ``patience_s``: what is published late would be late here, too.

    Parameters
    ----------
    run
        Its name.
    period_s
        What each value stands for, s.
    since_s
        Where a zone begins of which nothing was sent, epoch seconds, a multiple of ``period_s``.
    patience_s
        How old a missing value may become.
    sent
        By zone, the last number that was sent before.
    zones_sent
        By zone, what the topic held of the run when it was read.
    """

    run: str
    grid: Grid
    period_s: int
    since_s: int
    patience_s: int
    seed: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    zones_sent: Mapping[str, ZoneSent] = field(default_factory=dict)

    def next_s(self, zone: str) -> int:
        """Time of the first value of a zone that has not been sent, epoch seconds."""
        sent = self.sent.get(zone)
        return self.since_s if sent is None else (sent + 1) * self.period_s

    def take(
        self, zone: str, loads: Mapping[int, float], now_s: float
    ) -> Iterator[MeasurementFrame]:
        """Frames of what is new of a zone; what is given counts as sent.

        Parameters
        ----------
        loads
            Mean load in MW by the time its period begins, epoch seconds; what was sent before may
            be among them.
        now_s
            Wall clock, epoch seconds.
        """
        for first, values in self._runs(zone, loads, now_s):
            seq = first // self.period_s
            yield self._splits[zone].frame(self.run, zone, seq, np.array(values), 0, self.period_s)
            self.sent[zone] = seq + len(values) - 1

    def _runs(
        self, zone: str, loads: Mapping[int, float], now_s: float
    ) -> Iterator[tuple[int, list[float]]]:
        """Stretches without a hole, each with the time it begins at, cut to a message's size."""
        size = self._splits[zone].rows_together
        known = {t: mw for t, mw in loads.items() if t >= self.next_s(zone) and np.isfinite(mw)}
        first, values = self.next_s(zone), list[float]()
        for time_s in range(first, max(known, default=first - 1) + 1, self.period_s):
            if time_s in known:
                first = first if values else time_s
                values.append(known[time_s])
                if len(values) == size:
                    yield first, values
                    values = []
                continue
            if values:
                yield first, values
                values = []
            if time_s + self.period_s > now_s - self.patience_s:
                return
        if values:
            yield first, values

    @cached_property
    def _splits(self) -> dict[str, Split]:
        return {zone: Split(self.grid.nodes_of(zone), self.seed) for zone in self.grid.zones}
