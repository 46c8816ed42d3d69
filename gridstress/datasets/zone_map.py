"""Which zones of a load make which zone of a grid: chosen, renamed or summed."""

import shlex
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from gridstress.datasets.series import NATIONAL, LoadSeries
from gridstress.datasets.zones import canonical_zone, overlap
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


def check_targets(options: Iterable[str], grid: Grid) -> None:
    """Raise UsageError unless a grid has the zones that ``--map`` makes; it may split a country."""
    known = (*grid.zones, NATIONAL)
    for zone in zone_map(options).values():
        if zone not in known and canonical_zone(zone) not in known:
            raise UsageError(
                f"--map makes zone {zone!r}, which grid {grid.name!r} lacks",
                hint=f"the grid has {', '.join(grid.zones)}",
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
        New names by zone of the series: as it has them, or as ``canonical_zone`` knows them.
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
    for zone, columns in parts.items():
        if NATIONAL in columns and len(columns) > 1:
            raise DataError(
                f"{where}: zone {zone!r} would be the whole country and parts of it: they would "
                "count twice"
            )
    if contained := overlap(chosen):
        raise DataError(
            f"{where}: the load of {contained[0]} contains that of {contained[1]}, and the mapping "
            "names both: it would count twice"
        )
    sums = {
        zone: series.values[columns].sum(axis="columns", skipna=False)
        for zone, columns in parts.items()
    }
    return replace(series, values=pd.DataFrame(sums), collection=False)


def _column(series: LoadSeries, name: str, where: str) -> str:
    if name in series.zones:
        return name
    alike = [one for one in series.zones if canonical_zone(one) == canonical_zone(name)]
    if len(alike) == 1:
        return alike[0]
    problem = f"several zones {name!r}" if alike else f"no zone {name!r}"
    raise DataError(
        f"{where}: {problem}, which the mapping names: there are {', '.join(series.zones[:100])}"
    )
