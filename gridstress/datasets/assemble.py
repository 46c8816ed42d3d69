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
) -> LoadSeries:
    """Put readings on a grid of the period they have; missing rows become NaN.

    Parameters
    ----------
    energy
        Values are MWh in the period, not mean MW: divided by the period's hours.
    synthetic
        As in `LoadSeries`; the platforms whose files we read publish measurements.

    Raises
    ------
    DataError
        If there are fewer than two times, a zone has a time twice, the period is not a minute to
        an hour that divides the hour, or a time is off the grid.
    """
    times = np.unique(np.array([r.time_s for r in readings], dtype=np.int64))
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
    zones = list(dict.fromkeys(r.zone for r in readings))
    column_of = {zone: i for i, zone in enumerate(zones)}
    grid = np.full((count, len(zones)), np.nan)
    taken = np.zeros(grid.shape, dtype=bool)
    for reading in readings:
        i, off = divmod(reading.time_s - start, period_s)
        j = column_of[reading.zone]
        if off:
            raise reading.row.error(reading.column, f"is off the grid of {period_s} s")
        if taken[i, j]:
            raise reading.row.error(reading.column, f"is there twice for zone {reading.zone!r}")
        taken[i, j], grid[i, j] = True, reading.value
    index = pd.to_datetime(start + period_s * np.arange(count), unit="s", utc=True)
    values = pd.DataFrame(grid * (3600 / period_s if energy else 1.0), index, zones)
    return LoadSeries(values.rename_axis("timestamp"), period_s, source, credit, synthetic)
