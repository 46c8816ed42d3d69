"""The peak risk of an episode is that of its highest final window, at every moment of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from scipy.sparse import csr_array

from agents.alarms import Thresholds
from agents.risk import RiskModel
from tables.risk_table import RiskTable
from tables.shard_state import ShardState
from tables.shard_view import ShardView, view_of
from tables.view_epoch import NO_EPOCH
from tables.windows import WindowSpec
from tests.support.frames import spread
from tests.support.memory import Table
from topology.codec import encode
from topology.grid import Grid
from topology.messages import RiskAlert
from ui.api.answers import ApiQueries
from ui.api.view_store import Store
from ui.schema.grid import GridSettings
from ui.schema.runs import Episode

SPEC = WindowSpec(step_s=3600, size_s=3600, lateness_s=0)


@dataclass
class Worker:
    """One shard of a model whose windows are an hour each, and what the API makes of it."""

    grid: Grid
    table: RiskTable = field(default_factory=lambda: RiskTable(Table(), 3))
    store: Store = field(default_factory=Store)
    alerts: list[RiskAlert] = field(default_factory=list)
    hour: int = 0

    def __post_init__(self) -> None:
        eye = csr_array(np.eye(3))
        self.model = RiskModel("linear", self.grid, eye, 1, SPEC, Thresholds())
        self.api = ApiQueries(
            self.grid, {"linear": eye}, 1, SPEC.step_s, SPEC.size_s, GridSettings(), self.store
        )

    def work(self, *stresses: float, spoil: Callable[[ShardState], None] | None = None) -> None:
        """Work on as many hours of `b` with this stress; the last one's window stays open."""
        state = self.table.state("r", 0) or ShardState.new(3, started_ms=0)
        if spoil is not None:
            spoil(state)
        panes = self.table.panes("r", 0)
        for stress in stresses:
            for zone, values in (("north", {"b": [stress]}), ("south", {})):
                frame = spread(zone, [self.hour], values, seq=self.hour)
                self.model.fold(frame, state, panes)
            self.hour += 1
        for alert in self.model.alerts("r", 0, self.model.close("r", 0, state, panes)):
            self.alerts.append(alert)
            self.store.apply_alert(encode(alert), 1.0)
        changes = [*panes.changes(None), self.table.entry_change("r", 0, state)]
        asyncio.run(self.table.write(0, changes, self.table.version(0)))

    def view(self) -> ShardView:
        state = self.table.state("r", 0)
        assert state is not None
        return view_of(
            self.table, state, SPEC, model="linear", run="r", shard=0, shard_size=3,
            zones=self.grid.zones, idle=(), worker="w", published_at=1.0,
        )  # fmt: skip

    def show(self, view: ShardView | None = None) -> None:
        self.store.apply_view(msgspec.json.encode(view or self.view()), 1.0, NO_EPOCH)

    @property
    def newest(self) -> Episode:
        return self.api.episodes("linear", "r", 10).episodes[0]


@pytest.fixture
def worker(triangle: Grid) -> Worker:
    return Worker(triangle)


def risk(stress: float) -> float:
    return pytest.approx(1 - exp(-stress))


def test_a_risk_that_rises_inside_a_level_is_the_peak_without_an_alert(worker: Worker) -> None:
    worker.work(1.25, 1.59, 1.3, 1.3)  # 0.713, 0.796: both HIGH
    worker.show()
    assert [(a.state, a.risk_score) for a in worker.alerts] == [("RAISED", risk(1.25))]
    assert (worker.newest.open, worker.newest.peak_risk) == (True, risk(1.59))

    worker.work(0.0, 0.0)
    cleared = worker.alerts[-1]
    assert (cleared.state, cleared.risk_score, cleared.peak_risk) == ("CLEARED", 0.0, risk(1.59))
    assert (worker.newest.open, worker.newest.peak_risk) == (False, risk(1.59))
    worker.show()
    assert worker.newest.peak_risk == risk(1.59)
    assert worker.view().open_episodes == []


def test_a_view_of_an_earlier_moment_lowers_no_peak(worker: Worker) -> None:
    worker.work(1.25, 0.9)
    earlier = worker.view()
    worker.work(2.4, 2.4)  # CRITICAL
    worker.show(earlier)
    assert worker.alerts[-1].state == "ESCALATED"
    assert worker.newest.peak_risk == risk(2.4)


def test_the_next_episode_of_a_node_has_a_peak_of_its_own(worker: Worker) -> None:
    worker.work(1.25, 2.0, 1.25)
    earlier = worker.view()
    worker.work(0.0, 0.7, 0.8, 0.8)
    for view in (earlier, worker.view()):
        worker.show(view)
        assert [e.open for e in worker.api.episodes("linear", "r", 10).episodes] == [True, False]
        newest, first = worker.api.episodes("linear", "r", 10).episodes
        assert first.peak_risk == risk(2.0)
        assert newest.peak_risk == risk(0.7 if view is earlier else 0.8)


def test_of_an_episode_of_an_earlier_version_the_alerts_are_all_that_is_known(
    worker: Worker,
) -> None:
    def forget(state: ShardState) -> None:
        state.peak_risk[:] = np.nan

    worker.work(1.25, 1.3)
    worker.work(1.59, 1.59, spoil=forget)
    worker.show(msgspec.json.decode(msgspec.json.encode(worker.view()), type=ShardView))
    assert [e.peak_risk for e in worker.view().open_episodes] == [None]
    assert worker.newest.peak_risk == risk(1.25)
    worker.work(2.4, 0.0, 0.0)
    assert [a.peak_risk for a in worker.alerts] == [risk(1.25), None, None]
    assert worker.newest.peak_risk == risk(2.4)


def test_a_view_of_a_worker_that_publishes_no_episodes_is_shown(worker: Worker) -> None:
    worker.work(1.25, 1.59, 1.3)
    worker.show(replace(worker.view(), open_episodes=[]))
    assert worker.newest.peak_risk == risk(1.25)
