"""Query the archive with SQL that only reads, row by row, while it may be written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gridstress.archive.history import open_history
from gridstress.archive.reading import FETCHED_ROWS
from topology.errors import DataError, UsageError

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Rows:
    """The names of a result's columns, and its rows, which are read as they are asked for."""

    columns: Sequence[str]
    rows: Iterator[tuple[Any, ...]]


def read_archive(home: Path, question: Callable[[], Answer]) -> Answer:
    """Answer a question that reads files which may be compacted or deleted: it is asked twice.

    Raises
    ------
    DataError
        If the files cannot be read then, either.
    """
    import duckdb

    try:
        return _asked_twice(question)
    except (duckdb.Error, OSError) as error:
        raise _unreadable(home, error) from None


def query_archive(home: Path, query: str, values: Mapping[str, Any] | None = None) -> Rows:
    """Run one SELECT over the views of `open_history`.

    Raises
    ------
    UsageError
        If it is no SELECT or is wrong.
    DataError
        If the archive cannot be read; also from the rows, if its files are deleted meanwhile.
    """
    import duckdb

    try:
        _refuse_other_than_select(query)
        found, first = _asked_twice(lambda: _begun(home, query, values))
    except (duckdb.IOException, OSError) as error:
        raise _unreadable(home, error) from None
    except duckdb.Error as error:
        raise UsageError(str(error)) from None
    return Rows([column[0] for column in found.description], _all_rows(home, found, first))


def _asked_twice(question: Callable[[], Answer]) -> Answer:
    import duckdb

    try:
        return question()
    except (duckdb.IOException, FileNotFoundError):  # compacted or deleted meanwhile
        return question()


def _refuse_other_than_select(query: str) -> None:
    import duckdb

    kinds = [statement.type for statement in duckdb.extract_statements(query)]
    if kinds != [duckdb.StatementType.SELECT]:
        names = ", ".join(kind.name for kind in kinds) or "nothing"
        raise UsageError(
            f"one SELECT is needed, and this is {names}",
            hint="`open_history` in Python gives a connection that takes everything",
        )


def _begun(home: Path, query: str, values: Mapping[str, Any] | None) -> tuple[Any, list[Any]]:
    """Start a query; its first rows tell whether the files are there."""
    connection = open_history(home)
    connection.execute("SET lock_configuration = true")
    found = connection.execute(query, values)
    return found, found.fetchmany(FETCHED_ROWS)


def _all_rows(home: Path, found: Any, first: list[Any]) -> Iterator[tuple[Any, ...]]:
    import duckdb

    rows = first
    while rows:
        yield from rows
        try:
            rows = found.fetchmany(FETCHED_ROWS)
        except duckdb.IOException as error:
            raise _unreadable(home, error) from None
        except duckdb.Error as error:
            raise UsageError(str(error)) from None


def _unreadable(home: Path, error: Exception) -> DataError:
    return DataError(
        f"the archive {home} cannot be read: {error}",
        hint="if a run was compacted or deleted meanwhile, ask again",
    )
