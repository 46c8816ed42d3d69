"""Attach the web to a process of any role: the API, what it follows for it, what it publishes."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from agents.dead_letters import DeadLetters
from agents.risk_stage import RiskStage
from agents.view_publisher import ViewPublisher
from gridstress import __version__
from gridstress.archive.past import Archives
from gridstress.faust_fixes.fencing import Epoch
from gridstress.kafka import topics
from gridstress.kafka.topic_reader import partition_count
from gridstress.kafka_connection import connection
from gridstress.live.http_intake import Post
from gridstress.replay.posted_commands import PostedCommands
from gridstress.run_records.ledger import Ledger
from gridstress.run_records.posted import POSTED_RUNS, PostedRuns
from gridstress.runtime.app import GridstressApp, Outlet
from gridstress.runtime.metrics_collector import add_metrics
from gridstress.runtime.status import Status
from gridstress.runtime.view_server import enter_group, look_after_views
from gridstress.settings import ENV_PREFIX, Settings
from tables.view_epoch import ViewEpoch
from tables.windows import WindowSpec
from topology.grid import Grid
from topology.models import Matrix
from ui.api.agreement_history import History
from ui.api.answers import ApiQueries
from ui.api.record_check import RecordValidator
from ui.api.routes import register_commands, register_measurements, register_views
from ui.api.view_consumer import RunTopics, ViewConsumer
from ui.api.view_store import Store
from ui.api.worker_routes import refuse_views, register_health, without_views
from ui.schema.grid import GridSettings

STATUS_S = 2.0
"""How often a worker tells how it is."""


def add_web(
    app: GridstressApp,
    grid: Grid,
    influence: Mapping[str, Matrix],
    spec: WindowSpec,
    stages: Sequence[RiskStage],
    dead_letters: DeadLetters,
) -> None:
    """Add what a process of this role answers, what it follows for it, and what it publishes.

    A worker without views follows the views of the shards and the status of the workers alone: by
    them it knows which tombstones are due, and who has views. ``stages`` is empty for a view
    server.
    """
    settings, models = app.settings, list(influence)
    shape = RecordValidator(grid, models, settings.partitions)
    if settings.role == "worker":
        store = Store(None, shape)
        status = _follow(app, store, None, models, stages, dead_letters)
        refuse_views(app, lambda: without_views(status.worker, store))
    else:
        history = History(grid.index, models, settings.partitions, settings.level_warning)
        store = Store(history, shape)
        posted = PostedRuns(Outlet(app, topics.RUNS), settings, grid, store.records)
        ledger = Ledger(posted.write, POSTED_RUNS)
        run_topics = _run_topics(settings, models, ledger)
        status = _follow(app, store, run_topics, models, stages, dead_letters)
        register_views(app, _queries(app, grid, influence, spec, store), __version__)
        _take_posts(app, grid, status, posted, ledger)
    if settings.role == "views":
        look_after_views(app, status.views)
    else:
        _publish_views(app, stages, status)
    _publish_status(app, status)


def _follow(
    app: GridstressApp,
    store: Store,
    run_topics: RunTopics | None,
    models: Sequence[str],
    stages: Sequence[RiskStage],
    dead_letters: DeadLetters,
) -> Status:
    """Keep the store up to date from the topics, and answer how this process is."""
    settings = app.settings
    views = ViewConsumer(
        connection(settings.kafka),
        store,
        settings.partitions,
        topics.VIEW,
        topics.STATUS,
        run_topics,
        partial(enter_group, app) if settings.role == "views" else None,
    )
    app.service(views)  # type: ignore[arg-type]
    status = Status(app, store, views, models, app.stages.counters, dead_letters)
    register_health(app, status.health)
    add_metrics(app, status, status.counters, stages)
    return status


def _run_topics(settings: Settings, models: Sequence[str], ledger: Ledger) -> RunTopics:
    return RunTopics(
        audit=topics.AUDIT,
        replays=topics.REPLAY_STATUS,
        measurements=topics.MEASUREMENTS,
        runs=topics.RUNS,
        run_partitions=partial(partition_count, settings.kafka, topics.RUNS),
        alerts={topics.alerts(name): name for name in models},
        windows={topics.windows(name): name for name in models},
        learn=ledger.learn,
    )


def _queries(
    app: GridstressApp,
    grid: Grid,
    influence: Mapping[str, Matrix],
    spec: WindowSpec,
    store: Store,
) -> ApiQueries:
    settings = app.settings
    return ApiQueries(
        grid=grid,
        influence=influence,
        partitions=settings.partitions,
        step_s=settings.step_s,
        size_s=settings.size_s,
        settings=_shown(settings),
        store=store,
        all_settings=_settings_as_text(settings),
        ended_runs=app.group.ended_runs,
        past=Archives(
            settings.archive_dir,
            grid,
            settings.partitions,
            settings.level_warning,
            influence,
            spec,
            settings.stress_threshold,
        ),
    )


def _take_posts(
    app: GridstressApp, grid: Grid, status: Status, posted: PostedRuns, ledger: Ledger
) -> None:
    """Take measurements and commands, and keep the records of the runs that are posted."""
    register_measurements(
        app,
        Post(
            grid,
            app.settings.partitions,
            Outlet(app, topics.MEASUREMENTS),
            ready=lambda: status.ready,
            waiting=status.waiting,
            ended_runs=app.group.ended_runs,
            ledger=ledger,
            describe=posted.describe,
        ),
    )
    replays = status.store.replays
    commands = PostedCommands(
        Outlet(app, topics.REPLAY_CONTROL), replays, ready=lambda: status.ready
    )
    register_commands(app, commands, has_token=bool(app.settings.token))

    @app.timer(STATUS_S, name="run-records")  # type: ignore[untyped-decorator]
    async def record() -> None:
        await ledger.write_changed()


def _publish_views(app: GridstressApp, stages: Sequence[RiskStage], status: Status) -> None:
    publisher = ViewPublisher(
        stages,
        Outlet(app, topics.VIEW),
        worker=lambda: status.worker,
        owned=lambda model: status.owned(topics.propagated(model)),
        generation=lambda: app.consumer_generation_id,
        epoch=partial(_view_epoch, app),
        shown=status.store.runs_shown,
        ended_runs=app.group.ended_runs,
    )

    @app.timer(app.settings.view_interval_s, name="publish")  # type: ignore[untyped-decorator]
    async def publish() -> None:
        if status.ready:
            await publisher.publish()


def _publish_status(app: GridstressApp, status: Status) -> None:
    topic = Outlet(app, topics.STATUS)

    @app.timer(STATUS_S, name="status")  # type: ignore[untyped-decorator]
    async def tell() -> None:
        if not app.group.is_known:  # a view server that waits for its group writes nothing
            return
        value = msgspec.json.encode(status.record())
        await (await topic.send(key=status.worker.encode(), value=value))


def _view_epoch(app: GridstressApp, model: str, shard: int) -> ViewEpoch | None:
    table: Any = app.tables[topics.table(model)]
    epoch: Epoch | None = table.epochs.get(shard)
    return epoch and ViewEpoch(epoch.number, topics.changelog(app.settings.group, model))


def _settings_as_text(settings: Settings) -> dict[str, str]:
    """Every setting as text; pydantic writes a secret as asterisks."""
    values = settings.model_dump().items()
    return {ENV_PREFIX + name.upper(): "" if v is None else str(v) for name, v in values}


def _shown(settings: Settings) -> GridSettings:
    names = set(GridSettings.__struct_fields__) - {"levels"}
    return GridSettings(
        **settings.model_dump(include=names),
        levels={
            "CLEAR": settings.level_clear,
            "WARNING": settings.level_warning,
            "HIGH": settings.level_high,
            "CRITICAL": settings.level_critical,
        },
    )
