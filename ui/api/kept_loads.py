"""The last loads of each run, as they were sent."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from topology.codec import decode
from topology.errors import MessageError
from topology.messages import MeasurementFrame, Message, Moment, Name, Period, Seq

MAX_SPAN_S = 8 * 86_400
"""Time for which rows are kept a run and zone: that of the windows that are kept, and a day."""
MAX_BYTES = 64 << 20
"""Memory for them. Beyond it, or beyond `MAX_RUNS`, those of the run go that moved longest ago, and
of the last one the oldest."""
FRAME_BYTES = 1_000
"""What a frame takes beside its text."""
MAX_RUNS = 5_000

LoadRow = tuple[str, Sequence[str], Sequence[float]]
"""Zone, nodes, and their loads in MW."""


class LoadHead(Message, kw_only=True, frozen=True):
    """What is read of every frame that comes; the rest is left."""

    run: Name
    zone: Name
    seq: Seq
    timestamps: list[Moment]
    period_s: Period = 3600
    final: bool = False


class KeptFrame(NamedTuple):
    """A frame of a zone: its first row's time (epoch seconds), its numbers, rows, and its JSON.

    Its rows stand for ``span_s`` together.
    """

    first_s: float
    seq: int
    rows: int
    span_s: int
    raw: bytes

    @property
    def last_seq(self) -> int:
        """Number of its last row."""
        return self.seq + self.rows - 1

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.raw) + FRAME_BYTES


class KeptLoads:
    """Frames by run and zone; only of ``zones``, all those of the grid, if they are known."""

    def __init__(self, zones: Collection[str] | None = None) -> None:
        self._zones = zones
        self._runs: dict[str, dict[str, deque[KeptFrame]]] = {}
        self._bytes = 0

    def add(self, raw: bytes) -> bool:
        """Keep a frame, the newest of its zone; whether it is kept.

        A final one has no loads, one that is sent again is known already.

        Raises
        ------
        MessageError
            If it is none.
        """
        head = decode(raw, LoadHead)
        if head.final or not head.timestamps:
            return False
        if self._zones is not None and head.zone not in self._zones:
            return False
        first_s = head.timestamps[0].timestamp()
        rows = len(head.timestamps)
        frame = KeptFrame(first_s, head.seq, rows, rows * head.period_s, raw)
        of_run = self._runs.pop(head.run, {})
        self._runs[head.run] = of_run  # the last one to go
        kept = of_run.setdefault(head.zone, deque())
        if any(one.seq <= frame.seq and frame.last_seq <= one.last_seq for one in kept):
            return False
        kept.append(frame)
        self._bytes += frame.size
        while sum(one.span_s for one in kept) - kept[0].span_s >= MAX_SPAN_S:
            self._bytes -= kept.popleft().size
        self._shrink()
        return True

    def _shrink(self) -> None:
        while len(self._runs) > 1 and (self._bytes > MAX_BYTES or len(self._runs) > MAX_RUNS):
            oldest = self._runs.pop(next(iter(self._runs)))
            self._bytes -= sum(frame.size for kept in oldest.values() for frame in kept)
        while self._bytes > MAX_BYTES:
            (zones,) = self._runs.values()
            longest = max(zones.values(), key=len)
            if len(longest) < 2:
                return
            self._bytes -= longest.popleft().size

    def of(self, run: str) -> list[list[KeptFrame]]:
        """A copy of the frames of a run, by zone, in the order in which they came."""
        return [list(kept) for kept in self._runs.get(run, {}).values()]


def rows_before(zones: Iterable[Sequence[KeptFrame]], before_s: float) -> Iterator[LoadRow]:
    """The newest row of each zone before a time, if it stands for the time up to then."""
    for kept in zones:
        begun = [frame for frame in kept if frame.first_s < before_s]
        frame = _read(max(begun, key=itemgetter(0)).raw) if begun else None
        if frame is None:
            continue
        rows = [i for i, time_s in enumerate(frame.times_s) if time_s < before_s]
        if frame.times_s[rows[-1]] + frame.period_s >= before_s - 1:
            yield frame.zone, frame.nodes, frame.load_mw[rows[-1]]


@lru_cache(maxsize=16)
def _read(raw: bytes) -> MeasurementFrame | None:
    """A frame as the workers read it; None if they refuse it."""
    try:
        return decode(raw, MeasurementFrame)
    except MessageError:
        return None
