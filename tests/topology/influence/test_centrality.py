import networkx as nx
import numpy as np
import pytest

from tests.topology.samples import grid_of, random_grid
from topology.errors import UsageError
from topology.grid import Grid
from topology.influence import centrality
from topology.influence.centrality import centrality_of
from topology.loaders import load_grid


def _graph(grid: Grid) -> "nx.Graph[str]":
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(grid.ids)
    graph.add_edges_from((line.source, line.target) for line in grid.lines)
    return graph


@pytest.mark.parametrize("kind", ["degree", "betweenness"])
@pytest.mark.parametrize("lines", [10, 30, 90])
def test_it_is_that_of_networkx_to_the_last_bit(kind: str, lines: int) -> None:
    grid = random_grid(lines, nodes=40, lines=lines)
    scores = getattr(nx, f"{kind}_centrality")(_graph(grid))
    expected = [scores[node_id] for node_id in grid.ids]
    assert centrality_of(grid, kind).tolist() == expected  # type: ignore[arg-type]


def test_betweenness_of_a_large_grid_is_estimated_as_networkx_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(centrality, "BETWEENNESS_SAMPLE", 25)
    grid = random_grid(5, nodes=60, lines=90)
    scores = nx.betweenness_centrality(_graph(grid), k=25, seed=0)
    assert centrality_of(grid, "betweenness").tolist() == [scores[n] for n in grid.ids]


@pytest.mark.parametrize("kind", ["degree", "betweenness", "eigenvector"])
def test_a_grid_of_one_or_two_nodes_has_centralities(kind: str) -> None:
    for grid in (grid_of([], {"a": 1.0}), grid_of([("a", "b", 1.0)], {"a": 1.0, "b": 1.0})):
        scores = centrality_of(grid, kind)  # type: ignore[arg-type]
        assert scores.shape == (len(grid.nodes),)
        assert np.isfinite(scores).all()


def test_eigenvector_centrality_is_that_of_networkx() -> None:
    grid = load_grid("germany")
    graph = nx.Graph((e.source, e.target) for e in grid.lines)
    expected = nx.eigenvector_centrality_numpy(graph)
    mine = centrality_of(grid, "eigenvector")
    np.testing.assert_allclose(mine, [expected[n] for n in grid.ids], atol=1e-9)


def test_eigenvector_centrality_of_a_large_grid_solves_the_eigen_equation() -> None:
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(20, 13))
    names = [f"n{i:03}" for i in graph]
    grid = grid_of([(names[u], names[v], 0.5) for u, v in graph.edges], dict.fromkeys(names, 1.0))
    scores = centrality_of(grid, "eigenvector")
    image = nx.to_numpy_array(graph) @ scores
    np.testing.assert_allclose(image, scores * (image @ scores), atol=1e-8)
    np.testing.assert_array_equal(scores, centrality_of(grid, "eigenvector"))


def test_eigenvector_centrality_works_on_islands() -> None:
    grid = grid_of(
        [("a", "b", 1.0), ("c", "d", 1.0), ("d", "e", 1.0)], dict.fromkeys("abcdef", 1.0)
    )
    scores = centrality_of(grid, "eigenvector")
    assert scores[5] == 0
    assert (scores[:5] > 0).all()
    assert scores[3] == scores.max()


def test_an_unknown_centrality_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="'pagerank'"):
        centrality_of(load_grid("germany"), "pagerank")  # type: ignore[arg-type]
