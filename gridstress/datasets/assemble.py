"""Assemble readings in any order into a load series on a regular grid of times."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gridstress.datasets.row import Row
from gridstress.datasets.series import LoadSeries
from topology.errors import DataError

MAX_ROWS = 2_000_000
"""57 years of quarter-hours; a longer range comes from a wrong date."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """A regular grid of times: epoch seconds of the first, seconds between two, and how many."""

    start: int
    period_s: int
    count: int

    def place(self, row: Row, column: str, time_s: int) -> int:
        i, off = divmod(time_s - self.start, self.period_s)
        if off:
            raise row.error(column, f"is off the grid of {self.period_s} s")
        return i

    def table(self, grid: np.ndarray, zones: list[str]) -> pd.DataFrame:
        times_s = self.start + self.period_s * np.arange(self.count)
        index = pd.to_datetime(times_s, unit="s", utc=True)
        return pd.DataFrame(grid, index, zones).rename_axis("timestamp")


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one zone: epoch seconds, and MW or whatever the source counts in.

    ``column`` is where the time came from, for errors.
    """

    row: Row
    column: str
    zone: str
    time_s: int
    value: float


def assemble(
    path: Path,
    readings: list[Reading],
    *,
    source: str,
    credit: str,
    energy: bool = False,
    synthetic: bool | None = False,
    collection: bool = False,
) -> LoadSeries:
    """Put readings on a grid of the period they have; missing rows become NaN.

    Parameters
    ----------
    energy
        Values are MWh in the period, not mean MW: divided by the period's hours.
    synthetic, collection
        As in `LoadSeries`; the platforms whose files we read publish measurements.

    Raises
    ------
    DataError
        If there are fewer than two times, a zone has a time twice, the period is not a minute to
        an hour that divides the hour, or a time is off the grid.
    """
    steps = _steps(path, [r.time_s for r in readings])
    zones = list(dict.fromkeys(r.zone for r in readings))
    column_of = {zone: i for i, zone in enumerate(zones)}
    grid = np.full((steps.count, len(zones)), np.nan)
    taken = np.zeros(grid.shape, dtype=bool)
    for reading in readings:
        i = steps.place(reading.row, reading.column, reading.time_s)
        j = column_of[reading.zone]
        if taken[i, j]:
            raise reading.row.error(reading.column, f"is there twice for zone {reading.zone!r}")
        taken[i, j], grid[i, j] = True, reading.value
    values = steps.table(grid * (3600 / steps.period_s if energy else 1.0), zones)
    return LoadSeries(values, steps.period_s, source, credit, synthetic, collection)


@dataclass(frozen=True, slots=True)
class Record:
    """The values of all zones at one time, in the order of the zones; else as ``Reading``."""

    row: Row
    column: str
    time_s: int
    values: np.ndarray


def assemble_records(
    path: Path,
    records: list[Record],
    zones: list[str],
    *,
    source: str,
    credit: str,
    energy: bool = False,
) -> LoadSeries:
    """Put measured records of a collection on a grid of times, as ``assemble`` does with readings.

    Raises
    ------
    DataError
        As ``assemble``.
    """
    steps = _steps(path, [r.time_s for r in records])
    grid = np.full((steps.count, len(zones)), np.nan)
    taken = np.zeros(steps.count, dtype=bool)
    for record in records:
        i = steps.place(record.row, record.column, record.time_s)
        if taken[i]:
            raise record.row.error(record.column, "is there twice")
        taken[i], grid[i] = True, record.values
    values = steps.table(grid * (3600 / steps.period_s if energy else 1.0), zones)
    return LoadSeries(values, steps.period_s, source, credit, False, True)


def _steps(path: Path, times_s: list[int]) -> _Steps:
    times = np.unique(np.array(times_s, dtype=np.int64))
    if len(times) < 2:
        raise DataError(
            f"{path}: {len(times)} rows with a value; a series needs at least two",
            hint="export a longer range",
        )
    period_s = Counter(np.diff(times).tolist()).most_common(1)[0][0]
    if period_s < 60 or 3600 % period_s:
        raise DataError(
            f"{path}: a row every {period_s} s; gridstress reads hourly data and finer, in whole "
            "parts of an hour",
            hint="export hourly or quarter-hourly values",
        )
    start = int(times[0])
    count = (int(times[-1]) - start) // period_s + 1
    if count > MAX_ROWS:
        raise DataError(
            f"{path}: {len(times)} rows spread from {pd.to_datetime(start, unit='s')} to "
            f"{pd.to_datetime(times[-1], unit='s')}: one of these times is wrong"
        )
    return _Steps(start, period_s, count)
