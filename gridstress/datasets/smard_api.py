"""SMARD's grid load, fetched a week at a time; each week is kept in the cache."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gridstress.datasets.download import ProgressBar
from gridstress.datasets.pieces import check_writable, decoded, is_final, keep, read_kept, table
from gridstress.datasets.series import NATIONAL
from gridstress.datasets.smard import CREDIT, NAME
from gridstress.datasets.wall_clock import BERLIN
from gridstress.datasets.wide import WideTable
from gridstress.datasets.zones import GERMAN_ZONES, GERMANY, canonical_zone
from topology.clock import to_iso
from topology.errors import DataError, GridstressError, UsageError

if TYPE_CHECKING:
    import httpx

ADDRESS = "https://www.smard.de/app/chart_data"
GRID_LOAD = 410
"""What SMARD numbers the actual grid load with."""

CONNECTIONS = 3
TIMEOUT_S = 30
_NOT_SMARD = "a proxy may have answered instead"

FETCHED = WideTable(
    NAME,
    "SMARD, grid load fetched by `gridstress data fetch smard`",
    CREDIT,
    time="timestamp",
    suffix=" grid load [MWh]",
    energy=True,
)
"""The files that are written here: SMARD's own values, MWh in a quarter of an hour."""


class _Index(msgspec.Struct):
    timestamps: list[int]


class _Week(msgspec.Struct):
    series: list[tuple[int, float | None]]


@dataclass(frozen=True, slots=True)
class Week:
    """A file of SMARD: ``[start_s, end_s)``, in epoch seconds, of a region."""

    region: str
    start_s: int
    end_s: int


@dataclass(frozen=True)
class Smard:
    """Asks for grid loads.

    Parameters
    ----------
    cache
        Directory of the weeks that were fetched.
    address
        Of the chart data, without a slash at the end.
    """

    cache: Path
    address: str = ADDRESS

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
        """Write the load of zones in ``[start_s, until_s)``, epoch seconds, to a CSV file.

        What SMARD has no value for is blank there.

        Parameters
        ----------
        zones
            Control zones, or ``DE`` for the country.
        progress, say
            As in `download`; counts weeks.

        Raises
        ------
        UsageError
            If SMARD has no such zone.
        GridstressError
            If it cannot be reached or refuses, with the address; what came so far is kept.
        DataError
            If an answer is not what it should be, there is no load in that time, or ``path``
            cannot be written.
        """
        regions = {region_of(zone): None for zone in zones}
        check_writable(path)
        loads = [
            (region, time_s, value)
            for region, time_s, value in self._loads(list(regions), start_s, until_s, progress)
            if start_s <= time_s < until_s
        ]
        if all(value is None for _, _, value in loads):
            raise DataError(
                f"SMARD has no grid load of {', '.join(regions)} in that time",
                hint="its data begin in 2015 and end some hours ago",
            )
        columns = [FETCHED.time, *(region + FETCHED.suffix for region in regions)]
        keep(path, table(columns, _rows(loads, list(regions))))
        missing = sum(value is None for _, _, value in loads)
        say(f"{len(loads):,} quarter-hours of {', '.join(regions)}, {missing:,} without a value")
        return path

    def _loads(
        self, regions: list[str], start_s: float, until_s: float, progress: ProgressBar | None
    ) -> Iterator[tuple[str, int, float | None]]:
        import httpx

        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
            weeks = [
                week
                for region in regions
                for week in self._weeks(client, region)
                if week.start_s < until_s and week.end_s > start_s
            ]
            if progress:
                progress.total = len(weeks)
                progress.update(0)
            pool = ThreadPoolExecutor(CONNECTIONS)
            try:
                for week, series in zip(
                    weeks, pool.map(lambda one: self._week(client, one), weeks), strict=True
                ):
                    yield from ((week.region, time_s, value) for time_s, value in series)
                    if progress:
                        progress.update(1)
            finally:
                pool.shutdown(cancel_futures=True)

    def _weeks(self, client: "httpx.Client", region: str) -> list[Week]:
        url = f"{self.address}/{GRID_LOAD}/{region}/index_quarterhour.json"
        index = decoded(url, _get(client, url), _Index, _NOT_SMARD)
        starts = sorted({ms // 1000 for ms in index.timestamps})
        ends = [*starts[1:], _week_after(starts[-1])] if starts else []
        return [Week(region, start, end) for start, end in zip(starts, ends, strict=True)]

    def _week(self, client: "httpx.Client", week: Week) -> list[tuple[int, float | None]]:
        name = f"{GRID_LOAD}_{week.region}_quarterhour_{week.start_s * 1000}.json"
        url, kept = f"{self.address}/{GRID_LOAD}/{week.region}/{name}", self.cache / name
        if is_final(kept, week.end_s):
            series = read_kept(kept, _Week).series
        else:
            content = _get(client, url)
            series = decoded(url, content, _Week, _NOT_SMARD).series
            keep(kept, content)
        times = ((ms // 1000, value) for ms, value in series)
        return [(t, value) for t, value in times if week.start_s <= t < week.end_s]


def region_of(zone: str) -> str:
    """What SMARD calls a zone.

    Raises
    ------
    UsageError
        If it has no such zone.
    """
    name = canonical_zone(zone)
    if name == NATIONAL:
        return GERMANY
    if name not in (*GERMAN_ZONES, GERMANY):
        raise UsageError(f"SMARD has no zone {zone!r}; it has {', '.join(GERMAN_ZONES)} and DE")
    return name


def _get(client: "httpx.Client", url: str) -> bytes:
    import httpx

    try:
        return client.get(url).raise_for_status().content
    except httpx.HTTPError as error:
        cause = type(error).__name__
        if isinstance(error, httpx.HTTPStatusError):
            cause = f"{error.response.status_code} {error.response.reason_phrase}"
        raise GridstressError(
            f"cannot fetch {url} ({cause})",
            hint="run this command again: it continues with the weeks that are missing",
        ) from None


def _week_after(time_s: int) -> int:
    """A week later on the German clock, by which SMARD counts: 167 to 169 hours."""
    return int((dt.datetime.fromtimestamp(time_s, BERLIN) + dt.timedelta(days=7)).timestamp())


def _rows(
    loads: Iterable[tuple[str, int, float | None]], regions: list[str]
) -> Iterator[tuple[object, ...]]:
    values = {(region, time_s): value for region, time_s, value in loads}
    for time_s in sorted({time_s for _, time_s in values}):
        yield to_iso(time_s), *(values.get((region, time_s)) for region in regions)
