"""Make a load series fit a replay: its resolution, its gaps, and the zones of the grid."""

from dataclasses import replace
from typing import Literal

import pandas as pd

from gridstress.datasets.series import NATIONAL, LoadSeries
from gridstress.datasets.zone_map import map_option
from gridstress.datasets.zones import (
    COUNTRY_OF,
    GERMANY,
    canonical_zone,
    is_country,
    listed,
    overlap,
)
from topology.errors import DataError, UsageError
from topology.grid import Grid

MAX_SUMMED = 10
"""Zones of a load that a hint sums."""

GapPolicy = Literal["skip", "interpolate", "fail"]
RESOLUTIONS_S = {"1h": 3600, "30min": 1800, "15min": 900, "5min": 300, "1min": 60}


def period_of(resolution: str) -> int:
    """Seconds of a resolution; UsageError if it is no key of ``RESOLUTIONS_S``."""
    period_s = RESOLUTIONS_S.get(resolution)
    if period_s is None:
        raise UsageError(f"no resolution {resolution!r}; use one of {', '.join(RESOLUTIONS_S)}")
    return period_s


def resampled(series: LoadSeries, resolution: str = "1h") -> LoadSeries:
    """Average finer periods to ``resolution``, a key of ``RESOLUTIONS_S``; never summed.

    It is mean power. An hour (or other period) that lacks any of its parts is missing: the mean
    of the rest would be a guess.

    Raises
    ------
    UsageError
        If there is no such resolution, or the data are coarser.
    """
    period_s = period_of(resolution)
    if period_s < series.period_s:
        raise UsageError(
            f"{series.source} has a value every {series.period_s // 60} min; it cannot be made "
            f"finer (--resolution {resolution})"
        )
    if period_s == series.period_s:
        return series
    if period_s % series.period_s:
        raise UsageError(
            f"{series.source} has a value every {series.period_s // 60} min, which does not "
            f"divide {resolution}"
        )
    parts = period_s // series.period_s
    bins = series.values.resample(pd.Timedelta(seconds=period_s))
    whole = bins.mean().where(bins.count() == parts)
    return replace(series, values=whole, period_s=period_s)


def without_gaps(series: LoadSeries, policy: GapPolicy = "skip") -> LoadSeries:
    """Treat missing values as the user decided.

    Parameters
    ----------
    policy
        ``skip``: leave them missing, nothing is sent for them. ``interpolate``: straight lines
        between a gap's neighbours; at the ends, where there is only one, they stay missing.
        ``fail``: refuse the series.

    Raises
    ------
    DataError
        With ``fail``, naming the first gap of each zone.
    """
    if policy == "skip":
        return series
    if policy == "interpolate":
        return replace(series, values=series.values.interpolate("time", limit_area="inside"))
    firsts = {gap.zone: gap for gap in reversed(list(series.gaps()))}
    if not firsts:
        return series
    named = "; ".join(
        f"{gap.zone} {gap.start:%Y-%m-%dT%H:%MZ} to {gap.end:%Y-%m-%dT%H:%MZ} ({gap.rows} rows)"
        for gap in firsts.values()
    )
    raise DataError(
        f"{series.source}: {int(series.values.isna().to_numpy().sum())} values are missing, "
        f"first {named}",
        hint="--on-gap skip leaves them out, --on-gap interpolate draws a line across",
    )


def check_jumps(series: LoadSeries, max_ahead_s: int) -> None:
    """Refuse a series in which a zone's time jumps by more than ``max_ahead_s``; 0 allows any.

    The workers would take what follows such a gap for the rows of a clock that is wrong.

    Raises
    ------
    DataError
        Naming the first such gap.
    """
    if not max_ahead_s:
        return
    if series.period_s > max_ahead_s:
        raise DataError(
            f"{series.source} has a value every {series.period_s} s, more than the workers let a "
            f"zone's time move at once ({max_ahead_s} s)",
            hint=f"set GRIDSTRESS_MAX_AHEAD_S={series.period_s} or more, for the workers too",
        )
    for gap in series.gaps():
        known = series.values[gap.zone].dropna().index
        if known.empty or gap.start < known[0] or gap.end > known[-1]:
            continue
        jump_s = (gap.rows + 1) * series.period_s
        if jump_s > max_ahead_s:
            raise DataError(
                f"{series.source}: zone {gap.zone} has no value from {gap.start:%Y-%m-%dT%H:%MZ} "
                f"to {gap.end:%Y-%m-%dT%H:%MZ}; the workers would refuse all that follows as "
                "too far ahead",
                hint="replay one side of the gap (--start, --until), draw a line across "
                f"(--on-gap interpolate), or set GRIDSTRESS_MAX_AHEAD_S={jump_s} for the "
                "workers too",
            )


def fitted(series: LoadSeries, grid: Grid) -> LoadSeries:
    """Give the series the zones of a grid: by name, by alias, or by splitting one load.

    Of a collection, the grid's zones are taken. A country's load is not split over countries.

    Returns
    -------
    LoadSeries
        Columns are zones of the grid, sorted; zones the source does not have are left out. It
        begins and ends with a value.

    Raises
    ------
    DataError
        If a zone is not in the grid, naming both lists and the option that helps, a load is to be
        split by a grid that does not say how, or a collection has nothing of the grid or counts
        load twice.
    """
    names = _names(series, grid)
    unknown = [zone for zone in series.zones if zone not in names]
    of_countries = any(map(is_country, grid.zones))
    if unknown and (series.whole or (series.is_national and not of_countries)):
        return trimmed(replace(series, values=_split(series, grid), whole=False))
    if not names or (unknown and not series.collection):
        raise DataError(
            f"{series.source}: no zone {listed(map(repr, unknown))} in grid {grid.name!r}, which "
            f"has {listed(grid.zones)}",
            hint=_way_on(series, grid),
        )
    if series.collection and (both := overlap(names)):
        raise DataError(
            f"{series.source}: {both[0]} and {both[1]} have load in common, and grid "
            f"{grid.name!r} has a zone of either name",
            hint="rename one of the two zones of the grid",
        )
    values = series.values[list(names)].rename(columns=names)
    if values.columns.has_duplicates:
        twice = values.columns[values.columns.duplicated()][0]
        raise DataError(f"{series.source}: several columns are zone {twice!r}: {series.zones}")
    values = values.sort_index(axis="columns")
    return trimmed(replace(series, values=values, collection=False, whole=False))


def _names(series: LoadSeries, grid: Grid) -> dict[str, str]:
    """The grid's zone of each zone that it has; of a collection, under one name each."""
    exact = {zone: zone for zone in series.zones if zone in grid.zones}
    country_of = {NATIONAL: series.country, **COUNTRY_OF}
    alike = {
        zone: name
        for zone in series.zones
        if zone not in exact
        if (name := country_of.get(zone) or canonical_zone(zone)) in grid.zones
        if not (series.collection and name in exact)
    }
    return exact | alike


def trimmed(series: LoadSeries) -> LoadSeries:
    """Leave out the times before the first value of any zone and behind the last.

    Raises
    ------
    DataError
        If there is no value at all.
    """
    values = series.values.dropna(how="all")
    if values.empty:
        raise DataError(f"{series.source} has no value for {listed(series.zones)}")
    return replace(series, values=series.values.loc[values.index[0] : values.index[-1]])


def _way_on(series: LoadSeries, grid: Grid) -> str:
    target, zones = grid.zones[0], series.zones
    one = GERMANY if GERMANY in zones else zones[0]
    if len(zones) == 1:
        return f"--zone {one} makes it the load of the whole grid"
    apart = not series.collection or overlap(zones) is None
    if len(grid.zones) == 1 and apart and len(zones) <= MAX_SUMMED:
        return f"to load the grid's only zone with all of them: {map_option(zones, target)}"
    return (
        f"--zone NAME makes one of them the load of the whole grid (--zone {one}); or say which "
        f"of them make each of the grid's zones: {map_option(zones[:2], target)}"
    )


def _split(series: LoadSeries, grid: Grid) -> pd.DataFrame:
    shares = {zone: grid.zone_shares.get(zone, 0.0) for zone in grid.zones}
    if len(shares) == 1:
        shares = dict.fromkeys(shares, 1.0)
    total = sum(shares.values())
    if total <= 0:
        raise DataError(
            f"{series.source}: grid {grid.name!r} has no zone shares to split the load of "
            f"{series.zones[0]!r} over {listed(grid.zones)}",
            hint="give zone shares in the topology, or data with zones",
        )
    whole = series.values[series.zones[0]]
    return pd.DataFrame(
        {zone: whole * (share / total) for zone, share in shares.items() if share > 0}
    )
