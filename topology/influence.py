"""Influence matrices: how much of a source's stress each node takes on, one matrix a model.

``K[s, t]`` is the largest product of hop factors over the paths of at most ``max_hops`` lines
from *s* to *t*, and ``K[s, s] = 1``. A hop into *v* over line (u, v) has the factor

- linear attenuation: ``coupling(u, v) * sensitivity(v)``
- centrality-based: ``coupling(u, v) * (1 + alpha * centrality(v))``, at most 1

and is multiplied by ``decay`` from the second hop on. No factor exceeds 1, so that going round
in a circle never pays and the best walk is the best path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import networkx as nx
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh

from topology.errors import UsageError
from topology.grid import Grid
from topology.messages import Floats

Centrality = Literal["degree", "betweenness", "eigenvector"]
Matrix: TypeAlias = sp.csr_array

BETWEENNESS_SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class InfluenceParams:
    """``max_hops`` >= 0; ``decay`` in (0, 1]; ``alpha`` >= 0 weighs the centrality."""

    max_hops: int = 3
    decay: float = 0.7
    alpha: float = 0.6
    centrality: Centrality = "degree"


def to_graph(grid: Grid) -> "nx.Graph[str]":
    """The grid as an undirected networkx graph; of parallel lines the best coupled one counts."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(grid.ids)
    for line in grid.lines:
        known = graph.get_edge_data(line.source, line.target, {"coupling": 0.0})["coupling"]
        graph.add_edge(line.source, line.target, coupling=max(known, line.coupling))
    return graph


def centrality_of(grid: Grid, kind: Centrality) -> Floats:
    """Centrality of each node in [0, 1], shape (nodes,), as networkx defines it.

    Betweenness is estimated from 1,000 nodes in larger grids, where the exact one takes many
    minutes. Eigenvector centrality is that of each island, times the square root of its part of
    the nodes, so that the squares sum to 1 over the grid.
    """
    graph = to_graph(grid)
    if kind == "degree":
        scores: dict[str, float] = nx.degree_centrality(graph)
    elif kind == "betweenness":
        sample = None if len(graph) <= BETWEENNESS_SAMPLE else BETWEENNESS_SAMPLE
        scores = nx.betweenness_centrality(graph, k=sample, seed=0)
    elif kind == "eigenvector":
        scores = _eigenvector_centrality(graph)
    else:
        raise UsageError(f"unknown centrality {kind!r}; use degree, betweenness or eigenvector")
    return np.array([scores[node_id] for node_id in grid.ids])


def _eigenvector_centrality(graph: "nx.Graph[str]") -> dict[str, float]:
    """Each island's leading eigenvector, weighed by the island's part of the nodes.

    networkx refuses graphs of several islands, and starts from a random vector: two workers
    would differ in the last digits. Hence a fixed start, and rounding far above those digits.
    """
    scores: dict[str, float] = {}
    for island in nx.connected_components(graph):
        members = sorted(island)
        adjacency = nx.to_scipy_sparse_array(graph, members, weight=None, dtype=float)
        if len(members) <= 100:
            vector = np.linalg.eigh(adjacency.toarray())[1][:, -1]
        else:
            start = np.ones(len(members))
            vector = eigsh(adjacency, k=1, which="LA", v0=start)[1][:, 0]
        weight = np.sqrt(len(members) / len(graph)) if len(members) > 1 else 0.0
        scores.update(zip(members, np.round(np.abs(vector) * weight, 12).tolist(), strict=True))
    return scores


def _hops(grid: Grid, into: Floats) -> Matrix:
    """One-hop factors ``F[u, v] = min(1, coupling * into[v])``."""
    rows, cols, values = [], [], []
    for u, v, data in to_graph(grid).edges(data=True):
        if u == v:
            continue
        i, j = grid.index[u], grid.index[v]
        for a, b in ((i, j), (j, i)):
            rows.append(a)
            cols.append(b)
            values.append(min(1.0, data["coupling"] * into[b]))
    n = len(grid.nodes)
    return sp.csr_array((values, (rows, cols)), shape=(n, n))


def _max_times(left: Matrix, right: Matrix) -> Matrix:
    """The (max, *) product of two sparse non-negative matrices of the same square shape."""
    n = left.shape[0]
    left_rows = np.repeat(np.arange(n), np.diff(left.indptr))
    # Every entry (i, j) of left meets all entries (j, t) of right: lay these pairs end to end.
    fan_out = np.diff(right.indptr)[left.indices]
    pair = np.repeat(np.arange(left.nnz), fan_out)
    first = np.cumsum(fan_out) - fan_out
    met = right.indptr[left.indices][pair] + np.arange(len(pair)) - first[pair]
    products = left.data[pair] * right.data[met]
    keys = left_rows[pair] * np.int64(n) + right.indices[met]
    order = np.argsort(keys, kind="stable")
    keys, products = keys[order], products[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    best = np.maximum.reduceat(products, starts) if len(starts) else products
    rows, cols = np.divmod(keys[starts], n)
    kept = best > 0  # a product may underflow to 0, which a sparse matrix does not hold
    return sp.csr_array((best[kept], (rows[kept], cols[kept])), shape=left.shape)


def influence_matrix(grid: Grid, into: Floats, params: InfluenceParams) -> Matrix:
    """K for hop factors ``coupling * into[v]``, shape (nodes, nodes), rows are sources."""
    hop = _hops(grid, into)
    reach = hop
    best = sp.csr_array(sp.eye_array(len(grid.nodes), format="csr"))
    for length in range(1, params.max_hops + 1):
        if length > 1:
            reach = _max_times(reach, hop * params.decay)
        best = sp.csr_array(best.maximum(reach))
    best.sort_indices()
    return best


def linear_influence(grid: Grid, params: InfluenceParams) -> Matrix:
    """K of the linear attenuation model."""
    return influence_matrix(grid, np.array([n.sensitivity for n in grid.nodes]), params)


def centrality_influence(grid: Grid, params: InfluenceParams) -> Matrix:
    """K of the centrality-based model."""
    into = 1.0 + params.alpha * centrality_of(grid, params.centrality)
    return influence_matrix(grid, into, params)


MODELS: dict[str, Callable[[Grid, InfluenceParams], Matrix]] = {
    "linear": linear_influence,
    "centrality": centrality_influence,
}
"""The propagation models by name. A new model is one more entry here."""
