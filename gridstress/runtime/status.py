"""The status of a worker or view server: its partitions, counters and lag."""

import platform
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import faust
import psutil
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from gridstress import __version__
from gridstress.kafka import topics
from gridstress.runtime.app import GridstressApp
from ui.api.serializers import parts
from ui.api.view_consumer import ViewConsumer
from ui.api.view_store import RunView, Store
from ui.schema.system import Counters, Health, LostRecords, WorkerStatus

SILENT_S = 10.0
"""A worker that has been silent for so long is not counted on; each speaks every two seconds."""


@dataclass
class Status:
    """What a worker or a view server knows of itself."""

    app: GridstressApp
    store: Store
    views: ViewConsumer
    models: Sequence[str]
    counters: StageCounters
    dead_letters: DeadLetters
    started_at: float = field(default_factory=time.time)
    _process: psutil.Process = field(default_factory=psutil.Process)
    _before: tuple[float, dict[str, int]] = (0.0, {})

    @property
    def worker(self) -> str:
        """Name of this worker: where its API answers."""
        return f"{self.app.conf.web_host}:{self.app.conf.web_port}"

    @property
    def ready(self) -> bool:
        """Whether the tables are up to date and no rebalance is on; the views of a view server."""
        if self.app.producer_only:
            return self.views.caught_up
        return bool(self.app.tables.actives_ready and not self.app.rebalancing)

    @property
    def state(self) -> str:
        """``ok``, ``starting``, ``rebalancing``, or ``stalled`` if nothing moves any more."""
        if self.app.watchdog.reason:
            return "stalled"
        if self.ready:
            return "ok"
        return "rebalancing" if self.app.tables.actives_ready else "starting"

    def owned(self, topic: str) -> list[int]:
        """Partitions of a topic that this worker owns now."""
        return sorted(tp.partition for tp in self._assignment() if tp.topic == topic)

    def _assignment(self) -> Collection[TP]:
        try:
            assigned: Collection[TP] = self.app.consumer.assignment()
        except ConsumerNotStarted:
            return ()
        return assigned

    def partitions(self) -> dict[str, list[int]]:
        """The partitions of each topic that the stages read; of a view server none."""
        if self.app.producer_only:
            return {}
        return {name: self.owned(name) for name in topics.sources(self.models)}

    def frames(self) -> dict[str, int]:
        """Frames that each stage has finished since the start."""
        return dict(sorted(self.counters.frames.items()))

    def lag(self) -> dict[str, int]:
        """By topic, the records of this worker's partitions that are not finished yet."""
        lag: Counter[str] = Counter()
        for tp, records in self.partition_lag().items():
            lag[tp.topic] += records
        return {name: lag[name] for name in self.partitions()}

    def waiting(self) -> int | None:
        """Records of measurements that wait for this worker.

        Of a view server: for the worker furthest behind; None if none is known to be alive. One
        that is starting does not know yet how far behind it is.
        """
        if not self.app.producer_only:
            return self.lag()[topics.MEASUREMENTS]
        since = self.store.clock.now() - SILENT_S
        lags = [
            worker.lag.get(topics.MEASUREMENTS, 0)
            for worker in self.store.workers.values()
            if worker.seen_at > since and worker.role != "views" and worker.status != "starting"
        ]
        return max(lags, default=None)

    def partition_lag(self) -> dict[TP, int]:
        """The same by partition; of several agents on a topic the one furthest behind counts."""
        consumer: Any = self.app.consumer
        sources = set(topics.sources(self.models))
        ends = {tp: consumer.highwater(tp) for tp in self._assignment() if tp.topic in sources}
        return {tp: consumer.unfinished(tp, 0, end) for tp, end in ends.items() if end is not None}

    def health(self) -> Health:
        """Give the answer of ``/health``."""
        runs = self.store.runs_of(self.models[0])
        view = self.store.runs[self.models[0], runs[0]] if runs else None
        shards = view.shards.values() if view else ()
        return Health(
            status=self.state,
            reason=self.app.watchdog.reason,
            worker=self.worker,
            role=self.app.settings.role,
            version=__version__,
            settings=self.app.group.settings_id,
            now=time.time(),
            uptime_s=time.time() - self.started_at,
            partitions=self.partitions(),
            counters=Counters(
                frames=self.frames(),
                duplicates=self.counters.repeated.total(),
                **_skipped_row_counts([view] if view else []),
                dead_letters=self.dead_letters.counts.total(),
            ),
            lost_records=[LostRecords(*lost) for lost in self.dead_letters.lost],
            idle_zones=sorted({zone for shard in shards for zone in shard.idle_zones}),
            parts=parts(view),
        )

    def record(self) -> WorkerStatus:
        """The status record published to the other workers."""
        now, frames, runs = time.time(), self.frames(), self.store.runs
        before_at, before = self._before
        span_s = max(now - before_at, 1e-3)
        rates = {name: (n - before.get(name, 0)) / span_s for name, n in frames.items()}
        self._before = (now, frames)
        return WorkerStatus(
            worker=self.worker,
            role=self.app.settings.role,
            version=__version__,
            settings=self.app.group.settings_id,
            python=platform.python_version(),
            faust=faust.__version__,
            started_at=self.started_at,
            seen_at=now,
            status=self.state,
            partitions=self.partitions(),
            lag=self.lag(),
            frames=frames,
            frames_per_s=rates if before_at else {},
            duplicates=self.counters.repeated.total(),
            **_skipped_row_counts(view for (m, _), view in runs.items() if m == self.models[0]),
            dead_letters=dict(self.dead_letters.counts),
            rss_mb=self._process.memory_info().rss / 1e6,
        )


def _skipped_row_counts(views: Iterable[RunView]) -> dict[str, int]:
    """Late rows, rows too far ahead and missing numbers; every shard of a run sees them all.

    So does every model, and every worker knows all runs.
    """
    shards = [list(view.shards.values()) for view in views]
    return {
        name: sum(max((getattr(shard, name) for shard in found), default=0) for found in shards)
        for name in ("late_rows", "ahead_rows", "gaps")
    }
