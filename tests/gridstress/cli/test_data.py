import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridstress.cli import data
from gridstress.datasets import catalog
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
    with pytest.raises(UsageError, match="opsd"):
        run("fetch", "nothing")
    with pytest.raises(DataError, match="/dev/zero: not a file"):
        run("show", "/dev/zero")


def test_a_file_without_lines_is_read_no_further_than_a_header_may_be_long(tmp_path: Path) -> None:
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(8 << 30)
    with pytest.raises(DataError, match="endless: "):
        run("show", "endless")
