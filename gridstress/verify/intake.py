"""Decide which rows of a run count: repeated, late, far-ahead and unusable rows do not."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from gridstress.verify.measured import refusal_of
from topology.errors import DataError
from topology.grid import Grid
from topology.messages import Floats, MeasurementFrame

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(slots=True)
class Block:
    """The rows of one frame that were new when it came; ``load_mw`` has shape (rows, columns).

    ``skipped`` marks the rows that are in no window.
    """

    seq: int
    times_s: Floats
    columns: list[int]
    load_mw: Floats
    period_s: int
    final: bool
    skipped: Mask

    def same_row(self, i: int, other: "Block", j: int) -> bool:
        """Whether row ``i`` says what row ``j`` of another block says, columns in any order."""
        mine = dict(zip(self.columns, self.load_mw[i].tolist(), strict=True))
        theirs = dict(zip(other.columns, other.load_mw[j].tolist(), strict=True))
        own = self.times_s[i], self.period_s, self.final, mine
        return own == (other.times_s[j], other.period_s, other.final, theirs)


@dataclass(slots=True)
class ZoneIntake:
    """What became of one zone's rows; times in epoch seconds, minus infinity before the first.

    Rows with numbers below ``dropped_before`` are not held any more.
    """

    zone: str
    blocks: list[Block] = field(default_factory=list)
    last_seq: int = -1
    dropped_before: int = 0
    newest_s: float = -math.inf
    ended_s: float | None = None
    counted: int = 0
    duplicates: int = 0
    late_seqs: list[int] = field(default_factory=list)
    ahead_seqs: list[int] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, frame: MeasurementFrame, columns: list[int], lateness_s: float, max_ahead_s: float
    ) -> None:
        """Judge the frame's rows one by one, in their order; ``max_ahead_s`` 0 bounds nothing."""
        rows = len(frame.timestamps)
        load = np.array(frame.load_mw, dtype=np.float64).reshape(rows, len(columns))
        times = frame.times_s
        known = min(rows, max(0, self.last_seq + 1 - frame.seq))
        block = Block(
            frame.seq, times, columns, load, frame.period_s, frame.final, np.zeros(rows, np.bool_)
        )
        for i in range(known):
            self._judge_repeated(block, i)
        if known == rows:
            return
        if self.last_seq >= 0 and frame.seq > self.last_seq + 1:
            self.notes.append(
                f"zone {self.zone}: seq {self.last_seq + 1} to {frame.seq - 1} were never seen"
            )
        first = frame.seq + known
        counted = [
            self._counts(first + i, time_s, frame.final, lateness_s, max_ahead_s)
            for i, time_s in enumerate(times[known:].tolist())
        ]
        skipped = ~np.array(counted)
        new = replace(
            block, seq=first, times_s=times[known:], load_mw=load[known:], skipped=skipped
        )
        self.blocks.append(new)
        self.last_seq = frame.last_seq
        self.counted += sum(counted)

    def _counts(
        self, seq: int, time_s: float, final: bool, lateness_s: float, max_ahead_s: float
    ) -> bool:
        """Judge one new row, note what it moves, and say whether it is in a window."""
        if (
            max_ahead_s > 0
            and self.newest_s + max_ahead_s < time_s
            and math.isfinite(self.newest_s)
        ):
            self.ahead_seqs.append(seq)
            return False
        if final:  # it ends the zone, not before its newest row, and counts for nothing else
            earlier_s = -math.inf if self.ended_s is None else self.ended_s
            self.ended_s = max(time_s, self.newest_s, earlier_s)
            return False
        if self.ended_s is not None or time_s < self.newest_s - lateness_s:
            self.late_seqs.append(seq)
            return False
        self.newest_s = max(self.newest_s, time_s)
        return True

    def drop(self, before_s: float) -> float:
        """Drop the first blocks, as long as their rows count before this time or in no window.

        The reports of rows are dropped, too. Returns the time of the newest counted row that was
        dropped, minus infinity if none was.
        """
        newest_s, count = -math.inf, 0
        for block in self.blocks:
            block_s = float(block.times_s[~block.skipped].max(initial=-math.inf))
            if block_s >= before_s:
                break
            newest_s, count = max(newest_s, block_s), count + 1
            self.dropped_before = block.seq + len(block.times_s)
        del self.blocks[:count]
        self.conflicts.clear()
        self.notes.clear()
        return newest_s

    def _judge_repeated(self, block: Block, i: int) -> None:
        self.duplicates += 1
        seq = block.seq + i
        if seq < self.dropped_before:
            return
        at = bisect_right(self.blocks, seq, key=lambda b: b.seq) - 1
        first = self.blocks[at] if at >= 0 else None
        if first is None or seq >= first.seq + len(first.times_s):
            self.notes.append(
                f"zone {self.zone}: seq {seq} came after {self.last_seq} and was never counted"
            )
        elif not first.same_row(seq - first.seq, block, i):
            self.conflicts.append(f"zone {self.zone}: seq {seq} is there twice with other content")


@dataclass(slots=True)
class Intake:
    """A whole run's rows, by zone; ``refused`` names the frames that cannot be used at all."""

    run: str
    zones: dict[str, ZoneIntake]
    refused: list[str] = field(default_factory=list)
    lateness_s: float = 0.0

    @property
    def watermark_s(self) -> float | None:
        """The run's watermark, or None while a zone of the topology has sent nothing."""
        sending = [z.newest_s - self.lateness_s for z in self.zones.values() if z.ended_s is None]
        ends = [z.ended_s for z in self.zones.values() if z.ended_s is not None and z.counted]
        watermark = min(sending) if sending else max(ends, default=-math.inf)
        return watermark if math.isfinite(watermark) else None

    @property
    def newest_s(self) -> float:
        """The newest event time of all zones."""
        return max(z.newest_s for z in self.zones.values())

    @property
    def unseen_zones(self) -> list[str]:
        """Zones of the topology without a single row."""
        return [name for name, z in self.zones.items() if z.last_seq < 0]

    @classmethod
    def of(cls, run: str, grid: Grid, lateness_s: float) -> Self:
        """Begin with the first row of a run."""
        return cls(run, {zone: ZoneIntake(zone) for zone in grid.zones}, lateness_s=lateness_s)

    def add(self, frame: MeasurementFrame, grid: Grid, max_ahead_s: float) -> None:
        """Take the next frame; one that cannot be used is named in ``refused``.

        Raises
        ------
        DataError
            If it is of another run.
        """
        if frame.run != self.run:
            raise DataError(
                f"frames of two runs, {self.run!r} and {frame.run!r}",
                hint="Recompute one run at a time.",
            )
        _, refused = refusal_of(frame, grid)
        if refused:
            self.refused.append(f"zone {frame.zone} seq {frame.seq}: {refused}")
            return
        columns = [grid.index[node_id] for node_id in frame.nodes]
        self.zones[frame.zone].add(frame, columns, self.lateness_s, max_ahead_s)


def take_in(
    frames: Iterable[MeasurementFrame], grid: Grid, lateness_s: float, max_ahead_s: float = 0.0
) -> Intake:
    """Sort the frames of one run, each zone's in the order of its partition's log.

    Raises
    ------
    DataError
        If the frames are of several runs, or none has a row that can be used.
    """
    intake: Intake | None = None
    for frame in frames:
        if intake is None:
            intake = Intake.of(frame.run, grid, lateness_s)
        intake.add(frame, grid, max_ahead_s)
    if intake is None or not any(z.blocks for z in intake.zones.values()):
        raise DataError(
            "no measurement that can be used",
            hint="Is it the same topology the run was replayed with (GRIDSTRESS_TOPOLOGY)?",
        )
    return intake
