"""Time stamps of load files: how they are written, and the clock they are of."""

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from gridstress.datasets.row import Row
from gridstress.datasets.wall_clock import YEARS
from topology.errors import DataError

ISO = "iso"
"""ISO-8601, with or without an offset; any other format is one of ``strptime``."""

UNAMBIGUOUS = (
    ISO,
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
)
"""Formats of which a stamp fits one at most. With slashes, day and month could be either."""

EXAMPLE = dt.datetime(2024, 1, 31, 18, 5, tzinfo=dt.UTC)

_OFFSET = re.compile(r"(?:UTC)?([+-])(\d\d):(\d\d)")


def read_stamp(row: Row, columns: tuple[str, ...], formats: tuple[str, ...]) -> dt.datetime:
    """Read the cells of ``columns``, joined by a blank, as a time in one of ``formats``.

    Returns
    -------
    datetime
        With an offset if the stamp has one.

    Raises
    ------
    DataError
        If the stamp has another form, parts of a second, or a year that is not of ``YEARS``.
    """
    text = " ".join(row.cells[name] for name in columns)
    moment = row.moment(columns) or _parsed(text, formats)
    if moment is None:
        raise row.error(columns[0], f"is not a time like {example_of(formats)}", hint=_hint(text))
    if moment.microsecond:
        raise row.error(columns[-1], "has parts of a second")
    if moment.year not in YEARS:
        raise row.error(columns[0], f"is not of the years {YEARS[0]} to {YEARS[-1]}")
    return moment


def half_hour(row: Row, day: dt.datetime, column: str, clock: dt.tzinfo) -> dt.datetime:
    """Start of a numbered half-hour of a local day, which has 46 to 50 of them.

    Raises
    ------
    DataError
        If the cell is not a whole number, or that day has no such half-hour.
    """
    if day.time() != dt.time() or day.tzinfo:
        raise row.error(column, f"is a half-hour of {day}, which is not a day")
    start, end = (one.replace(tzinfo=clock).timestamp() for one in (day, day + dt.timedelta(1)))
    count = int(end - start) // 1800
    text = row.cells[column]
    if not re.fullmatch(r"[0-9]{1,2}", text) or not 1 <= int(text) <= count:
        raise row.error(column, f"is not a half-hour of {day:%Y-%m-%d}, which has 1 to {count}")
    return dt.datetime.fromtimestamp(start + 1800 * (int(text) - 1), dt.UTC)


def clock_of(timezone: str) -> dt.tzinfo:
    """Turn ``UTC``, ``+10:00`` or a name such as ``Europe/Paris`` into a clock.

    Raises
    ------
    DataError
        If there is no such clock.
    """
    match = _OFFSET.fullmatch(timezone)
    if match and int(match[2]) < 24 and int(match[3]) < 60:
        offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3]))
        return dt.timezone(-offset if match[1] == "-" else offset)
    if timezone == "UTC":
        return dt.UTC
    try:
        return ZoneInfo(timezone)
    except (OSError, ValueError, KeyError):
        raise DataError(
            f"no time zone {timezone[:60]!r}", hint="such as Europe/Paris, +10:00 or UTC"
        ) from None


def check_format(text: str) -> None:
    """Refuse a time format that cannot be used, or has no year, month, day and hour.

    Raises
    ------
    DataError
        With the format.
    """
    try:
        written = EXAMPLE.strftime(text)
        parsed = dt.datetime.strptime(written, text)  # noqa: DTZ007
    except (ValueError, re.error, UnicodeError):
        parsed = None
    if parsed is None or parsed.replace(minute=EXAMPLE.minute, tzinfo=dt.UTC) != EXAMPLE:
        raise DataError(
            f"{text[:60]!r} is not a format of a date and its hour",
            hint="such as %d/%m/%Y %H:%M, as Python's strptime has it",
        )


def example_of(formats: tuple[str, ...]) -> str:
    """Write a time in each format, for errors."""
    texts = ("2024-01-31 18:05" if one == ISO else EXAMPLE.strftime(one) for one in formats)
    return " or ".join(dict.fromkeys(texts))


def _hint(text: str) -> str:
    if re.match(r"\d\d?/\d\d?/\d{4}", text):
        return "with slashes, say which is the day: --time-format '%d/%m/%Y %H:%M'"
    return ""


@lru_cache(maxsize=8192)
def _parsed(text: str, formats: tuple[str, ...]) -> dt.datetime | None:
    for one in formats:
        try:
            if one == ISO:
                return dt.datetime.fromisoformat(text)
            return dt.datetime.strptime(text, one)  # noqa: DTZ007
        except ValueError:
            pass
    return None
