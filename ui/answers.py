"""The API's answers, as plain values: pure functions of what the worker knows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tables.shard_view import PaneView
from topology.clock import to_iso
from topology.errors import DataError
from topology.grid import Grid
from topology.influence import Matrix
from topology.messages import Floats
from topology.shards import shard_nodes
from ui.agreement import rank_correlation, top_overlap
from ui.shapes import Answer, alert_shapes, iso_or_none, node_shape, parts
from ui.store import RunView, Store

AFFECTED_RISK = 0.05
LEVEL_NAMES = ("", "WARNING", "HIGH", "CRITICAL")
TOP_SOURCES = 3
WEEK_S = 7 * 86_400


class UnknownError(DataError):
    """Something was asked for that does not exist; ``exists`` lists what does."""

    def __init__(self, what: str, name: str, exists: Sequence[str]) -> None:
        super().__init__(f"unknown {what} {name!r}")
        self.exists = list(exists)


@dataclass(frozen=True)
class Moment:
    """One model of one run at one time: arrays over the grid's nodes, shape (nodes,)."""

    view: RunView | None
    risk: Floats
    stress: Floats
    level: list[str]


@dataclass(frozen=True)
class Answers:
    """Answers every question of the API for one grid and its models."""

    grid: Grid
    influence: Mapping[str, Matrix]
    partitions: int
    step_s: int
    size_s: int
    settings: Mapping[str, Any]
    store: Store

    def overview(self) -> Answer:
        """Nodes, lines, models and the settings in force."""
        return {
            "name": self.grid.name,
            "credit": self.grid.credit,
            "note": self.grid.note,
            "nodes": [node_shape(node) for node in self.grid.nodes],
            "lines": [
                {
                    "source": line.source,
                    "target": line.target,
                    "length_km": line.length_km,
                    "voltage_kv": line.voltage_kv,
                    "coupling": line.coupling,
                }
                for line in self.grid.lines
            ],
            "zones": list(self.grid.zones),
            "models": list(self.influence),
            "settings": dict(self.settings),
        }

    def runs(self) -> Answer:
        """All runs, the one active last first."""
        model = next(iter(self.influence))
        return {"runs": [self._run(model, run) for run in self.store.runs_of(model)]}

    def state(self, model: str | None, run: str | None) -> Answer:
        """Risk, stress and level of every node, and the figures above the map."""
        model, run = self._which(model, run)
        moment = self._moment(model, run)
        return {
            **self._head(model, run, moment.view),
            "ended": moment.view is not None and moment.view.ended,
            "speed": moment.view.speed(time.time()) if moment.view else None,
            "nodes": list(self.grid.ids),
            "risk": moment.risk.tolist(),
            "stress": moment.stress.tolist(),
            "level": moment.level,
            "kpis": self._kpis(moment),
            "parts": parts(moment.view),
        }

    def top(self, model: str | None, run: str | None, k: int) -> Answer:
        """The k nodes with the highest risk, with its change since the last final window."""
        model, run = self._which(model, run)
        moment = self._moment(model, run)
        order = np.lexsort((np.arange(len(moment.risk)), -moment.risk))[:k]
        before = self._last_final(model, run)
        nodes = []
        for i in order.tolist():
            node, risk = self.grid.nodes[i], float(moment.risk[i])
            nodes.append(
                {
                    "node_id": node.id,
                    "name": node.name,
                    "zone": node.zone,
                    "risk": risk,
                    "stress": float(moment.stress[i]),
                    "level": moment.level[i],
                    "change": None if before is None else risk - before.get(node.id, 0.0),
                }
            )
        return {**self._head(model, run, moment.view), "nodes": nodes}

    def alerts(self, model: str | None, run: str | None, since: float, limit: int) -> Answer:
        """Alerts received since a wall-clock time, newest first."""
        model, run = self._which(model, run)
        found = self.store.alerts(model, run, since)[:limit] if run else []
        return {**self._head(model, run, self._view(model, run)), "alerts": alert_shapes(found)}

    def node(self, node_id: str, model: str | None, run: str | None) -> Answer:
        """One node: its panes, its final windows, what pushes it, its alarms, its neighbours."""
        if node_id not in self.grid.index:
            raise UnknownError("node", node_id, self.grid.ids)
        model, run = self._which(model, run)
        moment = self._moment(model, run)
        i = self.grid.index[node_id]
        shard, place = self._place[node_id]
        part = moment.view.shards.get(shard) if moment.view else None
        panes = part.panes if part else []
        windows = self.store.windows(model, run, shard) if run else []
        newest_s = windows[-1].window_end.timestamp() if windows else 0.0
        history = []
        for window in windows:
            end_s = window.window_end.timestamp()
            if end_s >= newest_s - WEEK_S:
                at = window.nodes.index(node_id) if node_id in window.nodes else None
                history.append(
                    {
                        "window_end": to_iso(end_s),
                        "stress": 0.0 if at is None else window.stress[at],
                        "risk": 0.0 if at is None else window.risk[at],
                    }
                )
        alerts = self.store.alerts(model, run) if run else []
        return {
            **self._head(model, run, moment.view),
            "node": node_shape(self.grid.nodes[i]),
            "neighbours": self._neighbours.get(node_id, []),
            "risk": float(moment.risk[i]),
            "stress": float(moment.stress[i]),
            "level": moment.level[i],
            "panes": [
                {"start": to_iso(pane.start_s), "stress": pane.stress[place]} for pane in panes
            ],
            "windows": history,
            "sources": self._sources(model, i, panes, part.window_end_s if part else None),
            "alerts": alert_shapes([item for item in alerts if item.alert.node_id == node_id]),
        }

    def compare(self, run: str | None, k: int) -> Answer:
        """All models over the same moment."""
        first, run = self._which(None, run)
        moments = {model: self._moment(model, run) for model in self.influence}
        head = self._head(first, run, moments[first].view)
        del head["model"], head["watermark"]
        models = {
            model: {
                "risk": moment.risk.tolist(),
                "level": moment.level,
                "active_alarms": sum(level != "" for level in moment.level),
                "average_risk": float(moment.risk.mean()),
            }
            for model, moment in moments.items()
        }
        one, other = [moment.risk for moment in moments.values()][:2]
        return {
            **head,
            "nodes": list(self.grid.ids),
            "models": models,
            "top_k_overlap": top_overlap(one, other, k),
            "rank_correlation": rank_correlation(one, other),
        }

    def open_windows(self, model: str | None, run: str | None) -> Answer:
        """The windows that have data and are not final yet, oldest first."""
        model, run = self._which(model, run)
        view = self._view(model, run)
        sums: dict[int, dict[str, float]] = {}
        for shard, part in (view.shards if view else {}).items():
            ids = [self.grid.ids[i] for i in self._shards[shard]]
            closed_s = part.closed_until_s
            for pane in part.panes:
                ends = range(
                    pane.start_s + self.step_s, pane.start_s + self.size_s + 1, self.step_s
                )
                for end_s in ends:
                    if closed_s is not None and end_s <= closed_s:
                        continue
                    window = sums.setdefault(end_s, {})
                    for node_id, stress in zip(ids, pane.stress, strict=True):
                        if stress:
                            window[node_id] = window.get(node_id, 0.0) + stress
        return {
            **self._head(model, run, view),
            "windows": [
                {
                    "window_start": to_iso(end_s - self.size_s),
                    "window_end": to_iso(end_s),
                    "nodes": sorted(sums[end_s]),
                    "stress": [sums[end_s][n] for n in sorted(sums[end_s])],
                    "risk": [float(-np.expm1(-sums[end_s][n])) for n in sorted(sums[end_s])],
                }
                for end_s in sorted(sums)
            ],
        }

    @cached_property
    def _shards(self) -> tuple[tuple[int, ...], ...]:
        return shard_nodes(self.grid, self.partitions)

    @cached_property
    def _place(self) -> dict[str, tuple[int, int]]:
        return {
            self.grid.ids[i]: (shard, place)
            for shard, members in enumerate(self._shards)
            for place, i in enumerate(members)
        }

    @cached_property
    def _neighbours(self) -> dict[str, list[str]]:
        found: dict[str, set[str]] = {}
        for line in self.grid.lines:
            found.setdefault(line.source, set()).add(line.target)
            found.setdefault(line.target, set()).add(line.source)
        return {node_id: sorted(others) for node_id, others in found.items()}

    def _which(self, model: str | None, run: str | None) -> tuple[str, str | None]:
        if model is None:
            model = next(iter(self.influence))
        if model not in self.influence:
            raise UnknownError("model", model, list(self.influence))
        runs = self.store.runs_of(model)
        if run is None:
            # The one active last in any model: a model that lags must not show another run.
            known = self.store.runs_of(next(iter(self.influence))) or runs
            return model, known[0] if known else None
        if all(run not in self.store.runs_of(name) for name in self.influence):
            raise UnknownError("run", run, runs)
        return model, run

    def _view(self, model: str, run: str | None) -> RunView | None:
        return self.store.runs.get((model, run)) if run else None

    def _moment(self, model: str, run: str | None) -> Moment:
        n = len(self.grid.nodes)
        risk, stress, level = np.zeros(n), np.zeros(n), [""] * n
        view = self._view(model, run)
        for shard, part in (view.shards if view else {}).items():
            members = list(self._shards[shard])
            risk[members], stress[members] = part.risk, part.stress
            for i, number in zip(members, part.level, strict=True):
                level[i] = LEVEL_NAMES[number]
        return Moment(view, risk, stress, level)

    def _head(self, model: str, run: str | None, view: RunView | None) -> Answer:
        return {
            "version": self.store.version,
            "model": model,
            "run": run,
            "event_time": iso_or_none(view.event_time_s if view else None),
            "watermark": iso_or_none(view.watermark_s if view else None),
        }

    def _run(self, model: str, run: str) -> Answer:
        view = self.store.runs[model, run]
        return {
            "run": run,
            "event_time": iso_or_none(view.event_time_s),
            "watermark": iso_or_none(view.watermark_s),
            "ended": view.ended,
            "published_at": view.published_at,
        }

    def _kpis(self, moment: Moment) -> Answer:
        active = {name: moment.level.count(name) for name in LEVEL_NAMES[1:]}
        highest = int(moment.risk.argmax())
        return {
            "active_alarms": {**active, "total": sum(active.values())},
            "affected_nodes": int((moment.risk >= AFFECTED_RISK).sum()),
            "average_risk": float(moment.risk.mean()),
            "highest_risk": {
                "node_id": self.grid.ids[highest],
                "risk": float(moment.risk[highest]),
            },
        }

    def _last_final(self, model: str, run: str | None) -> dict[str, float] | None:
        if run is None:
            return None
        last = [self.store.last_window(model, run, s) for s in range(self.partitions)]
        windows = [window for window in last if window is not None]
        if not windows:
            return None
        return {n: r for w in windows for n, r in zip(w.nodes, w.risk, strict=True)}

    def _sources(
        self, model: str, node: int, panes: Sequence[PaneView], end_s: int | None
    ) -> list[Answer]:
        stress = np.zeros(len(self.grid.nodes))
        for pane in panes:
            if end_s is not None and end_s - self.size_s <= pane.start_s < end_s:
                stress[pane.source_index] += pane.source_stress
        pushed = self.influence[model][:, [node]].toarray()[:, 0] * stress
        if not pushed.any():
            return []
        order = np.lexsort((np.arange(len(pushed)), -pushed))[:TOP_SOURCES]
        return [
            {"node_id": self.grid.ids[i], "share": float(pushed[i] / pushed.sum())}
            for i in order
            if pushed[i] > 0
        ]
