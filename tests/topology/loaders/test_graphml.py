from pathlib import Path

import networkx as nx
import pytest

from topology.errors import DataError
from topology.loaders import load_grid

BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">
<node id="&c;"/></graph></graphml>"""


def test_what_networkx_writes_reads_back(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_node("a", label="Aachen", Latitude=50.8, Longitude=6.1, country="DE", load=30.0)
    graph.add_node("b", label="Bonn", Latitude=50.7, Longitude=7.1, country="DE", load=10.0)
    graph.add_edge("a", "b", voltage=220.0)
    nx.write_graphml(graph, tmp_path / "g.graphml")
    grid = load_grid(str(tmp_path / "g.graphml"))
    aachen, bonn = grid.nodes
    assert (aachen.name, aachen.zone, aachen.lat, aachen.share) == ("Aachen", "DE", 50.8, 0.75)
    assert bonn.rating_mw == pytest.approx(12)
    (line,) = grid.lines
    assert line.voltage_kv == 220
    assert line.length_km == pytest.approx(71.2, abs=0.5)  # 70.3 km eastward, 11.1 km northward
    assert grid.name == "g"


def test_a_bare_graph_gets_every_default(tmp_path: Path) -> None:
    nx.write_graphml(nx.path_graph(4), tmp_path / "bare.xml")
    grid = load_grid(str(tmp_path / "bare.xml"))
    assert grid.ids == ("0", "1", "2", "3")
    assert [n.share for n in grid.nodes] == pytest.approx([1 / 6, 1 / 3, 1 / 3, 1 / 6])
    assert grid.zone_shares == {"grid": 1.0}
    assert len({(n.lat, n.lon) for n in grid.nodes}) == 4


def test_directed_and_parallel_edges_become_lines(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph([("a", "b"), ("a", "b"), ("b", "a")])
    nx.write_graphml(graph, tmp_path / "multi.graphml")
    assert len(load_grid(str(tmp_path / "multi.graphml")).lines) == 3


def test_a_document_type_is_refused_before_any_entity_grows(tmp_path: Path) -> None:
    (tmp_path / "bomb.graphml").write_text(BOMB)
    with pytest.raises(DataError, match="document type") as caught:
        load_grid(str(tmp_path / "bomb.graphml"))
    assert caught.value.hint


def test_an_external_entity_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = BOMB.replace('"ha"', f'SYSTEM "file://{secret}"').encode("utf-16")
    (tmp_path / "external.graphml").write_bytes(text)
    with pytest.raises(DataError):
        load_grid(str(tmp_path / "external.graphml"))


@pytest.mark.parametrize("text", ["<graphml", "<html><body/></html>", "<a></b>"])
def test_other_xml_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.graphml").write_text(text)
    with pytest.raises(DataError) as caught:
        load_grid(str(tmp_path / "x.graphml"))
    assert "\n" not in str(caught.value)


def test_a_self_loop_is_reported_by_name(tmp_path: Path) -> None:
    nx.write_graphml(nx.Graph([("a", "b"), ("b", "b")]), tmp_path / "loop.graphml")
    with pytest.raises(DataError, match="line b-b: target is its source"):
        load_grid(str(tmp_path / "loop.graphml"))
