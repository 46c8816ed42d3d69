"""Actual total load from the ENTSO-E Transparency Platform, by way of ``entsoe-py``."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from gridstress.datasets.series import NATIONAL
from gridstress.datasets.zones import GERMANY, canonical_zone
from topology.errors import DataError, GridstressError, UsageError

AREAS = {
    "50Hertz": "DE_50HZ",
    "Amprion": "DE_AMPRION",
    "TenneT": "DE_TENNET",
    "TransnetBW": "DE_TRANSNET",
}
"""What ``entsoe-py`` calls the control areas of the German grid."""

TIMEOUT_S = 60


class SourceError(GridstressError):
    """The platform does not answer as it should; the next time it may."""


class AnswerError(SourceError, DataError):
    """What the platform answered is no load."""


@dataclass(frozen=True)
class Platform:
    """Asks for the load of areas; ``token`` is the platform's security token."""

    token: str

    def load(self, area: str, since_s: float, until_s: float) -> pd.Series:
        """Known load in MW by the start of its period (UTC), each time once; may be empty.

        Raises
        ------
        UsageError
            If there is no such area, or the token is not known.
        SourceError
            If the platform cannot be reached, refuses, or answers something else.
        """
        import requests
        from entsoe.exceptions import InvalidBusinessParameterError, NoMatchingDataError

        begin, end = (pd.Timestamp(t, unit="s", tz="UTC") for t in (since_s, until_s))
        try:
            found = self._client.query_load(area, start=begin, end=end)
        except NoMatchingDataError:
            return pd.Series(index=pd.DatetimeIndex([], tz="UTC"), dtype=float)
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
        except InvalidBusinessParameterError:
            raise SourceError(f"the ENTSO-E platform has no load of the area {area}") from None
        except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
            problem = f"the ENTSO-E platform's answer for {area} is no load: {error}"
            raise AnswerError(problem) from None
        known: pd.Series = found["Actual Load"].dropna().tz_convert("UTC").sort_index()
        return known[~known.index.duplicated(keep="last")]

    @cached_property
    def _client(self) -> Any:
        import warnings

        from bs4 import XMLParsedAsHTMLWarning
        from entsoe.entsoe import EntsoePandasClient

        # It reads the platform's XML so on purpose.
        warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning, module="entsoe")
        # Who asks decides whether to ask again.
        return EntsoePandasClient(self.token, retry_count=1, retry_delay=0, timeout=TIMEOUT_S)


def check_area(area: str) -> str:
    """Give the name that ``entsoe-py`` has for an area, of its name or EIC code.

    Raises
    ------
    UsageError
        If it knows none, or is not installed.
    """
    try:
        from entsoe.mappings import lookup_area
    except ImportError:
        raise UsageError(
            "entsoe-py is not installed", hint="pip install 'gridstress[feed]'"
        ) from None
    try:
        return str(lookup_area(area).name)
    except ValueError:
        raise UsageError(
            f"entsoe-py knows no area {area!r}",
            hint="areas are countries (FR), bidding zones (NO_1, DE_LU) and control areas",
        ) from None


def check_token(token: str) -> str:
    """Give the token.

    Raises
    ------
    UsageError
        If it is empty, with how to get one.
    """
    if not token:
        raise UsageError(
            "GRIDSTRESS_ENTSOE_TOKEN is not set",
            hint="register at transparency.entsoe.eu, ask transparency@entsoe.eu for 'Restful API "
            "access', and make a security token in your account there",
        )
    return token


def area_of(zone: str) -> str:
    """What ``entsoe-py`` calls a zone of ours.

    Raises
    ------
    UsageError
        As `check_area`.
    """
    name = canonical_zone(zone)
    try:
        return check_area(zone)
    except UsageError:
        return check_area({NATIONAL: GERMANY, **AREAS}.get(name, name))


def zone_of(area: str) -> str:
    """What we call an area."""
    return next((zone for zone, known in AREAS.items() if known == area), area)
