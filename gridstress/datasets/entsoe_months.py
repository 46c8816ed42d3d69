"""Past load from the ENTSO-E Transparency Platform; each month that came is kept in the cache."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from gridstress.datasets.download import ProgressBar
from gridstress.datasets.entsoe import AREA, LOAD
from gridstress.datasets.entsoe_api import Platform, SourceError, area_of, zone_of
from gridstress.datasets.pieces import check_writable, is_final, keep, read_kept, table
from topology.clock import to_datetime, to_iso
from topology.errors import DataError

REPEATS = 4
"""So many equal steps in a row between values are no gaps but a resolution."""


@dataclass(frozen=True)
class EntsoeMonths:
    """Fetches past load, a month and area at a time; ``cache`` is the folder of the months."""

    platform: Platform
    cache: Path

    def fetch(
        self,
        zones: Iterable[str],
        start_s: float,
        until_s: float,
        path: Path,
        *,
        progress: ProgressBar | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> Path:
        """Write the load of zones in ``[start_s, until_s)``, epoch seconds, as ENTSO-E exports it.

        Times without a value are left out.

        Parameters
        ----------
        zones
            Areas as ``entsoe-py`` names them, or zones of the German grid; ``DE`` is the country.
        progress, say
            As in `download`; counts months.

        Raises
        ------
        UsageError, SourceError
            As `Platform.load`; the months that came are kept.
        DataError
            If there is no load, or its resolution changes, or is not the same in all zones, or
            ``path`` cannot be written.
        """
        areas = {area_of(zone): None for zone in zones}
        check_writable(path)
        months = list(_months(start_s, until_s))
        if progress:
            progress.total = len(areas) * len(months)
            progress.update(0)
        loads: dict[str, list[tuple[int, float]]] = {area: [] for area in areas}
        for area, found in loads.items():
            for begin_s, end_s in months:
                month = self._month(area, begin_s, end_s)
                found += [(t, mw) for t, mw in month if start_s <= t < until_s]
                if progress:
                    progress.update(1)
        period_s = _period(loads)
        keep(path, table(("MTU (UTC)", AREA, LOAD), _rows(loads, period_s)))
        count = sum(map(len, loads.values()))
        say(f"{count:,} values of {', '.join(map(zone_of, areas))}, one every {period_s // 60} min")
        return path

    def _month(self, area: str, begin_s: int, end_s: int) -> list[tuple[int, float]]:
        name = f"{to_datetime(begin_s):%Y-%m}"
        kept = self.cache / f"{area}_{name}.json"
        if is_final(kept, end_s):
            return read_kept(kept, list[tuple[int, float]])
        try:
            load = self.platform.load(area, begin_s, end_s)
        except SourceError as error:
            raise type(error)(
                f"{error} ({name})",
                hint="run this command again: it continues with the months that are missing",
            ) from None
        times_s = pd.DatetimeIndex(load.index).astype("datetime64[s, UTC]").astype("int64")
        month = [
            (time_s, mw)
            for time_s, mw in zip(times_s.tolist(), load.tolist(), strict=True)
            if begin_s <= time_s < end_s
        ]
        keep(kept, msgspec.json.encode(month))
        return month


def _months(start_s: float, until_s: float) -> Iterator[tuple[int, int]]:
    """Calendar months (UTC) that ``[start_s, until_s)`` touches."""
    begin = to_datetime(start_s).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while begin.timestamp() < until_s:
        end = (begin + dt.timedelta(days=32)).replace(day=1)
        yield int(begin.timestamp()), int(end.timestamp())
        begin = end


def _period(loads: dict[str, list[tuple[int, float]]]) -> int:
    """Seconds that each value stands for, the same in all areas and all the time."""
    periods = {
        zone_of(area): _period_of(zone_of(area), [t for t, _ in found])
        for area, found in loads.items()
    }
    if len(set(periods.values())) > 1:
        listed = ", ".join(f"{zone} every {s // 60} min" for zone, s in periods.items())
        raise DataError(
            f"the zones have values at different resolutions: {listed}",
            hint="fetch them apart, a file each",
        )
    return next(iter(periods.values()))


def _period_of(zone: str, times_s: list[int]) -> int:
    if len(times_s) < 2:
        raise DataError(f"the ENTSO-E platform has {len(times_s)} values of {zone} in that time")
    steps = np.diff(times_s)
    starts = np.flatnonzero(np.diff(steps, prepend=0))
    lengths = np.diff(np.append(starts, len(steps)))
    long = starts[lengths >= REPEATS]
    period_s = int(steps[long[0]] if len(long) else steps.min())
    changed = [i for i in starts if steps[i] < period_s or (i in long and steps[i] != period_s)]
    if changed:
        moment = to_iso(times_s[changed[0]])
        raise DataError(
            f"{zone} has a value every {period_s // 60} min until {moment}, then every "
            f"{steps[changed[0]] // 60} min",
            hint=f"fetch the two parts apart, with --until {moment} and with --from {moment}",
        )
    return period_s


def _rows(
    loads: dict[str, list[tuple[int, float]]], period_s: int
) -> Iterator[tuple[str, str, float]]:
    for area, found in loads.items():
        for time_s, mw in found:
            begin, end = to_datetime(time_s), to_datetime(time_s + period_s)
            yield f"{begin:%d/%m/%Y %H:%M} - {end:%d/%m/%Y %H:%M}", zone_of(area), mw
