"""Cells of one line of a table that know their place, so that an error can name it."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gridstress.datasets.workbook import Cell
from topology.clock import from_iso
from topology.errors import DataError

MISSING = frozenset({"", "-", "–", "n/e", "n/a", "na", "nan", "null"})
"""What publishers write where they have no value, in lower case."""

MAX_MW = 1e6
"""More than any zone ever drew; a larger number is a wrong unit or a damaged cell."""

_PLAIN = re.compile(r"[\d.,+-]*")
_NUMBER = {
    "en": re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?"),
    "de": re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """The wanted cells of one line, stripped, by column name.

    ``typed`` has those cells of a sheet that are numbers or dates and not text.
    """

    path: Path
    line: int
    cells: dict[str, str]
    typed: dict[str, Cell] = field(default_factory=dict)

    def error(self, column: str, problem: str, *, hint: str = "") -> DataError:
        """Name file, row, column and value of what is wrong here."""
        where = f"{self.path}: row {self.line}, column {column!r}"
        return DataError(f"{where}: {self.cells[column][:200]!r} {problem}", hint=hint)

    def number(self, column: str, language: str = "en", limit: float = MAX_MW) -> float:
        """Read a cell as a number, NaN where it is marked as missing.

        Parameters
        ----------
        language
            ``en`` for ``1,234.50``, ``de`` for ``1.234,50``; thousands may go without marks. A
            sheet's cell that is a number needs none.
        limit
            Largest value, in the unit of the column.

        Raises
        ------
        DataError
            If the cell holds anything else, or a value beyond ``limit``.
        """
        text = self.cells[column]
        if text.lower() in MISSING:
            return float("nan")
        typed = self.typed.get(column)
        if isinstance(typed, int | float) and not isinstance(typed, bool):
            value = float(typed)
        else:
            value = self._parsed(column, language)
        if not abs(value) <= limit:
            raise self.error(column, f"is beyond {limit:,.0f}")
        return value

    def numbers(self, columns: Iterable[str]) -> list[float]:
        """Read many cells, each as ``number`` does; faster if all are plain.

        Raises
        ------
        DataError
            As ``number``.
        """
        names = list(columns)
        texts = [self.cells[name] for name in names]
        if not self.typed and _PLAIN.fullmatch(",".join(texts)):
            try:
                values = [float(text or "nan") for text in texts]
            except ValueError:
                values = [float("inf")]
            if not any(abs(value) > MAX_MW for value in values):
                return values
        return [self.number(name) for name in names]

    def _parsed(self, column: str, language: str) -> float:
        text = self.cells[column]
        if not _NUMBER[language].fullmatch(text) or not any(c.isdigit() for c in text):
            example = {"en": "1,234.50", "de": "1.234,50"}[language]
            raise self.error(column, f"is not a number like {example}")
        if language == "de":
            text = text.replace(".", "").replace(",", ".")
        return float(text.replace(",", ""))

    def moment(self, columns: tuple[str, ...]) -> dt.datetime | None:
        """Give the date and time of a sheet's cells that are dates, None if they are text.

        One column has both, or the first the date and the second the time. To the second: a sheet
        keeps dates as fractions of a day.
        """
        cells = [self.typed.get(name) for name in columns]
        if not isinstance(cells[0], dt.date):
            return None
        moment = cells[0]
        if not isinstance(moment, dt.datetime):
            moment = dt.datetime.combine(moment, dt.time())
        if len(cells) > 1:
            if not isinstance(cells[1], dt.time):
                return None
            moment = dt.datetime.combine(moment, cells[1])
        if moment.year >= dt.MAXYEAR:
            return None
        return (moment + dt.timedelta(microseconds=500_000)).replace(microsecond=0)

    def iso_time_s(self, column: str) -> int:
        """Read a cell as ISO-8601, UTC unless it says otherwise, in epoch seconds.

        Raises
        ------
        DataError
            If the cell holds anything else.
        """
        try:
            return int(from_iso(self.cells[column]))
        except ValueError:
            raise self.error(column, "is not a time like 2019-01-01T00:00:00Z") from None
