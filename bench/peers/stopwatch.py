"""Time a peer from its first record to its last result, and the results of each row."""

import time
from collections.abc import Mapping

from bench.peers.task import MEASUREMENTS, Outcome, Pass, Task

STALL_S = 20.0
"""Without a message for so long, what is missing has been lost."""


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
        self._began_s = self._last_s = 0.0
        self.seen_s: dict[int, float] = {}
        """By event time of a row, when the last result that it caused was there, epoch s."""

    @classmethod
    def of(cls, task: Task) -> "Stopwatch":
        """Return one that expects what a program with a record a node counts."""
        return cls({MEASUREMENTS: task.measurements, **task.updates})

    def begin(self) -> None:
        """Start, unless it runs already."""
        if not self._began_s:
            self._began_s = time.time()

    def counted(self, what: str, count: int = 1) -> None:
        """Note measurements, or updates of a model's windows; the first one starts the watch."""
        self.begin()
        self._counts[what] += count
        self._left -= count
        self._last_s = time.time()

    def saw(self, time_s: float) -> None:
        """Note that what was counted last is a result of the row of this event time."""
        self.seen_s[int(time_s)] = self._last_s

    @property
    def finished(self) -> bool:
        """Whether everything expected has been counted."""
        return self._began_s > 0 and self._left <= 0

    @property
    def silent_s(self) -> float:
        """Seconds since something was counted; 0 before the first."""
        return time.time() - self._last_s if self._began_s else 0.0

    def outcome(self) -> Outcome:
        """Return what was measured, as one pass."""
        return Outcome([Pass(self._began_s, self._last_s, dict(self._counts))])
