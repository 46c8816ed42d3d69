"""``gridstress verify``: recompute a run offline and compare it with the app's results."""

from pathlib import Path
from typing import Annotated

import typer

from gridstress.logs import printable, quiet_client


def verify(
    run: Annotated[
        str | None, typer.Option(help="The run to verify; the one written to last by default.")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(
            help="Take the measurements from this file, one MeasurementFrame as JSON a line, "
            "instead of the broker.",
        ),
    ] = None,
    archive: Annotated[
        str | None,
        typer.Option(help="Verify this run from the archive alone (`gridstress history list`)."),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(
            help="Workers or view servers to ask, separated by commas; by default "
            "GRIDSTRESS_API_URLS.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            min=0,
            help="Seconds without progress of the workers to wait for; 0 does not wait at all.",
        ),
    ] = 60.0,
    open_windows: Annotated[
        bool,
        typer.Option("--open/--no-open", help="Compare the windows that are not final, too."),
    ] = True,
    episodes: Annotated[
        Path | None,
        typer.Option(
            help="Write the alarm episodes the app reported to this file, without ids of runs: "
            "equal files mean equal episodes.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Recompute a run from its measurements and compare every window and alarm.

    Ends with 0 if nothing is missing, double or different, 1 if something is, 3 if the broker
    cannot be reached, 4 if there is no such run, or the file for the episodes cannot be written.
    """
    import asyncio
    import json

    from rich.console import Console

    from gridstress.settings import load_settings
    from gridstress.verify.archived import verify_archived
    from gridstress.verify.compare_alarms import episodes_of
    from gridstress.verify.report import show, to_dict
    from gridstress.verify.run import Request, verify_run
    from topology.errors import DataError, UsageError
    from topology.loaders import load_grid

    # The error that is shown says it all; aiokafka would say it first, several times.
    quiet_client()
    settings = load_settings()
    grid = load_grid(settings.topology)
    if archive is not None and (run is not None or frames is not None):
        raise UsageError("--archive names the run: neither --run nor --frames goes with it")
    request = Request(
        run=run,
        frames_file=frames,
        api_urls=api or settings.api_urls,
        patience_s=wait,
        with_open=open_windows,
    )
    status = Console(stderr=True)

    def say(text: str) -> None:
        status.print(printable(text), style="dim", highlight=False, markup=False)

    if archive is not None:
        found = verify_archived(settings.archive_dir, archive, grid, settings)
    else:
        found = asyncio.run(verify_run(request, grid, settings, say))
    if as_json:
        typer.echo(json.dumps(to_dict(found), indent=1))
    else:
        show(found, Console())
    if episodes is not None:
        alerts = [alert for of_model in found.observed.alerts.values() for alert in of_model]
        try:
            episodes.write_text(json.dumps(episodes_of(alerts), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{episodes}: cannot be written: {error.strerror}") from None
    if not found.ok:
        raise typer.Exit(1)
