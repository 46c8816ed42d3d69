"""`gridstress up --country`: a country's grid and load, fetched and fitted to each other."""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from gridstress.cli.grid_files import assumptions_of, print_problems
from gridstress.cli.load_options import LoadOptions
from gridstress.cli.options import say
from topology.errors import DataError, UsageError

EUROPE = "europe"
STRESSED = 0.03
"""Part of the node-hours that the ratings are fitted to."""


@dataclass(frozen=True)
class Country:
    """The files of a country's grid and of its load, and how the load is to be read."""

    grid: Path
    load: Path
    reading: LoadOptions


def fetch_country(country: str, threshold: float, reading: LoadOptions) -> Country:
    """Fetch a country's grid and load unless they are in the cache, and fit the one to the other.

    Parameters
    ----------
    country
        A code such as ``FR``, several (``FR,ES``), or ``europe`` for all countries.
    threshold
        Utilisation above which a node is stressed.
    reading
        How to read the load; gaps are interpolated if it does not say.

    Returns
    -------
    Country
        The grid's zones are countries. Its file is named by its content: one that runs stays.

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
    from gridstress.datasets.pieces import keep
    from gridstress.replay.fit import fit_ratings
    from topology.loaders import build_grid, to_json, validate

    raw = fetch_osm([] if country.casefold() == EUROPE else country_codes([country])).raw
    print_problems(validate(raw))
    grid = build_grid(raw)
    with download_bar() as bar:
        load = fetch(OPSD, cache_dir(), progress=bar, say=say)
    reading = replace(reading, on_gap=reading.on_gap or "interpolate")
    try:
        series = reading.for_grid(str(load), grid, threshold)
    except DataError as error:
        if "no zone" not in str(error):
            raise
        raise UsageError(
            f"--country {country}: {error}",
            hint="fetch the grid with `gridstress topology fetch osm`, fit it to a load of yours "
            "with `gridstress topology fit`, and name both to `gridstress up`",
        ) from None
    found = fit_ratings(grid, series, STRESSED, threshold)
    for line in assumptions_of(found.grid):
        say(line)
    if found.without_load:
        say(f"without load in {OPSD.name}: {', '.join(found.without_load)}")
    content = to_json(found.grid)
    path = cache_dir() / f"{raw.name}-{sha256(content).hexdigest()[:8]}.json"
    keep(path, content)
    return Country(path, load, reading)
