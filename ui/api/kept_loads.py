"""The last loads of each run, as they were sent."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from topology.errors import MessageError
from topology.messages import MeasurementFrame, Message, Moment, Name, decode

MAX_ROWS = 200
"""Rows kept a run and zone: those of the windows that are kept, in hours, and a day."""
MAX_BYTES = 64 << 20
"""Memory for them. Beyond it, or beyond `MAX_RUNS`, those of the run go that moved longest ago."""
MAX_RUNS = 5_000

LoadRow = tuple[float, Sequence[str], Sequence[float]]
"""Event time (epoch seconds), nodes, and their loads in MW."""


class LoadHead(Message, kw_only=True, frozen=True):
    """What is read of every frame that comes; the rest is left."""

    run: Name
    zone: Name
    timestamps: list[Moment]
    final: bool = False


class KeptFrame(NamedTuple):
    """A frame of a zone: time of its first row (epoch seconds), rows, and itself as JSON."""

    first_s: float
    rows: int
    raw: bytes


class KeptLoads:
    """Frames by run and zone."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, deque[KeptFrame]]] = {}
        self._bytes = 0

    def add(self, raw: bytes) -> None:
        """Keep a frame, the newest of its zone; a final one has no loads.

        Raises
        ------
        MessageError
            If it is none.
        """
        head = decode(raw, LoadHead)
        if head.final or not head.timestamps:
            return
        of_run = self._runs.pop(head.run, {})
        self._runs[head.run] = of_run  # the last one to go
        kept = of_run.setdefault(head.zone, deque())
        kept.append(KeptFrame(head.timestamps[0].timestamp(), len(head.timestamps), raw))
        self._bytes += len(raw)
        while len(kept) > 1 and sum(frame.rows for frame in kept) - kept[0].rows >= MAX_ROWS:
            self._bytes -= len(kept.popleft().raw)
        while len(self._runs) > 1 and (self._bytes > MAX_BYTES or len(self._runs) > MAX_RUNS):
            oldest = self._runs.pop(next(iter(self._runs)))
            self._bytes -= sum(len(frame.raw) for kept in oldest.values() for frame in kept)

    def of(self, run: str) -> list[list[KeptFrame]]:
        """A copy of the frames of a run, by zone, in the order in which they came."""
        return [list(kept) for kept in self._runs.get(run, {}).values()]


def rows_before(zones: Iterable[Sequence[KeptFrame]], before_s: float) -> Iterator[LoadRow]:
    """The newest row of each zone before a time, unless it is older than two of its periods."""
    for kept in zones:
        begun = [frame for frame in kept if frame.first_s < before_s]
        frame = _read(max(begun).raw) if begun else None
        if frame is None:
            continue
        rows = [i for i, time_s in enumerate(frame.times_s) if time_s < before_s]
        time_s = float(frame.times_s[rows[-1]])
        if time_s >= before_s - 2 * frame.period_s:
            yield time_s, frame.nodes, frame.load_mw[rows[-1]]


@lru_cache(maxsize=16)
def _read(raw: bytes) -> MeasurementFrame | None:
    """A frame as the workers read it; None if they refuse it."""
    try:
        return decode(raw, MeasurementFrame)
    except MessageError:
        return None
