"""A shard's state as the web views need it: one small record, published for every worker to read.

Derived and disposable: losing one costs a second of freshness.
"""

from collections.abc import Collection, Iterator, Sequence

import msgspec
import numpy as np

from tables.risk_table import RiskTable, TumblingPanes
from tables.shard_state import ShardState
from tables.spans import panes_with_rows
from tables.sparse import INDEX, SparseVector
from tables.windows import WindowSpec
from topology.messages import Floats

MAX_OPEN_PANES = 48
"""Panes ahead of the watermark that a view shows; a zone may run far ahead of the others."""

MAX_VIEW_BYTES = 2_000_000
"""About as much JSON as a view may be: it must fit into one record."""

_ENTRY_BYTES, _NODE_BYTES, _EPISODE_BYTES = 16, 2, 44
"""What JSON takes for a value of a sparse vector, for a node's level, and for an open episode."""

_PANE_BYTES, _HEAD_BYTES, _ZONE_BYTES = 100, 2_000, 900
"""What it takes beside that for a pane, for a view, and for a zone with the longest name."""


class PaneView(msgspec.Struct, kw_only=True):
    """One pane: stress of the shard's nodes, and that of the sources, by grid position."""

    start_s: int
    stress: SparseVector
    source_stress: SparseVector

    @property
    def size(self) -> int:
        """Bytes of JSON that it takes, about."""
        entries = (len(self.stress.index) + len(self.source_stress.index)) // INDEX.itemsize
        return entries * _ENTRY_BYTES + _PANE_BYTES


class OpenEpisode(msgspec.Struct, array_like=True):
    """An open alarm episode: its node's position in the shard, since when, and its peak risk.

    ``peak_risk`` is None where it is not known (``tables/shard_state.py``). It is sent as an
    array, because every node of a shard may have one.
    """

    node: int
    since_s: float
    peak_risk: float | None


class ShardView(msgspec.Struct, kw_only=True):
    """One run in one shard of one model, by the shard's nodes; times in epoch seconds.

    ``stress`` and ``risk`` are those of the window that is filling now and ends at
    ``window_end_s``; ``level`` is that of the open alarm episode, 0 for none; ``applied`` has the
    last number counted of each zone. Panes from ``shown_until_s`` on are left out; None if there
    are none.
    """

    model: str
    run: str
    shard: int
    worker: str
    published_at: float
    started_ms: int
    event_time_s: float | None
    watermark_s: float | None
    closed_until_s: int | None
    ended: bool
    window_end_s: int | None
    stress: SparseVector
    risk: SparseVector
    level: list[int]
    panes: list[PaneView]
    late_rows: int
    gaps: int
    idle_zones: list[str] = []
    ahead_rows: int = 0
    shown_until_s: int | None = None
    applied: dict[str, int] = {}
    open_episodes: list[OpenEpisode] = []


def view_of(
    table: RiskTable,
    state: ShardState,
    spec: WindowSpec,
    *,
    model: str,
    run: str,
    shard: int,
    shard_size: int,
    zones: Sequence[str],
    idle: Collection[str],
    worker: str,
    published_at: float,
) -> ShardView:
    """What the shard knows of a run, as of its last write; small enough for one record."""
    episodes = _open_episodes(state)
    room = MAX_VIEW_BYTES - _HEAD_BYTES - 2 * _ZONE_BYTES * len(zones)
    room -= shard_size * _NODE_BYTES + len(episodes) * _EPISODE_BYTES
    shown, end_s, until_s = _shown(table.panes(run, shard), state, spec, shard_size, room)
    stress = _window_stress(shown, end_s, spec, shard_size)
    return ShardView(
        model=model,
        run=run,
        shard=shard,
        worker=worker,
        published_at=published_at,
        started_ms=state.started_ms,
        event_time_s=state.event_time_s,
        watermark_s=state.watermark_s(zones, spec, idle),
        closed_until_s=state.closed_until_s,
        ended=state.is_ended(zones),
        window_end_s=end_s,
        stress=SparseVector.of(stress),
        risk=SparseVector.of(-np.expm1(-stress)),
        level=state.level.tolist(),
        panes=shown,
        shown_until_s=until_s,
        idle_zones=sorted(idle),
        late_rows=state.late_rows,
        ahead_rows=state.ahead_rows,
        gaps=state.gaps,
        applied=state.applied,
        open_episodes=episodes,
    )


def _open_episodes(state: ShardState) -> list[OpenEpisode]:
    (nodes,) = state.level.nonzero()
    columns = nodes.tolist(), state.since_s[nodes].tolist(), state.peaks_of(nodes)
    return [OpenEpisode(*episode) for episode in zip(*columns, strict=True)]


def _shown(
    panes: TumblingPanes, state: ShardState, spec: WindowSpec, shard_size: int, room: int
) -> tuple[list[PaneView], int | None, int | None]:
    """The panes still needed, the end of the window that is filling, and where they were cut off.

    Shown are the first of them, by number and by size: with the window that is filling they take
    at most ``room`` bytes.
    """
    shown: list[PaneView] = []
    stressed = np.zeros(shard_size, dtype=bool)
    end_s, size, ahead = None, 0, 0
    for start_s in _starts(state, spec):
        pane = panes.get(start_s)
        if pane is not None:
            total = pane.total(shard_size)
            view = PaneView(
                start_s=start_s,
                stress=SparseVector.of(total),
                source_stress=SparseVector.of(pane.source_stress),
            )
            size += view.size
            stressed |= total > 0
            window = 2 * _ENTRY_BYTES * int(np.count_nonzero(stressed))
            if ahead == MAX_OPEN_PANES or size + window > room:
                return shown, end_s, start_s
            shown.append(view)
        elif ahead == MAX_OPEN_PANES:
            return shown, end_s, start_s
        end_s = start_s + spec.step_s
        ahead += state.closed_until_s is None or start_s >= state.closed_until_s
    return shown, end_s, None


def _starts(state: ShardState, spec: WindowSpec) -> Iterator[int]:
    """Starts of the panes with rows that are still needed, oldest first."""
    if state.first_pane_s is None:
        return iter(())
    closed_s, first_s = state.closed_until_s, state.first_pane_s
    begin_s = first_s if closed_s is None else max(first_s, spec.oldest_needed(closed_s))
    return panes_with_rows(state.spans, begin_s, spec)


def _window_stress(
    shown: Sequence[PaneView], end_s: int | None, spec: WindowSpec, shard_size: int
) -> Floats:
    """Stress of the window that is filling, of the panes that are shown, shape (shard nodes,)."""
    total = np.zeros(shard_size)
    for pane in shown:
        if end_s is not None and end_s - spec.size_s <= pane.start_s < end_s:
            total += pane.stress.dense()
    return total
