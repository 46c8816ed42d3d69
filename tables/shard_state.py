"""What a shard knows of a run beside its panes: how far time has come, and its alarm episodes."""

from collections.abc import Collection
from dataclasses import dataclass, field
from math import inf, isnan, nan
from typing import Any, Self

import msgspec
import numpy as np

from tables.spans import Span, with_row
from tables.windows import WindowSpec
from topology.messages import Floats

_TAGGED = 3
"""The first schema whose states have a tag."""

Levels = np.ndarray[Any, np.dtype[np.int8]]
Indices = np.ndarray[Any, np.dtype[np.intp]]


class _Older(msgspec.Struct, array_like=True):
    """A state up to schema 2."""

    started_ms: int
    applied: dict[str, int]
    newest_s: dict[str, float]
    ended_s: dict[str, float]
    first_pane_s: int | None
    closed_until_s: int | None
    floor_s: int | None
    level: bytes
    since_s: bytes
    late_rows: int
    gaps: int
    ahead_rows: int = 0


class _Packed(_Older, tag="run"):
    """``peak_risk`` has the nodes with an open episode only; None up to schema 3."""

    spans: list[Span] = []
    passed_s: float | None = None
    turn: int = 0
    peak_risk: bytes | None = None


class ForgottenRun(msgspec.Struct, array_like=True, tag="forgotten"):
    """What remains of a run that a shard has dropped: enough to know a row that comes again.

    ``turn`` tells in which order runs were forgotten; ``applied`` is the last sequence number
    applied by zone.
    """

    turn: int
    applied: dict[str, int]

    def pack(self) -> bytes:
        """This as a table value."""
        return msgspec.msgpack.encode(self)


_older_decoder = msgspec.msgpack.Decoder(_Older)
_decoder = msgspec.msgpack.Decoder(_Packed | ForgottenRun)


@dataclass(slots=True)
class ShardState:
    """The clock and the alarms of one run in one shard.

    Attributes
    ----------
    level, since_s
        Per node of the shard, shape (shard nodes,): the highest level its open episode has
        reached (0 for none, then 1, 2, 3), and the event time at which it was raised.
    peak_risk
        Likewise the highest risk of the windows since then, that one included. It counts where
        there is a level; NaN where an older gridstress has raised the episode.
    started_ms
        The broker's time of the run's first frame here; tells old runs from new ones.
    applied, newest_s, ended_s
        By zone: last sequence number applied, newest event time seen, end of its data.
    first_pane_s
        Start of the earliest pane.
    spans
        Times of the counted rows, as far as windows or panes still depend on them.
    closed_until_s
        The last window end that has been closed, or skipped (``tables/spans.py``).
    passed_s
        The greatest watermark whose windows have all been closed; or that was passed because a
        zone was idle: its windows close, whatever comes.
    floor_s
        Panes that start before it have been deleted.
    late_rows, ahead_rows, gaps
        Rows that were late, or too far ahead; sequence numbers that never came.
    turn
        Grows with every change of any run of the shard: which run moved last.
    """

    level: Levels
    since_s: Floats
    peak_risk: Floats
    started_ms: int = 0
    applied: dict[str, int] = field(default_factory=dict)
    newest_s: dict[str, float] = field(default_factory=dict)
    ended_s: dict[str, float] = field(default_factory=dict)
    first_pane_s: int | None = None
    closed_until_s: int | None = None
    floor_s: int | None = None
    late_rows: int = 0
    ahead_rows: int = 0
    gaps: int = 0
    spans: list[Span] = field(default_factory=list)
    passed_s: float | None = None
    turn: int = 0

    @classmethod
    def new(cls, shard_size: int, started_ms: int) -> Self:
        """The state before the first frame."""
        zeros = np.zeros(shard_size)
        return cls(np.zeros(shard_size, np.int8), zeros, zeros.copy(), started_ms)

    def is_late(self, zone: str, time_s: float, spec: WindowSpec) -> bool:
        """Whether a row comes too late to count; depends on its own zone's order alone.

        What follows a zone's end is late, whatever its time: an ended zone holds no window open.
        The last two conditions can only be true after windows have closed past an idle zone.
        """
        behind_zone = time_s < self.newest_s.get(zone, time_s) - spec.lateness_s
        behind_closed = self.closed_until_s is not None and time_s < self.closed_until_s
        behind_passed = self.passed_s is not None and time_s < spec.pane_of(self.passed_s)
        return zone in self.ended_s or behind_zone or behind_closed or behind_passed

    def is_ahead(self, zone: str, time_s: float, spec: WindowSpec) -> bool:
        """Whether a row would carry its zone's clock away; depends on its zone's order alone.

        A zone's first row is believed: how far the others have come differs between runs.
        """
        newest_s = self.newest_s.get(zone, time_s)
        return bool(spec.max_ahead_s) and time_s > newest_s + spec.max_ahead_s

    def end(self, zone: str, time_s: float) -> None:
        """Note that a zone's data end here, or where they are known to reach if that is later."""
        known = self.ended_s.get(zone, time_s), self.newest_s.get(zone, time_s)
        self.ended_s[zone] = max(time_s, *known)

    def add_row(self, zone: str, time_s: float, spec: WindowSpec) -> None:
        """Note the time of a row that counts."""
        self.newest_s[zone] = max(time_s, self.newest_s.get(zone, time_s))
        if self.closed_until_s is None:
            start_s = spec.pane_of(time_s)
            first_s = self.first_pane_s
            self.first_pane_s = start_s if first_s is None else min(first_s, start_s)
        if not (self.spans and self.spans[-1][0] <= time_s <= self.spans[-1][1]):
            self.spans = with_row(self.spans, time_s, spec.max_gap_s)

    def forget_spans(self, spec: WindowSpec) -> None:
        """Drop the spans whose windows are closed and whose panes are gone; the last one stays."""
        floor_s = -inf if self.floor_s is None else self.floor_s
        reach_s = spec.step_s + spec.size_s
        self.spans = [
            span
            for span in self.spans
            if span == self.spans[-1] or spec.pane_of(span[1]) + reach_s >= floor_s
        ]

    def watermark_s(
        self, zones: Collection[str], spec: WindowSpec, idle: Collection[str] = ()
    ) -> float | None:
        """Event time up to which all of the run has been seen, or None if that is not known.

        A zone that has ended or is idle holds nothing back; once all have ended, it is the
        latest end of those that had a row: nothing bounds what the end of another may say. It
        never goes back, also when an idle zone sends again.
        """
        now_s = self._watermark_now_s(zones, spec, idle)
        if now_s is None or self.passed_s is None:
            return self.passed_s if now_s is None else now_s
        return max(now_s, self.passed_s)

    def _watermark_now_s(
        self, zones: Collection[str], spec: WindowSpec, idle: Collection[str]
    ) -> float | None:
        if self.is_ended(zones):
            ends = (time_s for zone, time_s in self.ended_s.items() if zone in self.newest_s)
            return max(ends, default=None)
        holding = [zone for zone in zones if zone not in self.ended_s and zone not in idle]
        if not holding or not all(zone in self.newest_s for zone in holding):
            return None
        return min(self.newest_s[zone] for zone in holding) - spec.lateness_s

    def is_ended(self, zones: Collection[str]) -> bool:
        """Whether the end of every zone has been seen."""
        return all(zone in self.ended_s for zone in zones)

    @property
    def event_time_s(self) -> float | None:
        """The newest event time of any zone."""
        return max(self.newest_s.values(), default=None)

    def peaks_of(self, nodes: Indices) -> list[float | None]:
        """The peak risks of these nodes' open episodes; None where it is not known."""
        peaks: list[float] = self.peak_risk[nodes].tolist()
        return [None if isnan(peak) else peak for peak in peaks]

    def pack(self) -> bytes:
        """This state as a table value."""
        packed = _Packed(
            self.started_ms,
            self.applied,
            self.newest_s,
            self.ended_s,
            self.first_pane_s,
            self.closed_until_s,
            self.floor_s,
            self.level.tobytes(),
            self.since_s.tobytes(),
            self.late_rows,
            self.gaps,
            self.ahead_rows,
            self.spans,
            self.passed_s,
            self.turn,
            self.peak_risk[self.level > 0].tobytes(),
        )
        return msgspec.msgpack.encode(packed)

    @classmethod
    def _of(cls, packed: _Packed) -> Self:
        level = np.frombuffer(packed.level, np.int8).copy()
        peak_risk = np.zeros(len(level))
        peak_risk[level > 0] = nan if packed.peak_risk is None else np.frombuffer(packed.peak_risk)
        return cls(
            level=level,
            since_s=np.frombuffer(packed.since_s).copy(),
            peak_risk=peak_risk,
            started_ms=packed.started_ms,
            applied=packed.applied,
            newest_s=packed.newest_s,
            ended_s=packed.ended_s,
            first_pane_s=packed.first_pane_s,
            closed_until_s=packed.closed_until_s,
            floor_s=packed.floor_s,
            late_rows=packed.late_rows,
            gaps=packed.gaps,
            ahead_rows=packed.ahead_rows,
            spans=packed.spans,
            passed_s=packed.passed_s,
            turn=packed.turn,
        )


def unpack(packed: bytes | memoryview, schema: int) -> ShardState | ForgottenRun:
    """What a shard knows of a run, from a table value without its schema byte."""
    if schema >= _TAGGED:
        found = _decoder.decode(packed)
        return found if isinstance(found, ForgottenRun) else ShardState._of(found)
    older = _older_decoder.decode(packed)
    state = ShardState._of(_Packed(*msgspec.structs.astuple(older)))
    if state.first_pane_s is not None and state.event_time_s is not None:
        # An older gridstress closed every window, whatever the gaps.
        state.spans = [(min(state.first_pane_s, state.event_time_s), state.event_time_s)]
    return state
