"""Read a table, a CSV file or the sheet of a workbook, row by row."""

import csv
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from gridstress.datasets.row import Row
from gridstress.datasets.workbook import Cell, Sheet, is_workbook, read_sheets
from topology.errors import DataError

MAX_HEADER = 1 << 16
"""Characters of the first line that are looked at; no header is as long."""

MAX_TITLE_ROWS = 40
"""Rows of a sheet among which its header is looked for; publishers put titles above it."""

UTF8, LATIN = "utf-8-sig", "latin-1"


@dataclass(frozen=True, slots=True)
class Header:
    """The column names of a table: the first line of a CSV file, or a row of a sheet.

    ``delimiter`` and ``encoding`` are of a CSV file; ``line`` counts from 1.
    """

    path: Path
    delimiter: str
    names: tuple[str, ...]
    encoding: str = UTF8
    sheet: Sheet | None = field(default=None, repr=False)
    line: int = 1


def read_headers(path: Path) -> Iterator[Header]:
    """Yield what may be the header of a file; the reader knows which one fits.

    The first line of a CSV file is cut at every delimiter it may have; if it is not UTF-8, it is
    read as Latin-1, too, which is for the formats that say so. Each sheet of a workbook has one in
    its first rows.

    Raises
    ------
    DataError
        If the file cannot be read as text or workbook.
    """
    with _readable(path):
        if is_workbook(path):
            for sheet in read_sheets(path):
                yield from _sheet_headers(path, sheet)
            return
    encoding = UTF8
    try:
        line = _first_line(path, UTF8)
    except UnicodeDecodeError:
        encoding, line = LATIN, _first_line(path, LATIN)
    with _readable(path):
        for delimiter in ",;\t":
            names = next(csv.reader([line], delimiter=delimiter), [])
            yield Header(path, delimiter, tuple(map(str.strip, names)), encoding)


def read_rows(header: Header, columns: list[str], *, footer: str = "") -> Iterator[Row]:
    """Yield every line that is not blank, with the cells of ``columns``.

    Parameters
    ----------
    footer
        Of a CSV file: a line of one cell that begins so is left out, and lines may end with a
        delimiter.

    Raises
    ------
    DataError
        If a line is cut off: it has fewer or more cells than the header.
    """
    wanted = [(name, header.names.index(name)) for name in dict.fromkeys(columns)]
    if header.sheet is None:
        for line, texts in _lines(header, footer):
            yield Row(header.path, line, {name: texts[i].strip() for name, i in wanted})
        return
    width = len(header.names)
    for line, cells in enumerate(header.sheet.rows[header.line :], header.line + 1):
        if extra := [cell for cell in cells[width:] if cell != ""]:
            raise DataError(
                f"{header.path}: sheet {header.sheet.name!r}, row {line} has a cell beyond the "
                f"header: {str(extra[0])[:60]!r}",
                hint="leave one table in the sheet",
            )
        if any(_text(cell) for cell in cells):
            yield Row(
                header.path,
                line,
                {name: _text(cells[i]) for name, i in wanted},
                {name: cell for name, i in wanted if not isinstance(cell := cells[i], str)},
            )


def _lines(header: Header, footer: str) -> Iterator[tuple[int, list[str]]]:
    path, width = header.path, len(header.names)
    with _readable(path), _opened(path, header.encoding) as file:
        reader = csv.reader(file, delimiter=header.delimiter)
        next(reader)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if footer:
                if cells[0].startswith(footer) and not any(cells[1:]):
                    continue
                if len(cells) == width + 1 and not cells[-1]:
                    cells.pop()
            if len(cells) != width:
                raise DataError(
                    f"{path}: row {reader.line_num} has {len(cells)} cells, the header {width}: "
                    f"{header.delimiter.join(cells)[:60]!r}",
                    hint="the file may be cut off; download it again",
                )
            yield reader.line_num, cells


def _sheet_headers(path: Path, sheet: Sheet) -> Iterator[Header]:
    for line, cells in enumerate(sheet.rows[:MAX_TITLE_ROWS], 1):
        names = [" ".join(_text(cell).split()) for cell in cells]
        while names and not names[-1]:
            names.pop()
        if names:
            yield Header(path, ",", tuple(names), sheet=sheet, line=line)


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime | dt.date):
        return str(cell)
    return str(cell).strip()


def _first_line(path: Path, encoding: str) -> str:
    with _readable(path, decode=False), _opened(path, encoding) as file:
        return file.readline(MAX_HEADER)


def _opened(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, newline="")


def check_utf8(path: Path) -> None:
    """Refuse a file whose first lines are not UTF-8.

    Raises
    ------
    DataError
        With the byte that is not.
    """
    with _readable(path):
        _first_line(path, UTF8)


@contextmanager
def _readable(path: Path, *, decode: bool = True) -> Iterator[None]:
    if path.exists() and not path.is_file():
        what = "a directory" if path.is_dir() else "a pipe or a device, which are read once only"
        raise DataError(f"{path}: not a file, but {what}")
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        if not decode:
            raise
        raise DataError(
            f"{path}: not UTF-8 text: byte {error.object[error.start]:#04x}",
            hint="save the file as CSV in UTF-8",
        ) from None
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file: {error}") from None
