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
    # Shares follow what the lines that end there carry: two of four ends are in the middle.
    assert grid.ratings_mw.tolist() == pytest.approx([90, 180, 90])


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


def _unloaded(tmp_path: Path) -> str:
    """A PyPSA folder of three buses, two of them with loads of unknown size."""
    folder = tmp_path / "pypsa"
    folder.mkdir(parents=True)
    (folder / "buses.csv").write_text("name,v_nom,x,y\nn1,380,9,50\nn2,380,10,51\nn3,380,11,52\n")
    (folder / "lines.csv").write_text("name,bus0,bus1,s_nom\na,n1,n2,1000\nb,n2,n3,3000\n")
    (folder / "loads.csv").write_text("name,bus\nl1,n1\nl3,n3\n")
    return str(folder)


def test_import_says_what_it_assumed_and_marks_it_by_node(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = _run("import", _unloaded(tmp_path), "-o", str(out))
    assert "assumed: share of 2 of 3 nodes: by the capacity" in result.output
    assert "assumed: rating_mw of 2 of 3 nodes: 1.2 times" in result.output
    assert "1 nodes have no load, and no rating" in result.output
    listed = json.loads(_run("show", str(out), "--nodes", "--json").output)["node_list"]
    assert [(node["rating_mw"], node["assumed"]) for node in listed] == [
        (pytest.approx(60), ["share", "rating_mw"]),
        (None, []),
        (pytest.approx(180), ["share", "rating_mw"]),
    ]
    shown = _run("show", str(out), "--nodes").output
    assert "assumed: share of 2 of 3 nodes" in shown


def test_ratings_need_loads_or_a_peak(tmp_path: Path) -> None:
    args = ("import", _unloaded(tmp_path), "-o", str(tmp_path / "out.json"), "--ratings", "1.5")
    refused = _run(*args)
    assert isinstance(refused.exception, UsageError)
    assert "topology fit" in (refused.exception.hint or "")
    assert _run(*args, "--peak-mw", "1000").exit_code == 0
    ratings = load_grid(str(tmp_path / "out.json")).rated_mw.tolist()
    assert ratings == pytest.approx([375, 0, 1125])


def test_fit_rates_a_grid_for_a_load(tmp_path: Path) -> None:
    grid, load, out = (tmp_path / name for name in ("grid.json", "load.csv", "fit.json"))
    assert _run("import", _unloaded(tmp_path), "-o", str(grid)).exit_code == 0
    rows = [f"2024-01-{1 + h // 24:02}T{h % 24:02}:00Z,grid,{100 + h % 24}" for h in range(240)]
    load.write_text("\n".join(["timestamp,zone,load_mw", *rows]))
    args = ("fit", str(grid), "--load", str(load), "-o", str(out))
    result = _run(*args, "--stressed", "10%")
    assert result.exit_code == 0, result.output
    assert "10.00% of 480 node-hours are stressed" in result.output
    assert "times the node's peak in load.csv" in load_grid(str(out)).assumptions["rating_mw"]
    wrong = _run(*args, "--stressed", "some", "--force")
    assert isinstance(wrong.exception, UsageError)


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    node = {"id": "a", "name": "Nord [/b]", "lat": 0, "lon": 0, "zone": "[red]", "share": 1,
            "rating_mw": 5, "sensitivity": 0.5, "assumed": ["share"]}  # fmt: skip
    document = {"name": "[g]", "nodes": [node], "assumptions": {"share": "by \x1b[31m"}}
    path.write_text(json.dumps(document))
    for args in (["--nodes"], []):
        output = _run("show", str(path), *args).output
        assert "[g]" in output
        assert "[red]" in output
        assert "by \\x1b[31m" in output
    assert "Nord [/b]" in _run("show", str(path), "--nodes").output


def test_outages_of_an_idle_grid_are_said_to_say_nothing(tmp_path: Path) -> None:
    result = _run("outages", _unloaded(tmp_path))
    assert "0 of 2 outages overload" in result.output
    assert "note:" not in result.output  # n2 has no load, and so lines carry something
    folder = Path(_unloaded(tmp_path / "all"))
    (folder / "loads.csv").unlink()
    assert "note: no line carries as much as 1 %" in _run("outages", str(folder)).output
