"""The oracle walks every simple path with networkx and shares no code with the matrices."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

from tests.support.speed import cpu_under
from tests.topology.samples import grid_of, random_grid
from topology.grid import Grid
from topology.influence import paths
from topology.influence.paths import (
    InfluenceParams,
    _max_times,
    centrality_influence,
    linear_influence,
)
from topology.loaders import load_grid
from topology.messages import Floats
from topology.models import MODELS


def _oracle(grid: Grid, factor: dict[str, float], max_hops: int, decay: float) -> Floats:
    graph = nx.MultiGraph()
    graph.add_nodes_from(grid.ids)
    for line in grid.lines:
        graph.add_edge(line.source, line.target, coupling=line.coupling)
    best = np.eye(len(grid.ids))
    for i, s in enumerate(grid.ids):
        for j, t in enumerate(grid.ids):
            if i == j or not max_hops:
                continue
            for path in nx.all_simple_edge_paths(graph, s, t, cutoff=max_hops):
                product = 1.0
                for hop, (u, v, key) in enumerate(path):
                    step = min(1.0, graph.edges[u, v, key]["coupling"] * factor[v])
                    product *= step if hop == 0 else step * decay
                best[i, j] = max(best[i, j], product)
    return best


@pytest.mark.parametrize("max_hops", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_linear_influence_is_the_best_of_all_paths(seed: int, max_hops: int) -> None:
    grid = random_grid(seed)
    params = InfluenceParams(max_hops=max_hops, decay=0.6)
    expected = _oracle(grid, {n.id: n.sensitivity for n in grid.nodes}, max_hops, 0.6)
    np.testing.assert_allclose(linear_influence(grid, params).toarray(), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["degree", "betweenness"])
@pytest.mark.parametrize("alpha", [0.0, 0.6, 5.0])
def test_centrality_influence_is_the_best_of_all_paths(alpha: float, kind: str) -> None:
    grid = random_grid(7)
    params = InfluenceParams(alpha=alpha, centrality=kind)  # type: ignore[arg-type]
    simple = nx.Graph((e.source, e.target) for e in grid.lines)
    simple.add_nodes_from(grid.ids)
    scores = getattr(nx, f"{kind}_centrality")(simple)
    factor = {n: 1 + alpha * score for n, score in scores.items()}
    expected = _oracle(grid, factor, 3, 0.7)
    np.testing.assert_allclose(centrality_influence(grid, params).toarray(), expected, rtol=1e-12)


def test_a_three_hop_chain_by_hand() -> None:
    grid = grid_of(
        [("a", "b", 0.5), ("b", "c", 0.8), ("c", "d", 0.9)],
        {"a": 1.0, "b": 0.9, "c": 0.5, "d": 0.6},
    )
    matrix = linear_influence(grid, InfluenceParams(max_hops=2, decay=0.7)).toarray()
    expected = [1, 0.5 * 0.9, 0.5 * 0.9 * 0.7 * 0.8 * 0.5, 0]
    np.testing.assert_allclose(matrix[0], expected)


def test_influence_has_a_direction_as_sensitivities_differ() -> None:
    matrix = linear_influence(grid_of([("a", "b", 0.5)], {"a": 1, "b": 0.2}), InfluenceParams())
    assert matrix[0, 1] == pytest.approx(0.1)
    assert matrix[1, 0] == pytest.approx(0.5)


def test_of_parallel_lines_the_best_coupled_one_counts() -> None:
    grid = grid_of([("a", "b", 0.2), ("b", "a", 0.6), ("a", "b", 0.4)], {"a": 1, "b": 1})
    assert linear_influence(grid, InfluenceParams())[0, 1] == pytest.approx(0.6)


def test_nothing_crosses_from_one_island_to_another() -> None:
    grid = grid_of([("a", "b", 1.0), ("c", "d", 1.0)], dict.fromkeys("abcde", 1.0))
    for model in MODELS.values():
        matrix = model.build(grid, InfluenceParams(max_hops=10)).toarray()
        assert not matrix[:2, 2:].any()
        assert not matrix[2:, :2].any()
        assert matrix[4].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("model", sorted(MODELS))
def test_factors_stay_within_one_and_the_diagonal_is_one(model: str) -> None:
    matrix = MODELS[model].build(load_grid("germany"), InfluenceParams(alpha=50.0, decay=1.0))
    assert matrix.diagonal().tolist() == [1.0] * 57
    assert matrix.data.min() > 0
    assert matrix.data.max() <= 1.0


def test_more_hops_never_take_influence_away() -> None:
    grid = load_grid("germany")
    near, far = (linear_influence(grid, InfluenceParams(max_hops=h)).toarray() for h in (2, 4))
    assert (far >= near).all()
    assert (far > near).any()


@pytest.mark.parametrize("max_hops", [0, 1, 3, 10])
@pytest.mark.parametrize("seed", range(4))
def test_influence_equals_its_definition_bit_for_bit_however_it_is_cut(
    seed: int, max_hops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "SOURCES_AT_ONCE", 7)
    grid = random_grid(seed, nodes=40, lines=50)
    into = np.array([node.sensitivity for node in grid.nodes])
    hop = np.zeros((40, 40))
    for line in grid.lines:
        for u, v in ((line.source, line.target), (line.target, line.source)):
            i, j = grid.index[u], grid.index[v]
            hop[i, j] = max(hop[i, j], min(1.0, line.coupling * into[j]))
    reach, expected = hop, np.eye(40)
    for length in range(1, max_hops + 1):
        if length > 1:
            reach = (reach[:, :, None] * (hop * 0.7)[None, :, :]).max(axis=1)
        expected = np.maximum(expected, reach)
    matrix = linear_influence(grid, InfluenceParams(max_hops=max_hops))
    assert matrix.has_sorted_indices
    np.testing.assert_array_equal(matrix.toarray(), expected)


@pytest.mark.parametrize("seed", range(3))
def test_the_max_times_product_equals_its_definition_bit_for_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = (sp.csr_array(rng.random((9, 9)) * (rng.random((9, 9)) < 0.3)) for _ in range(2))
    expected = (left.toarray()[:, :, None] * right.toarray()[None, :, :]).max(axis=1)
    np.testing.assert_array_equal(_max_times(left, right).toarray(), expected)


def test_the_max_times_product_of_empty_matrices_is_empty_and_underflow_leaves_no_zeros() -> None:
    empty = sp.csr_array((3, 3))
    assert _max_times(empty, empty).nnz == 0
    tiny = sp.csr_array(np.array([[0.0, 1e-300], [1e-300, 0.0]]))
    assert _max_times(tiny, tiny).nnz == 0


@pytest.mark.explore
def test_a_grid_of_nine_thousand_nodes_is_built_in_under_three_seconds() -> None:
    side = 96
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    names = [f"n{i:04}" for i in graph]
    grid = grid_of([(names[u], names[v], 0.5) for u, v in graph.edges], dict.fromkeys(names, 0.9))
    with cpu_under(3):
        matrix = linear_influence(grid, InfluenceParams(max_hops=3))
    middle = names.index(names[side * side // 2 + side // 2])
    assert len(matrix[[middle], :].nonzero()[1]) == 25  # cells within 3 steps on a square grid
