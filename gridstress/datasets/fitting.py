"""Make a load series fit a replay: its resolution, its gaps, and the zones of the grid."""

from dataclasses import replace
from typing import Literal

import pandas as pd

from gridstress.datasets.series import NATIONAL, LoadSeries
from gridstress.datasets.zone_map import map_option
from gridstress.datasets.zones import COUNTRY_OF, canonical_zone, overlap
from topology.errors import DataError, UsageError
from topology.grid import Grid

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
    """Give the series the zones of a grid: by name, by alias, or by splitting a national load.

    Of a collection, the grid's zones are taken, or the only one that was chosen as the national
    load.

    Returns
    -------
    LoadSeries
        Columns are zones of the grid, sorted; zones the source does not have are left out.

    Raises
    ------
    DataError
        If a zone is not in the grid, naming both lists and the option that helps, a national load
        meets a grid that does not say how to split it, or a collection has nothing of the grid or
        counts load twice.
    """
    if series.collection:
        series = _of_grid(series, grid)
    if series.is_national and NATIONAL not in grid.zones:
        return replace(series, values=_split(series, grid))
    names = {z: z if z in grid.zones else canonical_zone(z) for z in series.zones}
    unknown = [zone for zone, name in names.items() if name not in grid.zones]
    if unknown:
        raise DataError(
            f"{series.source}: no zone {', '.join(map(repr, unknown))} in grid {grid.name!r}: "
            f"the data have {', '.join(series.zones)}; the grid has {', '.join(grid.zones)}",
            hint=_way_on(series, grid),
        )
    values = series.values.rename(columns=names)
    if values.columns.has_duplicates:
        twice = values.columns[values.columns.duplicated()][0]
        raise DataError(f"{series.source}: several columns are zone {twice!r}: {series.zones}")
    return replace(series, values=values.sort_index(axis="columns"))


def _of_grid(series: LoadSeries, grid: Grid) -> LoadSeries:
    """Take from a collection what the grid has."""
    series = replace(series, values=_by_country(series.values, grid))
    found = [zone for zone in series.zones if zone in grid.zones]
    if not found and len(series.zones) == 1:
        national = series.values.set_axis([NATIONAL], axis="columns")
        return replace(series, values=national, collection=False)
    if not found:
        raise DataError(
            f"{series.source} has no zone of grid {grid.name!r}: the data have "
            f"{', '.join(series.zones)}; the grid has {', '.join(grid.zones)}",
            hint=f"{map_option(series.zones[:2], grid.zones[0])}, once for each zone of the grid; "
            f"or --zone {series.zones[0]} for the whole grid",
        )
    if twice := overlap(found):
        raise DataError(
            f"{series.source}: the load of {twice[0]} contains that of {twice[1]}, and grid "
            f"{grid.name!r} has a zone of either name",
            hint="rename one of the two zones of the grid",
        )
    return replace(series, values=series.values[found], collection=False)


def _by_country(values: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Give columns the code of their country where the grid has a zone of that name."""
    names = {zone: code for zone, code in COUNTRY_OF.items() if code in grid.zones}
    return values.rename(columns=names)


def _way_on(series: LoadSeries, grid: Grid) -> str:
    if len(grid.zones) == 1:
        return f"to load the grid's only zone with them: {map_option(series.zones, grid.zones[0])}"
    return (
        "say which zones of the data make which of the grid: "
        f"{map_option(series.zones[:2], grid.zones[0])}, once for each zone of the grid"
    )


def _split(series: LoadSeries, grid: Grid) -> pd.DataFrame:
    shares = {zone: grid.zone_shares.get(zone, 0.0) for zone in grid.zones}
    if len(shares) == 1:
        shares = dict.fromkeys(shares, 1.0)
    total = sum(shares.values())
    if total <= 0:
        raise DataError(
            f"{series.source} is a national load, and grid {grid.name!r} has no zone shares "
            f"to split it over {', '.join(grid.zones)}",
            hint="give zone shares in the topology, or data with zones",
        )
    national = series.values[NATIONAL]
    return pd.DataFrame(
        {zone: national * (share / total) for zone, share in shares.items() if share > 0}
    )
