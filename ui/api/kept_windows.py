"""The last final windows of each run, as they came."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

MAX_WINDOWS = 168
"""Final windows kept a model, run and shard: a week of hours."""
MAX_BYTES = 64 << 20
"""Memory for them. Beyond it, or beyond `MAX_RUNS`, those of the run go that moved longest ago, and
of the last one the oldest of each place that has most; one a place stays."""
MAX_RUNS = 5_000

Place = tuple[str, int]
"""Model and shard."""


class KeptWindow(NamedTuple):
    """A final window of a shard: its end (epoch seconds), its highest risk, and its record."""

    end_s: float
    highest_risk: float
    raw: bytes


class KeptWindows:
    """Final windows by run, model and shard."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[Place, deque[KeptWindow]]] = {}
        self._bytes = 0

    def add(self, run: str, place: Place, window: KeptWindow) -> None:
        """Keep a window, the newest of its place."""
        of_run = self._runs.pop(run, {})
        self._runs[run] = of_run  # the last one to go
        kept = of_run.setdefault(place, deque())
        kept.append(window)
        self._bytes += len(window.raw)
        if len(kept) > MAX_WINDOWS:
            self._bytes -= len(kept.popleft().raw)
        self._shrink()

    def _shrink(self) -> None:
        while len(self._runs) > 1 and (self._bytes > MAX_BYTES or len(self._runs) > MAX_RUNS):
            oldest = self._runs.pop(next(iter(self._runs)))
            self._bytes -= sum(len(window.raw) for kept in oldest.values() for window in kept)
        while self._bytes > MAX_BYTES:
            (places,) = self._runs.values()
            longest = max(places.values(), key=len)
            if len(longest) < 2:
                return
            self._bytes -= len(longest.popleft().raw)

    def of(self, run: str, place: Place) -> Sequence[KeptWindow]:
        """A copy of the windows of a run, in the order in which they came."""
        return list(self._runs.get(run, {}).get(place, ()))
