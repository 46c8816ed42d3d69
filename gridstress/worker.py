"""The composition root: one Faust app that detects, spreads, sums up, raises alarms and shows."""

import socket
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import faust

from agents.alarms import Thresholds
from agents.dead_letters import DeadLetters
from agents.detection import Detection
from agents.propagation import Propagation
from agents.publisher import Publisher
from agents.risk import RiskModel
from agents.stages import DetectionStage, PropagationStage, RiskStage, run_stage
from gridstress import __version__, topics
from gridstress.recovery import make_safe, safe_settings
from gridstress.settings import Settings, load_settings
from gridstress.topics import ensure_topics
from tables.risk_table import RiskTable
from tables.windows import WindowSpec
from topology.grid import Grid
from topology.influence import MODELS, InfluenceParams, Matrix
from topology.loaders import load_grid
from ui.answers import Answer, Answers, parts
from ui.feed import Feed
from ui.store import Store
from ui.views import register_views


@cache
def default_app() -> Any:
    """The app that ``faust -A gridstress worker`` runs: settings from the environment."""
    return create_app(load_settings())


def create_app(settings: Settings, grid: Grid | None = None) -> Any:
    """The whole application: topics, tables, agents, views.

    Parameters
    ----------
    settings
        Every choice that can be made.
    grid
        The topology; loaded as the settings say if not given.

    Returns
    -------
    faust.App
        Ready to be run by a Faust worker.
    """
    grid = grid or load_grid(settings.topology)
    params = InfluenceParams(settings.max_hops, settings.decay, settings.alpha, settings.centrality)
    influence = {name: build(grid, params) for name, build in MODELS.items()}
    app = _faust_app(settings)
    counts: Counter[str] = Counter()

    def topic(name: str) -> Any:
        return app.topic(
            name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=settings.partitions,
        )

    def add_stage(name: str, source: str, handle: Any) -> None:
        async def stage(stream: Any) -> None:
            await run_stage(stream, name, handle, letters)

        app.agent(topic(source), name=name)(stage)

    letters = DeadLetters(topic(topics.DEAD_LETTERS))
    detect = Detection(grid, settings.stress_threshold)
    add_stage(
        "detection", topics.MEASUREMENTS, DetectionStage(detect, topic(topics.STRESS), counts)
    )
    risk_stages = []
    for name, matrix in influence.items():
        propagated = topics.propagated(name)
        spread = Propagation(grid, matrix, settings.partitions)
        add_stage(
            f"propagation_{name}",
            topics.STRESS,
            PropagationStage(name, spread, topic(propagated), counts),
        )
        risk = RiskStage(
            model=_risk_model(name, grid, matrix, settings),
            table=RiskTable(_table(app, name, settings), len(grid.nodes)),
            windows=topic(topics.windows(name)),
            alerts=topic(topics.alerts(name)),
            letters=letters,
            frames=counts,
            idle_timeout_s=settings.idle_timeout_s,
        )
        add_stage(f"risk_{name}", propagated, risk)
        risk_stages.append(risk)
    _add_views(app, settings, grid, influence, risk_stages, letters, counts, topic(topics.VIEW))
    return app


class GridstressApp(faust.App):
    """A Faust app that makes its topics before anything else."""

    settings: Settings

    async def on_first_start(self) -> None:
        """Make what is missing, refuse what does not fit."""
        await super().on_first_start()
        await ensure_topics(self.settings)


def _faust_app(settings: Settings) -> GridstressApp:
    app = GridstressApp(
        settings.group,
        broker=settings.broker,
        store="memory://" if settings.store == "memory" else "rocksdb://?driver=rocksdict",
        datadir=str(Path(settings.data_dir).absolute()),
        env_prefix="GRIDSTRESS_FAUST",
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        producer_max_request_size=topics.MAX_RECORD_BYTES,
        **safe_settings(settings.session_timeout_s),
        web_bind=settings.web_bind,
        web_port=settings.web_port,
        web_host=socket.gethostname(),
    )
    app.settings = settings
    make_safe(app, kind=settings.broker_kind)
    return app


def _table(app: Any, model: str, settings: Settings) -> Any:
    # RocksDB's own defaults reserve 256 MB a partition; a shard's state is far smaller.
    options = {"write_buffer_size": 4 << 20, "block_cache_size": 32 << 20}
    return app.Table(
        f"risk_{model}",
        key_type=bytes,
        value_type=bytes,
        partitions=settings.partitions,
        options=options if settings.store == "rocksdb" else None,
    )


def _risk_model(name: str, grid: Grid, influence: Matrix, settings: Settings) -> RiskModel:
    return RiskModel(
        name=name,
        grid=grid,
        influence=influence,
        partitions=settings.partitions,
        spec=WindowSpec(settings.step_s, settings.size_s, settings.lateness_s),
        thresholds=Thresholds(
            settings.level_clear,
            settings.level_warning,
            settings.level_high,
            settings.level_critical,
        ),
    )


def _add_views(
    app: Any,
    settings: Settings,
    grid: Grid,
    influence: dict[str, Matrix],
    stages: list[RiskStage],
    letters: DeadLetters,
    counts: Counter[str],
    view_topic: Any,
) -> None:
    store = Store()
    answers = Answers(
        grid=grid,
        influence=influence,
        partitions=settings.partitions,
        step_s=settings.step_s,
        size_s=settings.size_s,
        settings=_shown(settings),
        store=store,
    )
    started = time.monotonic()

    def owned(topic: str) -> list[int]:
        return sorted(tp.partition for tp in app.consumer.assignment() if tp.topic == topic)

    def ready() -> bool:
        return bool(app.tables.actives_ready and not app.rebalancing)

    def worker() -> str:
        return f"{app.conf.web_host}:{app.conf.web_port}"

    def health() -> Answer:
        run = answers.runs()["runs"][:1]
        model = next(iter(influence))
        view = store.runs.get((model, run[0]["run"])) if run else None
        status = "ok" if ready() else "starting" if not app.tables.actives_ready else "rebalancing"
        sources = [topics.MEASUREMENTS, topics.STRESS, *map(topics.propagated, influence)]
        return {
            "status": status,
            "worker": worker(),
            "version": __version__,
            "now": time.time(),
            "uptime_s": time.monotonic() - started,
            "partitions": {name: owned(name) for name in sources},
            "counters": {
                "frames": {k: n for k, n in sorted(counts.items()) if k != "duplicates"},
                "duplicates": counts["duplicates"],
                "late_rows": max((p.late_rows for p in view.shards.values()), default=0)
                if view
                else 0,
                "gaps": max((p.gaps for p in view.shards.values()), default=0) if view else 0,
                "dead_letters": letters.counts.total(),
            },
            "silent_zones": sorted({z for p in view.shards.values() for z in p.silent_zones})
            if view
            else [],
            "parts": parts(view),
        }

    register_views(app, answers, health)
    app.service(
        Feed(
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
        view_topic,
        worker,
        owned=lambda model: owned(topics.propagated(model)),
        generation=lambda: app.consumer_generation_id,
    )

    @app.timer(settings.view_interval_s, name="publish")  # type: ignore[untyped-decorator]
    async def publish() -> None:
        if ready():
            await publisher.publish()


def _shown(settings: Settings) -> Answer:
    names = [
        "step_s",
        "size_s",
        "lateness_s",
        "max_hops",
        "decay",
        "alpha",
        "centrality",
        "stress_threshold",
        "partitions",
    ]
    return {
        **{name: getattr(settings, name) for name in names},
        "levels": {
            "CLEAR": settings.level_clear,
            "WARNING": settings.level_warning,
            "HIGH": settings.level_high,
            "CRITICAL": settings.level_critical,
        },
    }
