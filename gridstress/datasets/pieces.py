"""Data that are fetched a piece at a time, a week or a month: kept pieces, and the file of all."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from topology.errors import DataError

FINAL_AFTER_S = 30 * 86_400
"""A piece that was fetched so long after its end is final; a newer one may still be corrected."""


def is_final(kept: Path, end_s: float) -> bool:
    """Whether a piece that ends at ``end_s``, epoch seconds, is here and need not be asked for."""
    return kept.exists() and kept.stat().st_mtime >= end_s + FINAL_AFTER_S


def keep(path: Path, content: bytes) -> None:
    """Write a file, all or nothing.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise DataError(f"{error.filename or path}: {error.strerror or error}") from None


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Write rows as CSV; None is a blank."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def file_name(source: str, zones: Iterable[str], start_s: float, until_s: float) -> str:
    """Name a file by what it holds: ``smard_TenneT_2019-01-01_2020-01-01.csv``."""
    moments = [pd.Timestamp(time_s, unit="s") for time_s in (start_s, until_s)]
    texts = [f"{t:%Y-%m-%d}" if t == t.normalize() else f"{t:%Y-%m-%dT%H%M}" for t in moments]
    return "_".join([source, *zones, *texts]) + ".csv"
