"""`gridstress up` and `gridstress down`: start everything with one command, and stop it."""

import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gridstress.cli.country import fetch_country
from gridstress.cli.load_options import LoadOptions, with_load_options
from topology.errors import UsageError

if TYPE_CHECKING:
    from gridstress.settings import Settings


@with_load_options
def up(
    broker: Annotated[
        str,
        typer.Option(
            help="auto, docker, apache, embedded, or kafka://host:port. auto: GRIDSTRESS_BROKER "
            "if it is set, else Docker if an engine answers, else the embedded broker."
        ),
    ] = "auto",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Workers to share the work.")] = 1,
    speed: Annotated[
        str,
        typer.Option(
            help="As for `gridstress replay`; auto: an hour a second, quick through calm."
        ),
    ] = "auto",
    source: Annotated[
        str | None,
        typer.Option(
            help="What to replay: a load file, or `opsd` once fetched.",
            show_default="the bundled year",
        ),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="Fetch the grid and the load of a country (FR), or of all (`europe`), and replay "
            "them.",
        ),
    ] = None,
    *,
    reading: LoadOptions,
    replay: Annotated[bool, typer.Option(help="Start the replay.")] = True,
    ui: Annotated[bool, typer.Option(help="Start the dashboard.")] = True,
    archive: Annotated[bool, typer.Option(help="Keep every run in the archive.")] = True,
    only: Annotated[
        Literal["broker"] | None,
        typer.Option(help="Start nothing else: `--only broker` for `gridstress reshard`, say."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds each service may take to become healthy.")
    ] = 120.0,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            help="Listen beyond loopback without GRIDSTRESS_API_TOKEN: all who reach the port "
            "read all.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write what runs as JSON; progress goes to stderr.")
    ] = False,
) -> None:
    """Start broker, workers, archive, dashboard and replay, and wait until each is healthy.

    First it reads the load and fits it to the grid. Once all is healthy, a part that ends by itself
    is started again, after a pause that grows from 1 to 30 s.

    Exit codes: 0 all is healthy, 1 something failed (nothing is left running; an archive
    that fails is only noted), 2 wrong usage, 3 the broker did not come up, 4 the grid or the load
    is bad.
    """
    from gridstress.local.launcher import Plan, here
    from gridstress.local.launcher import up as start
    from gridstress.replay.pace import parse_speed
    from gridstress.settings import load_settings

    def say(line: str) -> None:
        typer.echo(line, err=as_json)

    # Asked to stop half-way, it cleans up as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    all_of_it = only is None
    settings = load_settings(insecure=insecure or None)
    parse_speed(speed)
    if country is not None and all_of_it:
        if source:
            raise UsageError("--country brings its load: --source does not go with it")
        fetched = fetch_country(country, settings.stress_threshold, reading)
        settings = load_settings(insecure=insecure or None, topology=str(fetched.grid))
        source, reading = str(fetched.load), fetched.reading
    file = _checked_load(settings, source, reading) if replay and all_of_it else None
    plan = Plan(
        broker=broker,
        workers=workers if all_of_it else 0,
        speed=speed,
        source=file,
        reading=tuple(reading.arguments()),
        replay=replay and all_of_it,
        ui=ui and all_of_it,
        archive=archive and all_of_it,
        timeout_s=timeout,
    )
    started = start(settings, plan, here(), say)
    if as_json:
        typer.echo(json.dumps(asdict(started)))
        return
    if started.ui_url:
        typer.echo(f"dashboard   {started.ui_url}")
    if started.api_url:
        typer.echo(f"worker API  {started.api_url}/api/v1/health")
    typer.echo(f"broker      kafka://{started.bootstrap}")
    if country is not None:
        typer.echo(f"grid        {settings.topology}")
        typer.echo("for other commands, name the grid in GRIDSTRESS_TOPOLOGY")
    typer.echo("stop it all with `gridstress down` (make down)")


def _checked_load(settings: "Settings", source: str | None, reading: LoadOptions) -> Path | None:
    """Read the load as the replay will, so that what is wrong is found before anything runs.

    Returns its file, None for the bundled year, which fits the bundled grid and is not read.
    """
    from topology.loaders import load_grid
    from topology.loaders.native import BUNDLED

    if source is None and settings.topology in BUNDLED and reading == LoadOptions():
        return None
    from gridstress.datasets.catalog import SYNTHETIC, file_of
    from gridstress.datasets.fitting import check_jumps
    from gridstress.replay.schedule import Schedule

    grid, load = load_grid(settings.topology), source or SYNTHETIC
    series = reading.for_grid(load, grid, settings.stress_threshold)
    check_jumps(series, settings.max_ahead_s)
    Schedule(series, grid, "check").begin()
    return file_of(load)


def down(
    as_json: Annotated[
        bool, typer.Option("--json", help="Write what was stopped as JSON.")
    ] = False,
) -> None:
    """Stop exactly what `gridstress up` has started.

    Exit codes: 0 all is stopped (or nothing was up), 1 failed, 3 Docker does not answer.
    """
    from gridstress.local.launcher import down as stop
    from gridstress.local.launcher import here

    outcomes = stop(here())
    if as_json:
        stopped = [{"name": name, "outcome": outcome} for name, outcome in outcomes]
        typer.echo(json.dumps({"stopped": stopped}))
        return
    if not outcomes:
        typer.echo("nothing is up")
    for name, outcome in outcomes:
        typer.echo(f"{name}: {_WORDS[outcome]}")


_WORDS = {
    "stopped": "stopped",
    "killed": "killed, it did not stop when asked",
    "ended": "had ended by itself",
}


def _interrupt(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt
