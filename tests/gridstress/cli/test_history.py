"""``gridstress history``: what an archive has, in a terminal."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from gridstress.archive.retention import kept_runs
from gridstress.cli import app
from gridstress.settings import Settings
from tests.gridstress.archive.test_past import frames_of
from tests.support.archives import archive_in, record_of, topics_of
from topology.errors import DataError, UsageError
from topology.grid import Grid


@pytest.fixture
def home(tmp_path: Path, triangle: Grid, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of two runs."""
    home = tmp_path / "archive"
    settings = Settings(partitions=2, size_s=3 * 3600, archive_dir=home)
    for run, hours in (("long", 60), ("short", 30)):
        frames = frames_of(triangle, hours, run)
        records = topics_of(frames, triangle, settings, record_of(triangle, settings, run))
        archive_in(home, records, settings.model_names)
    monkeypatch.setenv("GRIDSTRESS_ARCHIVE_DIR", str(home))
    return home


def history(*words: str, given: str = "") -> Result:
    found = CliRunner().invoke(app, ["history", *words], input=given)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def test_runs_are_listed_with_dates_length_alarms_and_size(home: Path) -> None:
    first, *lines = history("list").stdout.splitlines()
    assert first.split() == ["run", "begins", "ends", "rows", "alarms", "MB", "state", "written"]
    by_run = {line.split()[0]: line.split() for line in lines}
    assert by_run["long"][1:4] == ["2019-01-01T00:00:00Z", "2019-01-03T12:00:00Z", "120"]
    assert by_run["short"][3] == "60"
    runs = [json.loads(line) for line in history("list", "--json").stdout.splitlines()]
    assert {run["run"]: run["rows"] for run in runs} == {"long": 120, "short": 60}
    assert all(run["episodes"] > 0 for run in runs)
    assert all(run["bytes"] > 1_000 for run in runs)


def test_a_moment_shows_the_nodes_with_the_highest_risk(home: Path) -> None:
    lines = history("show", "long", "--at", "2019-01-01T15:30Z", "--limit", "2").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["centrality"] * 2 + ["linear"] * 2
    assert {line.split()[1] for line in lines[1:]} == {"2019-01-01T15:00:00Z"}
    calm = history("show", "long", "--at", "2019-01-01T05:00Z")
    assert "no node has any stress" in calm.stderr


def test_sql_sees_every_view(home: Path) -> None:
    query = "SELECT run, count(*) AS n FROM measurements WHERE NOT final GROUP BY run ORDER BY run"
    found = [json.loads(line) for line in history("sql", query, "--json").stdout.splitlines()]
    assert found == [{"run": "long", "n": 120}, {"run": "short", "n": 60}]
    for view in ("windows", "alerts", "episodes", "nodes", "runs"):
        assert history("sql", f"SELECT * FROM {view} LIMIT 1").exit_code == 0, view
    with pytest.raises(UsageError, match="syntax error"):
        history("sql", "SELEC 1")


def test_a_run_is_exported_as_parquet_and_as_csv(home: Path, tmp_path: Path) -> None:
    for form in ("parquet", "csv"):
        history("export", "short", "--to", str(tmp_path / form), "--format", form)
    nodes = pd.read_csv(tmp_path / "csv/nodes.csv")
    assert set(nodes["run"]) == {"short"}
    assert nodes["risk"].between(0, 1).all()
    assert (tmp_path / "parquet/measurements.parquet").stat().st_size > 500


def test_a_run_is_deleted_once_that_is_confirmed(home: Path) -> None:
    assert history("delete", "short", given="n\n").exit_code == 1
    assert {kept.run for kept in kept_runs(home)} == {"long", "short"}
    assert history("delete", "short", "--yes").exit_code == 0
    assert {kept.run for kept in kept_runs(home)} == {"long"}
    with pytest.raises(DataError, match="no run 'short'") as caught:
        history("delete", "short", "--yes")
    assert "long" in caught.value.hint
