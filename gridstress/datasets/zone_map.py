"""Which zones of a load make which zone of a grid: chosen, renamed or summed."""

import shlex
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from gridstress.datasets.series import NATIONAL, LoadSeries
from gridstress.datasets.zones import canonical_zone, listed, overlap, zones_called
from topology.errors import DataError, UsageError
from topology.grid import Grid


def zone_map(options: Iterable[str]) -> dict[str, str]:
    """Parse values of ``--map`` such as ``50Hertz,Amprion=south``: the grid's zone by the load's.

    Raises
    ------
    UsageError
        If one is written differently, or a zone is in several of them.
    """
    names: dict[str, str] = {}
    for option in options:
        left, _, zone = (part.strip() for part in option.rpartition("="))
        parts = [part.strip() for part in left.split(",")]
        if not (zone and all(parts)):
            raise UsageError(
                f"--map {option!r} is not written ZONE,ZONE=ZONE",
                hint="left of = the load's zones, right of it the grid's that they are summed into",
            )
        for part in parts:
            if part in names:
                raise UsageError(f"--map has zone {part!r} twice: it would count twice")
            names[part] = zone
    return names


def check_targets(names: dict[str, str], grid: Grid) -> None:
    """Check that a mapping makes zones of a grid, or one load for the whole of it.

    Raises
    ------
    UsageError
        With the zone that the grid lacks.
    """
    zones = list(dict.fromkeys(names.values()))
    if zones == [NATIONAL]:
        return
    for zone in zones:
        if zone not in grid.zones and canonical_zone(zone) not in grid.zones:
            raise UsageError(
                f"the mapping makes zone {zone!r}, which grid {grid.name!r} lacks",
                hint=f"the grid has {listed(grid.zones)}; `national` alone is split over them",
            )


def map_option(zones: Iterable[str], zone: str) -> str:
    """Write the option that sums ``zones`` into ``zone``, ready to paste into a shell."""
    return "--map " + shlex.quote(",".join(zones) + "=" + zone)


def mapped(series: LoadSeries, names: dict[str, str], where: str) -> LoadSeries:
    """Give a series the zones that a mapping names, and no others.

    Zones with the same new name are summed. A time at which one of them is missing is missing: the
    sum of the rest would be a guess.

    Parameters
    ----------
    names
        New names by zone of the series: as it has them, or as ``zones_called`` finds them.
    where
        File or data set, for errors.

    Raises
    ------
    DataError
        If the series lacks a zone, with those that it has, or something would count twice.
    """
    parts: dict[str, list[str]] = defaultdict(list)
    for name, zone in names.items():
        parts[zone].append(_column(series, name, where))
    chosen = [column for columns in parts.values() for column in columns]
    if twice := [column for column in chosen if chosen.count(column) > 1]:
        raise DataError(f"{where}: the mapping has zone {twice[0]!r} twice: it would count twice")
    if NATIONAL in chosen and len(chosen) > 1:
        raise DataError(
            f"{where}: the mapping names the whole country and parts of it: they would count twice"
        )
    if series.collection and (both := overlap(chosen)):
        raise DataError(
            f"{where}: {both[0]} and {both[1]} have load in common, and the mapping names both: it "
            "would count twice"
        )
    sums = {
        zone: series.values[columns].sum(axis="columns", skipna=False)
        for zone, columns in parts.items()
    }
    whole = list(sums) == [NATIONAL]
    return replace(series, values=pd.DataFrame(sums), collection=False, whole=whole, country="")


def _column(series: LoadSeries, name: str, where: str) -> str:
    found = zones_called(series.zones, name, series.country)
    if len(found) == 1:
        return found[0]
    problem = f"several zones {name!r}" if found else f"no zone {name!r}"
    raise DataError(
        f"{where}: {problem}, which the mapping names: there are {listed(found or series.zones)}"
    )
