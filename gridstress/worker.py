"""The composition root: build the Faust app with its topics, tables, stages and views."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from faust.types import TP

from agents.alarms import Thresholds
from agents.dead_letters import DeadLetters, LostRecords
from agents.detection import Detection, DetectionStage
from agents.kept_runs import KeptRuns
from agents.propagation import Propagation, PropagationStage
from agents.record_sizes import check_record_sizes
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from gridstress.admin.skipped_batches import is_skipped
from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.kafka import topics
from gridstress.runtime.app import GridstressApp, Outlet, as_faust_fix_error, end, raw_table
from gridstress.runtime.interpreter import use_fast_loop
from gridstress.runtime.web import add_web
from gridstress.settings import Settings, load_settings
from tables.risk_table import RiskTable
from tables.windows import WindowSpec
from topology.codec import FORMATS
from topology.errors import GridstressError
from topology.grid import Grid
from topology.loaders import load_grid
from topology.models import Matrix, influence_matrices


@cache
def default_app() -> GridstressApp:
    """Give the app that ``faust -A gridstress worker`` runs: settings from the environment."""
    use_fast_loop()
    try:
        return create_app(load_settings())
    except GridstressError as error:
        end(error)


def create_app(settings: Settings, grid: Grid | None = None) -> GridstressApp:
    """Compose what the role asks for, ready to be run by a Faust worker.

    ``grid`` is loaded as the settings say if it is not given.
    """
    grid = grid or load_grid(settings.topology)
    influence = influence_matrices(grid, settings.model_names, settings.influence_params)
    check_record_sizes(grid, influence, settings.partitions, topics.MAX_RECORD_BYTES)
    app = GridstressApp(settings, grid)
    dead_letters = DeadLetters(Outlet(app, topics.DEAD_LETTERS))
    works = settings.role != "views"
    stages = _add_stages(app, grid, influence, dead_letters) if works else []
    add_web(app, grid, influence, _window_spec(settings), stages, dead_letters)
    return app


def _add_stages(
    app: GridstressApp, grid: Grid, influence: Mapping[str, Matrix], dead_letters: DeadLetters
) -> list[RiskStage]:
    """Add all agents and tables; gives the stages that own shards."""
    settings, written = app.settings, FORMATS[app.settings.record_format]
    counters, ended_runs = app.stages.counters, app.group.ended_runs
    _watch_intake(app, dead_letters)

    detect = Detection(grid, settings.stress_threshold, ended_runs)
    detection = DetectionStage(detect, Outlet(app, topics.STRESS), counters, written)
    app.add_stage("detection", topics.MEASUREMENTS, detection, dead_letters)

    risk_stages = []
    for model, matrix in influence.items():
        propagated = topics.propagated(model)
        spread = Propagation(grid, matrix, settings.partitions, ended_runs)
        propagation = PropagationStage(model, spread, Outlet(app, propagated), counters, written)
        app.add_stage(f"propagation_{model}", topics.STRESS, propagation, dead_letters)

        risk_model = _risk_model(model, grid, matrix, settings)
        store = raw_table(app, topics.table(model))
        table = RiskTable(store, len(grid.nodes), len(grid.zones))
        risk = RiskStage(
            model=risk_model,
            table=table,
            windows=Outlet(app, topics.windows(model)),
            alerts=Outlet(app, topics.alerts(model)),
            dead_letters=dead_letters,
            counters=counters,
            idle_timeout_s=settings.idle_timeout_s,
            keeps=KeptRuns(
                risk_model, table, max_forgotten=settings.forgotten_runs, ended_runs=ended_runs
            ),
            format=written,
        )
        app.add_stage(f"risk_{model}", propagated, risk, dead_letters, per_partition=True)
        risk_stages.append(risk)
    return risk_stages


def _watch_intake(app: GridstressApp, dead_letters: DeadLetters) -> None:
    """Report unreadable batches as dead letters; skip those that an operator has marked."""

    async def on_lost(tp: TP, first: int, upto: int) -> None:
        await dead_letters.send_lost(LostRecords(tp.topic, tp.partition, first, upto))

    async def skipped(tp: TP, batch: Undecodable) -> bool:
        with as_faust_fix_error():
            return await is_skipped(app.settings.kafka, tp.topic, tp.partition, batch.first)

    transport: Any = app.transport
    transport.on_lost, transport.is_skipped = on_lost, skipped
    transport.is_new_group = lambda: app.group.is_new


def _risk_model(name: str, grid: Grid, influence: Matrix, settings: Settings) -> RiskModel:
    return RiskModel(
        name=name,
        grid=grid,
        influence=influence,
        partitions=settings.partitions,
        spec=_window_spec(settings),
        thresholds=Thresholds(
            settings.level_clear,
            settings.level_warning,
            settings.level_high,
            settings.level_critical,
        ),
    )


def _window_spec(settings: Settings) -> WindowSpec:
    return WindowSpec(settings.step_s, settings.size_s, settings.lateness_s, settings.max_ahead_s)
