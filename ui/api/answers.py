"""The API's answers, as plain values: pure functions of what the worker knows."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from topology.agreement import agreement
from topology.clock import to_iso
from topology.ranking import highest
from ui.api.agreement_history import TOP_K
from ui.api.episodes import pair_up
from ui.api.read_model import LEVEL_NAMES, Knowledge, Moment, UnknownError
from ui.api.serializers import (
    Answer,
    alert_shapes,
    episode_shape,
    iso_or_none,
    model_shape,
    node_shape,
    pairing_shape,
    parts,
    point_shape,
)
from ui.schema.runs import record_shape
from ui.schema.system import GONE_S

AFFECTED_RISK = 0.05
WEEK_S = 7 * 86_400


@dataclass(frozen=True)
class Answers(Knowledge):
    """Answers every question of the API for one grid and its models."""

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
            "model_info": {name: model_shape(name) for name in self.influence},
            "settings": dict(self.settings),
        }

    def runs(self) -> Answer:
        """All runs, the one active last first."""
        model = next(iter(self.influence))
        return {"runs": [self._run(model, run) for run in self.store.runs_of(model)]}

    def state(self, model: str | None, run: str | None) -> Answer:
        """Risk, stress and level of every node, and the figures above the map."""
        model, run = self.which(model, run)
        moment, record = self.moment(model, run), self.store.records.get(run or "")
        return {
            **self.head(model, run, moment.view),
            "source": record and record.source,
            "synthetic": record and record.synthetic,
            "ended": moment.view is not None and moment.view.ended,
            "speed": moment.view.speed(self.store.clock.now()) if moment.view else None,
            "nodes": list(self.grid.ids),
            "risk": moment.risk.tolist(),
            "stress": moment.stress.tolist(),
            "level": moment.level,
            "kpis": self._kpis(moment),
            "parts": parts(moment.view),
        }

    def top(self, model: str | None, run: str | None, k: int) -> Answer:
        """The k nodes with the highest risk, with its change since the last final window."""
        model, run = self.which(model, run)
        moment = self.moment(model, run)
        order = highest(moment.risk, k)
        before = self.last_final(model, run)
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
        return {**self.head(model, run, moment.view), "nodes": nodes}

    def alerts(self, model: str | None, run: str | None, since: float, limit: int) -> Answer:
        """Alerts received since a wall-clock time, newest first."""
        model, run = self.which(model, run)
        found = self.store.alerts(model, run, since)[:limit] if run else []
        return {**self.head(model, run, self.view(model, run)), "alerts": alert_shapes(found)}

    def node(self, node_id: str, model: str | None, run: str | None) -> Answer:
        """One node: its panes, its final windows, what pushes it, its alarms, its neighbours."""
        if node_id not in self.grid.index:
            raise UnknownError("node", node_id, self.grid.ids)
        model, run = self.which(model, run)
        moment = self.moment(model, run)
        i = self.grid.index[node_id]
        shard, place = self.place[node_id]
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
            **self.head(model, run, moment.view),
            "node": node_shape(self.grid.nodes[i]),
            "neighbours": self.neighbours.get(node_id, []),
            "risk": float(moment.risk[i]),
            "stress": float(moment.stress[i]),
            "level": moment.level[i],
            "panes": [
                {"start": to_iso(pane.start_s), "stress": pane.stress[place]} for pane in panes
            ],
            "windows": history,
            "sources": self.sources(model, i, panes, part.window_end_s if part else None),
            "alerts": alert_shapes([item for item in alerts if item.alert.node_id == node_id]),
        }

    def compare(self, run: str | None, k: int, pair: Sequence[str] | None = None) -> Answer:
        """Two models over the same moment."""
        first, second = self.pair(pair)
        _, run = self.which(first, run)
        moments = {model: self.moment(model, run) for model in (first, second)}
        head = self.head(first, run, moments[first].view)
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
        agreed = agreement(moments[first].risk, moments[second].risk, k)
        return {
            **head,
            "nodes": list(self.grid.ids),
            "models": models,
            "top_k_overlap": agreed.top_k_overlap,
            "rank_correlation": agreed.rank_correlation,
        }

    def episodes(self, model: str | None, run: str | None, limit: int) -> Answer:
        """Alarm episodes of one model or, without one, of all; the one raised last first."""
        first, run = self.which(model, run)
        view = self.view(first, run)
        event_time_s = view.event_time_s if view else None
        found = [
            episode
            for name in ([first] if model else self.influence)
            for episode in (self.store.episodes(name, run) if run else [])
        ]
        found.sort(key=lambda e: (-e.raised_s, e.node_id, e.model))
        head = self.head(first, run, view)
        return {
            **{name: head[name] for name in ("version", "run", "event_time")},
            "episodes": [
                episode_shape(e, self.node_of(e.node_id), event_time_s) for e in found[:limit]
            ],
        }

    def history(self, run: str | None, pair: Sequence[str] | None = None) -> Answer:
        """How two models have agreed over a run so far."""
        models = self.pair(pair)
        _, run = self.which(models[0], run)
        book = self.store.history
        points = book.points(run) if run and book else []
        episodes = [self.store.episodes(model, run) if run else [] for model in models]
        pairing = pair_up(*episodes)
        return {
            "version": self.store.version,
            "run": run,
            "k": TOP_K,
            "points": [point_shape(point, models) for point in points],
            "to_compare": self.to_compare(run),
            **pairing_shape(pairing, models),
        }

    def to_compare(self, run: str | None) -> int:
        """How many windows of a run (the newest by default) come with later answers only."""
        _, run = self.which(None, run)
        return self.store.history.to_compare(run) if run and self.store.history else 0

    def system(self, now: float) -> Answer:
        """Workers that have told of themselves lately, and the settings in force."""
        workers = sorted(self.store.workers.values(), key=lambda w: w.worker)
        return {
            "version": self.store.version,
            "now": now,
            "settings": dict(self.all_settings),
            "workers": [msgspec.to_builtins(w) for w in workers if now - w.seen_at <= GONE_S],
        }

    def open_windows(self, model: str | None, run: str | None) -> Answer:
        """The windows that have data and are not final yet, oldest first.

        Those that end after ``complete_until`` may lack panes that a shard does not show.
        """
        model, run = self.which(model, run)
        view = self.view(model, run)
        sums: dict[int, dict[str, float]] = {}
        for shard, part in (view.shards if view else {}).items():
            ids = [self.grid.ids[i] for i in self.shards[shard]]
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
        cuts = [p.shown_until_s for p in (view.shards.values() if view else ())]
        until_s = min((cut for cut in cuts if cut is not None), default=None)
        return {
            **self.head(model, run, view),
            "complete_until": iso_or_none(until_s),
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

    def _run(self, model: str, run: str) -> Answer:
        view = self.store.runs[model, run]
        return {
            "run": run,
            "event_time": iso_or_none(view.event_time_s),
            "watermark": iso_or_none(view.watermark_s),
            "ended": view.ended,
            "settings_changed": run in self.ended_runs,
            "published_at": view.published_at,
            "record": record_shape(self.store.records.get(run)),
            "audit": self._audit(run),
        }

    def _audit(self, run: str) -> Answer | None:
        if run not in self.store.audits:
            return None
        at_s, status = self.store.audits[run]
        said: Answer = msgspec.to_builtins(status)
        del said["schema"], said["run"], said["at"]
        return {**said, "said_at": at_s}

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
