"""``gridstress history``: what an archive has, in a terminal."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from gridstress.archive.files import Archive, run_folder
from gridstress.archive.history import open_history
from gridstress.archive.query import query_archive
from gridstress.archive.reading import FETCHED_ROWS, ArchivedRun
from gridstress.archive.retention import kept_runs
from gridstress.cli import app
from gridstress.settings import Settings
from tests.gridstress.archive.test_past import frames_of
from tests.support.archives import archive_in, record_of, topics_of
from topology.clock import to_iso
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


def test_a_moment_shows_the_levels_of_that_moment(home: Path) -> None:
    archived = ArchivedRun(run_folder(home, "long"))
    for model in ("linear", "centrality"):
        seen = set()
        for window in islice(archived.windows_until([model], None), 0, None, 4):
            expected = archived.levels_at(model, window.window_end)
            at = to_iso(window.window_end.timestamp())
            lines = history("show", "long", "--at", at, "--model", model).stdout.splitlines()[1:]
            shown = {line.split()[2]: (line.split()[5:] or [None])[0] for line in lines}
            assert shown == {node: expected.get(node) for node in window.nodes}, at
            seen |= set(expected.values())
        assert len(seen) > 1, model


@pytest.mark.parametrize(
    "query",
    [
        "",
        "/* nothing */",
        "SELECT 1; SELECT 2",
        "CREATE TABLE t (i INT)",
        "SET threads = 2",
        "EXPLAIN ANALYZE SELECT 1",
        "COPY (SELECT 1) TO '{there}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{there}'",
        "ATTACH '{there}'",
        "EXPORT DATABASE '{there}'",
        "SELECT 1; COPY (SELECT 1) TO '{there}'",
    ],
)
def test_sql_only_reads(home: Path, tmp_path: Path, query: str) -> None:
    there = tmp_path / "there"
    with pytest.raises(UsageError, match="one SELECT is needed"):
        history("sql", query.format(there=there))
    assert not there.exists()


@pytest.mark.parametrize("query", ["FROM runs", "DESCRIBE nodes", "WITH a AS (FROM runs) FROM a"])
def test_sql_takes_what_reads_in_other_words(home: Path, query: str) -> None:
    assert history("sql", query).stdout.count("\n") > 2


def test_json_has_null_for_what_json_does_not_know(home: Path) -> None:
    query = (
        "SELECT 'nan'::DOUBLE AS a, ['inf'::DOUBLE, 1.5] AS b, {'c': '-inf'::DOUBLE} AS d, "
        "MAP {DATE '2025-01-01': 'nan'::FLOAT} AS e, '2025-01-01 12:00+01'::TIMESTAMPTZ AS f, "
        "'2025-01-01 12:00'::TIMESTAMP AS g, 2::HUGEINT ** 70 AS h, 'x'::BLOB AS i, NULL AS j"
    )
    (line,) = history("sql", query, "--json").stdout.splitlines()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(line, parse_constant=refuse) == {
        "a": None,
        "b": [None, 1.5],
        "d": {"c": None},
        "e": {"2025-01-01": None},
        "f": "2025-01-01T11:00:00Z",
        "g": "2025-01-01T12:00:00Z",
        "h": 2**70,
        "i": "b'x'",
        "j": None,
    }


def test_json_refuses_columns_of_one_name(home: Path) -> None:
    query = "SELECT 1 AS a, 2 AS b, 3 AS a"
    with pytest.raises(UsageError, match="several columns are called a"):
        history("sql", query, "--json")
    assert history("sql", query).stdout.split() == ["a", "b", "a", "1", "2", "3"]


def test_rows_are_given_while_others_are_still_read(home: Path) -> None:
    late = "SELECT repeat('x', 1000), IF(range < 19999, 1, error('late')) FROM range(20000)"
    rows = query_archive(home, late).rows
    assert len(list(islice(rows, FETCHED_ROWS + 1))) == FETCHED_ROWS + 1
    with pytest.raises(UsageError, match="late"):
        list(rows)


def test_a_run_that_is_compacted_meanwhile_is_read_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def opened_before_it_is_compacted(of: Path) -> Any:
        opened.append(open_history(of))
        for kept in kept_runs(of):
            Archive.open(of).compact(kept.folder)
        return opened[-1]

    monkeypatch.setattr("gridstress.archive.query.open_history", opened_before_it_is_compacted)
    query = "SELECT count(*) AS n FROM measurements WHERE NOT final"
    assert json.loads(history("sql", query, "--json").stdout) == {"n": 180}
    assert len(opened) == 2


def test_files_that_are_not_there_are_an_error(home: Path) -> None:
    with pytest.raises(DataError, match=f"{home} cannot be read: IO Error: No files found"):
        history("sql", f"FROM read_parquet('{home}/none.parquet')")


@pytest.mark.parametrize("words", [("list",), ("export", "long", "--to", "{there}")])
def test_a_file_that_is_no_parquet_is_an_error(
    home: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    for path in (home / "runs").glob("*/measurements-*"):
        path.write_bytes(b"PAR1, but nothing else of it")
    with pytest.raises(DataError, match=f"the archive {home} cannot be read: "):
        history(*(word.format(there=tmp_path / "there") for word in words))


def test_an_export_to_where_nothing_can_be_written_is_an_error(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert history("export", "short", "--to", str(tmp_path / "file")).exit_code == 2
    with pytest.raises(DataError, match="file/below cannot be written: Not a directory"):
        history("export", "short", "--to", str(tmp_path / "file/below"))
    (tmp_path / "taken/nodes.csv").mkdir(parents=True)
    with pytest.raises(DataError, match=r"nodes\.csv cannot be written: Is a directory"):
        history("export", "short", "--to", str(tmp_path / "taken"), "--format", "csv")


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
