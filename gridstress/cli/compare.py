"""``gridstress compare``: compare the models of a run, or two runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.load_options import LoadOptions, with_load_options
from gridstress.cli.options import Topology, span
from gridstress.logs import quiet_client

if TYPE_CHECKING:
    from gridstress.compare.comparison import Comparison
    from gridstress.settings import Settings
    from gridstress.verify.recompute import Recomputed
    from topology.grid import Grid

PHYSICS_NODES = 3_000
"""Up to so many nodes power flow is asked without being asked for: it takes seconds."""


@with_load_options
def compare(
    load: Annotated[
        str | None,
        typer.Argument(
            help="A load file, `opsd` once fetched, or `synthetic`: compared without a broker. "
            "Left out: a run on the broker.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="The run on the broker; the one written to last by default."),
    ] = None,
    other: Annotated[
        str | None,
        typer.Option(
            "--with",
            help="A second run: it and --run are compared as the archive has them.",
            show_default=False,
        ),
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(help="Take the run from this file, one MeasurementFrame as JSON a line."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Of a load: begin here (ISO-8601, UTC by default).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Of a load: end before this time.")] = None,
    seed: Annotated[int, typer.Option(help="Of a load: as for `gridstress replay`.")] = 0,
    *,
    reading: LoadOptions,
    models: Annotated[
        str | None,
        typer.Option(help="Models, separated by commas, if not those of the settings."),
    ] = None,
    topology: Topology = None,
    with_sweep: Annotated[
        bool | None,
        typer.Option(
            "--sweep/--no-sweep",
            help="Also with other parameters, on all cores; by default of one run.",
        ),
    ] = None,
    physics: Annotated[
        bool | None,
        typer.Option(
            "--physics/--no-physics",
            help="Also against DC power flow; by default of one run up to "
            f"{PHYSICS_NODES:,} nodes.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the report; by default .gridstress/reports/<run>.html "
            "(GRIDSTRESS_REPORTS_DIR), where the dashboard links to it.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Compare the models, or two runs: alarms, overlap, order, lead, zones, parameters, physics.

    The models of one run are recomputed from its measurements, as `gridstress verify` does. Two
    runs, given with --run and --with, are read from the archive as the workers published them,
    whatever their settings were: each model with itself. Runs of different years meet by whole
    weeks. Prints tables and writes a report that opens in any browser. Ends with 3 if the broker
    cannot be reached, 4 if there is no such run or load.
    """
    import json

    from rich.console import Console

    from gridstress.compare.comparison import compare_models
    from gridstress.compare.html import write_report
    from gridstress.compare.report import show, to_dict
    from gridstress.compare.score import score
    from gridstress.compare.sweep import sweep
    from gridstress.settings import load_settings
    from topology.errors import UsageError
    from topology.loaders import load_grid
    from ui.reports import report_path

    if load is not None and (run is not None or frames is not None):
        raise UsageError("a load goes neither with --run nor with --frames")
    if load is None and (start or until):
        raise UsageError("--start and --until are for a load; a run is compared as a whole")
    if load is None and reading != LoadOptions():
        raise UsageError("how a load file is read does not matter to a run: give a load as well")
    if other is not None and (run is None or run == other or load or frames):
        raise UsageError("--with needs --run with another run, and no load or frames")
    if other is not None and (with_sweep or physics):
        raise UsageError("two runs are compared as they are: --sweep and --physics are for one")
    settings = load_settings(topology=topology, models=models)
    grid = load_grid(settings.topology)
    swept, marks = [], None
    if run is not None and other is not None:
        comparison = _two_runs((run, other), models, grid, settings)
    else:
        if load is not None:
            recomputed = _offline(load, reading, (start, until), grid, settings, seed)
        else:
            recomputed = _of_run(run, frames, grid, settings)
        comparison = compare_models(recomputed)
        swept = sweep(recomputed) if with_sweep is not False else []
        small = len(grid.nodes) <= PHYSICS_NODES
        asked = small if physics is None else physics
        # What the run was worked out with: an electrical matrix is not made twice.
        matrices = {model: found.influence.tocsr() for model, found in recomputed.models.items()}
        marks = score(grid, matrices) if asked and grid.lines else None
    path = html or report_path(settings.reports_dir, comparison.name)
    write_report(path, comparison, marks, swept)
    if as_json:
        typer.echo(json.dumps(to_dict(comparison, marks, swept), indent=1))
    else:
        show(comparison, Console(), marks, swept)
    typer.echo(f"report: {path}", err=True)


def _two_runs(
    names: tuple[str, str], models: str | None, grid: "Grid", settings: "Settings"
) -> "Comparison":
    from gridstress.archive.query import read_archive
    from gridstress.archive.reading import ArchivedRun, archived_folder
    from gridstress.compare.archived import compare_runs, models_of

    def compared() -> "Comparison":
        first, second = (ArchivedRun(archived_folder(settings.archive_dir, name)) for name in names)
        looked_for = settings.model_names if models else models_of(first, second)
        return compare_runs(
            first, second, grid, looked_for or settings.model_names, settings.step_s
        )

    return read_archive(settings.archive_dir, compared)


def _offline(
    load: str,
    reading: LoadOptions,
    times: tuple[str | None, str | None],
    grid: "Grid",
    settings: "Settings",
    seed: int,
) -> "Recomputed":
    from gridstress.compare.offline import run_offline

    series = reading.for_grid(load, grid, settings.stress_threshold, span(*times))
    return run_offline(series, grid, settings, Path(load).stem, seed)


def _of_run(
    run: str | None, frames: Path | None, grid: "Grid", settings: "Settings"
) -> "Recomputed":
    import asyncio

    from gridstress.verify.collect import read_frames_file, read_measurements
    from gridstress.verify.recompute import recompute

    quiet_client()
    if frames is not None:
        return recompute(read_frames_file(frames, run)[1], grid, settings)
    found = asyncio.run(read_measurements(settings.kafka, run))
    return recompute(found.frames, grid, settings)
