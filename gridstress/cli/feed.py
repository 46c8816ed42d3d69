"""``gridstress feed``: send live measurements from another program or from ENTSO-E."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.options import Broker, Topology, say, time_of
from gridstress.logs import quiet_client

if TYPE_CHECKING:
    from gridstress.live.feeder import Fed
    from gridstress.live.live_run import LiveRun
    from topology.run_messages import RunRecord

app = typer.Typer(
    no_args_is_help=True, help="Feed measurements as they happen: lines of JSON, or ENTSO-E."
)


@app.command()
def lines(
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="Lines of JSON; by default what comes in.")
    ] = "-",  # type: ignore[assignment]
    source: Annotated[
        str | None,
        typer.Option(
            help="Where the data come from, for the records of their runs; by default the file's "
            "name.",
            show_default=False,
        ),
    ] = None,
    synthetic: Annotated[
        bool | None,
        typer.Option(
            "--synthetic/--measured",
            help="Whether the loads are made up or measured, for the records of their runs; "
            "unknown unless given.",
            show_default=False,
        ),
    ] = None,
    topology: Topology = None,
    broker: Broker = None,
) -> None:
    """Send frames that another program writes, a line each, as docs/messages.md describes them.

    A line that cannot be used is reported and skipped. Exit codes: 0 fine, 3 broker, 4 lines were
    refused, 130 interrupted.
    """
    import asyncio

    from gridstress.cli.interrupt import stop_event
    from gridstress.live.feeder import lines_of, pump
    from gridstress.run_records.record import Origin, Sender
    from gridstress.run_records.recorded_sink import RecordedSink
    from gridstress.settings import load_settings
    from topology.loaders import load_grid

    settings = load_settings(broker=broker, topology=topology)
    grid = load_grid(settings.topology)
    quiet_client()
    origin = Origin("live", source or Path(file.name).name.strip("<>"), synthetic)
    sender = Sender(origin, settings, grid)

    async def run() -> "tuple[Fed, bool]":
        stop = stop_event()
        async with RecordedSink(settings, grid.zones, sender.record) as sink:
            return await pump(lines_of(file), grid, sink, stop, say), stop.is_set()

    fed, stopped = asyncio.run(run())
    say(f"sent {fed.rows:,} rows in {fed.frames:,} frames; {fed.refused:,} lines refused")
    if stopped or fed.refused:
        raise typer.Exit(130 if stopped else 4)


@app.command()
def entsoe(
    run: Annotated[str, typer.Option(help="Name of the run; one that is there is gone on with.")],
    since: Annotated[
        str | None,
        typer.Option(
            help="Begin a new run at this time (ISO-8601, UTC by default); by default a day ago.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 300.0,
    resolution: Annotated[
        str, typer.Option(help="Average finer data to this: 1h, 30min, 15min, 5min, 1min.")
    ] = "1h",
    patience: Annotated[
        float,
        typer.Option(min=0, help="Hours to wait for a value that is missing before going on."),
    ] = 6.0,
    area: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ZONE=CODE", help="Area of a zone, as entsoe-py calls it. May be repeated."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the small variation between nodes.")] = 0,
    topology: Topology = None,
    broker: Broker = None,
) -> None:
    """Look for new load at the ENTSO-E Transparency Platform, and send it; Ctrl-C ends it.

    Needs GRIDSTRESS_ENTSOE_TOKEN. Exit codes: 2 wrong usage, 3 broker, 130 interrupted.
    """
    import asyncio

    from gridstress.cli.interrupt import stop_event
    from gridstress.datasets.entsoe import CREDIT
    from gridstress.datasets.entsoe_api import check_token
    from gridstress.live.entsoe import Entsoe, areas
    from gridstress.live.feeder import poll
    from gridstress.live.resume import live_run
    from gridstress.run_records.record import Origin, Sender
    from gridstress.run_records.recorded_sink import RecordedSink
    from gridstress.settings import load_settings
    from topology.loaders import load_grid

    since_s = None if since is None else time_of("since", since)
    settings = load_settings(broker=broker, topology=topology)
    token = check_token(settings.entsoe)
    grid = load_grid(settings.topology)
    named = areas(_pairs(area or []), grid.zones)
    source = Entsoe(token, resolution)
    origin = Origin("live", "entsoe", synthetic=False, credit=CREDIT)
    sender = Sender(origin, settings, grid)
    quiet_client()

    async def feed() -> None:
        stop = stop_event()
        going = await live_run(
            settings,
            grid,
            run,
            since_s=since_s,
            resolution=resolution,
            patience_h=patience,
            seed=seed,
        )
        _announce(going, named)

        def described(name: str) -> "RunRecord":
            return sender.record(name, going.zones_sent)

        async with RecordedSink(settings, grid.zones, described) as sink:
            fed = await poll(source, named, going, sink, stop, say, every_s=every)
        say(f"sent {fed.rows:,} rows in {fed.frames:,} frames")

    say(f"data: {CREDIT}")
    asyncio.run(feed())
    raise typer.Exit(130)


def _announce(run: "LiveRun", areas: dict[str, str]) -> None:
    from topology.clock import to_iso

    for zone, code in areas.items():
        say(f"run {run.run}: {zone} ({code}) from {to_iso(run.next_s(zone))} on")
    if unserved := sorted(set(run.grid.zones) - set(areas)):
        say(f"no area for {', '.join(unserved)}: nothing is sent for it, and windows wait for it")


def _pairs(given: list[str]) -> dict[str, str]:
    from topology.errors import UsageError

    pairs = {}
    for text in given:
        zone, equals, code = text.rpartition("=")
        if not (zone and equals and code):
            raise UsageError(f"--area {text!r} is not ZONE=CODE, such as TenneT=DE_TENNET")
        pairs[zone] = code
    return pairs
