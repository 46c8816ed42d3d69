"""The read model: what a worker knows of the grid, its runs and models."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tables.shard_view import PaneView
from topology.errors import DataError, UsageError
from topology.grid import Grid, Node
from topology.messages import LEVELS, Floats
from topology.models import Matrix
from topology.ranking import top_sources
from topology.shards import shard_nodes
from ui.api.past import Past
from ui.api.serializers import iso_or_none
from ui.api.view_store import RunView, Store
from ui.schema.grid import GridSettings
from ui.schema.views import SourceShare

LEVEL_NAMES = ("", *LEVELS)


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
class ReadModel:
    """One grid with its models, and the store that the feed keeps up to date."""

    grid: Grid
    influence: Mapping[str, Matrix]
    partitions: int
    step_s: int
    size_s: int
    settings: GridSettings
    store: Store
    all_settings: Mapping[str, str] = field(default_factory=dict)
    ended_runs: Collection[str] = ()
    """Runs that were ended when other settings were accepted."""
    past: Past | None = None
    """The archive, if there is one."""

    @cached_property
    def shards(self) -> tuple[tuple[int, ...], ...]:
        """For each shard the grid positions of its nodes."""
        return shard_nodes(self.grid, self.partitions)

    @cached_property
    def place(self) -> dict[str, tuple[int, int]]:
        """For each node its shard and its position there."""
        return {
            self.grid.ids[i]: (shard, place)
            for shard, members in enumerate(self.shards)
            for place, i in enumerate(members)
        }

    @cached_property
    def neighbours(self) -> dict[str, list[str]]:
        """For each node with lines the ids of those at their other ends, sorted."""
        found: dict[str, set[str]] = {}
        for line in self.grid.lines:
            found.setdefault(line.source, set()).add(line.target)
            found.setdefault(line.target, set()).add(line.source)
        return {node_id: sorted(others) for node_id, others in found.items()}

    def node_of(self, node_id: str) -> Node | None:
        """The node of this id, if the grid has it."""
        i = self.grid.index.get(node_id)
        return None if i is None else self.grid.nodes[i]

    def which(self, model: str | None, run: str | None) -> tuple[str, str | None]:
        """The model and run that are meant: the first model, the newest run.

        Raises
        ------
        UnknownError
            With what exists.
        """
        if model is None:
            model = next(iter(self.influence))
        if model not in self.influence:
            raise UnknownError("model", model, list(self.influence))
        runs = self.store.runs_of(model)
        if run is None:
            # The newest of the first model: a model that lags must not show another run.
            known = self.store.runs_of(next(iter(self.influence))) or runs
            return model, known[0] if known else None
        if all(run not in self.store.runs_of(name) for name in self.influence):
            raise UnknownError("run", run, runs)
        return model, run

    def pair(self, names: Sequence[str] | None) -> tuple[str, str]:
        """The two models that are compared: the first two unless they are named.

        Raises
        ------
        UnknownError
            For a model that is not enabled, with those that are.
        UsageError
            If they are not two, or there are no two.
        """
        enabled = list(self.influence)
        if len(enabled) < 2:
            raise UsageError(f"only {enabled[0]} is enabled: there is nothing to compare")
        chosen = enabled[:2] if names is None else names
        for name in chosen:
            if name not in enabled:
                raise UnknownError("model", name, enabled)
        if len(chosen) != 2 or chosen[0] == chosen[1]:
            raise UsageError(f"models must be two different names, such as {','.join(enabled[:2])}")
        return chosen[0], chosen[1]

    def view(self, model: str, run: str | None) -> RunView | None:
        """What has been published of a run."""
        return self.store.runs.get((model, run)) if run else None

    def moment(self, model: str, run: str | None) -> Moment:
        """A model of a run as it is now, over all nodes."""
        n = len(self.grid.nodes)
        risk, stress, level = np.zeros(n), np.zeros(n), [""] * n
        view = self.view(model, run)
        for shard, part in (view.shards if view else {}).items():
            members = list(self.shards[shard])
            risk[members], stress[members] = part.risk.dense(), part.stress.dense()
            for i, number in zip(members, part.level, strict=True):
                level[i] = LEVEL_NAMES[number]
        return Moment(view, risk, stress, level)

    def loads(self, run: str | None, view: RunView | None) -> Floats:
        """Every node's load in the last hour of a view, MW; NaN where it is not known."""
        found = np.full(len(self.grid.nodes), np.nan)
        if run is None or view is None or view.event_time_s is None:
            return found
        for zone, nodes, load_mw in self.store.loads(run, view.event_time_s):
            places = [self.grid.index.get(node, -1) for node in nodes]
            # A frame with a node that is not of its zone is refused: it says nothing of loads.
            if all(i >= 0 and self.grid.nodes[i].zone == zone for i in places):
                found[places] = load_mw
        return found

    def open_peaks(self, model: str, run: str | None) -> dict[tuple[str, float], float]:
        """Peak risks of open episodes as shards published them, by node and when raised."""
        view = self.view(model, run)
        return {
            (self.grid.ids[self.shards[shard][episode.node]], episode.since_s): episode.peak_risk
            for shard, part in (view.shards if view else {}).items()
            for episode in part.open_episodes
            if episode.peak_risk is not None
        }

    def run_head(self, run: str | None, view: RunView | None) -> dict[str, Any]:
        """The fields of a :class:`ui.schema.views.RunAnswer`."""
        return {
            "version": self.store.version,
            "run": run,
            "event_time": iso_or_none(view.event_time_s if view else None),
        }

    def head(self, model: str, run: str | None, view: RunView | None) -> dict[str, Any]:
        """The fields of a :class:`ui.schema.views.ModelAnswer`."""
        watermark = iso_or_none(view.watermark_s if view else None)
        return {**self.run_head(run, view), "model": model, "watermark": watermark}

    def last_final(self, model: str, run: str | None) -> dict[str, float] | None:
        """Risk of each node in the last final windows; None before the first."""
        if run is None:
            return None
        last = [self.store.last_window(model, run, s) for s in range(self.partitions)]
        windows = [window for window in last if window is not None]
        if not windows:
            return None
        return {n: r for w in windows for n, r in zip(w.nodes, w.risk.tolist(), strict=True)}

    def sources(
        self, model: str, node: int, panes: Sequence[PaneView], end_s: int | None
    ) -> list[SourceShare]:
        """The nodes whose stress makes up most of a node's in the window that is filling."""
        stress = np.zeros(len(self.grid.nodes))
        for pane in panes:
            if end_s is not None and end_s - self.size_s <= pane.start_s < end_s:
                stress += pane.source_stress.dense()
        pushed = self.influence[model][:, [node]].toarray()[:, 0] * stress
        shares = top_sources(pushed, self.grid.ids)
        return [SourceShare(source.node_id, source.share) for source in shares]
