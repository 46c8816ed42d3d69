"""Actual load from the ENTSO-E Transparency Platform, by way of ``entsoe-py``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from gridstress.datasets.fitting import resampled
from gridstress.datasets.series import LoadSeries
from topology.errors import DataError, GridstressError, UsageError

CREDIT = "ENTSO-E Transparency Platform"

AREAS = {
    "50Hertz": "DE_50HZ",
    "Amprion": "DE_AMPRION",
    "TenneT": "DE_TENNET",
    "TransnetBW": "DE_TRANSNET",
}
"""What ``entsoe-py`` calls the control areas of the German grid."""

TIMEOUT_S = 60
LOAD = "Actual Load"


class SourceError(GridstressError):
    """The platform does not answer as it should; the next time it may."""


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
            If there is no such area, or the data are coarser than the resolution.
        SourceError
            If the platform cannot be reached or refuses.
        """
        import requests
        from entsoe.exceptions import NoMatchingDataError

        begin, end = (pd.Timestamp(t, unit="s", tz="UTC") for t in (since_s, until_s))
        try:
            found = self._client.query_load(area, start=begin, end=end)
        except NoMatchingDataError:
            return {}
        except requests.HTTPError as error:
            status = error.response.status_code
            if status == 401:
                raise UsageError(
                    "the ENTSO-E platform does not know this token",
                    hint="GRIDSTRESS_ENTSOE_TOKEN is the security token of your account there",
                ) from None
            raise SourceError(f"the ENTSO-E platform answers {status} for {area}") from None
        except requests.RequestException as error:
            # The address in its text holds the token.
            problem = f"the ENTSO-E platform cannot be reached: {type(error).__name__}"
            raise SourceError(problem) from None
        return _whole(found[LOAD], self.resolution)

    @cached_property
    def _client(self) -> Any:
        import warnings

        from bs4 import XMLParsedAsHTMLWarning
        from entsoe.entsoe import EntsoePandasClient

        # It reads the platform's XML so on purpose.
        warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning, module="entsoe")
        # We ask again ourselves, at the next look.
        return EntsoePandasClient(self.token, retry_count=1, retry_delay=0, timeout=TIMEOUT_S)


def areas(given: Mapping[str, str], zones: tuple[str, ...]) -> dict[str, str]:
    """By zone of the grid, its area; those that were given go before the German ones.

    Raises
    ------
    UsageError
        If a zone is not in the grid, or none has an area, or ``entsoe-py`` does not know one.
    """
    try:
        from entsoe.mappings import lookup_area
    except ImportError:
        raise UsageError(
            "entsoe-py is not installed", hint="pip install 'gridstress[feed]'"
        ) from None
    if unknown := sorted(set(given) - set(zones)):
        raise UsageError(f"no zone {unknown[0]!r} in the grid, which has {', '.join(zones)}")
    found = {zone: area for zone, area in {**AREAS, **given}.items() if zone in zones}
    if not found:
        raise UsageError(
            f"no ENTSO-E area is known for the zones {', '.join(zones)}",
            hint="name them: --area ZONE=CODE, with a code of entsoe-py such as FR",
        )
    for area in found.values():
        try:
            lookup_area(area)
        except ValueError:
            raise UsageError(f"entsoe-py knows no area {area!r}") from None
    return found


def _whole(loads: pd.Series, resolution: str) -> dict[int, float]:
    """Averages of the periods of which every part is there."""
    known = loads.dropna().tz_convert("UTC").sort_index()
    known = known[~known.index.duplicated(keep="last")]
    if len(known) < 2:
        return {}  # one value does not say how long it stands for
    period_s = int(known.index.to_series().diff().min().total_seconds())
    regular = known.asfreq(f"{period_s}s")
    try:
        series = LoadSeries(regular.to_frame(LOAD).astype(float), period_s, "entsoe", CREDIT)
    except ValueError as error:
        raise DataError(f"the ENTSO-E platform's times make no series: {error}") from None
    means = resampled(series, resolution).values[LOAD].dropna()
    times_s = pd.DatetimeIndex(means.index).astype("datetime64[s, UTC]").astype("int64")
    return dict(zip(times_s.tolist(), means.tolist(), strict=True))
