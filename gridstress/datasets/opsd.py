"""Reader of Open Power System Data, package ``time_series``, single index."""

from gridstress.datasets.assemble import Reading, assemble
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.table import Header, read_rows
from gridstress.datasets.zones import canonical_zone

NAME = "opsd"
TITLE = "Open Power System Data, time_series"
CREDIT = "Open Power System Data, time_series 2020-10-06, from ENTSO-E Transparency"
TIME = "utc_timestamp"
_SUFFIX = "_load_actual_entsoe_transparency"
LOAD_COLUMNS = {
    f"DE_{name}{_SUFFIX}": canonical_zone(name)
    for name in ("50hertz", "amprion", "tennet", "transnetbw")
} | {f"DE{_SUFFIX}": canonical_zone("DE")}
"""Zone by column; everything else in the file is ignored."""


def recognises(header: Header) -> bool:
    """Whether the file has the time column and at least one German load."""
    return TIME in header.names and any(name in LOAD_COLUMNS for name in header.names)


def read(header: Header, zone: str | None) -> LoadSeries:
    """Read the German zones' loads; blanks are missing.

    Raises
    ------
    DataError
        With file, row, column and value.
    """
    loads = [name for name in header.names if name in LOAD_COLUMNS]
    readings = []
    for row in read_rows(header, [TIME, *loads]):
        time_s = row.iso_time_s(TIME)
        readings += [Reading(row, TIME, LOAD_COLUMNS[n], time_s, row.number(n)) for n in loads]
    return assemble(header.path, readings, source=NAME, credit=CREDIT)
