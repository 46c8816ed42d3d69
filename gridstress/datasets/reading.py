"""Read a load file of any known format, recognised by its header, not by its name."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gridstress.datasets import entsoe, opsd, plain, smard
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.table import Header, read_headers
from gridstress.datasets.zones import canonical_zone
from topology.errors import DataError, UsageError


class Format(Protocol):
    """What a format's module offers."""

    NAME: str
    TITLE: str

    def recognises(self, header: Header) -> bool:
        """Whether a file with this header is of the format."""

    def read(self, header: Header, zone: str | None) -> LoadSeries:
        """Read the file; ``zone`` is what the user says it is of."""


FORMATS: tuple[Format, ...] = (opsd, entsoe, smard, plain)


def recognise(path: Path) -> tuple[Format, Header]:
    """Find the format of a file, and the header it is recognised by.

    Raises
    ------
    DataError
        If the file cannot be read or is none of ``FORMATS``, with the line it begins with.
    """
    headers = list(read_headers(path))
    for header in headers:
        for candidate in FORMATS:
            if candidate.recognises(header):
                return candidate, header
    begins = headers[0].delimiter.join(headers[0].names)
    raise DataError(
        f"{path}: row 1 is not the header of a load file we know: {begins[:100]!r}",
        hint="we read: " + "; ".join(known.TITLE for known in FORMATS),
    )


def read_load(path: Path, zone: str | None = None) -> LoadSeries:
    """Read a load file.

    Parameters
    ----------
    path
        A file of any of ``FORMATS``.
    zone
        Names the zone of a file that knows only one series: needed for SMARD, and otherwise
        overrules what the file says.

    Raises
    ------
    UsageError
        If SMARD has no ``zone``, or a file with several zones has one.
    DataError
        With file, row, column and value.
    """
    known, header = recognise(path)
    series = known.read(header, zone)
    if zone is None:
        return series
    if len(series.zones) > 1:
        raise UsageError(
            f"{path} holds several zones ({', '.join(series.zones)}); --zone {zone} is for a file "
            "that holds one and does not name it"
        )
    values = series.values.set_axis([canonical_zone(zone)], axis="columns")
    return replace(series, values=values)
