"""Reader of Open Power System Data, package ``time_series``, single index."""

import numpy as np

from gridstress.datasets.assemble import Record, assemble_records
from gridstress.datasets.row import Row
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.table import Header, read_rows
from gridstress.datasets.zones import GERMAN_ZONES, canonical_zone

NAME = "opsd"
TITLE = "Open Power System Data, time_series"
CREDIT = "Open Power System Data, time_series 2020-10-06, from ENTSO-E Transparency"
TIME = "utc_timestamp"
_SUFFIX = "_load_actual_entsoe_transparency"


def is_read(column: str) -> bool:
    """Whether a column is the time or a load; everything else in the file is ignored."""
    return column == TIME or column.endswith(_SUFFIX)


def recognises(header: Header) -> bool:
    """Whether the file has the time column and at least one load."""
    return TIME in header.names and any(name.endswith(_SUFFIX) for name in header.names)


def read(header: Header) -> LoadSeries:
    """Read the loads of all zones; blanks are missing.

    Zones are called as the columns are (``FR``, ``GB_GBN``), the German control zones as in
    ``GERMAN_ZONES``.

    Raises
    ------
    DataError
        With file, row, column and value.
    """
    columns = {_zone(name): name for name in header.names if name.endswith(_SUFFIX)}
    records = []
    for row in read_rows(header, [TIME, *columns.values()]):
        place = Row(row.path, row.line, {TIME: row.cells[TIME]})
        values = np.array(row.numbers(columns.values()))
        records.append(Record(place, TIME, row.iso_time_s(TIME), values))
    return assemble_records(
        header.path, records, list(columns), source=NAME, credit=CREDIT, collection=True
    )


def _zone(column: str) -> str:
    code = column.removesuffix(_SUFFIX)
    control_zone = canonical_zone(code.removeprefix("DE_"))
    return control_zone if control_zone in GERMAN_ZONES else code
