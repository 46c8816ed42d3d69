"""Read a load file of any known format, recognised by its header, not by its name."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gridstress.datasets import entsoe, opsd, plain, smard
from gridstress.datasets.layout import Layout
from gridstress.datasets.mapping import Mapping, mapping_beside, refuse
from gridstress.datasets.published import LAYOUTS
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.table import UTF8, Header, check_utf8, read_headers
from gridstress.datasets.zones import canonical_zone
from topology.errors import DataError, UsageError


class Format(Protocol):
    """What a format's module or layout offers."""

    @property
    def NAME(self) -> str:
        """Short name."""

    @property
    def TITLE(self) -> str:
        """What it is, for people."""

    def recognises(self, header: Header) -> bool:
        """Whether a file with this header is of the format."""

    def read(self, header: Header, zone: str | None) -> LoadSeries:
        """Read the file; ``zone`` is what the user says it is of."""


FORMATS: tuple[Format, ...] = (opsd, entsoe, smard, plain, *LAYOUTS)


def recognise(path: Path, mapping: Mapping | None = None) -> tuple[Format, Header]:
    """Find the format of a file, and the header it is recognised by.

    Parameters
    ----------
    path
        A load file.
    mapping
        Names its columns, or changes single points of the recognised layout. The mapping file
        beside the load file is not read here.

    Raises
    ------
    UsageError
        If the mapping names no columns, and the format is not a layout.
    DataError
        If the file cannot be read, lacks a column of the mapping, or is none of ``FORMATS``, with
        the line it begins with.
    """
    headers = list(read_headers(path))
    if not headers:
        raise DataError(f"{path}: a workbook without a row in its sheets")
    if mapping and (layout := mapping.layout()):
        if headers[0].encoding != UTF8:
            check_utf8(path)
        return layout, mapping.header(headers)
    for header in headers:
        for candidate in FORMATS if header.encoding == UTF8 else LAYOUTS:
            if candidate.recognises(header):
                return _changed(path, candidate, mapping), header
    if headers[0].encoding != UTF8:
        check_utf8(path)
    first = headers[0]
    titles = dict.fromkeys(known.TITLE for known in FORMATS)
    raise DataError(
        f"{path}: row {first.line} is not the header of a load file we know: "
        f"{first.delimiter.join(first.names)[:100]!r}",
        hint="name its columns with --time-column and --value-column; without, we read: "
        + "; ".join(titles),
    )


def _changed(path: Path, known: Format, mapping: Mapping | None) -> Format:
    if not mapping:
        return known
    if not isinstance(known, Layout):
        raise refuse(path, known.TITLE)
    return replace(known, **mapping.changes())


def read_load(path: Path, zone: str | None = None, mapping: Mapping | None = None) -> LoadSeries:
    """Read a load file.

    Parameters
    ----------
    path
        A file of any of ``FORMATS``, or one whose columns a mapping names.
    zone
        Names the zone of a file that knows only one series: needed for SMARD, and otherwise
        overrules what the file says.
    mapping
        Has priority over the file ``<path>.mapping.toml``.

    Raises
    ------
    UsageError
        If the file has no zone and none is given, or a file with several zones is given one.
    DataError
        With file, row, column and value.
    """
    merged = full_mapping(path, mapping)
    zone = zone or merged.zone
    known, header = recognise(path, merged)
    series = known.read(header, zone)
    if merged.zones:
        series = _chosen(path, series, merged.zones)
    if zone is None:
        return series
    if len(series.zones) > 1:
        raise UsageError(
            f"{path} holds several zones ({', '.join(series.zones)}); --zone {zone} is for a file "
            "that holds one and does not name it"
        )
    values = series.values.set_axis([canonical_zone(zone)], axis="columns")
    return replace(series, values=values)


def full_mapping(path: Path, mapping: Mapping | None = None) -> Mapping:
    """Merge ``mapping`` with the mapping file beside a load file; ``mapping`` has priority.

    Raises
    ------
    DataError
        If the mapping file is not valid.
    """
    beside = mapping_beside(path)
    found = beside[1] if beside else Mapping()
    return found if mapping is None else found | mapping


def _chosen(path: Path, series: LoadSeries, names: dict[str, str]) -> LoadSeries:
    if unknown := [name for name in names if name not in series.zones]:
        raise DataError(
            f"{path}: no zone {', '.join(map(repr, unknown))}, which the mapping chooses: the "
            f"file has {', '.join(series.zones[:100])}"
        )
    values = series.values[list(names)].rename(columns=names)
    if values.columns.has_duplicates:
        twice = values.columns[values.columns.duplicated()][0]
        raise DataError(f"{path}: the mapping names several zones {twice!r}")
    return replace(series, values=values)
