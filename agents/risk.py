"""Risk: propagated stress folded into panes, windows closed on the watermark, alarms decided.

Pure: a step is a function of the state, the panes and the frame. The agent that reads, sends and
writes is in ``agents/risk_stage.py``.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from math import isnan
from typing import Any

import numpy as np

from agents.alarms import STATES, Thresholds, Transitions, decide, episode_id
from agents.causes import Causes, Names
from tables.risk_table import HoppingWindows, TumblingPanes, Window, Windows
from tables.shard_state import Indices, ShardState
from tables.spans import Due, due
from tables.windows import WindowSpec
from topology.clock import to_datetime
from topology.errors import MessageError
from topology.grid import Grid, check_zone, node_indices
from topology.messages import (
    LEVELS,
    Floats,
    PropagatedFrame,
    RiskAlert,
    RiskWindow,
)
from topology.models import Matrix
from topology.shards import shard_nodes

MAX_WINDOWS = 1_000
"""Windows of one run and shard that close before the state is written."""

TOGETHER_VALUES = 100_000
"""Windows times nodes that are summed up and decided together, each window at less cost so: 1.6 MB
of stress and risk."""


@dataclass(frozen=True)
class Closing:
    """One closed window: its final values as they are sent, its panes, and what they decided."""

    final: RiskWindow
    window: Window
    steps: Transitions | None


@dataclass(frozen=True)
class SkippedRows:
    """Sequence numbers of a frame's rows that were not counted: too late, or too far ahead."""

    late: list[int] = field(default_factory=list)
    ahead: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class RiskModel:
    """The risk stage of one model on one grid."""

    name: str
    grid: Grid
    influence: Matrix
    partitions: int
    spec: WindowSpec
    thresholds: Thresholds

    @cached_property
    def shards(self) -> tuple[tuple[int, ...], ...]:
        """For each shard the grid positions of its nodes."""
        return shard_nodes(self.grid, self.partitions)

    def fold(self, frame: PropagatedFrame, state: ShardState, panes: TumblingPanes) -> SkippedRows:
        """Add a frame's new rows to their panes and move the zone's clock; what is set skipped.

        Rows that the state has applied are passed over. A row that only a pane has applied (a
        crash came between the two writes) moves the clock and changes no sum. A row that is set
        skipped counts as seen and moves nothing; a final one then does not end its zone.

        Raises
        ------
        MessageError
            Before anything is changed, if the frame names a zone, node or shard that is not here.
        """
        check_zone(frame.zone, self.grid)
        members = self._members(frame)
        sources = np.array(node_indices(frame.sources, self.grid), dtype=np.intp)
        stress: Floats = np.zeros((len(frame.timestamps), len(self.shards[frame.shard])))
        stress[:, members] = frame.stress
        source_stress = frame.source_stress
        holds_any: Any = frame.stress.any(axis=1) | source_stress.any(axis=1)
        zone, skipped = frame.zone, SkippedRows()
        for i, time_s in enumerate(frame.times_s.tolist()):
            seq = frame.seq + i
            # Where a zone's numbers begin is the sender's choice: before them nothing is missing.
            applied = state.applied.get(zone, seq - 1)
            if seq <= applied:
                continue
            state.gaps += seq - applied - 1
            state.applied[zone] = seq
            if state.is_ahead(zone, time_s, self.spec):
                skipped.ahead.append(seq)
                state.ahead_rows += 1
                continue
            if frame.final:
                state.end(zone, time_s)
                continue
            if state.is_late(zone, time_s, self.spec):
                skipped.late.append(seq)
                state.late_rows += 1
                continue
            state.add_row(zone, time_s, self.spec)
            if holds_any[i]:
                pane = panes.to_change(self.spec.pane_of(time_s))
                pane.add(zone, seq, stress[i], sources, source_stress[i])
        return skipped

    def needed_from(self, state: ShardState) -> int | None:
        """Start of the oldest pane that is still asked for, or None if all are."""
        closed_s = state.closed_until_s
        return None if closed_s is None else self.spec.oldest_needed(closed_s)

    def can_close_past_idle(self, state: ShardState, idle: Collection[str]) -> bool:
        """Whether windows that idle zones held back may close now; the state notes it."""
        watermark_s = state.watermark_s(self.grid.zones, self.spec, idle)
        if watermark_s is None or watermark_s == state.watermark_s(self.grid.zones, self.spec):
            return False
        if next(self._due(state, watermark_s), None) is None:
            return False
        state.passed_s = watermark_s
        return True

    def close(
        self, run: str, shard: int, state: ShardState, panes: TumblingPanes
    ) -> Iterator[Closing]:
        """Close the windows that the watermark has passed, oldest first.

        It may be left after any window and called again: the state knows how far it has come.
        """
        watermark_s = state.watermark_s(self.grid.zones, self.spec)
        if watermark_s is None:
            return
        size = len(self.shards[shard])
        windows = HoppingWindows(panes, self.spec, size)
        ends = self._due(state, watermark_s)
        together = min(MAX_WINDOWS, max(1, TOGETHER_VALUES // max(1, size)))
        while some := list(islice(ends, together)):
            sums = windows.ending([end_s for end_s, has_window in some if has_window])
            closings = self._closings(run, shard, state, sums)
            for end_s, has_window in some:
                state.closed_until_s = end_s
                if has_window:
                    yield next(closings)
        if state.first_pane_s is not None:
            state.passed_s = watermark_s

    def alerts(self, run: str, shard: int, closings: Iterable[Closing]) -> list[RiskAlert]:
        """The alerts of windows that have closed, in their order; quicker for many at once."""
        decided = [(closing.window, closing.steps) for closing in closings if closing.steps]
        if not decided:
            return []
        nodes, ids = self._shard_nodes[shard], self._shard_ids[shard]
        causes = iter(
            self._causes.of([w for w, _ in decided], [nodes[steps.nodes] for _, steps in decided])
        )
        alerts = []
        for window, steps in decided:
            start, end = to_datetime(window.end_s - self.spec.size_s), to_datetime(window.end_s)
            for node_id, state, level, since_s, risk, peak_risk, sources in zip(
                ids[steps.nodes].tolist(),
                [STATES[state] for state in steps.states.tolist()],
                [LEVELS[level - 1] for level in steps.levels.tolist()],
                steps.since_s.tolist(),
                steps.risk.tolist(),
                [None if isnan(peak) else peak for peak in steps.peak_risk.tolist()],
                islice(causes, len(steps)),
                strict=True,
            ):
                episode = episode_id(self.name, run, node_id, since_s)
                alerts.append(
                    RiskAlert(
                        alert_id=f"{episode}-{state}-{level}",
                        episode_id=episode,
                        model=self.name,
                        run=run,
                        node_id=node_id,
                        timestamp=end,
                        window_start=start,
                        window_end=end,
                        risk_score=risk,
                        peak_risk=peak_risk,
                        level=level,
                        state=state,
                        sources=sources,
                    )
                )
        return alerts

    def _due(self, state: ShardState, watermark_s: float) -> Iterator[Due]:
        if state.first_pane_s is None:
            return iter(())
        closed_s = state.first_pane_s if state.closed_until_s is None else state.closed_until_s
        return due(state.spans, closed_s, watermark_s, self.spec)

    def _members(self, frame: PropagatedFrame) -> list[int]:
        if frame.shard >= self.partitions:
            raise MessageError(
                "unknown-shard", f"shard {frame.shard} of {self.partitions} partitions"
            )
        position = self._positions[frame.shard]
        try:
            return list(map(position.__getitem__, frame.nodes))
        except KeyError as error:
            raise MessageError(
                "unknown-node", f"node {error} is not in shard {frame.shard}"
            ) from None

    @cached_property
    def _causes(self) -> Causes:
        return Causes(self.grid, self.influence)

    @cached_property
    def _shard_nodes(self) -> list[Indices]:
        return [np.array(members, dtype=np.intp) for members in self.shards]

    @cached_property
    def _shard_ids(self) -> list[Names]:
        ids = np.array(self.grid.ids, dtype=object)
        return [ids[list(members)] for members in self.shards]

    @cached_property
    def _positions(self) -> list[dict[str, int]]:
        return [
            {self.grid.ids[node]: i for i, node in enumerate(members)} for members in self.shards
        ]

    def _closings(
        self, run: str, shard: int, state: ShardState, sums: Windows
    ) -> Iterator[Closing]:
        ends_s = [window.end_s for window in sums.each]
        size = sums.stress.shape[1]
        # The values above 0 of all windows, one window after the other: shape (values,); those of
        # window i are cuts[i] to cuts[i + 1].
        cuts = sums.held.searchsorted(np.arange(len(ends_s) + 1) * size).tolist()
        ids = self._shard_ids[shard][sums.held % size].tolist()
        stress, risk = sums.stress.ravel()[sums.held], sums.risk.ravel()[sums.held]
        decided = decide(state, sums.risk, ends_s, self.thresholds)
        for i, (window, steps) in enumerate(zip(sums.each, decided, strict=True)):
            part = slice(cuts[i], cuts[i + 1])
            final = RiskWindow(
                model=self.name,
                run=run,
                shard=shard,
                window_start=to_datetime(window.end_s - self.spec.size_s),
                window_end=to_datetime(window.end_s),
                nodes=ids[part],
                stress=stress[part],
                risk=risk[part],
            )
            yield Closing(final, window, steps)
