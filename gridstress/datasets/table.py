"""A CSV file as text cells that know their place, so that an error can name it."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from topology.clock import from_iso
from topology.errors import DataError

MISSING = frozenset({"", "-", "–", "n/e", "n/a", "na", "nan", "null"})
"""What publishers write where they have no value, in lower case."""

MAX_MW = 1e6
"""More than any zone ever drew; a larger number is a wrong unit or a damaged cell."""

MAX_HEADER = 1 << 16
"""Characters of the first line that are looked at; no header is as long."""

_NUMBER = {
    "en": re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?"),
    "de": re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a CSV file, cut at ``delimiter``."""

    path: Path
    delimiter: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """The wanted cells of one line, stripped, by column name."""

    path: Path
    line: int
    cells: dict[str, str]

    def error(self, column: str, problem: str, *, hint: str = "") -> DataError:
        """Name file, row, column and value of what is wrong here."""
        where = f"{self.path}: row {self.line}, column {column!r}"
        return DataError(f"{where}: {self.cells[column]!r} {problem}", hint=hint)

    def number(self, column: str, language: str = "en") -> float:
        """Read a cell as a number, NaN where it is marked as missing.

        Parameters
        ----------
        language
            ``en`` for ``1,234.50``, ``de`` for ``1.234,50``; thousands may go without marks.

        Raises
        ------
        DataError
            If the cell holds anything else, or a value beyond ``MAX_MW``.
        """
        text = self.cells[column]
        if text.lower() in MISSING:
            return float("nan")
        if not _NUMBER[language].fullmatch(text) or not any(c.isdigit() for c in text):
            example = {"en": "1,234.50", "de": "1.234,50"}[language]
            raise self.error(column, f"is not a number like {example}")
        if language == "de":
            text = text.replace(".", "").replace(",", ".")
        value = float(text.replace(",", ""))
        if abs(value) > MAX_MW:
            raise self.error(column, f"is beyond {MAX_MW:,.0f}")
        return value

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


def read_headers(path: Path) -> Iterator[Header]:
    """Cut the first line at every delimiter a CSV may have; the reader knows which one fits.

    Raises
    ------
    DataError
        If the file cannot be read as text.
    """
    with _text(path) as file:
        line = file.readline(MAX_HEADER)
    for delimiter in ",;\t":
        names = next(csv.reader([line], delimiter=delimiter), [])
        yield Header(path, delimiter, tuple(name.strip() for name in names))


def read_rows(header: Header, columns: list[str]) -> Iterator[Row]:
    """Yield every line that is not blank, with the cells of ``columns``.

    Raises
    ------
    DataError
        If a line is cut off: it has fewer or more cells than the header.
    """
    wanted = [(name, header.names.index(name)) for name in columns]
    path, width = header.path, len(header.names)
    with _text(path) as file:
        reader = csv.reader(file, delimiter=header.delimiter)
        next(reader)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != width:
                raise DataError(
                    f"{path}: row {reader.line_num} has {len(cells)} cells, the header {width}: "
                    f"{header.delimiter.join(cells)[:60]!r}",
                    hint="the file may be cut off; download it again",
                )
            yield Row(path, reader.line_num, {name: cells[i].strip() for name, i in wanted})


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    if path.exists() and not path.is_file():
        what = "a directory" if path.is_dir() else "a pipe or a device, which are read once only"
        raise DataError(f"{path}: not a file, but {what}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text: byte {error.object[error.start]:#04x}",
            hint="save the file as CSV in UTF-8",
        ) from None
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file: {error}") from None
