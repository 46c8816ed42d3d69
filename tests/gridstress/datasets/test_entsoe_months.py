"""Past load as `entsoe-py` gets it from a platform on loopback, and the file that is made of it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridstress.datasets.entsoe_api import Platform as Api
from gridstress.datasets.entsoe_api import SourceError, area_of, check_token, zone_of
from gridstress.datasets.entsoe_months import EntsoeMonths
from gridstress.datasets.fitting import fitted
from gridstress.datasets.reading import read_load
from tests.gridstress.datasets.test_fitting import grid
from tests.support.entsoe_platform import TOKEN, Platform, entsoe_platform, load_mw
from tests.support.progress import CountingBar
from topology.errors import DataError, UsageError
from topology.loaders import load_grid

START = datetime(2024, 1, 30, tzinfo=UTC)
UNTIL = datetime(2024, 2, 2, tzinfo=UTC)
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    with entsoe_platform(UNTIL + timedelta(days=1)) as running:
        monkeypatch.setattr("entsoe.entsoe.URL", running.url)
        running.minutes = {ALWAYS: 60}
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "load.csv"


def fetch(path: Path, *zones: str, token: str = TOKEN, **bar: CountingBar) -> Path:
    source = EntsoeMonths(Api(token), path.parent / "cache")
    span = START.timestamp(), UNTIL.timestamp()
    return source.fetch(zones or ("FR",), *span, path, progress=bar.get("bar"))


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_each_resolution_is_read_back_without_options(
    minutes: int, platform: Platform, path: Path
) -> None:
    platform.minutes = {ALWAYS: minutes}
    series = read_load(fetch(path))
    assert series.zones == ("FR",)
    assert series.period_s == minutes * 60
    assert (series.start, series.end) == (START, UNTIL)
    expected = [load_mw(moment.to_pydatetime()) for moment in series.values.index]
    assert series.values["FR"].tolist() == expected
    assert (series.source, series.synthetic) == ("entsoe", False)
    assert series.credit == "ENTSO-E Transparency Platform"


def test_each_month_of_each_area_is_asked_for_once(platform: Platform, path: Path) -> None:
    bar = CountingBar()
    fetch(path, "FR", "NO_1", bar=bar)
    fr, no_1 = "10YFR-RTE------C", "10YNO-1--------2"
    assert platform.asked == [fr, fr, no_1, no_1]
    assert (bar.total, bar.done) == (4, 4)
    fetch(path, "NO_1", "FR")
    assert len(platform.asked) == 4


def test_after_a_failure_only_the_missing_months_are_asked_for(
    platform: Platform, path: Path
) -> None:
    fetch(path)
    february = path.parent / "cache" / "FR_2024-02.json"
    february.unlink()
    platform.down = 1
    with pytest.raises(SourceError, match=r"answers 503 for FR \(2024-02\)") as error:
        fetch(path)
    assert "continues" in error.value.hint
    assert TOKEN not in str(error.value)
    fetch(path)
    assert len(platform.asked) == 4


def test_a_month_that_was_fetched_while_it_was_new_is_fetched_again(
    platform: Platform, path: Path
) -> None:
    fetch(path)
    end_s = datetime(2024, 3, 1, tzinfo=UTC).timestamp()
    os.utime(path.parent / "cache" / "FR_2024-02.json", times=(end_s + 86_400,) * 2)
    fetch(path)
    assert len(platform.asked) == 3


def test_a_damaged_month_in_the_cache_is_an_error_with_its_path(
    platform: Platform, path: Path
) -> None:
    fetch(path)
    month = path.parent / "cache" / "FR_2024-01.json"
    month.write_bytes(b"[[17")
    with pytest.raises(DataError, match=f"{month}: not the data expected") as error:
        fetch(path)
    assert error.value.hint == "remove it: it will be fetched again"


def test_what_the_platform_has_no_value_for_is_missing(platform: Platform, path: Path) -> None:
    platform.holes = {START + 5 * HOUR, START + 6 * HOUR}
    gaps = list(read_load(fetch(path)).gaps())
    assert [(gap.start, gap.rows) for gap in gaps] == [(START + 5 * HOUR, 2)]


@pytest.mark.parametrize(("before", "after"), [(60, 15), (15, 60)])
def test_a_change_of_resolution_is_said_with_the_commands_that_work(
    before: int, after: int, platform: Platform, path: Path
) -> None:
    platform.minutes = {ALWAYS: before, START + 30 * HOUR: after}
    with pytest.raises(DataError) as error:
        fetch(path)
    moment = "2024-01-31T06:00:00Z"
    assert f"FR has a value every {before} min until {moment}, then every {after} min" in str(
        error.value
    )
    assert f"--until {moment} and with --from {moment}" in error.value.hint
    assert not path.exists()


def test_zones_of_different_resolutions_are_fetched_apart(platform: Platform, path: Path) -> None:
    fetch(path, "FR")
    platform.minutes = {ALWAYS: 15}
    with pytest.raises(DataError, match="FR every 60 min, BE every 15 min"):
        fetch(path, "FR", "BE")


def test_german_zones_go_onto_the_german_grid(platform: Platform, path: Path) -> None:
    zones = ("50Hertz", "Amprion", "TenneT", "TransnetBW")
    series = read_load(fetch(path, *zones))
    assert fitted(series, load_grid("germany")).zones == zones


def test_the_country_is_a_national_series(platform: Platform, path: Path) -> None:
    series = read_load(fetch(path, "DE"))
    assert (series.zones, series.is_national) == (("DE",), True)
    assert area_of("national") == area_of("DE") == area_of("BZN|DE-LU") == "DE"
    assert area_of("DE_LU") == "DE_LU"


def test_a_file_of_two_countries_goes_onto_a_grid_of_them(platform: Platform, path: Path) -> None:
    series = read_load(fetch(path, "FR", "DE"))
    assert series.zones == ("FR", "DE")
    assert fitted(series, grid("DE", "FR")).zones == ("DE", "FR")
    assert fitted(series, grid("FR", "ES")).zones == ("FR",)


def test_an_area_has_a_name_an_eic_code_and_ours() -> None:
    assert area_of("10YFR-RTE------C") == "FR"
    assert area_of("CTA|DE(TenneT GER)") == "DE_TENNET"
    assert zone_of("DE_TENNET") == "TenneT"
    with pytest.raises(UsageError, match="knows no area 'XX'"):
        area_of("XX")


def test_nothing_is_an_error(platform: Platform, path: Path) -> None:
    platform.until = ALWAYS
    with pytest.raises(DataError, match="has 0 values of FR in that time"):
        fetch(path)


def test_an_answer_that_is_no_load_is_refused(platform: Platform, path: Path) -> None:
    platform.garbage = "<html>down for maintenance</html>"
    with pytest.raises(DataError, match="answer for FR is no load"):
        fetch(path)
    assert not (path.parent / "cache").exists()


def test_a_wrong_token_and_none_are_wrong_usage(platform: Platform, path: Path) -> None:
    with pytest.raises(UsageError, match="does not know this token"):
        fetch(path, token="wrong")
    with pytest.raises(UsageError, match="GRIDSTRESS_ENTSOE_TOKEN is not set") as error:
        check_token("")
    assert "transparency@entsoe.eu" in error.value.hint
