"""Read a load file of any known format, recognised by its header, not by its name."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gridstress.datasets import entsoe, opsd, plain, smard
from gridstress.datasets.layout import Layout
from gridstress.datasets.mapping import Mapping, mapping_beside, refuse
from gridstress.datasets.published import LAYOUTS
from gridstress.datasets.series import NATIONAL, UNNAMED, LoadSeries
from gridstress.datasets.smard_api import FETCHED
from gridstress.datasets.table import UTF8, Header, check_utf8, read_headers
from gridstress.datasets.zone_map import mapped
from gridstress.datasets.zones import canonical_zone, is_country, listed, zones_called
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

    def read(self, header: Header) -> LoadSeries:
        """Read the file, with all its zones."""


FORMATS: tuple[Format, ...] = (opsd.FORMAT, entsoe, smard, FETCHED, plain, *LAYOUTS)


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
    """Read a load file; of ``NATIONAL`` and zones, the zones, unless the country is asked for.

    Parameters
    ----------
    path
        A file of any of ``FORMATS``, or one whose columns a mapping names.
    zone
        Chooses a zone by its name or one like it, as ``zones_called`` knows them. It is then the
        load of a whole grid that lacks it. Of a file that does not name its zone it is the name;
        ``NATIONAL`` and a country's code make it the load of a whole grid.
    mapping
        Has priority over the file ``<path>.mapping.toml``.

    Raises
    ------
    UsageError
        If the file does not name its zone and none is given, or lacks the zone that is given.
    DataError
        With file, row, column and value.
    """
    merged = full_mapping(path, mapping)
    zone = zone or merged.zone
    known, header = recognise(path, merged)
    series = known.read(header)
    if zone is not None:
        series = _of_zone(path, series, zone)
    elif series.zones == (UNNAMED,):
        raise UsageError(
            f"{path}: the file does not say which zone it is of",
            hint="add --zone NAME (TenneT, FR), or --zone national for the load of a whole grid",
        )
    if merged.zones:
        return mapped(series, merged.zones, str(path))
    return _without_national(series)


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


def _of_zone(path: Path, series: LoadSeries, zone: str) -> LoadSeries:
    if series.zones == (UNNAMED,):
        name = canonical_zone(zone)
        values = series.values.set_axis([name], axis="columns")
        return replace(series, values=values, whole=name == NATIONAL or is_country(name))
    found = zones_called(series.zones, zone, series.country)
    if not found and zone == NATIONAL and len(series.zones) == 1:
        found = list(series.zones)
    if len(found) == 1:
        return replace(series, values=series.values[found], whole=True)
    problem = "several zones" if found else "no zone"
    raise UsageError(f"{path}: {problem} {zone!r}; there are {listed(found or series.zones)}")


def _without_national(series: LoadSeries) -> LoadSeries:
    """Leave out the whole country beside its zones, as it would count everything twice."""
    if NATIONAL not in series.zones or series.is_national:
        return series
    return replace(series, values=series.values.drop(columns=NATIONAL))
