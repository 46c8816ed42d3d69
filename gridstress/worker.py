"""The composition root: one Faust app that detects, spreads, sums up, raises alarms and shows."""

from functools import cache
from typing import Any

from faust.types import TP

from agents.alarms import Thresholds
from agents.counters import Tally
from agents.dead_letters import DeadLetters, LostRecords
from agents.detection import Detection, DetectionStage
from agents.kept_runs import KeptRuns
from agents.propagation import Propagation, PropagationStage
from agents.record_sizes import check_record_sizes
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from agents.running import Stage, run_stage
from gridstress.admin.skipped_batches import is_skipped
from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.faust_fixes.producer import halt
from gridstress.kafka import topics
from gridstress.runtime.app import GridstressApp, Outlet, end, faust_app, raw_table, raw_topic
from gridstress.runtime.interpreter import use_fast_loop
from gridstress.runtime.status import Status
from gridstress.runtime.watchdog import Watchdog
from gridstress.runtime.web import add_web
from gridstress.settings import Settings, load_settings
from tables.risk_table import RiskTable
from tables.windows import WindowSpec
from topology.errors import GridstressError
from topology.grid import Grid
from topology.loaders import load_grid
from topology.models import Matrix, influence_matrices
from ui.api.view_store import Store


@cache
def default_app() -> GridstressApp:
    """Give the app that ``faust -A gridstress worker`` runs: settings from the environment."""
    use_fast_loop()
    try:
        return create_app(load_settings())
    except GridstressError as error:
        end(error)


def create_app(settings: Settings, grid: Grid | None = None) -> GridstressApp:
    """Compose the whole application: topics, tables, agents, views.

    Parameters
    ----------
    settings
        Every choice that can be made.
    grid
        The topology; loaded as the settings say if not given.

    Returns
    -------
    GridstressApp
        Ready to be run by a Faust worker.
    """
    grid = grid or load_grid(settings.topology)
    check_record_sizes(grid, settings.partitions, topics.MAX_RECORD_BYTES)
    influence = influence_matrices(grid, settings.model_names, settings.influence_params)
    app = faust_app(settings, grid)
    tally = Tally()
    finished: dict[tuple[str, str, int], int] = {}
    letters = DeadLetters(Outlet(app, topics.DEAD_LETTERS))
    _watch_intake(app, letters)
    stages: dict[str, str] = {}

    def add_agent(name: str, source: str, stage: Stage, *, apart: bool = False) -> None:
        async def agent(stream: Any) -> None:
            await run_stage(
                stream, name, stage, letters, halt, finished, apart=apart, worked=app.meters.worked
            )

        app.agent(raw_topic(app, source), name=name)(agent)
        stages[name] = source
        tally.frames[name] = 0

    detect = Detection(grid, settings.stress_threshold, app.group.ended_runs)
    stress_events = Outlet(app, topics.STRESS)
    add_agent("detection", topics.MEASUREMENTS, DetectionStage(detect, stress_events, tally))

    risk_stages = []
    for model, matrix in influence.items():
        propagated = topics.propagated(model)
        spread = Propagation(grid, matrix, settings.partitions, app.group.ended_runs)
        stage = PropagationStage(model, spread, Outlet(app, propagated), tally)
        add_agent(f"propagation_{model}", topics.STRESS, stage)

        risk_model = _risk_model(model, grid, matrix, settings)
        store = raw_table(app, topics.table(model))
        table = RiskTable(store, len(grid.nodes), len(grid.zones))
        risk = RiskStage(
            model=risk_model,
            table=table,
            windows=Outlet(app, topics.windows(model)),
            alerts=Outlet(app, topics.alerts(model)),
            letters=letters,
            tally=tally,
            idle_timeout_s=settings.idle_timeout_s,
            keeps=KeptRuns(
                risk_model,
                table,
                max_forgotten=settings.forgotten_runs,
                ended_runs=app.group.ended_runs,
            ),
        )
        add_agent(f"risk_{model}", propagated, risk, apart=True)
        risk_stages.append(risk)

    app.watchdog = Watchdog(
        app,
        finished,
        stages,
        tally.closed,
        timeout_s=settings.stall_timeout_s,
        ends_worker=settings.stall_exit,
    )

    def status(store: Store) -> Status:
        return Status(app, store, list(influence), tally, letters)

    add_web(app, grid, influence, risk_stages, status)
    return app


def _watch_intake(app: GridstressApp, letters: DeadLetters) -> None:
    """Put on record what cannot be read; ask there what an operator has said of it."""

    async def on_lost(tp: TP, first: int, upto: int) -> None:
        await letters.send_lost(LostRecords(tp.topic, tp.partition, first, upto))

    async def skipped(tp: TP, batch: Undecodable) -> bool:
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
        spec=WindowSpec(
            settings.step_s, settings.size_s, settings.lateness_s, settings.max_ahead_s
        ),
        thresholds=Thresholds(
            settings.level_clear,
            settings.level_warning,
            settings.level_high,
            settings.level_critical,
        ),
    )
