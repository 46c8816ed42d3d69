"""A worker's web side: the views, what feeds them, and what it publishes of its own shards."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.dead_letters import DeadLetters
from agents.publisher import Publisher
from agents.stages import RiskStage
from gridstress import __version__, topics
from gridstress.faust_app import GridstressApp, raw_topic
from gridstress.settings import Settings
from topology.grid import Grid
from topology.influence import Matrix
from ui.answers import Answers
from ui.feed import Feed
from ui.shapes import Answer, parts
from ui.store import Store
from ui.views import register_views


@dataclass(frozen=True)
class Status:
    """How this worker is: what it owns, what it has done, whether it works."""

    app: GridstressApp
    store: Store
    models: Sequence[str]
    counts: Counter[str]
    letters: DeadLetters
    started: float = field(default_factory=time.monotonic)

    @property
    def worker(self) -> str:
        """Name of this worker: where its API answers."""
        return f"{self.app.conf.web_host}:{self.app.conf.web_port}"

    @property
    def ready(self) -> bool:
        """Whether the tables are up to date and no rebalance is on."""
        return bool(self.app.tables.actives_ready and not self.app.rebalancing)

    def owned(self, topic: str) -> list[int]:
        """Partitions of a topic that this worker owns now."""
        assigned = self.app.consumer.assignment()
        return sorted(tp.partition for tp in assigned if tp.topic == topic)

    def health(self) -> Answer:
        """Give the answer of ``/health``."""
        waiting = "rebalancing" if self.app.tables.actives_ready else "starting"
        sources = [topics.MEASUREMENTS, topics.STRESS, *map(topics.propagated, self.models)]
        runs = self.store.runs_of(self.models[0])
        view = self.store.runs[self.models[0], runs[0]] if runs else None
        shards = list(view.shards.values()) if view else []
        return {
            "status": "ok" if self.ready else waiting,
            "worker": self.worker,
            "version": __version__,
            "now": time.time(),
            "uptime_s": time.monotonic() - self.started,
            "partitions": {name: self.owned(name) for name in sources},
            "counters": {
                "frames": {k: n for k, n in sorted(self.counts.items()) if k != "duplicates"},
                "duplicates": self.counts["duplicates"],
                # Each shard sees every row, so it is one shard's count that counts.
                "late_rows": max((shard.late_rows for shard in shards), default=0),
                "gaps": max((shard.gaps for shard in shards), default=0),
                "dead_letters": self.letters.counts.total(),
            },
            "silent_zones": sorted({zone for shard in shards for zone in shard.silent_zones}),
            "parts": parts(view),
        }


def add_web(
    app: GridstressApp,
    grid: Grid,
    influence: Mapping[str, Matrix],
    stages: Sequence[RiskStage],
    letters: DeadLetters,
    counts: Counter[str],
) -> None:
    """Add the API, the feed behind it and the publisher of this worker's shards."""
    settings, store = app.settings, Store()
    status = Status(app, store, list(influence), counts, letters)
    answers = Answers(
        grid=grid,
        influence=influence,
        partitions=settings.partitions,
        step_s=settings.step_s,
        size_s=settings.size_s,
        settings=_shown(settings),
        store=store,
    )
    register_views(app, answers, status.health)
    app.service(
        Feed(  # type: ignore[arg-type]
            settings.bootstrap,
            store,
            settings.partitions,
            topics.VIEW,
            {topics.alerts(name): name for name in influence},
            {topics.windows(name): name for name in influence},
        )
    )
    publisher = Publisher(
        stages,
        raw_topic(app, topics.VIEW),
        worker=lambda: status.worker,
        owned=lambda model: status.owned(topics.propagated(model)),
        generation=lambda: app.consumer_generation_id,
    )

    @app.timer(settings.view_interval_s, name="publish")  # type: ignore[untyped-decorator]
    async def publish() -> None:
        if status.ready:
            await publisher.publish()


def _shown(settings: Settings) -> Answer:
    names = {"step_s", "size_s", "lateness_s", "max_hops", "decay", "alpha", "centrality",
             "stress_threshold", "partitions"}  # fmt: skip
    return {
        **settings.model_dump(include=names),
        "levels": {
            "CLEAR": settings.level_clear,
            "WARNING": settings.level_warning,
            "HIGH": settings.level_high,
            "CRITICAL": settings.level_critical,
        },
    }
