"""Read a load file of any known format, recognised by its header, not by its name."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gridstress.datasets import entsoe, opsd, plain, smard, smard_api
from gridstress.datasets.layout import Layout
from gridstress.datasets.mapping import Mapping, mapping_beside, refuse
from gridstress.datasets.published import LAYOUTS
from gridstress.datasets.series import NATIONAL, LoadSeries
from gridstress.datasets.table import UTF8, Header, check_utf8, read_headers
from gridstress.datasets.zone_map import map_option, mapped
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


FORMATS: tuple[Format, ...] = (opsd, entsoe, smard, smard_api.FETCHED, plain, *LAYOUTS)


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
    """Read a load file; of a country and its zones, the zones, unless the country is asked for.

    Parameters
    ----------
    path
        A file of any of ``FORMATS``, or one whose columns a mapping names.
    zone
        Names the zone of a file that knows only one series: needed for SMARD, and otherwise
        overrules what the file says. ``national`` chooses the country of a file that has both;
        of a collection, any zone is chosen.
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
    if zone is not None and not series.collection:
        series = _named(path, series, canonical_zone(zone))
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


def _named(path: Path, series: LoadSeries, zone: str) -> LoadSeries:
    """The only zone under this name, or the country's column of a file that has its zones, too."""
    if zone == NATIONAL and NATIONAL in series.zones:
        return replace(series, values=series.values[[NATIONAL]])
    series = _without_national(series)
    if len(series.zones) > 1:
        raise UsageError(
            f"{path} holds several zones ({', '.join(series.zones)}); --zone {zone} is for a file "
            "that holds one and does not name it",
            hint=f"to sum all of them: {map_option(series.zones, zone)}",
        )
    return replace(series, values=series.values.set_axis([zone], axis="columns"))


def _without_national(series: LoadSeries) -> LoadSeries:
    """Leave out the whole country beside its zones, as it would count everything twice."""
    if NATIONAL not in series.zones or series.is_national:
        return series
    return replace(series, values=series.values.drop(columns=NATIONAL))
