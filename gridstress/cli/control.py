"""``gridstress control``: a replay in one's own hands."""

from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.options import AsJson, Broker, say, time_of
from gridstress.logs import quiet_client

if TYPE_CHECKING:
    from topology.replay_messages import Command, ReplayStatus

app = typer.Typer(
    no_args_is_help=True,
    help="Command a replay while it runs. Commands change when rows are sent, never which: the "
    "results of a run are the same.",
)
Run = Annotated[
    str | None,
    typer.Option(help="Its run, if there are several replays.", show_default=False),
]


@app.command()
def start(
    begin: Annotated[
        str | None,
        typer.Option(
            "--from", help="Event time to begin at (ISO-8601, UTC); by default where the data do."
        ),
    ] = None,
    speed: Annotated[str | None, typer.Option(help="Another speed.", show_default=False)] = None,
    run: Run = None,
    broker: Broker = None,
    as_json: AsJson = False,
) -> None:
    """Begin a new run; the one that is being sent stops."""
    _command("start", run, broker, as_json, speed=speed, begin=begin)


@app.command()
def pause(run: Run = None, broker: Broker = None, as_json: AsJson = False) -> None:
    """Send nothing more until it is resumed."""
    _command("pause", run, broker, as_json)


@app.command()
def resume(run: Run = None, broker: Broker = None, as_json: AsJson = False) -> None:
    """Go on at the speed that it had."""
    _command("resume", run, broker, as_json)


@app.command()
def step(run: Run = None, broker: Broker = None, as_json: AsJson = False) -> None:
    """Send an hour and pause."""
    _command("step", run, broker, as_json)


@app.command()
def speed(
    value: Annotated[
        str,
        typer.Argument(
            help="Event seconds per second; max; or auto: an hour a second that hurries through "
            "calm."
        ),
    ],
    run: Run = None,
    broker: Broker = None,
    as_json: AsJson = False,
) -> None:
    """Go on at another speed from the row that comes next."""
    _command("speed", run, broker, as_json, speed=value)


@app.command("next-alarm")
def next_alarm(run: Run = None, broker: Broker = None, as_json: AsJson = False) -> None:
    """Hurry until an alarm is raised; then be as before, paused or at its speed.

    It sends at most twelve hours ahead of the results, and so may pass the alarm by as much.
    """
    _command("next-alarm", run, broker, as_json)


@app.command()
def stop(run: Run = None, broker: Broker = None, as_json: AsJson = False) -> None:
    """Send nothing more of its run; one that stays waits for `start`, any other ends."""
    _command("stop", run, broker, as_json)


@app.command()
def status(broker: Broker = None, as_json: AsJson = False) -> None:
    """List the replays that are there."""
    import asyncio

    from gridstress.replay.commands import find_replays
    from gridstress.settings import load_settings

    quiet_client()
    replays = asyncio.run(find_replays(load_settings(broker=broker)))
    if as_json:
        _print_json(replays)
        return
    if not replays:
        say("no replay is there")
    for replay in replays:
        typer.echo(_line(replay))


def _command(
    command: "Command",
    run: str | None,
    broker: str | None,
    as_json: bool,
    *,
    speed: str | None = None,
    begin: str | None = None,
) -> None:
    """Send a command to the replay of a run, and print what it says then."""
    import asyncio

    from gridstress.replay.commands import choose, find_replays, new_command, send
    from gridstress.settings import load_settings
    from topology.clock import to_datetime

    settings = load_settings(broker=broker)
    moment = None if begin is None else to_datetime(time_of("from", begin))
    quiet_client()

    async def order() -> "ReplayStatus":
        replay = choose(await find_replays(settings), run)
        return await send(settings, new_command(replay, command, _who(), speed=speed, begin=moment))

    after = asyncio.run(order())
    if as_json:
        _print_json([after])
    else:
        typer.echo(_line(after))


def _who() -> str:
    import getpass
    import socket

    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # a user without a name, as in a container
        return socket.gethostname()


def _line(replay: "ReplayStatus") -> str:
    from topology.clock import to_iso

    at = f" at {to_iso(replay.next.timestamp())}" if replay.next else ""
    hurry = ", hurrying to the next alarm" if replay.to_alarm else ""
    if replay.hurries and not replay.to_alarm:
        hurry = ", hurrying through calm"
    return f"{replay.state}: run {replay.run}{at}, speed {replay.speed}{hurry}"


def _print_json(replays: "list[ReplayStatus]") -> None:
    import msgspec

    typer.echo(msgspec.json.encode(replays).decode())
