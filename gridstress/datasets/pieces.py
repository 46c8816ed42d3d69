"""Data that are fetched a piece at a time, a week or a month: kept pieces, and the file of all."""

import csv
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
import pandas as pd

from topology.errors import DataError

FINAL_AFTER_S = 30 * 86_400
"""A piece that was fetched so long after its end is final; a newer one may still be corrected."""

NAMED_ZONES = 6
"""So many zones are in the name of a file, at most."""

_T = TypeVar("_T")


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


def read_kept(path: Path, shape: type[_T]) -> _T:
    """Read a piece that is here.

    Raises
    ------
    DataError
        If it cannot be read, or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    return decoded(str(path), content, shape, "remove it: it will be fetched again")


def decoded(origin: str, content: bytes, shape: type[_T], hint: str) -> _T:
    """Decode JSON of a known shape; ``origin`` is where it comes from.

    Raises
    ------
    DataError
        If it is something else.
    """
    try:
        return msgspec.json.decode(content, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{origin}: not the data expected: {error}", hint=hint) from None


def check_writable(path: Path) -> None:
    """Check that a file can be written, before what is to be in it is fetched.

    Raises
    ------
    DataError
        If it cannot.
    """
    keep(path.with_name(path.name + ".test"), b"")
    path.with_name(path.name + ".test").unlink()


def file_name(source: str, zones: Iterable[str], start_s: float, until_s: float | None) -> str:
    """Name a file by what it holds: ``smard_TenneT_2019-01-01_2020-01-01.csv``.

    Without an end, which is then the moment of fetching, it is ``…_now``, so that a newer file
    replaces it. Of many zones the first are named.
    """
    names = list(dict.fromkeys(zones))
    if len(names) > NAMED_ZONES:
        digest = hashlib.sha256(",".join(names).encode()).hexdigest()[:8]
        names[NAMED_ZONES:] = [f"and_{len(names) - NAMED_ZONES}_more_{digest}"]
    end = "now" if until_s is None else _moment(until_s)
    return "_".join([source, *names, _moment(start_s), end]) + ".csv"


def _moment(time_s: float) -> str:
    moment = pd.Timestamp(time_s, unit="s")
    return f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%dT%H%M}"
