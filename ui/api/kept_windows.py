"""The last final windows of each run, as they came."""

from collections import deque
from collections.abc import Sequence

MAX_WINDOWS = 168
"""Final windows kept a model, run and shard: a week of hours."""
MAX_BYTES = 64 << 20
"""Memory for them. Beyond it, or beyond `MAX_RUNS`, those of the run go that moved longest ago."""
MAX_RUNS = 5_000

Place = tuple[str, int]
"""Model and shard."""


class KeptWindows:
    """Final windows by run, model and shard."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[Place, deque[bytes]]] = {}
        self._bytes = 0

    def add(self, run: str, place: Place, raw: bytes) -> None:
        """Keep a window, the newest of its place."""
        of_run = self._runs.pop(run, {})
        self._runs[run] = of_run  # the last one to go
        kept = of_run.setdefault(place, deque())
        kept.append(raw)
        self._bytes += len(raw)
        if len(kept) > MAX_WINDOWS:
            self._bytes -= len(kept.popleft())
        while len(self._runs) > 1 and (self._bytes > MAX_BYTES or len(self._runs) > MAX_RUNS):
            oldest = self._runs.pop(next(iter(self._runs)))
            self._bytes -= sum(len(raw) for kept in oldest.values() for raw in kept)

    def of(self, run: str, place: Place) -> Sequence[bytes]:
        """Windows of a run, in the order in which they came."""
        return self._runs.get(run, {}).get(place, ())
