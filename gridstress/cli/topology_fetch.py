"""``gridstress topology fetch``: grids of whole countries, from published data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.grid_files import print_problems, refuse_to_replace, write_grid
from gridstress.cli.options import say
from topology.errors import UsageError

if TYPE_CHECKING:
    from topology.loaders.osm import OsmNetwork

app = typer.Typer(help="Fetch a published grid.")


@app.command()
def osm(
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="JSON file to write.")],
    country: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="A country to keep, such as FR; several: FR,ES."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Keep all countries.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the grid; else osm-fr.")] = None,
    keep_buses: Annotated[
        bool,
        typer.Option(
            "--keep-buses",
            help="Keep a node for each voltage of a substation, and its transformers.",
        ),
    ] = False,
    keep_islands: Annotated[
        bool,
        typer.Option("--keep-islands", help="Keep all islands, not only the largest."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Make a grid of the transmission lines of a country, or of Europe, in OpenStreetMap.

    The data are PyPSA-Eur's (220 to 750 kV, 21 MB); they are kept in the user's cache.
    """
    from topology.loaders import build_grid, validate

    if (country is not None) == every:
        raise UsageError(
            "give either --country or --all", hint="--country FR; several: --country FR,ES"
        )
    codes = country_codes(country or [])
    refuse_to_replace(output, force)
    network = fetch_osm(codes, keep_buses=keep_buses, keep_islands=keep_islands)
    network.raw.name = name or network.raw.name
    print_problems(validate(network.raw))
    write_grid(build_grid(network.raw), output)
    _print_summary(network)
    typer.echo(f"next: gridstress topology fit {output} --load LOAD -o FITTED.json")


def country_codes(texts: list[str]) -> list[str]:
    """Codes in texts such as ``fr`` or ``FR,ES``, sorted.

    Raises
    ------
    UsageError
        If there are texts without a code.
    """
    codes = sorted({code.strip() for text in texts for code in text.upper().split(",")} - {""})
    if texts and not codes:
        raise UsageError("--country names no country", hint="--country FR; several: FR,ES")
    return codes


def fetch_osm(
    countries: list[str], *, keep_buses: bool = False, keep_islands: bool = False
) -> "OsmNetwork":
    """Fetch the network unless it is in the cache, and read these countries of it, or all.

    Raises
    ------
    GridstressError, UsageError, DataError
        As ``fetch_folder`` and ``read_osm``.
    """
    from gridstress.cli.progress import download_bar
    from gridstress.datasets.fetch import cache_dir
    from gridstress.datasets.grids import OSM, fetch_folder
    from topology.loaders.defaults import fill_defaults
    from topology.loaders.osm import CREDIT, read_osm

    folder = fetch_folder(OSM, cache_dir(), bar=download_bar, say=say)
    network = read_osm(folder, countries, keep_buses=keep_buses, keep_islands=keep_islands)
    for lost in sorted(set(countries) - set(network.countries)):
        say(f"note: {lost} is not in the grid: all of it lies on smaller islands (--keep-islands)")
    network.raw.name = "-".join(["osm", *map(str.lower, countries or ["europe"])])
    network.raw.credit = CREDIT.format(version=f" {OSM.version}")
    fill_defaults(network.raw)
    return network


def _print_summary(network: "OsmNetwork") -> None:
    from topology.loaders.osm import KINDS

    parts = [f"{network.buses:,} AC buses at {network.stations:,} nodes"]
    parts += [f"{network.kinds[kind]:,} {KINDS[kind]}" for kind in KINDS if network.kinds[kind]]
    typer.echo(f"{' '.join(network.countries)}: {', '.join(parts)}")
    for words, key in (
        ("lines that lead to other countries", "beyond"),
        ("lines inside a substation", "inside"),
        ("buses and lines under construction, of all countries", "under construction"),
        ("lines that end at a bus that is not there, of all countries", "dangling"),
        ("HVDC links without a converter, of all countries", "unconverted"),
    ):
        if network.left_out[key]:
            typer.echo(f"left out: {network.left_out[key]:,} {words}")
    for island in network.islands:
        typer.echo(f"left out: an island of {len(island)} ({', '.join(island)})")
    if network.islands:
        typer.echo("--keep-islands keeps the islands")
    typer.echo(f"credit: {network.raw.credit}")
    typer.echo("If you publish this grid, name this source and keep the licence (ODbL).")
