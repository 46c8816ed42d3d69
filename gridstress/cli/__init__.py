"""The ``gridstress`` command; one module a sub-command, heavy imports only where they are used."""

import sys

import typer

from gridstress import __version__
from gridstress.cli import (
    alerts,
    archive,
    audit,
    compare,
    config,
    control,
    data,
    dead_letters,
    doctor,
    export,
    feed,
    history,
    replay,
    reshard,
    score,
    settings,
    show,
    topology,
    ui,
    up,
    verify,
)
from gridstress.logs import printable
from topology.errors import GridstressError

EPILOG = (
    "Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 broker unreachable, 4 bad data, "
    "130 interrupted. Settings come from GRIDSTRESS_* (see `gridstress config show`)."
)

app = typer.Typer(
    help="Replay a power grid's load as a live Kafka stream and watch stress spread.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"gridstress {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Hold the options of the command itself."""


app.command()(up.up)
app.command()(up.down)
app.command()(replay.replay)
app.add_typer(control.app, name="control")
app.add_typer(feed.app, name="feed")
app.add_typer(data.app, name="data")
app.add_typer(topology.app, name="topology")
app.command()(alerts.alerts)
app.command()(show.show)
app.command()(verify.verify)
app.command()(audit.audit)
app.command()(archive.archive)
app.add_typer(history.app, name="history")
app.command()(export.export)
app.command()(compare.compare)
app.command()(score.score)
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(reshard.reshard)
app.command()(ui.ui)
app.add_typer(config.app, name="config")
app.add_typer(settings.app, name="settings")
app.command()(doctor.doctor)


def main() -> None:
    """Run the command; an error on purpose is one line and an exit code, never a traceback."""
    try:
        app()
    except GridstressError as error:
        _write_error("error", str(error))
        if error.hint:
            _write_error("hint", error.hint)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _write_error(label: str, text: str) -> None:
    lines = "\n".join(map(printable, text.split("\n")))
    sys.stderr.write(f"{label}: {lines}\n")
