"""Time a peer from its first record to its last result: wall clock, CPU time, counts."""

import time
from collections.abc import Mapping

from bench.peers.task import MEASUREMENTS, Outcome, Task


class Stopwatch:
    """Runs from the first measurement until everything expected has been counted.

    Parameters
    ----------
    expected
        How many measurements and updates of each model there will be.
    """

    def __init__(self, expected: Mapping[str, int]) -> None:
        self._left = sum(expected.values())
        self._counts = dict.fromkeys(expected, 0)
        self._began = self._began_cpu = self._last = self._last_cpu = 0.0

    @classmethod
    def of(cls, task: Task) -> "Stopwatch":
        """Return one that expects what a program with a record a node counts."""
        return cls({MEASUREMENTS: task.measurements, **task.updates})

    def begin(self) -> None:
        """Start, unless it runs already."""
        if not self._began:
            self._began, self._began_cpu = time.perf_counter(), time.process_time()

    def counted(self, what: str, count: int = 1) -> None:
        """Note measurements, or updates of a model's windows; the first one starts the watch."""
        self.begin()
        self._counts[what] += count
        self._left -= count
        self._last = time.perf_counter()
        if self._left <= 0:
            self._last_cpu = time.process_time()

    @property
    def finished(self) -> bool:
        """Whether everything expected has been counted."""
        return self._began > 0 and self._left <= 0

    @property
    def silent_s(self) -> float:
        """Seconds since something was counted; 0 before the first."""
        return time.perf_counter() - self._last if self._began else 0.0

    def outcome(self) -> Outcome:
        """Return what was measured; CPU time up to now if something is missing."""
        end_cpu = self._last_cpu if self.finished else time.process_time()
        return Outcome(self._last - self._began, end_cpu - self._began_cpu, dict(self._counts))
