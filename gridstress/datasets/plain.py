"""Reader of the plain form anyone can write: ``timestamp,zone,load_mw``."""

from gridstress.datasets.assemble import Reading, assemble
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.table import Header, read_rows

NAME = "csv"
TITLE = "plain CSV: timestamp,zone,load_mw"
CREDIT = ""
TIME, ZONE, LOAD = "timestamp", "zone", "load_mw"


def recognises(header: Header) -> bool:
    """Whether the three columns are there, in any order."""
    return {TIME, ZONE, LOAD} <= set(header.names)


def read(header: Header) -> LoadSeries:
    """Read one value a row; times are ISO-8601, UTC unless they say otherwise.

    The form does not say whether the values were measured.

    Raises
    ------
    DataError
        With file, row, column and value.
    """
    readings = []
    for row in read_rows(header, [TIME, ZONE, LOAD]):
        if not row.cells[ZONE]:
            raise row.error(ZONE, "names no zone")
        time_s, value = row.iso_time_s(TIME), row.number(LOAD)
        readings.append(Reading(row, TIME, row.cells[ZONE], time_s, value))
    return assemble(header.path, readings, source=NAME, credit=CREDIT, synthetic=None)
