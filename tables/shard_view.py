"""A shard's state as the web views need it: one small record, published for every worker to read.

Derived and disposable: losing one costs a second of freshness.
"""

from collections.abc import Collection, Sequence

import msgspec
import numpy as np

from tables.risk_table import HoppingWindows, RiskTable
from tables.shard_state import ShardState
from tables.windows import WindowSpec

MAX_OPEN_PANES = 48
"""Panes ahead of the watermark that a view shows; a zone may run far ahead of the others."""


class PaneView(msgspec.Struct, kw_only=True):
    """One pane: stress of the shard's nodes, and the sources with stress, by grid position."""

    start_s: int
    stress: list[float]
    source_index: list[int]
    source_stress: list[float]


class ShardView(msgspec.Struct, kw_only=True):
    """One run in one shard of one model; lists are by the shard's nodes; times in epoch seconds.

    ``stress`` and ``risk`` are those of the window that is filling now and ends at
    ``window_end_s``; ``level`` is that of the open alarm episode, 0 for none; ``applied`` has the
    last number counted of each zone.
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
    stress: list[float]
    risk: list[float]
    level: list[int]
    panes: list[PaneView]
    silent_zones: list[str]
    late_rows: int
    gaps: int
    ahead_rows: int = 0
    applied: dict[str, int] = {}


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
    silent: Collection[str],
    worker: str,
    published_at: float,
) -> ShardView:
    """What the shard knows of a run, as of its last write."""
    panes = table.panes(run, shard)
    starts = _shown(state, spec)
    end_s = starts.stop if len(starts) else None
    stress = np.zeros(shard_size)
    risk = np.zeros(shard_size)
    if end_s is not None:
        window = HoppingWindows(panes, spec, shard_size).at(end_s)
        stress, risk = window.stress, window.risk
    shown = []
    for start_s in starts:
        pane = panes.get(start_s)
        if pane is not None:
            (index,) = pane.source_stress.nonzero()
            shown.append(
                PaneView(
                    start_s=start_s,
                    stress=pane.total(shard_size).tolist(),
                    source_index=index.tolist(),
                    source_stress=pane.source_stress[index].tolist(),
                )
            )
    return ShardView(
        model=model,
        run=run,
        shard=shard,
        worker=worker,
        published_at=published_at,
        started_ms=state.started_ms,
        event_time_s=state.event_time_s,
        watermark_s=state.watermark_s(zones, spec, silent),
        closed_until_s=state.closed_until_s,
        ended=state.is_ended(zones),
        window_end_s=end_s,
        stress=stress.tolist(),
        risk=risk.tolist(),
        level=state.level.tolist(),
        panes=shown,
        silent_zones=sorted(silent),
        late_rows=state.late_rows,
        ahead_rows=state.ahead_rows,
        gaps=state.gaps,
        applied=state.applied,
    )


def _shown(state: ShardState, spec: WindowSpec) -> range:
    """Starts of the panes to show: those still needed, up to the newest or the cap."""
    newest_s, first_s = state.event_time_s, state.first_pane_s
    if newest_s is None or first_s is None:
        return range(0)
    closed_s = state.closed_until_s
    begin_s = first_s if closed_s is None else max(first_s, spec.oldest_needed(closed_s))
    base_s = begin_s if closed_s is None else closed_s
    stop_s = min(spec.pane_of(newest_s) + spec.step_s, base_s + MAX_OPEN_PANES * spec.step_s)
    return range(begin_s, max(stop_s, begin_s), spec.step_s)
