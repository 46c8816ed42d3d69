"""`/metrics`: a worker as Prometheus sees it. `docs/metrics.md` describes every name.

What a worker owns is counted by that worker alone, so that sums over all workers are right: lag,
tables, alarms and watermarks are those of its own partitions.
"""

import platform
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

import faust
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from agents.counters import StageCounters
from agents.dead_letters import REASONS
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from gridstress import __version__
from gridstress.kafka import topics
from gridstress.runtime.app import GridstressApp
from gridstress.runtime.status import Status
from tables.shard_state import ShardState
from topology.messages import LEVELS, State

Values = float | Mapping[Any, float]
"""One value, or one by each combination of labels."""

PATH = "/metrics"
SKIPPED = ("late", "ahead")
"""Reasons for which a row is not counted."""


@dataclass(eq=False)
class WorkerCollector(Collector):
    """Looks up what a worker knows at the moment it is asked."""

    app: GridstressApp
    status: Status
    counters: StageCounters
    stages: Collection[RiskStage]

    def collect(self) -> Iterator[Metric]:
        """All families, in the order of the documentation."""
        yield from self._worker()
        yield from self._work()
        yield from self._partitions()
        yield from self._tables()
        yield from self._grid()

    def _worker(self) -> Iterator[Metric]:
        versions = {
            "version": __version__,
            "python": platform.python_version(),
            "faust": faust.__version__,
        }
        yield InfoMetricFamily("gridstress_worker", "Versions.", value=versions)
        ready, stalled = self.status.ready, self.status.state == "stalled"
        by_role = {self.app.settings.role: ready}
        help_text = "1 while tables are up to date and no rebalance is on; views have caught up."
        yield _gauge("worker_ready", help_text, by_role, "role")
        yield _gauge("worker_stalled", "1 while the watchdog sees no progress.", stalled)
        yield _counter("rebalances", "Rebalances of the group.", self.app.rebalancing_count)

    def _work(self) -> Iterator[Metric]:
        counters, models = self.counters, self.status.models
        # A counter that is there only from 1 on has not grown, as Prometheus sees it.
        dead_letters = {**dict.fromkeys(REASONS, 0), **self.status.dead_letters.counts}
        skipped = {
            (model, reason): 0 for model in models for reason in SKIPPED
        } | counters.skipped_rows
        none = dict.fromkeys(models, 0)
        steps = dict.fromkeys(product(models, LEVELS, get_args(State)), 0) | counters.alarm_steps
        yield _counter("frames", "Frames that a stage has finished.", counters.frames, "stage")
        help_text = "Loads of one node at one time that were read."
        yield _counter("node_measurements", help_text, counters.node_measurements)
        help_text = "Frames whose rows were known already."
        yield _counter("duplicate_frames", help_text, none | counters.repeated, "model")
        help_text = "Rows not counted: late, or too far ahead."
        yield _counter("rows_skipped", help_text, skipped, "model", "reason")
        missing = none | counters.missing
        yield _counter("missing_rows", "Sequence numbers that never came.", missing, "model")
        yield _counter(
            "dead_letters", "Records sent to the dead-letter topic.", dead_letters, "reason"
        )
        help_text = "Steps of alarm episodes."
        yield _counter("alarm_steps", help_text, steps, "model", "level", "state")

    def _partitions(self) -> Iterator[Metric]:
        owned = {name: len(found) for name, found in self.status.partitions().items()}
        help_text = "Partitions that this worker owns."
        yield _gauge("assigned_partitions", help_text, owned, "topic")
        help_text = "Records of its partitions that it has not finished."
        lag = {(tp.topic, str(tp.partition)): n for tp, n in self.status.partition_lag().items()}
        yield _gauge("lag_records", help_text, lag, "topic", "partition")

    def _tables(self) -> Iterator[Metric]:
        keys = {
            (topics.table(stage.model.name), str(shard)): stage.table.size(shard)
            for stage in self.stages
            for shard in self._shards(stage)
        }
        yield _gauge("table_keys", "Keys of a table's partition.", keys, "table", "partition")
        tables: Any = self.app.tables
        help_text = "Times that tables were brought up to date."
        yield _counter("recoveries", help_text, tables.recovery.recoveries)
        yield _gauge("recovery_seconds", "How long the last time took.", tables.recovery.recovery_s)

    def _grid(self) -> Iterator[Metric]:
        alarms: dict[tuple[str, str], int] = {}
        idle: dict[str, int] = {}
        event_times: dict[str, float] = {}
        watermarks: dict[str, float] = {}
        for stage in self.stages:
            name, newest = stage.model.name, self._newest(stage)
            for i, level in enumerate(LEVELS, 1):
                alarms[name, level] = sum(int((one.state.level == i).sum()) for one in newest)
            idle[name] = len(frozenset().union(*(one.idle for one in newest)))
            times = [t for one in newest if (t := one.state.event_time_s) is not None]
            if times:
                event_times[name] = max(times)
            marks = [one.watermark_s(stage.model) for one in newest]
            known = [mark for mark in marks if mark is not None]
            if known and len(known) == len(marks):
                watermarks[name] = min(known)
        help_text = "Nodes in alarm, by the level of their episode."
        yield _gauge("open_alarms", help_text, alarms, "model", "level")
        yield _gauge("idle_zones", "Zones that are not waited for.", idle, "model")
        yield _gauge("event_time_seconds", "Newest event time.", event_times, "model")
        help_text = "Event time up to which all was seen."
        yield _gauge("watermark_seconds", help_text, watermarks, "model")

    def _newest(self, stage: RiskStage) -> list["_Newest"]:
        """By shard of this worker, the run that began last."""
        found = []
        for shard in self._shards(stage):
            runs = stage.table.index(shard).runs
            run = max(runs, key=lambda name: (runs[name].started_ms, name), default=None)
            if run is not None and (state := stage.table.state(run, shard)) is not None:
                found.append(_Newest(state, stage.idle.of(shard, run)))
        return found

    def _shards(self, stage: RiskStage) -> Iterable[int]:
        ready = self.status.ready
        return self.status.owned(topics.propagated(stage.model.name)) if ready else ()


@dataclass(frozen=True)
class _Newest:
    """A shard's newest run, and the zones that it does not wait for."""

    state: ShardState
    idle: frozenset[str]

    def watermark_s(self, model: RiskModel) -> float | None:
        return self.state.watermark_s(model.grid.zones, model.spec, self.idle)


def add_metrics(
    app: GridstressApp, status: Status, counters: StageCounters, stages: Collection[RiskStage]
) -> None:
    """Add the page to an app that has not started."""
    registry = app.metrics.registry
    registry.register(WorkerCollector(app, status, counters, stages))
    ProcessCollector(registry=registry)

    @app.page(PATH)
    async def metrics(self: Any, request: Any) -> Any:
        """All of it, as text."""
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        return web.Response(body=generate_latest(registry), headers=headers)


def _gauge(name: str, help_text: str, values: Values, *labels: str) -> Metric:
    return _family(GaugeMetricFamily(f"gridstress_{name}", help_text, labels=labels), values)


def _counter(name: str, help_text: str, values: Values, *labels: str) -> Metric:
    return _family(CounterMetricFamily(f"gridstress_{name}", help_text, labels=labels), values)


def _family(family: Any, values: Values) -> Metric:
    if not isinstance(values, Mapping):
        values = {(): values}
    for key in sorted(values):
        family.add_metric((key,) if isinstance(key, str) else key, float(values[key]))
    found: Metric = family
    return found
