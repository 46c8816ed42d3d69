"""The API's queries: pure functions of the read model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from topology.agreement import agreement
from topology.clock import to_iso
from topology.errors import UsageError
from topology.ranking import highest
from ui.api import serializers
from ui.api.agreement_history import TOP_K
from ui.api.episodes import pair_up
from ui.api.moments import MomentStore
from ui.api.past import Past
from ui.api.read_model import LEVEL_NAMES, Moment, ReadModel, UnknownError
from ui.api.serializers import iso_or_none
from ui.api.view_store import RunView
from ui.schema.grid import GridInfo
from ui.schema.runs import Episodes, History, RunInfo, Runs, run_record
from ui.schema.system import GONE_S, System
from ui.schema.views import (
    AFFECTED_RISK,
    Alerts,
    Compare,
    GridState,
    HighestRisk,
    Kpis,
    ModelFigures,
    NodeDetail,
    OpenWindow,
    OpenWindows,
    Pane,
    Top,
    TopNode,
    Window,
)


def figures_of(moment: Moment) -> ModelFigures:
    """One side of a comparison."""
    return ModelFigures(
        risk=moment.risk.tolist(),
        level=moment.level,
        active_alarms=sum(level != "" for level in moment.level),
        average_risk=float(moment.risk.mean()),
    )


@dataclass(frozen=True)
class ApiQueries(ReadModel):
    """Answers every question of the API for one grid and its models."""

    def overview(self) -> GridInfo:
        """Nodes, lines, models and the settings in force."""
        return GridInfo(
            name=self.grid.name,
            credit=self.grid.credit,
            note=self.grid.note,
            assumptions=dict(self.grid.assumptions),
            nodes=[serializers.grid_node(node) for node in self.grid.nodes],
            lines=[serializers.grid_line(line) for line in self.grid.lines],
            zones=list(self.grid.zones),
            models=list(self.influence),
            model_info={name: serializers.model_info(name) for name in self.influence},
            settings=self.settings,
        )

    def runs(self) -> Runs:
        """All runs, the newest first."""
        model = next(iter(self.influence))
        return Runs([self._run(model, run) for run in self.store.runs_of(model)])

    def is_past(self, run: str | None) -> bool:
        """Whether only the archive knows a run."""
        if run is None or self.past is None:
            return False
        live = any(run == known for _, known in self.store.runs)
        return not live and self.past.has(run)

    def past_state(self, run: str | None) -> int:
        """A number that changes with what the archive has of a run; of the newest it is 0."""
        there = run is not None and self.past is not None and self.past.has(run)
        return self.past.state(run) if there and self.past and run else 0

    def archive(self) -> Past:
        """The archive.

        Raises
        ------
        UsageError
            If this worker has none.
        """
        if self.past is None:
            raise UsageError("this worker has no archive")
        return self.past

    def as_of(self, run: str, at_s: float | None = None, model: str | None = None) -> "ApiQueries":
        """The same questions of an archived run; errors as of `ui.api.past.Past.store`.

        ``at_s`` is event time, epoch seconds: the last window up to then counts, by default the
        run's last; ``model`` the one that is asked about, by default all.
        """
        archive = self.archive()
        if not archive.has(run):
            raise UnknownError("archived run", run, [known.run for known in archive.runs()])
        return replace(self, store=archive.store(run, at_s, model))

    def at(self, run: str | None, at_s: float, model: str | None = None) -> "ApiQueries":
        """The same questions of a run that is live, as it was at a moment.

        Arguments as of `as_of`.

        Raises
        ------
        LookupError
            If the views no longer have all of that moment.
        """
        name, run = self.which(model, run)
        models = [name] if model else list(self.influence)
        store = MomentStore(
            self.store, self.grid.index, self.shards, models, run or "", at_s, self.size_s
        )
        return replace(self, store=store)

    def state(self, model: str | None, run: str | None) -> GridState:
        """Risk, stress and level of every node, and the figures above the map."""
        model, run = self.which(model, run)
        moment, record = self.moment(model, run), self.store.records.get(run or "")
        return GridState(
            **self.head(model, run, moment.view),
            source=record.source if record else None,
            synthetic=record.synthetic if record else None,
            ended=moment.view is not None and moment.view.ended,
            speed=moment.view.speed(self.store.clock.now()) if moment.view else None,
            nodes=list(self.grid.ids),
            risk=moment.risk.tolist(),
            stress=moment.stress.tolist(),
            level=moment.level,
            load_mw=serializers.known(self.loads(run, moment.view)),
            kpis=self._kpis(moment),
            parts=serializers.parts(moment.view),
        )

    def top(self, model: str | None, run: str | None, k: int) -> Top:
        """The k nodes with the highest risk, with its change since the last final window."""
        model, run = self.which(model, run)
        moment = self.moment(model, run)
        before = self.last_final(model, run)
        nodes = []
        for i in highest(moment.risk, k).tolist():
            node, risk = self.grid.nodes[i], float(moment.risk[i])
            nodes.append(
                TopNode(
                    node_id=node.id,
                    name=node.name,
                    zone=node.zone,
                    risk=risk,
                    stress=float(moment.stress[i]),
                    level=moment.level[i],
                    change=None if before is None else risk - before.get(node.id, 0.0),
                )
            )
        return Top(**self.head(model, run, moment.view), nodes=nodes)

    def alerts(
        self,
        model: str | None,
        run: str | None,
        since: float,
        limit: int,
        after_s: float | None = None,
    ) -> Alerts:
        """Alerts received since a wall-clock time and of windows after an end, newest first."""
        model, run = self.which(model, run)
        found = self.store.alerts(model, run, since) if run else []
        if after_s is not None:
            found = [a for a in found if a.alert.window_end.timestamp() > after_s]
        head = self.head(model, run, self.view(model, run))
        return Alerts(**head, alerts=serializers.alerts(found[:limit]))

    def node(self, node_id: str, model: str | None, run: str | None) -> NodeDetail:
        """One node: its panes, its final windows, what pushes it, its alarms, its neighbours."""
        if node_id not in self.grid.index:
            raise UnknownError("node", node_id, self.grid.ids)
        model, run = self.which(model, run)
        moment = self.moment(model, run)
        i = self.grid.index[node_id]
        shard, place = self.place[node_id]
        part = moment.view.shards.get(shard) if moment.view else None
        panes = self.store.panes(model, run, shard) if run else []
        alerts = self.store.alerts(model, run) if run else []
        return NodeDetail(
            **self.head(model, run, moment.view),
            node=serializers.grid_node(self.grid.nodes[i]),
            neighbours=self.neighbours.get(node_id, []),
            risk=float(moment.risk[i]),
            stress=float(moment.stress[i]),
            level=moment.level[i],
            load_mw=serializers.known(self.loads(run, moment.view)[[i]])[0],
            panes=[Pane(to_iso(pane.start_s), float(pane.stress.dense()[place])) for pane in panes],
            windows=[
                Window(to_iso(end_s), stress, risk)
                for end_s, stress, risk in (
                    self.store.week(model, run, shard, node_id) if run else ()
                )
            ],
            sources=self.sources(model, i, panes, part.window_end_s)
            if part and part.lists_window
            else [],
            alerts=serializers.alerts([item for item in alerts if item.alert.node_id == node_id]),
        )

    def compare(self, run: str | None, k: int, pair: Sequence[str] | None = None) -> Compare:
        """Two models over the same moment."""
        first, second = self.pair(pair)
        _, run = self.which(first, run)
        moments = {model: self.moment(model, run) for model in (first, second)}
        models = {model: figures_of(moment) for model, moment in moments.items()}
        agreed = agreement(moments[first].risk, moments[second].risk, k)
        return Compare(
            **self.run_head(run, moments[first].view),
            nodes=list(self.grid.ids),
            models=models,
            top_k_overlap=agreed.top_k_overlap,
            rank_correlation=agreed.rank_correlation,
        )

    def episodes(self, model: str | None, run: str | None, limit: int) -> Episodes:
        """Alarm episodes of one model or, without one, of all; the one raised last first."""
        first, run = self.which(model, run)
        view = self.view(first, run)
        event_time_s = view.event_time_s if view else None
        names = [first] if model else list(self.influence)
        found = [e for name in names for e in (self.store.episodes(name, run) if run else [])]
        found.sort(key=lambda e: (-e.raised_s, e.node_id, e.model))
        peaks = {name: self.open_peaks(name, run) for name in names}
        return Episodes(
            **self.run_head(run, view),
            episodes=[
                serializers.episode(
                    e,
                    self.node_of(e.node_id),
                    event_time_s,
                    peaks[e.model].get((e.node_id, e.raised_s), 0.0),
                )
                for e in found[:limit]
            ],
        )

    def history(self, run: str | None, pair: Sequence[str] | None = None) -> History:
        """How two models have agreed over a run so far."""
        models = self.pair(pair)
        _, run = self.which(models[0], run)
        points = self.store.agreement(run) if run else []
        one, other = (self.store.episodes(model, run) if run else [] for model in models)
        since_s = self.store.forgotten_until(models, run) if run else None
        pairing = pair_up(one, other, since_s)
        return History(
            version=self.store.version,
            run=run,
            k=TOP_K,
            points=[serializers.history_point(point, models) for point in points],
            to_compare=self.to_compare(run),
            episodes=serializers.episode_pairs(pairing, models),
            lead=serializers.lead(pairing, models),
        )

    def to_compare(self, run: str | None) -> int:
        """How many windows of a run (the newest by default) come with later answers only."""
        _, run = self.which(None, run)
        return self.store.to_compare(run) if run else 0

    def system(self, now: float) -> System:
        """Workers that have published their status lately, and the settings in force."""
        workers = sorted(self.store.workers.values(), key=lambda w: w.worker)
        return System(
            version=self.store.version,
            now=now,
            settings=dict(self.all_settings),
            workers=[w for w in workers if now - w.seen_at <= GONE_S],
        )

    def open_windows(self, model: str | None, run: str | None) -> OpenWindows:
        """The windows that have data and are not final yet, oldest first."""
        model, run = self.which(model, run)
        view = self.view(model, run)
        sums = self._open_sums(view)
        cuts = [p.shown_until_s for p in (view.shards.values() if view else ())]
        until_s = min((cut for cut in cuts if cut is not None), default=None)
        windows = []
        for end_s, window in sorted(sums.items()):
            nodes = sorted(window)
            stress = [window[node_id] for node_id in nodes]
            windows.append(
                OpenWindow(
                    window_start=to_iso(end_s - self.size_s),
                    window_end=to_iso(end_s),
                    nodes=nodes,
                    stress=stress,
                    risk=[float(-np.expm1(-value)) for value in stress],
                )
            )
        head = self.head(model, run, view)
        return OpenWindows(**head, complete_until=iso_or_none(until_s), windows=windows)

    def _open_sums(self, view: RunView | None) -> dict[int, dict[str, float]]:
        """Stress by window end and node, of the windows that no shard has closed."""
        sums: dict[int, dict[str, float]] = {}
        for shard, part in (view.shards if view else {}).items():
            ids = [self.grid.ids[i] for i in self.shards[shard]]
            closed_s = part.closed_until_s
            for pane in part.panes:
                stressed = [(ids[place], stress) for place, stress in pane.stress.items()]
                ends = range(
                    pane.start_s + self.step_s, pane.start_s + self.size_s + 1, self.step_s
                )
                for end_s in ends:
                    if closed_s is not None and end_s <= closed_s:
                        continue
                    window = sums.setdefault(end_s, {})
                    for node_id, stress in stressed:
                        window[node_id] = window.get(node_id, 0.0) + stress
        return sums

    def _run(self, model: str, run: str) -> RunInfo:
        view = self.store.runs[model, run]
        audit = self.store.audits.get(run)
        return RunInfo(
            run=run,
            event_time=iso_or_none(view.event_time_s),
            watermark=iso_or_none(view.watermark_s),
            ended=view.ended,
            settings_changed=run in self.ended_runs,
            published_at=view.published_at,
            record=run_record(self.store.records.get(run)),
            audit=serializers.audit(*audit) if audit else None,
        )

    def _kpis(self, moment: Moment) -> Kpis:
        active = {name: moment.level.count(name) for name in LEVEL_NAMES[1:]}
        highest = int(moment.risk.argmax())
        return Kpis(
            active_alarms={**active, "total": sum(active.values())},
            affected_nodes=int((moment.risk >= AFFECTED_RISK).sum()),
            average_risk=float(moment.risk.mean()),
            highest_risk=HighestRisk(self.grid.ids[highest], float(moment.risk[highest])),
        )
