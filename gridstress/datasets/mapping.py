"""Column names and notation of a load file, from options or from a file beside it.

``load.csv.mapping.toml`` beside ``load.csv`` is found by itself.
"""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from gridstress.datasets.layout import Layout, Unit
from gridstress.datasets.stamps import ISO, check_format, clock_of
from gridstress.datasets.table import Header
from topology.errors import DataError, UsageError

SUFFIX = ".mapping.toml"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Column names and notation of a load file, each None unless given.

    ``zones`` selects zones and renames them, ``{"CISO": "west"}``; those that get the same name
    are summed. The other fields are as in ``Layout``.
    """

    time_column: tuple[str, ...] | None = None
    value_column: str | None = None
    zone_column: str | None = None
    zone: str | None = None
    timezone: str | None = None
    unit: Unit | None = None
    interval_end: bool | None = None
    time_format: str | None = None
    decimal_comma: bool | None = None
    zones: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything about the columns is given."""
        return bool(self.changes())

    def __or__(self, other: "Mapping") -> "Mapping":
        """Merge two mappings; the right one has priority."""
        given = {one.name: getattr(other, one.name) for one in fields(other)}
        return replace(self, **{name: value for name, value in given.items() if value is not None
                                and value != {}})  # fmt: skip

    def check(self) -> None:
        """Check the time zone, the time format and the names of zones.

        Raises
        ------
        DataError
            With the value.
        """
        if self.time_column == ():
            raise DataError("time_column names no column")
        if nameless := [zone for zone, name in self.zones.items() if not (zone and name)]:
            raise DataError(f"[zones] has no name on one side of {nameless[0]!r}")
        if self.timezone is not None:
            clock_of(self.timezone)
        if self.time_format not in (None, ISO):
            check_format(str(self.time_format))

    def changes(self) -> dict[str, Any]:
        """The fields of a ``Layout`` that are given."""
        given = {
            "time": self.time_column,
            "value": self.value_column,
            "zone_column": self.zone_column,
            "timezone": self.timezone,
            "unit": self.unit,
            "interval_end": self.interval_end,
            "time_formats": None if self.time_format is None else (self.time_format,),
            "decimal_comma": self.decimal_comma,
        }
        return {name: value for name, value in given.items() if value is not None}

    def layout(self) -> Layout | None:
        """The layout that it describes; None if it does not name both time and value."""
        if not (self.time_column and self.value_column):
            return None
        made = Layout("csv", "columns as the mapping names them", "", (), "", synthetic=None)
        return replace(made, **self.changes())

    def header(self, headers: list[Header]) -> Header:
        """Find the header that has the columns of ``layout``.

        Raises
        ------
        DataError
            If there is none, with the columns that there are.
        """
        layout = self.layout()
        if layout is None:
            raise ValueError("a mapping that names no time and no value column")
        for header in headers:
            if layout.recognises(header):
                return header
        wanted = set(layout.columns)
        best = max(headers, key=lambda one: (len(wanted & set(one.names)), len(one.names)))
        missing = [repr(name) for name in layout.columns if name not in best.names]
        raise DataError(
            f"{best.path}: row {best.line} has no column {', '.join(missing)}",
            hint="the columns are " + ", ".join(repr(name[:60]) for name in best.names[:30]),
        )


def mapping_beside(path: Path) -> tuple[Path, Mapping] | None:
    """Read the mapping beside a load file, if there is one.

    Raises
    ------
    DataError
        If it cannot be read, or has an unknown key or a wrong value.
    """
    beside = path.with_name(path.name + SUFFIX) if path.name else path
    try:
        if beside == path or not beside.is_file():
            return None
        given = tomllib.loads(beside.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError(f"{beside}: not a mapping that can be read: {_line(error)}") from None
    names = [one.name for one in fields(Mapping)]
    if unknown := [name for name in given if name not in names]:
        raise DataError(
            f"{beside}: no setting {unknown[0][:60]!r}", hint=f"there are {', '.join(names)}"
        )
    if isinstance(column := given.get("time_column"), str):
        given["time_column"] = [column]
    try:
        mapping = msgspec.convert(given, Mapping)
        mapping.check()
    except msgspec.ValidationError as error:
        raise DataError(f"{beside}: {_line(error)}") from None
    except DataError as error:
        raise DataError(f"{beside}: {error}", hint=error.hint) from None
    return beside, mapping


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def refuse(path: Path, title: str) -> UsageError:
    """Make the error for single settings given with a format that is not a layout."""
    return UsageError(
        f"{path}: {title} is read as it is; a mapping is for other files",
        hint="name both --time-column and --value-column to read it by them",
    )
