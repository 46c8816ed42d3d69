import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridstress.cli import data
from gridstress.datasets import catalog
from gridstress.datasets.pieces import file_name
from gridstress.datasets.smard_api import Smard
from tests.support.entsoe_platform import TOKEN, entsoe_platform
from tests.support.smard_platform import smard_platform
from topology.errors import DataError, UsageError

runner = CliRunner()


def run(*arguments: str) -> str:
    result = runner.invoke(data.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture(autouse=True)
def _an_empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalog, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)


def test_list_names_the_data_sets_and_whose_they_are() -> None:
    text = run("list")
    assert "synthetic" in text
    assert "Bundesnetzagentur | SMARD.de, CC BY 4.0" in text
    assert "not fetched" in text
    entries = json.loads(run("list", "--json"))
    assert [(e["name"], e["available"]) for e in entries] == [("synthetic", True), ("opsd", False)]


def test_show_says_what_a_file_is_and_where_it_has_gaps(tmp_path: Path) -> None:
    hours = [f"2024-01-01T{h:02}:00Z,A,{h}" for h in (0, 1, 4)]
    (tmp_path / "mine").write_text("\n".join(["timestamp,zone,load_mw", *hours]))
    text = run("show", "mine")
    assert "plain CSV" in text
    assert "2024-01-01T00:00:00Z to 2024-01-01T05:00:00Z" in text
    assert "missing: A 2024-01-01T02:00:00Z to 2024-01-01T04:00:00Z (2 rows)" in text
    shown = json.loads(run("show", "mine", "--json"))
    assert shown["period_s"] == 3600
    assert shown["zones"] == [
        {"zone": "A", "values": 3, "missing": 2, "min_mw": 0.0, "mean_mw": 1.7, "max_mw": 4.0}
    ]


def test_show_survives_a_zone_without_any_value(tmp_path: Path) -> None:
    rows = ["timestamp,zone,load_mw", "2024-01-01T00:00Z,A,", "2024-01-01T01:00Z,A,"]
    (tmp_path / "mine").write_text("\n".join(rows))
    assert json.loads(run("show", "mine", "--json"))["zones"][0]["mean_mw"] is None
    assert "-" in run("show", "mine")


def test_show_of_nothing_and_fetch_of_the_unknown_are_errors() -> None:
    with pytest.raises(DataError, match="nothing"):
        run("show", "nothing")
    assert runner.invoke(data.app, ["fetch", "nothing"]).exit_code == 2
    with pytest.raises(DataError, match="/dev/zero: not a file"):
        run("show", "/dev/zero")


def test_fetch_without_a_name_lists_what_there_is() -> None:
    text = run("fetch")
    for name in ("opsd", "smard", "entsoe"):
        assert f" {name} " in text


def test_fetched_weeks_are_a_file_that_show_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monday = 1_546_210_800
    monkeypatch.setattr("gridstress.datasets.fetch.cache_dir", lambda: tmp_path / "cache")
    span = ("--from", "2019-01-01", "--until", "2019-01-03T12:00Z")
    with smard_platform([monday]) as platform:
        monkeypatch.setattr(
            "gridstress.datasets.smard_api.Smard", partial(Smard, address=platform.address)
        )
        found = runner.invoke(data.app, ["fetch", "smard", "--zone", "TenneT", *span])
    path = tmp_path / "cache" / "smard_TenneT_2019-01-01_2019-01-03T1200.csv"
    assert found.stdout.splitlines() == [str(path)]
    assert f"gridstress data show {path}" in found.stderr
    assert f"gridstress replay {path}" in found.stderr
    shown = json.loads(run("show", str(path), "--json"))
    assert (shown["period_s"], shown["rows"]) == (900, 240)
    assert shown["end"] == "2019-01-03T12:00:00Z"


def test_entsoe_needs_a_token_and_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("fetch", "entsoe", "--zone", "FR", "--from", "2019-01-01", "--until", "2019-02-01")
    monkeypatch.delenv("GRIDSTRESS_ENTSOE_TOKEN", raising=False)
    with pytest.raises(UsageError, match="GRIDSTRESS_ENTSOE_TOKEN is not set"):
        run(*asked)
    monkeypatch.setitem(sys.modules, "entsoe.mappings", None)
    with pytest.raises(UsageError, match="entsoe-py is not installed") as error:
        run(*asked)
    assert error.value.hint == "pip install 'gridstress[feed]'"


def test_fetched_months_are_a_file_that_show_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRIDSTRESS_ENTSOE_TOKEN", TOKEN)
    monkeypatch.setattr("gridstress.datasets.fetch.cache_dir", lambda: tmp_path / "cache")
    span = ("--from", "2024-01-01T00:00+01:00", "--until", "2024-01-02T00:00+01:00")
    with entsoe_platform(datetime(2024, 1, 3, tzinfo=UTC)) as platform:
        monkeypatch.setattr("entsoe.entsoe.URL", platform.url)
        path = run("fetch", "entsoe", "--zone", "fr", *span, "--to", str(tmp_path)).strip()
    assert path == str(tmp_path / "entsoe_FR_2023-12-31T2300_2024-01-01T2300.csv")
    shown = json.loads(run("show", path, "--json"))
    assert (shown["credit"], shown["rows"]) == ("ENTSO-E Transparency Platform", 96)


def test_a_file_has_the_publishers_name_of_its_zone_and_no_end_if_none_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gridstress.datasets.fetch.cache_dir", lambda: tmp_path / "cache")
    asked = ("fetch", "smard", "--from", "2019-01-01", "--to", str(tmp_path / "to"))
    with smard_platform([1_546_210_800]) as platform:
        monkeypatch.setattr(
            "gridstress.datasets.smard_api.Smard", partial(Smard, address=platform.address)
        )
        for _ in range(2):
            run(*asked, "--zone", "CTA|DE(TenneT GER)")
        run(*asked, "--until", "9999-12-31", "--zone", "tennet")
        with pytest.raises(UsageError, match="SMARD has no zone"):
            run(*asked, "--zone", "../TenneT")
    assert [path.name for path in (tmp_path / "to").iterdir()] == [
        "smard_TenneT_2019-01-01_now.csv"
    ]


def test_a_file_of_many_zones_names_the_first() -> None:
    zones = [f"NO_{number}" for number in range(60)]
    name = file_name("entsoe", zones, 0, 86_400)
    assert name.startswith("entsoe_NO_0_NO_1_NO_2_NO_3_NO_4_NO_5_and_54_more_")
    assert len(name) < 100
    assert name != file_name("entsoe", zones[::-1], 0, 86_400)
    assert file_name("x", ["A"], 0, 3600) == "x_A_1970-01-01_1970-01-01T0100.csv"


@pytest.mark.parametrize(
    ("start", "problem"),
    [("9999-12-01", "is not before now"), ("1000-01-01", "is before 2014-01-01T00:00:00Z")],
)
def test_a_time_without_data_is_wrong_usage(start: str, problem: str) -> None:
    with pytest.raises(UsageError, match=f"--from {start} {problem}"):
        run("fetch", "entsoe", "--zone", "FR", "--from", start, "--until", "9999-12-31")


def test_a_span_that_ends_before_it_begins_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="--from 2020-01-01 is not before --until 2019-01-01"):
        run("fetch", "smard", "--from", "2020-01-01", "--until", "2019-01-01")


def test_a_file_without_lines_is_read_no_further_than_a_header_may_be_long(tmp_path: Path) -> None:
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(8 << 30)
    with pytest.raises(DataError, match="endless: "):
        run("show", "endless")
