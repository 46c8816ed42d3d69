"""`gridstress up --country`: a country's grid and load, fetched and fitted to each other."""

from pathlib import Path

from gridstress.cli.grid_files import print_problems, write_grid
from gridstress.cli.load_options import LoadOptions
from gridstress.cli.options import say
from topology.errors import DataError, UsageError

LOAD = "opsd"
EUROPE = "europe"
STRESSED = 0.03
"""Part of the node-hours that the ratings are fitted to."""


def country_grid(country: str, threshold: float) -> Path:
    """Fetch a country's grid and load unless they are in the cache, and fit the one to the other.

    Parameters
    ----------
    country
        A code such as ``FR``, several (``FR,ES``), or ``europe`` for all countries.
    threshold
        Utilisation above which a node is stressed.

    Returns
    -------
    Path
        The grid, whose zones are countries, for replaying ``LOAD`` on it.

    Raises
    ------
    GridstressError
        If a file cannot be downloaded.
    UsageError, DataError
        If there is no such country, or no load for it, or a file is not what it should be.
    """
    from gridstress.cli.progress import download_bar
    from gridstress.cli.topology_fetch import country_codes, fetch_osm
    from gridstress.datasets.fetch import OPSD, cache_dir, fetch
    from gridstress.replay.fit import fit_ratings
    from topology.loaders import build_grid, validate

    raw = fetch_osm([] if country.casefold() == EUROPE else country_codes([country])).raw
    print_problems(validate(raw))
    grid = build_grid(raw)
    with download_bar() as bar:
        fetch(OPSD, cache_dir(), progress=bar, say=say)
    try:
        series = LoadOptions().for_grid(LOAD, grid, threshold)
    except DataError as error:
        raise UsageError(
            f"--country {country}: {error}",
            hint="fetch the grid with `gridstress topology fetch osm`, fit it to a load of yours "
            "with `gridstress topology fit`, and name both to `gridstress up`",
        ) from None
    found = fit_ratings(grid, series, STRESSED, threshold)
    if found.without_load:
        say(f"without load in {LOAD}: {', '.join(found.without_load)}")
    path = cache_dir() / f"{raw.name}-{LOAD}.json"
    write_grid(found.grid, path)
    return path
