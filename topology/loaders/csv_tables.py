"""CSV files with a header, read row by row."""

import csv
from collections.abc import Iterator
from pathlib import Path

from topology.errors import DataError

LONGEST_VALUE = 1 << 24
"""Characters of one value; Python's own bound of 131,072 is too low for geometries."""


def rows(
    path: Path, needed: tuple[str, ...], *, quote: str = '"', optional: bool = False, hint: str = ""
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row by column, with its place for errors (``path:line``); missing values are "".

    Parameters
    ----------
    needed
        Columns that must be there; others may be.
    optional
        Whether a missing file has no rows instead of being an error; ``hint`` is its hint.

    Raises
    ------
    DataError
        If the file or a needed column is missing, or it is not CSV.
    """
    if optional and not path.exists():
        return
    if not path.exists():
        raise DataError(f"{path.parent}: has no {path.name}", hint=hint)
    csv.field_size_limit(LONGEST_VALUE)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", quotechar=quote)
            missing = [c for c in needed if c not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: has no column {', '.join(missing)}")
            for row in reader:
                where = f"{path}:{reader.line_num}"
                if None in row:
                    raise DataError(f"{where}: has more values than there are columns")
                yield where, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def number(row: dict[str, str], column: str, where: str) -> float | None:
    """The column's number; None if it is empty, ``nan`` or not there.

    Raises
    ------
    DataError
        If it is something else.
    """
    text = (row.get(column) or "").strip()
    if not text or text.lower() == "nan":
        return None
    try:
        return float(text)
    except ValueError:
        raise DataError(f"{where}: {column} has value {text!r}: not a number") from None
