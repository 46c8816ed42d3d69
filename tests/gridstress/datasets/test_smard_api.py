"""SMARD's chart data, asked over HTTP on loopback, and the file that is made of them."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridstress.datasets.fitting import fitted, resampled
from gridstress.datasets.reading import read_load
from gridstress.datasets.smard_api import Smard, region_of
from tests.support.progress import CountingBar
from tests.support.smard_platform import (
    QUARTER_S,
    SmardPlatform,
    energy_mwh,
    mondays,
    smard_platform,
)
from topology.errors import DataError, GridstressError, UsageError
from topology.loaders import load_grid

MONDAYS = mondays("2018-12-24", 5)
START = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp())
UNTIL = START + 8 * 86_400
ALL = ("50Hertz", "Amprion", "TenneT", "TransnetBW")


@pytest.fixture
def platform() -> Iterator[SmardPlatform]:
    with smard_platform(MONDAYS) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "load.csv"


def fetch(platform: SmardPlatform, path: Path, *zones: str, until: int = UNTIL) -> Path:
    source = Smard(path.parent / "cache", platform.address)
    return source.fetch(zones or ("TenneT",), START, until, path)


def test_energy_of_quarters_is_mean_power_of_exactly_that_time(
    platform: SmardPlatform, path: Path
) -> None:
    series = read_load(fetch(platform, path))
    assert series.zones == ("TenneT",)
    assert (series.start.timestamp(), series.end.timestamp()) == (START, UNTIL)
    assert series.period_s == 900
    assert series.values["TenneT"].iloc[5] == 4 * energy_mwh("TenneT", START + 5 * QUARTER_S)
    assert platform.asked[0] == "/410/TenneT/index_quarterhour.json"
    assert set(platform.asked[1:]) == {platform.path("TenneT", week) for week in (1, 2)}


def test_the_file_is_read_without_options_and_says_whose_it_is(
    platform: SmardPlatform, path: Path
) -> None:
    series = read_load(fetch(platform, path, *ALL))
    assert (series.source, series.synthetic) == ("smard", False)
    assert series.credit == "Bundesnetzagentur | SMARD.de, CC BY 4.0"
    assert path.read_text().startswith("timestamp,50Hertz grid load [MWh],Amprion grid load [MWh],")
    hourly = resampled(fitted(series, load_grid("germany")), "1h")
    assert hourly.zones == ALL
    assert hourly.values["Amprion"].iloc[0] == 4 * (energy_mwh("Amprion", START) + 1.5)


def test_the_country_is_a_national_series(platform: SmardPlatform, path: Path) -> None:
    series = read_load(fetch(platform, path, "DE"))
    assert (series.zones, series.is_national) == (("DE",), True)
    assert {region_of(name) for name in ("DE", "national", "Germany")} == {"DE"}


def test_what_smard_has_no_value_for_is_missing(platform: SmardPlatform, path: Path) -> None:
    platform.holes = {START, START + 7 * QUARTER_S}
    lines: list[str] = []
    source = Smard(path.parent / "cache", platform.address)
    source.fetch(["TenneT"], START, UNTIL, path, say=lines.append)
    assert lines == ["768 quarter-hours of TenneT, 2 without a value"]
    series = read_load(path)
    assert series.start.timestamp() == START
    gaps = [int(gap.start.timestamp()) for gap in series.gaps()]
    assert gaps == sorted(platform.holes)


def test_after_a_failure_only_the_missing_weeks_are_asked_for(
    platform: SmardPlatform, path: Path
) -> None:
    second = platform.path("TenneT", 2)
    platform.broken = {second: (503, b"")}
    with pytest.raises(GridstressError) as error:
        fetch(platform, path)
    assert f"{platform.address}{second} (503 Service Unavailable)" in str(error.value)
    assert "continues" in error.value.hint
    assert error.value.exit_code == 1
    assert not path.exists()
    platform.broken, platform.asked = {}, []
    fetch(platform, path)
    assert platform.asked == ["/410/TenneT/index_quarterhour.json", second]


def test_a_week_that_was_fetched_while_it_was_new_is_fetched_again(
    platform: SmardPlatform, path: Path
) -> None:
    fetch(platform, path)
    first = path.parent / "cache" / platform.path("TenneT", 1).rpartition("/")[2]
    os.utime(first, times=(MONDAYS[2] + 86_400,) * 2)
    platform.asked = []
    fetch(platform, path)
    assert platform.asked[1:] == [platform.path("TenneT", 1)]


@pytest.mark.parametrize("body", [b"<html>", b'{"series": [[1, "x"]]}', b"\xff"])
def test_an_answer_that_is_no_week_is_refused_with_its_address_and_not_kept(
    body: bytes, platform: SmardPlatform, path: Path
) -> None:
    platform.broken = {platform.path("TenneT", 1): (200, body)}
    with pytest.raises(DataError, match="not the data expected") as error:
        fetch(platform, path)
    assert platform.path("TenneT", 1) in str(error.value)
    assert not (path.parent / "cache" / platform.path("TenneT", 1).rpartition("/")[2]).exists()


def test_a_time_before_all_data_is_an_error(platform: SmardPlatform, path: Path) -> None:
    with pytest.raises(DataError, match="no grid load of TenneT in that time"):
        Smard(path.parent, platform.address).fetch(["TenneT"], 0, 86_400, path)


def test_a_platform_that_is_gone_is_an_error_with_the_address(path: Path) -> None:
    with pytest.raises(GridstressError, match=r"http://127.0.0.1:1/410/DE/.* \(ConnectError\)"):
        Smard(path.parent, "http://127.0.0.1:1").fetch(["DE"], START, UNTIL, path)


def test_a_zone_that_smard_lacks_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match=r"no zone 'FR'; it has 50Hertz, .* and DE"):
        Smard(path.parent, "http://127.0.0.1:1").fetch(["FR"], START, UNTIL, path)


def test_weeks_that_go_on_beyond_their_ends_are_cut(platform: SmardPlatform, path: Path) -> None:
    platform.beyond = 8
    assert len(read_load(fetch(platform, path)).values) == 8 * 96


@pytest.mark.parametrize(("monday", "hours"), [("2019-03-25", 167), ("2019-10-21", 169)])
@pytest.mark.parametrize("weeks", [1, 2])
def test_a_week_with_a_clock_change_is_whole(
    monday: str, hours: int, weeks: int, path: Path
) -> None:
    begin, end = mondays(monday, 2)
    with smard_platform(mondays(monday, weeks)) as platform:
        platform.beyond = 4
        source = Smard(path.parent / "cache", platform.address)
        series = read_load(source.fetch(["TenneT"], begin, end, path))
    assert len(series.values) == 4 * hours
    assert (series.start.timestamp(), series.end.timestamp()) == (begin, end)


def test_a_damaged_week_in_the_cache_is_an_error_with_its_path(
    platform: SmardPlatform, path: Path
) -> None:
    fetch(platform, path)
    week = path.parent / "cache" / platform.path("TenneT", 1).rpartition("/")[2]
    week.write_bytes(b'{"series": [[')
    with pytest.raises(DataError, match=f"{week}: not the data expected") as error:
        fetch(platform, path)
    assert error.value.hint == "remove it: it will be fetched again"


def test_a_proxy_of_the_environment_is_used(
    platform: SmardPlatform, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", platform.address)
    Smard(path.parent / "cache", "http://smard.invalid").fetch(["TenneT"], START, UNTIL, path)
    assert platform.asked[0] == "/410/TenneT/index_quarterhour.json"


def test_a_file_that_cannot_be_written_is_found_before_anything_is_asked(
    platform: SmardPlatform, path: Path
) -> None:
    path.mkdir()
    (path / "in the way").touch()
    with pytest.raises(DataError, match="in the way: File exists"):
        fetch(platform, path / "in the way" / "load.csv")
    assert platform.asked == []


def test_weeks_are_counted(platform: SmardPlatform, path: Path) -> None:
    bar = CountingBar()
    source = Smard(path.parent / "cache", platform.address)
    source.fetch(ALL, START, UNTIL, path, progress=bar)
    assert (bar.total, bar.done) == (8, 8)
