"""The bundled data set: one synthetic German year, hourly, four zones, from a seed.

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
from topology.messages import Floats

DEFAULT_YEAR = 2025
DEFAULT_SEED = 1
CREDIT = "Synthetic load, from statistics of Bundesnetzagentur | SMARD.de, CC BY 4.0"
TIME_ZONE = "Europe/Berlin"

# Rounded from what the typical days leave unexplained in 2019: a spell of weather lasts about a
# day and moves load by a few per cent, in all zones much alike.
NOISE_STD = 0.03
NOISE_HOURLY_CORRELATION = 0.95
NOISE_ZONE_CORRELATION = 0.65


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
    if not 1990 <= year <= 2100 or seed < 0:
        raise UsageError(f"no synthetic year {year} with seed {seed}: 1990 to 2100, seed >= 0")
    begin, end = (pd.Timestamp(y, 1, 1, tz=TIME_ZONE) for y in (year, year + 1))
    local = pd.date_range(begin, end, freq="h", inclusive="left")
    shapes = _shapes()
    noise = _noise(len(local), len(shapes), seed)
    loads = {
        zone: np.round(zone_shape["mean_mw"] * typical_shape(local, zone_shape) * noise[i], 1)
        for i, (zone, zone_shape) in enumerate(shapes.items())
    }
    values = pd.DataFrame(loads, index=local.tz_convert("UTC").rename("timestamp"))
    return LoadSeries(
        values, period_s=3600, source=f"synthetic-{year}", credit=CREDIT, synthetic=True
    )


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
