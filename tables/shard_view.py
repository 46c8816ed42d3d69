"""A shard's state as the web views need it: one small record, published for every worker to read.

Derived and disposable: losing one costs a second of freshness.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache, partial

import msgspec
import numpy as np

from tables.risk_table import RiskTable, TumblingPanes
from tables.shard_state import ShardState
from tables.spans import panes_with_rows
from tables.sparse import INDEX, SparseVector
from tables.windows import WindowSpec

MAX_OPEN_PANES = 48
"""Panes ahead of the watermark that a view shows; a zone may run far ahead of the others."""

MAX_VIEW_BYTES = 2_000_000
"""About as much JSON as a view's panes may make of it: it must fit into one record."""

_ENTRY_BYTES, _PANE_BYTES = 16, 100
"""What JSON takes for a value of a sparse vector, and for a pane beside its values."""


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

    @property
    def lists_window(self) -> bool:
        """Whether all panes of the window that is filling are among ``panes``."""
        end_s, until_s = self.window_end_s, self.shown_until_s
        return end_s is None or until_s is None or end_s <= until_s


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
    """What the shard knows of a run, as of its last write; small enough for one record.

    The window that is filling is summed over all its panes; listed are the first panes, as far as
    they fit (``agents/record_sizes.py`` makes sure that the rest does).
    """
    pane_at = cache(partial(_pane, table.panes(run, shard), shard_size))
    starts, until_s = _starts(state, spec)
    end_s = starts[-1] + spec.step_s if starts else None
    filling = [] if end_s is None else [s for s in starts if s >= end_s - spec.size_s]
    stress = np.zeros(shard_size)
    for pane in filter(None, map(pane_at, filling)):
        stress += pane.stress.dense()
    view = ShardView(
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
        panes=[],
        shown_until_s=until_s,
        idle_zones=sorted(idle),
        late_rows=state.late_rows,
        ahead_rows=state.ahead_rows,
        gaps=state.gaps,
        applied=state.applied,
        open_episodes=_open_episodes(state),
    )
    _add_panes(view, filter(None, map(pane_at, starts)))
    return view


def _open_episodes(state: ShardState) -> list[OpenEpisode]:
    (nodes,) = state.level.nonzero()
    columns = nodes.tolist(), state.since_s[nodes].tolist(), state.peaks_of(nodes)
    return [OpenEpisode(*episode) for episode in zip(*columns, strict=True)]


def _pane(panes: TumblingPanes, shard_size: int, start_s: int) -> PaneView | None:
    pane = panes.get(start_s)
    if pane is None:
        return None
    return PaneView(
        start_s=start_s,
        stress=SparseVector.of(pane.total(shard_size)),
        source_stress=SparseVector.of(pane.source_stress),
    )


def _starts(state: ShardState, spec: WindowSpec) -> tuple[list[int], int | None]:
    """Starts of the panes with rows that are still needed, oldest first, and of the first left out.

    At most `MAX_OPEN_PANES` of them are open.
    """
    starts: list[int] = []
    if state.first_pane_s is None:
        return starts, None
    closed_s, begin_s, ahead = state.closed_until_s, state.first_pane_s, 0
    if closed_s is not None:
        begin_s = max(begin_s, spec.oldest_needed(closed_s))
    for start_s in panes_with_rows(state.spans, begin_s, spec):
        if ahead == MAX_OPEN_PANES:
            return starts, start_s
        starts.append(start_s)
        ahead += closed_s is None or start_s >= closed_s
    return starts, None


def _add_panes(view: ShardView, panes: Iterable[PaneView]) -> None:
    """List panes, as far as the view still fits into a record, and say where they are cut."""
    room = MAX_VIEW_BYTES - len(msgspec.json.encode(view))
    for pane in panes:
        room -= pane.size
        if room < 0:
            view.shown_until_s = pane.start_s
            return
        view.panes.append(pane)
