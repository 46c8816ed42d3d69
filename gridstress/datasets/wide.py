"""Reader of tables with a row for each time (UTC) and a column for each zone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridstress.datasets.assemble import Record, assemble_records
from gridstress.datasets.row import Row
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.table import Header, read_rows


@dataclass(frozen=True, slots=True)
class WideTable:
    """A format whose zones are called as on the ENTSO-E platform.

    Parameters
    ----------
    NAME, TITLE, CREDIT
        As every format has them.
    time
        Column of the time, ISO-8601, UTC unless it says otherwise.
    suffix
        End of the names of the columns that hold loads; other columns are ignored.
    zone_of
        The zone of such a column, by what is before the suffix.
    energy
        Values are MWh in the period, not mean MW.
    """

    NAME: str
    TITLE: str
    CREDIT: str
    time: str
    suffix: str
    zone_of: Callable[[str], str] = str
    energy: bool = False

    def reads(self, column: str) -> bool:
        """Whether a column is the time or a load."""
        return column == self.time or column.endswith(self.suffix)

    def recognises(self, header: Header) -> bool:
        """Whether the file has the time column and at least one load."""
        return self.time in header.names and any(
            name.endswith(self.suffix) for name in header.names
        )

    def read(self, header: Header) -> LoadSeries:
        """Read the loads of all zones; blanks are missing.

        Raises
        ------
        DataError
            With file, row, column and value.
        """
        columns = {
            self.zone_of(name.removesuffix(self.suffix)): name
            for name in header.names
            if name.endswith(self.suffix)
        }
        records = []
        for row in read_rows(header, [self.time, *columns.values()]):
            place = Row(row.path, row.line, {self.time: row.cells[self.time]})
            values = np.array(row.numbers(columns.values()))
            records.append(Record(place, self.time, row.iso_time_s(self.time), values))
        return assemble_records(
            header.path,
            records,
            list(columns),
            source=self.NAME,
            credit=self.CREDIT,
            energy=self.energy,
        )
