"""Attach the web views to a worker: routes, their consumer, and the publishing of its shards."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

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
from gridstress.settings import ENV_PREFIX, Settings
from tables.view_epoch import ViewEpoch
from topology.grid import Grid
from topology.models import Matrix
from ui.api.agreement_history import History
from ui.api.answers import ApiQueries
from ui.api.record_check import RecordValidator
from ui.api.routes import register_commands, register_measurements, register_views
from ui.api.view_consumer import ViewConsumer
from ui.api.view_store import Store
from ui.schema.grid import GridSettings

STATUS_S = 2.0
"""How often a worker tells how it is."""


def add_web(
    app: GridstressApp,
    grid: Grid,
    influence: Mapping[str, Matrix],
    stages: Sequence[RiskStage],
    new_status: Callable[[Store], Status],
) -> None:
    """Add the API, the feed behind it, and what this worker publishes of its shards and itself."""
    settings = app.settings
    store = Store(
        History(grid.index, list(influence), settings.partitions, settings.level_warning),
        RecordValidator(grid, list(influence), settings.partitions),
    )
    status = new_status(store)
    answers = ApiQueries(
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
            stages[0].model.spec,
            settings.stress_threshold,
        ),
    )
    register_views(app, answers, status.health, __version__)
    posted = PostedRuns(Outlet(app, topics.RUNS), settings, grid, store.records)
    ledger = Ledger(posted.write, POSTED_RUNS)
    register_measurements(
        app,
        Post(
            grid,
            settings.partitions,
            Outlet(app, topics.MEASUREMENTS),
            ready=lambda: status.ready,
            waiting=lambda: status.lag()[topics.MEASUREMENTS],
            ended_runs=app.group.ended_runs,
            ledger=ledger,
            describe=posted.describe,
        ),
    )
    commands = PostedCommands(
        Outlet(app, topics.REPLAY_CONTROL), store.replays, ready=lambda: status.ready
    )
    register_commands(app, commands, has_token=bool(settings.token))
    add_metrics(app, status, status.counters, stages)
    app.service(
        ViewConsumer(  # type: ignore[arg-type]
            connection(settings.kafka),
            store,
            settings.partitions,
            topics.VIEW,
            topics.STATUS,
            topics.AUDIT,
            topics.REPLAY_STATUS,
            topics.MEASUREMENTS,
            topics.RUNS,
            partial(partition_count, settings.kafka, topics.RUNS),
            {topics.alerts(name): name for name in influence},
            {topics.windows(name): name for name in influence},
            learn=ledger.learn,
        )
    )
    publisher = ViewPublisher(
        stages,
        Outlet(app, topics.VIEW),
        worker=lambda: status.worker,
        owned=lambda model: status.owned(topics.propagated(model)),
        generation=lambda: app.consumer_generation_id,
        epoch=partial(_view_epoch, app),
        shown=store.runs_shown,
        ended_runs=app.group.ended_runs,
    )

    @app.timer(settings.view_interval_s, name="publish")  # type: ignore[untyped-decorator]
    async def publish() -> None:
        if status.ready:
            await publisher.publish()

    status_topic = Outlet(app, topics.STATUS)

    @app.timer(STATUS_S, name="status")  # type: ignore[untyped-decorator]
    async def tell() -> None:
        value = msgspec.json.encode(status.record())
        await (await status_topic.send(key=status.worker.encode(), value=value))

    @app.timer(STATUS_S, name="run-records")  # type: ignore[untyped-decorator]
    async def record() -> None:
        await ledger.write_changed()


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
