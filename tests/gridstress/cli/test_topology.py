import json
from pathlib import Path

import networkx as nx
import pytest
from typer.testing import CliRunner, Result

from gridstress.cli.topology import app
from topology.errors import UsageError
from topology.loaders import load_grid


def _run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


def test_show_prints_germany_with_its_credit() -> None:
    result = _run("show")
    assert result.exit_code == 0
    assert "57 nodes, 93 lines" in result.output
    assert "© OpenStreetMap contributors" in result.output


def test_show_prints_json_that_adds_up() -> None:
    summary = json.loads(_run("show", "germany", "--json").output)
    assert sum(zone["nodes"] for zone in summary["zones"]) == summary["nodes"] == 57
    assert sum(summary["lines_by_kv"].values()) == summary["lines"] == 93
    assert summary["islands"] == 1


def test_validate_accepts_germany() -> None:
    result = _run("validate", "germany")
    assert result.exit_code == 0
    assert "0 errors, 0 warnings" in result.output


def test_validate_lists_every_error_with_its_fix_and_exits_4(tmp_path: Path) -> None:
    nx.write_graphml(nx.Graph([("a", "a"), ("a", "b"), ("c", "c")]), tmp_path / "g.graphml")
    result = _run("validate", str(tmp_path / "g.graphml"))
    assert result.exit_code == 4
    assert "line a-a: target" in result.output
    assert "line c-c: target" in result.output
    assert result.output.count("fix:") == 3
    assert "2 errors, 1 warnings" in result.output


def test_validate_prints_json_and_exits_4(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text('{"name": "g", "nodes": []}')
    result = _run("validate", str(tmp_path / "g.json"), "--json")
    assert result.exit_code == 4
    report = json.loads(result.stdout)
    assert report["errors"] == 1
    assert report["problems"][0]["field"] == "nodes"


def test_import_writes_a_grid_that_loads(tmp_path: Path) -> None:
    nx.write_graphml(nx.path_graph(3), tmp_path / "g.graphml")
    out = tmp_path / "out.json"
    args = (str(tmp_path / "g.graphml"), "-o", str(out), "--name", "path", "--peak-mw", "300")
    result = _run("import", *args)
    assert result.exit_code == 0, result.output
    grid = load_grid(str(out))
    assert (grid.name, len(grid.nodes), len(grid.lines)) == ("path", 3, 2)
    assert grid.ratings_mw.tolist() == pytest.approx([120.0] * 3)


def test_import_does_not_replace_a_file_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("precious")
    result = _run("import", "germany", "-o", str(out))
    assert isinstance(result.exception, UsageError)
    assert out.read_text() == "precious"
    assert _run("import", "germany", "-o", str(out), "--force").exit_code == 0
    assert load_grid(str(out)) == load_grid("germany")


def test_outages_tell_what_fails_what_it_overloads_and_where() -> None:
    found = json.loads(_run("outages", "--json").output)
    assert [row["outage"] for row in found["overloads"]][:2] == [
        "raitersaich - irsching",
        "hanekenfaehr - wesel",
    ]
    loadings = [row["loading"] for row in found["overloads"]]
    assert loadings == sorted(loadings, reverse=True)
    assert min(loadings) > 1
    ends = {end for row in found["overloads"] for end in row["overloads"].split(" - ")}
    assert set(found["nodes_touched"]) == ends
    assert found["parting"] == []
    output = _run("outages").output
    assert "131%" in output
    assert "4 of 93 outages overload a line, at 7 nodes; 0 part the grid" in output


def test_only_the_worst_outages_are_shown_unless_all_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "tight.json"
    assert _run("import", "germany", "-o", str(path)).exit_code == 0
    document = json.loads(path.read_text())
    for line in document["lines"]:
        line["limit_mw"] = 1_500
    path.write_text(json.dumps(document))
    some, every = (
        json.loads(_run("outages", str(path), "--json", *more).output)["overloads"]
        for more in ([], ["--all"])
    )
    assert len(some) == 20 < len(every)
    assert every[:20] == some


def test_parallel_circuits_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "double.json"
    assert _run("import", "germany", "-o", str(path)).exit_code == 0
    document = json.loads(path.read_text())
    for line in document["lines"]:
        line["limit_mw"] = 700
    turned = [line | {"source": line["target"], "target": line["source"]}
              for line in document["lines"]]  # fmt: skip
    document["lines"] += turned
    path.write_text(json.dumps(document))
    found = json.loads(_run("outages", str(path), "--json", "--all").output)["overloads"]
    rows = {(one["outage"], one["overloads"]) for one in found}
    assert len(rows) == len(found) > 10
    assert all(", circuit " in name for row in rows for name in row)
