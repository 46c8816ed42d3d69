"""Actual load from the ENTSO-E Transparency Platform, by way of ``entsoe-py``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from gridstress.datasets.entsoe import CREDIT
from gridstress.datasets.entsoe_api import AREAS, Platform, check_area
from gridstress.datasets.fitting import resampled
from gridstress.datasets.series import LoadSeries
from topology.errors import DataError, UsageError


@dataclass(frozen=True)
class Entsoe:
    """Asks for the load of areas.

    Parameters
    ----------
    token
        The platform's security token.
    resolution
        To average to; a key of ``RESOLUTIONS_S``.
    """

    token: str
    resolution: str

    def loads(self, area: str, since_s: float, until_s: float) -> dict[int, float]:
        """Mean load in MW by the time its period begins, epoch seconds; whole periods only.

        Raises
        ------
        UsageError
            As `Platform.load`, or if the data are coarser than the resolution.
        SourceError
            As `Platform.load`.
        """
        return _whole(self._platform.load(area, since_s, until_s), self.resolution)

    @cached_property
    def _platform(self) -> Platform:
        return Platform(self.token)


def areas(given: Mapping[str, str], zones: tuple[str, ...]) -> dict[str, str]:
    """By zone of the grid, its area; those that were given go before the German ones.

    Raises
    ------
    UsageError
        If a zone is not in the grid, or none has an area, or ``entsoe-py`` does not know one.
    """
    if unknown := sorted(set(given) - set(zones)):
        raise UsageError(f"no zone {unknown[0]!r} in the grid, which has {', '.join(zones)}")
    found = {zone: area for zone, area in {**AREAS, **given}.items() if zone in zones}
    if not found:
        raise UsageError(
            f"no ENTSO-E area is known for the zones {', '.join(zones)}",
            hint="name them: --area ZONE=CODE, with a code of entsoe-py such as FR",
        )
    for area in found.values():
        check_area(area)
    return found


def _whole(known: pd.Series, resolution: str) -> dict[int, float]:
    """Averages of the periods of which every part is there."""
    if len(known) < 2:
        return {}  # one value does not say how long it stands for
    period_s = int(known.index.to_series().diff().min().total_seconds())
    regular = known.asfreq(f"{period_s}s")
    try:
        series = LoadSeries(regular.to_frame("load").astype(float), period_s, "entsoe", CREDIT)
    except ValueError as error:
        raise DataError(f"the ENTSO-E platform's times make no series: {error}") from None
    means = resampled(series, resolution).values["load"].dropna()
    times_s = pd.DatetimeIndex(means.index).astype("datetime64[s, UTC]").astype("int64")
    return dict(zip(times_s.tolist(), means.tolist(), strict=True))
