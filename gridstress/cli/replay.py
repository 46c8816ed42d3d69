"""``gridstress replay``: a load file as a live stream."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.load_options import OPTION_NAMES, LoadOptions, with_load_options
from gridstress.cli.options import Broker, Topology, say, span
from gridstress.logs import quiet_client

if TYPE_CHECKING:
    from gridstress.datasets.series import LoadSeries
    from gridstress.replay.archived import ArchivedSchedule, Run
    from gridstress.replay.pace import Speed
    from gridstress.replay.replayer import Summary
    from gridstress.replay.schedule import Schedule
    from gridstress.replay.session import Session
    from gridstress.run_records.record import Origin
    from gridstress.settings import Settings
    from topology.grid import Grid


@with_load_options
def replay(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(help="A load file, `opsd` once fetched, or `synthetic` (bundled).")
    ] = "synthetic",
    speed: Annotated[
        str | None,
        typer.Option(
            help="Event seconds per second; max; or auto: an hour a second that hurries through "
            "calm. By default 3600; max with --output.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Begin at this event time (ISO-8601, UTC by default).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="End before this event time.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Begin a new run when one ends.")] = False,
    stay: Annotated[
        bool,
        typer.Option("--stay", help="Wait for `gridstress control` when no run is being sent."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the small variation between nodes.")] = 0,
    synthetic: Annotated[
        bool | None,
        typer.Option(
            "--synthetic/--measured",
            help="Whether the loads were made up or measured, for the run's record; by default "
            "what the data set or the file's format says.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Name of the run; <source>-<time> by default.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume --run where the topic's rows end; data and options as before.",
        ),
    ] = False,
    archive: Annotated[
        str | None,
        typer.Option(
            help="Send this archived run again (`gridstress history list`) instead of a file.",
        ),
    ] = None,
    *,
    reading: LoadOptions,
    topology: Topology = None,
    broker: Broker = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the frames to this file (JSON lines), send nothing.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary of each run as JSON on stdout.")
    ] = False,
) -> None:
    """Replay a load file as a live stream of measurements; Ctrl-C leaves it consistent.

    Recognises the files of many publishers, CSV or Excel, and plain CSV (timestamp,zone,load_mw);
    the columns of any other can be named. Ends with 130 if interrupted.
    """
    import asyncio

    from gridstress.datasets.fitting import check_jumps
    from gridstress.replay.archived import Run
    from gridstress.replay.pace import parse_speed
    from gridstress.replay.resume import behind_the_topic
    from gridstress.replay.schedule import Schedule, check_run
    from gridstress.replay.session import Session, run_name
    from gridstress.settings import load_settings
    from topology.errors import UsageError
    from topology.loaders import load_grid

    if output is not None and (loop or stay):
        raise UsageError("--loop or --stay with --output would never end")
    if loop and stay:
        raise UsageError("--loop begins the next run by itself, --stay waits: give one of them")
    if resume and (run is None or loop or output is not None):
        raise UsageError(
            "--resume needs --run, and goes neither with --loop nor with --output",
            hint="`gridstress verify` lists the runs a broker knows",
        )
    if run is not None:
        check_run(run)
    event_speed = parse_speed(speed or ("max" if output else "3600"))
    if output is not None and event_speed.hurries:
        raise UsageError("--speed auto follows the workers' results, which --output has none of")
    window = span(start, until)
    settings = load_settings(broker=broker, topology=topology)
    grid = load_grid(settings.topology)
    quiet_client()
    first: Run
    if archive is not None:
        _refuse_with_archive(context)
        first, origin = _archived(settings, grid, archive, run)
    else:
        series = reading.for_grid(file, grid, settings.stress_threshold, window)
        check_jumps(series, settings.max_ahead_s)
        first = Schedule(series=series, grid=grid, run=run or run_name(series.source), seed=seed)
        first.begin()  # what cannot be sent is found before anything is
        _announce(first, event_speed, str(output or settings.bootstrap))
        if resume:
            first = asyncio.run(behind_the_topic(settings, first))
            _announce_rest(first)
        origin = _origin(file, series, synthetic)
    base = run or archive or series.source
    session = Session(first, origin, settings, grid, base, made_from=archive, resumed=resume)
    sending = (
        _write(first, output, event_speed, as_json)
        if output
        else _send(session, event_speed, as_json, loop=loop, stay=stay)
    )
    if asyncio.run(sending):
        raise typer.Exit(130)


_OF_FILES = (
    "file",
    "start",
    "until",
    *OPTION_NAMES,
    "seed",
    "synthetic",
    "resume",
)


def _refuse_with_archive(context: typer.Context) -> None:
    from topology.errors import UsageError

    sources = {name: context.get_parameter_source(name) for name in _OF_FILES}
    given = [name for name, source in sources.items() if source and source.name != "DEFAULT"]
    if given:
        options = ", ".join("FILE" if n == "file" else f"--{n.replace('_', '-')}" for n in given)
        raise UsageError(f"--archive sends a run as it was: {options} does not go with it")


def _archived(
    settings: "Settings", grid: "Grid", name: str, run: str | None
) -> "tuple[ArchivedSchedule, Origin]":
    """An archived run, and where its data came from."""
    from gridstress.archive.reading import ArchivedRun, archived_folder
    from gridstress.replay.archived import ArchivedSchedule
    from gridstress.replay.session import run_name
    from gridstress.run_records.record import Origin
    from topology.clock import to_datetime

    archived = ArchivedRun(archived_folder(settings.archive_dir, name))
    schedule = ArchivedSchedule(archived, grid, run or run_name(name), settings.max_ahead_s)
    say(f"run {schedule.run}: {schedule.rows:,} time steps of archived run {name}")
    record = archived.record()
    end_s = schedule.start_s + schedule.rows * schedule.period_s
    origin = Origin(
        kind="replay",
        source=record.source if record else "",
        synthetic=record.synthetic if record else None,
        credit=record.credit if record else "",
        start=to_datetime(schedule.start_s),
        end=to_datetime(end_s),
    )
    return schedule, origin


def _origin(file: str, series: "LoadSeries", synthetic: bool | None) -> "Origin":
    """Where the data come from: a file by its name, a named data set by its own."""
    from gridstress.datasets.catalog import own_file
    from gridstress.run_records.record import Origin

    path = own_file(file)
    return Origin(
        kind="replay",
        source=path.name if path else series.source,
        synthetic=series.synthetic if synthetic is None else synthetic,
        credit=series.credit,
        start=series.start.to_pydatetime(),
        end=series.end.to_pydatetime(),
    )


async def _send(
    session: "Session", speed: "Speed", as_json: bool, *, loop: bool, stay: bool
) -> bool:
    """Send one run after the other; whether it was interrupted."""
    from functools import partial

    from gridstress.cli.interrupt import stop_event
    from gridstress.replay.progress import progress_for

    stop = stop_event()
    report = partial(_report, as_json=as_json)
    await session.send(speed, stop, progress_for, report, loop=loop, stay=stay)
    return stop.is_set()


async def _write(run: "Run", path: Path, speed: "Speed", as_json: bool) -> bool:
    """Write a run to a file; whether it was interrupted."""
    import asyncio

    from gridstress.cli.interrupt import stop_event
    from gridstress.replay.pace import Pace
    from gridstress.replay.progress import progress_for
    from gridstress.replay.replayer import replay as replay_run
    from gridstress.run_records.frame_sinks import FileSink

    stop, pace = stop_event(), Pace(speed)
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: pace.stop())
    async with FileSink(path) as sink:
        with progress_for(run) as show:
            summary = await replay_run(run, sink, pace, on_step=show)
    stopping.cancel()
    _report(summary, as_json=as_json)
    return stop.is_set()


def _report(summary: "Summary", *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    say(
        f"{'interrupted' if summary.stopped else 'done'}: run {summary.run}, "
        f"{summary.rows:,} rows in {summary.frames:,} frames, up to {summary.end}"
    )
    if summary.stopped:
        say("every time step sent is whole; the run has not been ended")
    if as_json:
        typer.echo(json.dumps(asdict(summary)))


def _announce(schedule: "Schedule", speed: "Speed", where: str) -> None:
    """Say what will be sent, and everything the data lack."""
    from topology.clock import to_iso

    series = schedule.series
    if series.credit:
        say(f"data: {series.credit}")
    begin, end = (to_iso(moment.timestamp()) for moment in (series.start, series.end))
    pace = "full speed" if speed.rate == float("inf") else f"{speed.rate / 3600:,g} h/s"
    pace += ", quick through calm" if speed.hurries else ""
    say(f"run {schedule.run}: {begin} to {end}, {schedule.rows:,} rows, {pace}, to {where}")
    empty = schedule.empty_zones
    for zone in empty:
        say(f"no data for zone {zone}: it ends at once, and holds nothing back")
    gaps = [gap for gap in series.gaps() if gap.zone not in empty]
    if gaps:
        values = sum(gap.rows for gap in gaps)
        first = min(gaps, key=lambda gap: gap.start)
        say(
            f"{values:,} values are missing in {len(gaps):,} gaps, nothing is sent for them; the "
            f"first: {first.zone} from {to_iso(first.start.timestamp())}, {first.rows:,} rows"
        )


def _announce_rest(rest: "Schedule") -> None:
    """Say where a run is taken up again."""
    from topology.clock import to_iso

    if rest.first > rest.rows:
        say(f"run {rest.run} is complete: there is nothing left to send")
    elif not rest.sent:
        say(f"the topic has nothing of run {rest.run} yet: it is sent from its beginning")
    else:
        time_s = rest.series.start.timestamp() + rest.first * rest.series.period_s
        say(f"run {rest.run} goes on at {to_iso(time_s)}, row {rest.first:,} of {rest.rows:,}")
