"""Reader of load exports from the ENTSO-E Transparency Platform, the current and the older form.

Current: one row an area and time, ``"MTU (UTC)","Area","Actual Total Load (MW)"``. Older: one row
a time and one column an area, ``"Time (CET/CEST)","Actual Total Load [MW] - BZN|DE-LU"``.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from math import isnan

from gridstress.datasets.assemble import Reading, assemble
from gridstress.datasets.row import Row
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.table import Header, read_rows
from gridstress.datasets.wall_clock import is_skipped, steady_time_s, wall_times_s
from gridstress.datasets.zones import canonical_zone

NAME = "entsoe"
TITLE = "ENTSO-E Transparency Platform, actual total load"
CREDIT = "ENTSO-E Transparency Platform"
AREA, LOAD = "Area", "Actual Total Load (MW)"

# "Time (CET)" is what exports before 2021 called the wall clock.
_TIME = re.compile(r"(?:MTU|Time) \((UTC|CET/CEST|CET)\)")
_OLD_LOAD = re.compile(r"Actual Total Load \[MW\] - (.+)")
_LABEL = re.compile(
    r"(\d\d)[./](\d\d)[./](\d{4}) (\d\d):(\d\d)(?::00)?(?: \((UTC|CET|CEST)\))?(?: - .*)?"
)


def recognises(header: Header) -> bool:
    """Whether there are a time column and a load in either form."""
    return _time_column(header) is not None and (
        {AREA, LOAD} <= set(header.names) or any(map(_OLD_LOAD.fullmatch, header.names))
    )


def read(header: Header) -> LoadSeries:
    """Read the loads of all areas.

    Raises
    ------
    DataError
        With file, row, column and value.
    """
    time = _time_column(header) or ""
    areas = {name: match[1] for name in header.names if (match := _OLD_LOAD.fullmatch(name))}
    cells: dict[str, list[tuple[Row, float]]] = defaultdict(list)
    for row in read_rows(header, [time, *(areas or (AREA, LOAD))]):
        for column, area in (areas or {LOAD: row.cells.get(AREA, "")}).items():
            cells[area].append((row, row.number(column)))
    zones = _zones(cells)
    readings = []
    for name, values in cells.items():
        readings += _in_time(time, zones[name], values)
    return assemble(header.path, readings, source=NAME, credit=CREDIT, collection=True)


def _zones(areas: Iterable[str]) -> dict[str, str]:
    """Zone of each area; of two that are called alike, such as DE and DE-LU, the second's own."""
    zones: dict[str, str] = {}
    for area in areas:
        zone = canonical_zone(area)
        zones[area] = area.rpartition("|")[2].strip() if zone in zones.values() else zone
    return zones


def _time_column(header: Header) -> str | None:
    return next((name for name in header.names if _TIME.fullmatch(name)), None)


def _in_time(column: str, zone: str, values: list[tuple[Row, float]]) -> list[Reading]:
    utc = "(UTC)" in column
    readings, on_the_wall = [], []
    for row, value in values:
        label, clock = _label(row, column)
        if utc or clock:
            readings.append(Reading(row, column, zone, steady_time_s(label, clock or "UTC"), value))
        elif not (isnan(value) and is_skipped(label)):
            on_the_wall.append((row, label, value))
    times = wall_times_s([(row, label) for row, label, _ in on_the_wall], column)
    readings += [
        Reading(row, column, zone, time_s, value)
        for (row, _, value), time_s in zip(on_the_wall, times, strict=True)
    ]
    return readings


def _label(row: Row, column: str) -> tuple[dt.datetime, str | None]:
    if moment := row.moment((column,)):
        return moment, None
    match = _LABEL.fullmatch(row.cells[column])
    if match:
        day, month, year, hour, minute = (int(part) for part in match.groups()[:5])
        try:
            return dt.datetime(year, month, day, hour, minute), match[6]  # noqa: DTZ001
        except ValueError:
            pass
    raise row.error(column, "does not begin with a time like 31/12/2024 23:45")
