import networkx as nx
import pytest

from tests.topology.samples import random_grid
from topology.influence.adjacency import neighbours


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_and_their_order_are_those_of_a_networkx_graph(seed: int) -> None:
    grid = random_grid(seed)
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(grid.ids)
    for line in grid.lines:
        known = graph.get_edge_data(line.source, line.target, {"coupling": 0.0})["coupling"]
        graph.add_edge(line.source, line.target, coupling=max(known, line.coupling))
    matrix = neighbours(grid)
    for i, node_id in enumerate(grid.ids):
        begin, end = matrix.indptr[i : i + 2]
        named = [grid.ids[j] for j in matrix.indices[begin:end]]
        assert named == list(graph[node_id])
        couplings = [data["coupling"] for data in graph[node_id].values()]
        assert matrix.data[begin:end].tolist() == couplings


def test_a_line_from_a_node_to_itself_counts_for_nothing() -> None:
    grid = random_grid(1)
    loop = type(grid.lines[0])(grid.ids[0], grid.ids[0], 1, 380, 0.9)
    looped = type(grid)(grid.name, grid.nodes, (*grid.lines, loop))
    assert (neighbours(looped) != neighbours(grid)).nnz == 0
