"""The sheets of an Excel workbook (``.xlsx``) as rows of cells."""

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from topology.errors import DataError

Cell = str | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta
"""What a cell holds; an empty one holds ``""``."""

MAX_BYTES = 1 << 28
"""Unpacked size of a workbook; a year of quarter-hours takes a tenth of it."""

MAX_CELLS = 10_000_000
"""Rows times columns of a sheet; the reader makes room for all of them at once."""

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CELL = re.compile(rb"<(?:\w+:)?c\b(?:[^>]*/>|([^>]*)>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_FORMULA, _VALUE = re.compile(rb"<(?:\w+:)?f[\s/>]"), re.compile(rb"<(?:\w+:)?v[\s/>]")
_PLACE = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]*)(\d*)([^"']?)""")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, and its rows from row 1 on, all of one width."""

    name: str
    rows: list[list[Cell]]


def is_workbook(path: Path) -> bool:
    """Whether a file begins as a workbook does; the caller has checked that it is a file.

    Raises
    ------
    DataError
        If it is a workbook in the form Excel had until 2003.
    """
    with path.open("rb") as file:
        begins = file.read(8)
    if begins == _OLE:
        raise DataError(
            f"{path}: an Excel file in the old form (.xls), or one with a password",
            hint="save it without a password as .xlsx, or as CSV in UTF-8",
        )
    return begins.startswith(_ZIP)


def read_sheets(path: Path) -> list[Sheet]:
    """Read all visible sheets of a workbook, in their order.

    Raises
    ------
    DataError
        If the file is another kind of ZIP archive, is damaged, or is too large.
    """
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    data = path.read_bytes()
    _check(path, data)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            return [
                Sheet(about.name, book.get_sheet_by_name(about.name).to_python(False))
                for about in book.sheets_metadata
                if about.visible == SheetVisibleEnum.Visible
            ]
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        raise _damaged(path, str(error)) from None


def _check(path: Path, data: bytes) -> None:
    """Refuse what the reader would take too much memory for: it ends the process then."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" not in names:
                raise DataError(
                    f"{path}: a ZIP archive, not a load file",
                    hint="unpack it and give the file that is in it",
                )
            left = MAX_BYTES
            for name in names:
                with archive.open(name) as member:
                    content = member.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise DataError(f"{path}: a workbook of more than {MAX_BYTES:,} bytes unpacked")
                if name.startswith("xl/worksheets/"):
                    _check_size(path, content)
                    _check_values(path, content)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile raises many kinds for damaged archives
        raise _damaged(path, str(error)) from None


def _check_size(path: Path, sheet: bytes) -> None:
    last_row = last_column = 1
    for letters, digits, other in _PLACE.findall(sheet):
        if other or len(letters) > 3 or len(digits) > 7:
            raise _damaged(path, "a cell has a place that no sheet has")
        last_row = max(last_row, int(digits or 1))
        last_column = max(last_column, _index(letters))
    if last_row * last_column > MAX_CELLS:
        raise DataError(
            f"{path}: a sheet of {last_row:,} rows and {last_column:,} columns is too large",
            hint="leave one table in the sheet, or save it as CSV in UTF-8",
        )


def _check_values(path: Path, sheet: bytes) -> None:
    """Refuse cells without a value that the reader takes for empty ones."""
    if not (_ERROR.search(sheet) or _FORMULA.search(sheet)):
        return
    for about, content in _CELL.findall(sheet):
        if _ERROR.search(about) and b"#N/A" not in content:
            why, hint = "an Excel error", "correct it, or delete the column"
        elif _FORMULA.search(content) and not _VALUE.search(content):
            why, hint = "a formula without its result", "open the file in Excel and save it"
        else:
            continue
        place = b"".join(_PLACE.findall(about)[0]) if _PLACE.search(about) else b"somewhere"
        raise DataError(f"{path}: cell {place.decode('ascii', 'replace')} has {why}", hint=hint)


def _index(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number


def _damaged(path: Path, why: str) -> DataError:
    reason = " ".join(why.split())[:200]
    return DataError(
        f"{path}: not an Excel workbook that can be read: {reason}",
        hint="download it again, or save it as CSV in UTF-8",
    )
