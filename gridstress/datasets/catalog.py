"""Named data sets; open one by name or path."""

from dataclasses import dataclass
from pathlib import Path

from gridstress.datasets import opsd
from gridstress.datasets.fetch import OPSD, REMOTE_FILES, cache_dir
from gridstress.datasets.mapping import Mapping
from gridstress.datasets.reading import read_load
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.synthetic import CREDIT, DEFAULT_YEAR, synthetic_year
from gridstress.datasets.zone_map import mapped
from topology.errors import DataError, UsageError

SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class Entry:
    """A named data set; ``path`` is None for what is made in memory."""

    name: str
    title: str
    credit: str
    path: Path | None

    @property
    def available(self) -> bool:
        """Whether it can be opened without fetching anything."""
        return self.path is None or self.path.exists()


def catalog() -> tuple[Entry, ...]:
    """Every data set with a name."""
    return (
        Entry(
            SYNTHETIC,
            f"synthetic German load of {DEFAULT_YEAR}, hourly, 4 zones, no measured value",
            CREDIT,
            None,
        ),
        Entry(
            OPSD.name,
            "measured load of 2015 to 2020, hourly, European countries and zones "
            "(gridstress data fetch opsd)",
            opsd.FORMAT.CREDIT,
            cache_dir() / OPSD.kept_as,
        ),
    )


def own_file(name_or_path: str) -> Path | None:
    """The path that this is, unless it is the name of a data set and there is no file of it."""
    path = Path(name_or_path)
    named = name_or_path in (SYNTHETIC, *REMOTE_FILES)
    return path if path.is_file() or (path.exists() and not named) else None


def is_bundled(name_or_path: str) -> bool:
    """Whether this is the synthetic year and no file of that name."""
    return name_or_path == SYNTHETIC and own_file(name_or_path) is None


def file_of(name_or_path: str) -> Path | None:
    """The file of a load that can be opened; None for what is made in memory."""
    return own_file(name_or_path) or {e.name: e.path for e in catalog()}.get(name_or_path)


def open_load(
    name_or_path: str, zone: str | None = None, mapping: Mapping | None = None
) -> LoadSeries:
    """Open a named data set or read a file; a file of that name goes first.

    Raises
    ------
    UsageError
        As ``read_load``, or if a named data set is given columns, or the bundled year a ``zone``.
    DataError
        If there is neither, or the file does not hold what it should.
    """
    if path := own_file(name_or_path):
        return read_load(path, zone, mapping)
    if mapping and name_or_path in (SYNTHETIC, *REMOTE_FILES):
        raise UsageError(f"the columns of {name_or_path} are known; a mapping is for files")
    if name_or_path == SYNTHETIC:
        if zone is not None:
            raise UsageError(f"the synthetic year has its zones; --zone {zone} is for files")
        zones = {} if mapping is None else mapping.zones
        return mapped(synthetic_year(), zones, SYNTHETIC) if zones else synthetic_year()
    if name_or_path in REMOTE_FILES:
        kept = cache_dir() / REMOTE_FILES[name_or_path].kept_as
        if not kept.exists():
            raise DataError(
                f"{name_or_path}: not fetched yet",
                hint=f"gridstress data fetch {name_or_path}",
            )
        return read_load(kept, zone, mapping)
    names = ", ".join(entry.name for entry in catalog())
    raise DataError(f"{name_or_path}: no such file, and no data set of that name ({names})")
