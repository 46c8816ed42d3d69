"""Reader of any table with times and values: a layout says which column is what.

Most publishers' files differ only in that. ``published.py`` has the layouts of those we know, and
``mapping.py`` makes one of what the user says.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Literal

import pandas as pd

from gridstress.datasets.assemble import Reading, assemble
from gridstress.datasets.row import Row
from gridstress.datasets.sampling import averaged, check_one_step
from gridstress.datasets.series import NATIONAL, UNNAMED, LoadSeries
from gridstress.datasets.stamps import UNAMBIGUOUS, clock_of, half_hour, read_stamp
from gridstress.datasets.table import UTF8, Header, read_rows
from gridstress.datasets.wall_clock import is_skipped, wall_times_s
from topology.errors import DataError

Unit = Literal["MW", "MWh", "kW", "GW"]
_PER_MW = {"MW": 1.0, "MWh": 1.0, "kW": 1e3, "GW": 1e-3}
_LIMIT = {"MW": 1e6, "MWh": 1e6, "kW": 1e9, "GW": 1e3}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a table is what, and how it is written.

    Parameters
    ----------
    NAME, TITLE, CREDIT
        As every format has them.
    time
        Columns of the time stamp, joined by a blank: date, or date and time.
    value
        Column of the load, in ``unit``.
    zone_column
        Column of the zone's name; without one, the file is of ``zone``, if that is given.
    national
        What ``zone_column`` has for the whole country.
    country
        As in ``LoadSeries``.
    time_formats
        As in ``stamps``: the first that fits is taken.
    timezone
        Clock of stamps without an offset, as ``clock_of`` takes it.
    offsets_column, offsets
        Column of the clock's abbreviation, and the hours that each is ahead of UTC.
    half_hours
        Column that numbers the half-hours of the day in ``time``.
    interval_end
        Stamps are of the periods' ends, not their starts.
    decimal_comma
        Numbers are written ``1.234,50``.
    skipped
        Column, and the text with which it marks rows that are not measured.
    blank_is_absent
        Rows without a value are there only for other columns.
    average_s
        Values are at irregular times: average those of each period of so many seconds.
    encodings, footer
        Of the CSV file; a last line that begins with ``footer`` is no data.
    synthetic
        As in ``LoadSeries``.
    """

    NAME: str
    TITLE: str
    CREDIT: str
    time: tuple[str, ...]
    value: str
    zone_column: str = ""
    zone: str = UNNAMED
    national: str = ""
    country: str = ""
    time_formats: tuple[str, ...] = UNAMBIGUOUS
    timezone: str = ""
    offsets_column: str = ""
    offsets: Mapping[str, int] = field(default_factory=dict)
    half_hours: str = ""
    unit: Unit = "MW"
    interval_end: bool = False
    decimal_comma: bool = False
    skipped: tuple[str, str] | None = None
    blank_is_absent: bool = False
    average_s: int = 0
    encodings: tuple[str, ...] = (UTF8,)
    footer: str = ""
    synthetic: bool | None = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the file must have."""
        other = (self.zone_column, self.offsets_column, self.half_hours)
        return (*self.time, self.value, *filter(None, other))

    def recognises(self, header: Header) -> bool:
        """Whether the file has every column, in an encoding of this format."""
        return header.encoding in self.encodings and set(self.columns) <= set(header.names)

    def read(self, header: Header) -> LoadSeries:
        """Read the loads of all zones as mean MW, labelled with the starts of their periods.

        Raises
        ------
        DataError
            With file, row, column and value.
        """
        self._check_names(header)
        cells: dict[str, list[tuple[Row, dt.datetime, float]]] = defaultdict(list)
        for row in self._rows(header):
            value = self._number(row)
            if not (self.blank_is_absent and isnan(value)):
                cells[self._zone(row)].append((row, self._stamp(row), value))
        readings = [one for name, group in cells.items() for one in self._in_time(name, group)]
        if self.average_s:
            readings = averaged(readings, self.average_s)
        series = assemble(
            header.path,
            readings,
            source=self.NAME,
            credit=self.CREDIT,
            energy=self.unit == "MWh",
            synthetic=self.synthetic,
        )
        check_one_step(header.path, series)
        series = replace(series, country=self.country)
        if not self.interval_end:
            return series
        ends = pd.DatetimeIndex(series.values.index)
        starts = ends - pd.Timedelta(seconds=series.period_s)
        return replace(series, values=series.values.set_axis(starts, axis="index"))

    def _check_names(self, header: Header) -> None:
        for name in self.columns:
            if header.names.count(name) > 1:
                raise DataError(
                    f"{header.path}: row {header.line} names column {name!r} twice",
                    hint="rename one of them",
                )

    def _rows(self, header: Header) -> Iterable[Row]:
        columns = list(self.columns)
        if self.skipped is None or self.skipped[0] not in header.names:
            return read_rows(header, columns, footer=self.footer)
        column, mark = self.skipped
        rows = read_rows(header, [*columns, column], footer=self.footer)
        return (row for row in rows if row.cells[column] != mark)

    def _number(self, row: Row) -> float:
        language = "de" if self.decimal_comma else "en"
        return row.number(self.value, language, _LIMIT[self.unit]) / _PER_MW[self.unit]

    def _zone(self, row: Row) -> str:
        if not self.zone_column:
            return self.zone
        name = row.cells[self.zone_column]
        if not name:
            raise row.error(self.zone_column, "names no zone")
        return NATIONAL if name == self.national else name

    def _stamp(self, row: Row) -> dt.datetime:
        stamp = read_stamp(row, self.time, self.time_formats)
        if self.half_hours:
            return half_hour(row, stamp, self.half_hours, clock_of(self.timezone))
        if not self.offsets_column:
            return stamp
        hours = self.offsets.get(row.cells[self.offsets_column])
        if hours is None:
            known = ", ".join(self.offsets)
            raise row.error(self.offsets_column, f"is not a clock we know ({known})")
        return stamp.replace(tzinfo=dt.timezone(dt.timedelta(hours=hours)))

    def _in_time(self, zone: str, group: list[tuple[Row, dt.datetime, float]]) -> list[Reading]:
        column = self.half_hours or self.time[-1]
        readings, on_the_wall = [], []
        for row, stamp, value in group:
            if stamp.tzinfo:
                readings.append(Reading(row, column, zone, int(stamp.timestamp()), value))
            elif not self.timezone:
                raise row.error(
                    column,
                    "does not say of which time zone it is",
                    hint="add --timezone, such as Europe/Paris, +10:00 or UTC",
                )
            else:
                on_the_wall.append((row, stamp, value))
        if not on_the_wall:
            return readings
        clock = clock_of(self.timezone)
        kept = [one for one in on_the_wall if not (isnan(one[2]) and is_skipped(one[1], clock))]
        labels = [(row, stamp) for row, stamp, _ in kept]
        times = wall_times_s(labels, column, clock, ends=self.interval_end)
        return readings + [
            Reading(row, column, zone, time_s, value)
            for (row, _, value), time_s in zip(kept, times, strict=True)
        ]
