"""A run as it was when one of its last final windows was final, from what the views keep."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tables.shard_view import PaneView, ShardView
from tables.sparse import SparseVector
from topology.messages import LEVELS, Floats, RiskAlert, RiskWindow
from ui.api.agreement_history import Point
from ui.api.episodes import Episode
from ui.api.kept_loads import LoadRow, rows_before
from ui.api.kept_windows import KeptWindow
from ui.api.view_store import ReceivedAlert, RunView, Store, WindowOfNode, of_node


class MomentStore(Store):
    """A run as it was at a moment: nothing later is in it, and nothing of it is still filling.

    What it needs of the live store it takes at once, all but the agreement: once it is made, a
    thread may ask it.

    Parameters
    ----------
    live
        Where the run is.
    index
        Grid positions by node.
    shards
        For each shard the grid positions of its nodes.
    models, run
        What is asked about.
    at_s
        Event time, epoch seconds: the last window that is final up to then in all shards counts.
    size_s
        Length of a window, s.

    Raises
    ------
    LookupError
        If something of that moment is no longer kept.
    """

    def __init__(
        self,
        live: Store,
        index: Mapping[str, int],
        shards: Sequence[Sequence[int]],
        models: Sequence[str],
        run: str,
        at_s: float,
        size_s: int,
    ) -> None:
        super().__init__(shape=live.shape)
        self._live, self._index, self._shards, self._size_s = live, index, shards, size_s
        self._kept: dict[tuple[str, int], list[KeptWindow]] = {}
        self._panes: dict[tuple[str, int], list[PaneView]] = {}
        self._then: dict[str, list[ReceivedAlert]] = {}
        self._paired: set[str] = set()
        self._agreed: list[Point] | None = None
        self._to_compare = 0
        self._frames = live.kept_loads(run)
        self._places = [shard for shard, members in enumerate(shards) if members]
        self.version, self.clock = live.version, live.clock
        if run in live.records:
            self.records[run] = live.records[run]
        if live.lacks(run):
            raise LookupError("alerts of the run were dropped")
        for model in models:
            if known := live.runs.get((model, run)):
                self._add(model, run, known, at_s)
            elif run:  # another model has come further
                zeros = np.zeros(len(index))
                values = (zeros, zeros, zeros.astype(int))
                head = (model, run, "live", 0.0, 0)
                self.runs[model, run] = run_view(head, shards, None, values, ended=False)

    def _add(self, model: str, run: str, known: RunView, at_s: float) -> None:
        for shard in self._places:
            kept = self._live.windows(model, run, shard)
            first_s = min(window.end_s for window in kept) if kept else math.inf
            begun = shard in known.shards and known.shards[shard].closed_until_s is not None
            if begun and first_s > at_s:
                raise LookupError(f"windows of shard {shard} are no longer kept")
            self._kept[model, shard] = [window for window in kept if window.end_s <= at_s]
            self._panes[model, shard] = self._live.panes(model, run, shard)
        ends = [max((w.end_s for w in self._kept[model, s]), default=None) for s in self._places]
        end_s = None if None in ends else min(end for end in ends if end is not None)
        found = self._live.alerts(model, run) if end_s is not None else []
        self._then[model] = [r for r in found if r.alert.window_end.timestamp() <= (end_s or 0)]
        risk, stress = np.zeros(len(self._index)), np.zeros(len(self._index))
        for window in self._between(model, end_s, end_s):
            places = [self._index[node] for node in window.nodes]
            risk[places], stress[places] = window.risk, window.stress
        self.runs[model, run] = run_view(
            (model, run, "live", known.published_at, known.started_ms),
            self._shards,
            end_s,
            (risk, stress, self._levels(model)),
            ended=known.ended,
        )

    def _levels(self, model: str) -> Any:
        """Each node's level after its last alert, by event time: clocks of workers differ."""
        last: dict[str, RiskAlert] = {}
        for received in self._then[model]:  # newest first
            alert = received.alert
            known = last.get(alert.node_id)
            if known is None or alert.timestamp > known.timestamp:
                last[alert.node_id] = alert
        level = np.zeros(len(self._index), dtype=int)
        for node, alert in last.items():
            if alert.state != "CLEARED" and node in self._index:
                level[self._index[node]] = LEVELS.index(alert.level) + 1
        return level

    def _between(
        self, model: str, first_s: float | None, last_s: float | None, shard: int | None = None
    ) -> Iterator[RiskWindow]:
        """Final windows, of all shards or one, whose ends lie in this span; each once, in order."""
        for number in range(len(self._shards)) if shard is None else (shard,):
            kept = self._kept.get((model, number), ()) if first_s and last_s else ()
            found = {w.end_s: w.raw for w in kept if (first_s or 0) <= w.end_s <= (last_s or 0)}
            for end_s in sorted(found):
                if window := self.read(found[end_s]):
                    yield window

    def alerts(self, model: str, run: str, since: float = 0.0) -> list[ReceivedAlert]:
        """Alerts up to the moment received since then, newest first."""
        return [item for item in self._then.get(model, ()) if item.received_at >= since]

    def episodes(self, model: str, run: str) -> list[Episode]:
        """Episodes as they were at the moment, the one raised last first."""
        if model not in self._paired:
            for received in reversed(self._then.get(model, ())):
                self._episodes[model].add(received.alert, received.received_at)
            self._raise_peaks(model, run)
            self._paired.add(model)
        return super().episodes(model, run)

    def _raise_peaks(self, model: str, run: str) -> None:
        still_open = [e for e in super().episodes(model, run) if e.cleared_s is None]
        if not still_open:
            return
        first_s = min(episode.raised_s for episode in still_open)
        kept = [windows for (name, _), windows in self._kept.items() if name == model]
        if any(min(w).end_s > first_s for w in kept if w):
            raise LookupError("windows of an open alarm are no longer kept")
        raise_peaks(still_open, self._between(model, first_s, self._end_s(model, run)))

    def week(self, model: str, run: str, shard: int, node_id: str) -> list[WindowOfNode]:
        """A node of a shard in the kept windows up to the moment, oldest first."""
        windows = self._between(model, float("-inf"), self._end_s(model, run), shard)
        return [of_node(window, node_id) for window in windows]

    def last_window(self, model: str, run: str, shard: int) -> RiskWindow | None:
        """The newest window of a shard before that of the moment."""
        end_s = self._end_s(model, run)
        before = [w for w in self._kept.get((model, shard), ()) if end_s and w.end_s < end_s]
        return self.read(max(before).raw) if before else None

    def panes(self, model: str, run: str, shard: int) -> list[PaneView]:
        """The panes of the moment's window; none if one of them is no longer kept."""
        view = self.runs[model, run].shards[shard]
        end_s = view.window_end_s or 0
        kept = self._panes.get((model, shard), [])
        panes = [pane for pane in kept if end_s - self._size_s <= pane.start_s < end_s]
        return panes if make_up(panes, view.stress) else []

    def loads(self, run: str, event_s: float) -> Iterable[LoadRow]:
        """The last row of each zone in the moment's window."""
        return rows_before(self._frames, event_s)

    def agreement(self, run: str) -> list[Point]:
        """How the models have agreed up to the moment; when it is asked first, not for threads."""
        if self._agreed is not None:
            return self._agreed
        ends = [view.event_time_s for (_, name), view in self.runs.items() if name == run]
        until_s = min((end for end in ends if end is not None), default=float("-inf"))
        points = [point for point in self._live.agreement(run) if point.end_s <= until_s]
        self._agreed, self._to_compare = points, self._live.to_compare(run)
        return points

    def to_compare(self, run: str) -> int:
        """How many windows of the run have not been compared yet."""
        return self._live.to_compare(run) if self._agreed is None else self._to_compare

    def _end_s(self, model: str, run: str) -> float | None:
        """The moment's window's end."""
        view = self.runs.get((model, run))
        return view.event_time_s if view else None


def make_up(panes: Sequence[PaneView], stress: SparseVector) -> bool:
    """Whether panes are all of those that a window's stress, by the shard's nodes, comes from."""
    total = np.zeros(stress.size)
    for pane in panes:
        total += pane.stress.dense()
    return bool(np.allclose(total, stress.dense(), rtol=1e-9, atol=1e-12))


def run_view(
    head: tuple[str, str, str, float, int],
    shards: Sequence[Sequence[int]],
    end_s: float | None,
    values: tuple[Floats, Floats, Any],
    *,
    ended: bool,
) -> RunView:
    """A run as its shards would have published it when their windows up to an end were final.

    ``head`` is model, run, worker, when it was published (epoch seconds) and when the run was
    started (ms); ``values`` are risk, stress and level of every node of the grid.
    """
    model, run, worker, published_at, started_ms = head
    risk, stress, level = values
    at_s = None if end_s is None else int(end_s)
    view = RunView()
    for shard, members in enumerate(shards):
        mine = list(members)
        view.shards[shard] = ShardView(
            model=model,
            run=run,
            shard=shard,
            worker=worker,
            published_at=published_at,
            started_ms=started_ms,
            event_time_s=end_s,
            watermark_s=end_s,
            closed_until_s=at_s,
            ended=ended,
            window_end_s=at_s,
            stress=SparseVector.of(stress[mine]),
            risk=SparseVector.of(risk[mine]),
            level=level[mine].tolist(),
            panes=[],
            late_rows=0,
            gaps=0,
        )
    return view


def raise_peaks(episodes: Iterable[Episode], windows: Iterable[RiskWindow]) -> None:
    """Give open episodes the highest risk since they were raised: alerts are steps alone."""
    by_node = {episode.node_id: episode for episode in episodes}
    for window in windows:
        at_s = window.window_end.timestamp()
        for node, risk in zip(window.nodes, window.risk.tolist(), strict=True):
            episode = by_node.get(node)
            if episode is not None and at_s >= episode.raised_s:
                episode.peak_risk = max(episode.peak_risk, risk)
