"""Reader of consumption files from SMARD (Bundesnetzagentur), in German and in English.

They count energy (MWh in a period), label it with the German wall clock, and do not say which
zone they are of. The end column is not read: it is wrong around clock changes.
"""

import datetime as dt
import re
from dataclasses import replace
from itertools import pairwise
from math import isnan

from gridstress.datasets.assemble import Reading, assemble
from gridstress.datasets.row import Row
from gridstress.datasets.series import UNNAMED, LoadSeries
from gridstress.datasets.table import Header, read_rows
from gridstress.datasets.wall_clock import is_skipped, wall_times_s
from gridstress.datasets.zones import GERMANY
from topology.errors import DataError

NAME = "smard"
TITLE = "SMARD, actual consumption (grid load), German or English"
CREDIT = "Bundesnetzagentur | SMARD.de, CC BY 4.0"

_LOAD = re.compile(
    r"(gesamt \(netzlast\)|netzlast|total \(grid load\)|grid load) \[mwh\].*", re.IGNORECASE
)
_STARTS = {  # columns that hold date and time, and the language they are in
    ("Datum von",): "de",
    ("Datum", "Anfang"): "de",
    ("Datum", "Uhrzeit"): "de",
    ("Start date",): "en",
    ("Date", "Start"): "en",
    ("Date", "Time of day"): "en",
}
_GERMAN = re.compile(r"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4}) (?P<H>\d\d?):(?P<M>\d\d)")
_ENGLISH = re.compile(
    r"(?P<b>[A-Z][a-z]{2})[a-z]* (?P<d>\d\d?), (?P<y>\d{4}),? "
    r"(?P<H>\d\d?):(?P<M>\d\d) ?(?P<p>[AP]M)"
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def recognises(header: Header) -> bool:
    """Whether there are a start column and a grid load in MWh."""
    return _start(header) is not None and _load(header) is not None


def read(header: Header) -> LoadSeries:
    """Read the grid load as mean MW.

    Raises
    ------
    DataError
        With file, row, column and value.
    """
    start, load = _start(header), _load(header)
    if start is None or load is None:
        raise ValueError(f"not a SMARD header: {header.names}")
    language = _STARTS[start]
    kept = []
    rows = list(read_rows(header, [*start, load]))
    _refuse_days(rows, start)
    for row in rows:
        value, label = row.number(load, language), _label(row, start)
        if not (isnan(value) and is_skipped(label)):
            kept.append((row, label, value))
    times = wall_times_s([(row, label) for row, label, _ in kept], start[-1])
    readings = [
        Reading(row, start[-1], UNNAMED, time_s, value)
        for (row, _, value), time_s in zip(kept, times, strict=True)
    ]
    series = assemble(header.path, readings, source=NAME, credit=CREDIT, energy=True)
    return replace(series, country=GERMANY)


_DAY = re.compile(r"\d\d?\.\d\d?\.\d{4}|[A-Z][a-z]{2}[a-z]* \d\d?, \d{4}")


def _refuse_days(rows: list[Row], start: tuple[str, ...]) -> None:
    """Refuse an export of days or longer: by labels without a time, or by their distances."""
    labels = []
    for row in rows[:4]:
        if len(start) == 1 and _DAY.fullmatch(row.cells[start[0]]):
            raise row.error(start[0], f"has no time: {_COARSE}", hint=_FINER)
        try:
            labels.append(_label(row, start))
        except DataError:
            return  # it is reported with its row when that is read
    steps = [abs(after - before) for before, after in pairwise(labels)]
    if steps and min(steps) >= dt.timedelta(hours=23):
        raise rows[1].error(start[0], f"is a day or more after row {rows[0].line}: {_COARSE}",
                            hint=_FINER)  # fmt: skip


_COARSE = "this is an export of days, weeks, months or years"
_FINER = (
    "gridstress reads hours and finer: download the file from SMARD again, with the resolution "
    "hour or quarter-hour (Stunde, Viertelstunde)"
)


def _start(header: Header) -> tuple[str, ...] | None:
    return next((start for start in _STARTS if set(start) <= set(header.names)), None)


def _load(header: Header) -> str | None:
    return next((name for name in header.names if _LOAD.fullmatch(name)), None)


def _label(row: Row, start: tuple[str, ...]) -> dt.datetime:
    if moment := row.moment(start):
        return moment
    text = " ".join(row.cells[name] for name in start)
    try:
        if match := _GERMAN.fullmatch(text):
            day, month, year, hour, minute = (int(match[k]) for k in "dmyHM")
            return dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001
        if match := _ENGLISH.fullmatch(text):
            day, year, hour, minute = (int(match[k]) for k in "dyHM")
            if 1 <= hour <= 12:
                hour = hour % 12 + 12 * (match["p"] == "PM")
                month = _MONTHS.index(match["b"]) + 1
                return dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001
    except ValueError:
        pass
    raise row.error(start[0], f"is not a time like {_EXAMPLE[_STARTS[start]]}")


_EXAMPLE = {"de": "31.12.2019 23:45", "en": "Dec 31, 2019 11:45 PM"}
