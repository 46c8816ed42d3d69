"""``gridstress data fetch``: published load, from its publishers."""

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from gridstress.cli.options import say, time_of
from topology.clock import to_iso
from topology.errors import UsageError

app = typer.Typer(help="Fetch published load from its publisher, for `data show` and `replay`.")

EARLIEST_S = 1_388_534_400
"""2014; a time before it is a mistake."""

Directory = Annotated[
    Path | None,
    typer.Option("--to", help="Keep the file in this folder instead of the user's cache."),
]
From = Annotated[str, typer.Option("--from", help="Begin at this time (ISO-8601, UTC by default).")]
Until = Annotated[
    str | None,
    typer.Option("--until", help="End before this time; by default now.", show_default=False),
]


@app.callback(invoke_without_command=True)
def _list(context: typer.Context) -> None:
    """Fetch published load from its publisher, for `data show` and `replay`."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def opsd(directory: Directory = None) -> None:
    """Open Power System Data: measured load of European countries, 2015 to 2020, hourly.

    One file of 130 MB, of which the columns of loads are kept. No account is needed.
    """
    from gridstress.cli.progress import download_bar
    from gridstress.datasets.fetch import OPSD, cache_dir, fetch

    with download_bar() as bar:
        path = fetch(OPSD, directory or cache_dir(), progress=bar, say=say)
    _show(path, str(path) if directory else OPSD.name)


@app.command()
def smard(
    start: From,
    until: Until = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(
            help="A control zone, or DE for the country; may be repeated. By default the four "
            "control zones.",
            show_default=False,
        ),
    ] = None,
    directory: Directory = None,
) -> None:
    """SMARD (Bundesnetzagentur): load of Germany and its control zones, quarter-hours since 2015.

    No account is needed. Weeks that were fetched are kept, so that a command that was cut off
    continues.
    """
    from gridstress.cli.progress import count_bar
    from gridstress.datasets.fetch import cache_dir
    from gridstress.datasets.pieces import file_name
    from gridstress.datasets.smard_api import Smard, region_of
    from gridstress.datasets.zones import GERMAN_ZONES

    start_s, until_s = _span(start, until)
    regions = [region_of(name) for name in zone or ()]
    path = (directory or cache_dir()) / file_name("smard", regions, start_s, until_s)
    source = Smard(cache_dir() / "smard")
    with count_bar("weeks") as bar:
        regions = regions or list(GERMAN_ZONES)
        source.fetch(regions, start_s, until_s or _now(), path, progress=bar, say=say)
    _show(path, str(path))


@app.command()
def entsoe(
    zone: Annotated[
        list[str],
        typer.Option(
            help="A country (FR), bidding zone (NO_1) or control area, as entsoe-py names it, or "
            "a zone of the German grid; may be repeated."
        ),
    ],
    start: From,
    until: Until = None,
    directory: Directory = None,
) -> None:
    """ENTSO-E Transparency Platform: actual total load of European countries and bidding zones.

    Needs GRIDSTRESS_ENTSOE_TOKEN and `pip install 'gridstress[feed]'`. Months that were fetched
    are kept, so that a command that was cut off continues.
    """
    from gridstress.cli.progress import count_bar
    from gridstress.datasets.entsoe_api import Platform, area_of, check_token, zone_of
    from gridstress.datasets.entsoe_months import EntsoeMonths
    from gridstress.datasets.fetch import cache_dir
    from gridstress.datasets.pieces import file_name
    from gridstress.settings import load_settings

    start_s, until_s = _span(start, until)
    zones = [zone_of(area_of(name)) for name in zone]
    source = EntsoeMonths(Platform(check_token(load_settings().entsoe)), cache_dir() / "entsoe")
    path = (directory or cache_dir()) / file_name("entsoe", zones, start_s, until_s)
    with count_bar("months") as bar:
        source.fetch(zones, start_s, until_s or _now(), path, progress=bar, say=say)
    _show(path, str(path))


def _span(start: str, until: str | None) -> tuple[float, float | None]:
    """Begin and end, epoch seconds; None for now, beyond which nothing is published."""
    start_s = time_of("from", start)
    until_s = None if until is None else time_of("until", until)
    if start_s < EARLIEST_S:
        raise UsageError(
            f"--from {start} is before {to_iso(EARLIEST_S)}", hint="published load begins in 2015"
        )
    if until_s is not None and start_s >= until_s:
        raise UsageError(f"--from {start} is not before --until {until}")
    if start_s >= _now():
        raise UsageError(f"--from {start} is not before now")
    return start_s, until_s if until_s is not None and until_s < _now() else None


def _now() -> float:
    return time.time() // 60 * 60


def _show(path: Path, name: str) -> None:
    typer.echo(str(path))
    say(f"look at it with: gridstress data show {shlex.quote(name)}")
    say(f"replay it with: gridstress replay {shlex.quote(name)}")
