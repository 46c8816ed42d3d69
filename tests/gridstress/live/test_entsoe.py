"""What `entsoe-py` makes of the platform's answers, asked over real HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gridstress.datasets.entsoe_api import SourceError
from gridstress.live.entsoe import Entsoe, areas
from tests.support.entsoe_platform import QUARTER, TOKEN, Platform, entsoe_platform, load_mw
from topology.errors import UsageError

START = datetime(2026, 1, 20, tzinfo=UTC)
AREA = "DE_TENNET"


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    with entsoe_platform(START + timedelta(hours=3.5)) as running:
        monkeypatch.setattr("entsoe.entsoe.URL", running.url)
        yield running


def asked(resolution: str = "1h", token: str = TOKEN, hours: float = 24.0) -> dict[int, float]:
    since_s = START.timestamp()
    return Entsoe(token, resolution).loads(AREA, since_s, since_s + hours * 3600)


def time_s(hour: float) -> int:
    return int((START + timedelta(hours=hour)).timestamp())


def mean(hour: int) -> float:
    return sum(load_mw(START + timedelta(hours=hour) + i * QUARTER) for i in range(4)) / 4


def test_quarters_are_averaged_and_only_whole_hours_given(platform: Platform) -> None:
    assert asked() == {time_s(hour): mean(hour) for hour in range(3)}
    assert platform.asked == ["10YDE-EON------1"]


def test_quarters_are_given_as_they_are(platform: Platform) -> None:
    found = asked("15min")
    assert list(found) == [time_s(i / 4) for i in range(14)]
    assert found[time_s(1.25)] == load_mw(START + timedelta(hours=1.25))


def test_an_hour_that_lacks_a_quarter_is_missing(platform: Platform) -> None:
    platform.holes = {START + timedelta(hours=1.5)}
    assert list(asked()) == [time_s(0), time_s(2)]


def test_nothing_new_is_nothing(platform: Platform) -> None:
    platform.until = START
    assert asked() == {}


def test_a_platform_that_fails_may_be_asked_again(platform: Platform) -> None:
    platform.down = 1
    with pytest.raises(SourceError, match="answers 503 for DE_TENNET"):
        asked()
    assert asked()


def test_a_page_instead_of_loads_costs_only_this_look(platform: Platform) -> None:
    platform.garbage = "<html>down for maintenance</html>"
    with pytest.raises(SourceError, match="is no load") as error:
        asked()
    assert error.value.exit_code == 4
    platform.garbage = ""
    assert asked()


def test_a_platform_that_is_gone_is_reported_without_the_token(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entsoe.entsoe.URL", "http://127.0.0.1:1/api")
    with pytest.raises(SourceError, match="cannot be reached") as gone:
        asked()
    assert TOKEN not in str(gone.value)
    assert gone.value.__cause__ is None


def test_a_wrong_token_ends_it(platform: Platform) -> None:
    with pytest.raises(UsageError, match="does not know this token"):
        asked(token="wrong")


def test_what_is_coarser_cannot_be_made_finer(platform: Platform) -> None:
    with pytest.raises(UsageError, match="cannot be made finer"):
        asked("5min")


def test_german_zones_have_areas_and_others_are_named() -> None:
    assert areas({}, ("50Hertz", "TenneT")) == {"50Hertz": "DE_50HZ", "TenneT": "DE_TENNET"}
    assert areas({"north": "FR"}, ("north", "south")) == {"north": "FR"}
    assert areas({"TenneT": "NL"}, ("TenneT",)) == {"TenneT": "NL"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no ENTSO-E area is known"),
        ({"west": "FR"}, "no zone 'west'"),
        ({"north": "XX"}, "knows no area 'XX'"),
    ],
)
def test_an_area_that_cannot_be_used_is_reported(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        areas(given, ("north", "south"))
