"""The bundled data set: one synthetic German year, hourly, four zones, from a seed.

For grids with other zones there is a year of the same kind, scaled to their ratings.

It is synthetic: typical days and seasons come from published statistics
(``synthetic_shapes.json``, Bundesnetzagentur | SMARD.de, CC BY 4.0), the weather is noise. No
hour of it was ever measured.
"""

import datetime as dt
import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from dateutil.easter import easter

from gridstress.datasets.series import LoadSeries
from topology.errors import UsageError
from topology.grid import Grid
from topology.messages import Floats

DEFAULT_YEAR = 2025
DEFAULT_SEED = 1
_STATISTICS = "from statistics of Bundesnetzagentur | SMARD.de, CC BY 4.0"
CREDIT = f"Synthetic load, {_STATISTICS}"
TIME_ZONE = "Europe/Berlin"

# Rounded from what the typical days leave unexplained in 2019: a spell of weather lasts about a
# day and moves load by a few per cent, in all zones much alike.
NOISE_STD = 0.03
NOISE_HOURLY_CORRELATION = 0.95
NOISE_ZONE_CORRELATION = 0.65

STRESSED_PART = 0.03
"""Part of the hours of all nodes in which a year for another grid loads them above the threshold.

Three times as many as in Germany, which has more nodes to raise alarms; most of the year is calm.
"""


def synthetic_year(year: int = DEFAULT_YEAR, seed: int = DEFAULT_SEED) -> LoadSeries:
    """One calendar year (Europe/Berlin) of synthetic load, the same for the same seed.

    Parameters
    ----------
    year
        1990 to 2100; decides weekdays, holidays and clock changes.
    seed
        Of the noise; >= 0.

    Returns
    -------
    LoadSeries
        8,760 or 8,784 hourly rows, zones 50Hertz, Amprion, TenneT and TransnetBW, in MW with one
        decimal, without gaps.
    """
    local = _hours(year, seed)
    shapes = _shapes()
    noise = _noise(len(local), len(shapes), seed)
    loads = {
        zone: np.round(zone_shape["mean_mw"] * typical_shape(local, zone_shape) * noise[i], 1)
        for i, (zone, zone_shape) in enumerate(shapes.items())
    }
    return _series(loads, local, year, CREDIT)


def synthetic_year_for(
    grid: Grid, threshold: float, year: int = DEFAULT_YEAR, seed: int = DEFAULT_SEED
) -> LoadSeries:
    """One calendar year of synthetic load for the zones of any grid.

    Each zone has the shape of Germany's load, weather of its own that is correlated between zones,
    and the mean with which `STRESSED_PART` of the hours of its nodes are above ``threshold``,
    before the replay's variation between nodes.

    Parameters
    ----------
    threshold
        Utilisation above which a node is stressed, in (0, 1).
    year, seed
        As for `synthetic_year`.

    Returns
    -------
    LoadSeries
        Hourly, in MW, without gaps; zones in which no node has a share are left out.
    """
    local = _hours(year, seed)
    german = _shapes().values()
    shape = np.average(
        [typical_shape(local, zone_shape) for zone_shape in german],
        axis=0,
        weights=[zone_shape["mean_mw"] for zone_shape in german],
    )
    # What a MW in the zone uses of each of its nodes' ratings.
    used: dict[str, list[float]] = {}
    for node in grid.nodes:
        if node.share > 0:
            used.setdefault(node.zone, []).append(node.share / node.rating_mw)
    zones = sorted(used)
    loads = {
        zone: weather * shape * _scale(weather * shape, np.array(used[zone]), threshold)
        for zone, weather in zip(zones, _noise(len(local), len(zones), seed), strict=True)
    }
    return _series(loads, local, year, f"Synthetic load for grid {grid.name!r}, {_STATISTICS}")


def typical_shape(local: pd.DatetimeIndex, zone_shape: dict[str, Any]) -> Floats:
    """Load over mean load of a typical day at local times, shape (times,).

    Winter and summer days are blended over the year by a cosine that peaks on 20 January.
    """
    holidays = {day for year in set(local.year) for day in german_holidays(year)}
    is_holiday = np.array([day in holidays for day in local.date])
    weekday = np.asarray(local.day_of_week)
    winter_part = 0.5 * (1 + np.cos(2 * np.pi * (np.asarray(local.day_of_year) - 20) / 365.25))

    def day(kind: str) -> Floats:
        ends = zone_shape["shape"][kind]
        winter, summer = (np.array(ends[k])[local.hour] for k in ("winter", "summer"))
        blend: Floats = winter_part * winter + (1 - winter_part) * summer
        return blend

    shape = np.where(weekday == 5, day("saturday"), day("workday"))
    shape = np.where(is_holiday | (weekday == 6), day("sunday_holiday"), shape)
    month, date = np.asarray(local.month), np.asarray(local.day)
    christmas = ((month == 12) & (date >= 24)) | ((month == 1) & (date == 1))
    return np.where(christmas, shape * zone_shape["christmas_factor"], shape)


def german_holidays(year: int) -> set[dt.date]:
    """Public holidays that all of Germany keeps in a year."""
    sunday = easter(year)
    movable = {sunday + dt.timedelta(days=offset) for offset in (-2, 1, 39, 50)}
    fixed = {
        dt.date(year, month, day) for month, day in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
    }
    return movable | fixed


def _hours(year: int, seed: int) -> pd.DatetimeIndex:
    if not 1990 <= year <= 2100 or seed < 0:
        raise UsageError(f"no synthetic year {year} with seed {seed}: 1990 to 2100, seed >= 0")
    begin, end = (pd.Timestamp(y, 1, 1, tz=TIME_ZONE) for y in (year, year + 1))
    return pd.date_range(begin, end, freq="h", inclusive="left")


def _series(
    loads: dict[str, Floats], local: pd.DatetimeIndex, year: int, credit: str
) -> LoadSeries:
    values = pd.DataFrame(loads, index=local.tz_convert("UTC").rename("timestamp"))
    return LoadSeries(
        values, period_s=3600, source=f"synthetic-{year}", credit=credit, synthetic=True
    )


def _scale(shape: Floats, used: Floats, threshold: float) -> float:
    """The factor of a zone's load, shape (hours,), that stresses its nodes as often as is wanted.

    The solution of ``mean(factor * shape[t] * used[i] > threshold) = STRESSED_PART``, where
    ``used``, shape (nodes,), is the utilisation of each node by a MW in the zone. It is found
    without the product of hours and nodes, which a large grid has no memory for.
    """
    from scipy.optimize import bisect

    ordered = np.sort(shape)

    def missing_part(log_factor: float) -> float:
        calm = np.searchsorted(ordered, threshold / (np.exp(log_factor) * used), side="right")
        return float(STRESSED_PART - 1 + calm.mean() / len(ordered))

    nothing = np.log(threshold / (ordered[-1] * used.max()))
    everything = np.log(threshold / (ordered[0] * used.min()))
    return float(np.exp(bisect(missing_part, nothing - 1, everything + 1)))


def _noise(hours: int, zones: int, seed: int) -> Floats:
    """Factors around 1, shape (zones, hours): a common and a zone's own first-order process."""
    phi = NOISE_HOURLY_CORRELATION
    state = np.random.Generator(np.random.PCG64(seed)).standard_normal((hours, zones + 1))
    state[1:] *= np.sqrt(1 - phi**2)
    for hour in range(1, hours):
        state[hour] += phi * state[hour - 1]
    common, own = state[:, :1], state[:, 1:]
    shared = NOISE_ZONE_CORRELATION
    factors: Floats = np.exp(NOISE_STD * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own))
    return factors.T


@cache
def _shapes() -> dict[str, Any]:
    text = files("gridstress.datasets").joinpath("synthetic_shapes.json").read_text("utf-8")
    shapes: dict[str, Any] = json.loads(text)["zones"]
    return shapes
