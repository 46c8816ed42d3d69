"""How central a node is: the weights of the centrality-based model."""

import numpy as np
import scipy.sparse as sp

from topology.errors import UsageError
from topology.grid import Grid
from topology.influence.adjacency import neighbours
from topology.islands import islands_of
from topology.messages import Floats
from topology.models import Centrality

BETWEENNESS_SAMPLE = 1_000
DENSE_NODES = 100
"""Up to here all eigenvectors are found at once; it is faster."""


def centrality_of(grid: Grid, kind: Centrality) -> Floats:
    """Centrality of each node in [0, 1], shape (nodes,), as networkx defines it.

    Betweenness is estimated from 1,000 nodes in larger grids: 2 s for 9,241 nodes, where the exact
    one takes nine times as long. Eigenvector centrality is that of each island, times the square
    root of its part of the nodes, so that the squares sum to 1 over the grid.

    Raises
    ------
    UsageError
        If there is no such kind.
    """
    if kind == "degree":
        return _degree(neighbours(grid))
    if kind == "betweenness":
        # Here and below: a worker with another kind starts faster without these parts of scipy.
        from topology.influence.betweenness import betweenness

        return betweenness(neighbours(grid), BETWEENNESS_SAMPLE)
    if kind == "eigenvector":
        return _eigenvector(grid)
    raise UsageError(f"unknown centrality {kind!r}; use degree, betweenness or eigenvector")


def _degree(adjacency: sp.csr_array) -> Floats:
    n = adjacency.shape[0]
    return np.diff(adjacency.indptr) * (1.0 / (n - 1)) if n > 1 else np.ones(n)


def _eigenvector(grid: Grid) -> Floats:
    """Each island's leading eigenvector, weighed by the island's part of the nodes.

    networkx refuses graphs of several islands, and starts from a random vector: two workers
    would differ in the last digits. Hence a fixed start, and rounding far above those digits.
    """
    adjacency = neighbours(grid).astype(bool).astype(float)
    adjacency.sort_indices()
    scores = np.zeros(len(grid.nodes))
    for island in islands_of(grid):
        if len(island) > 1:
            members = [grid.index[node_id] for node_id in island]
            weight = np.sqrt(len(members) / len(grid.nodes))
            leading = _leading_eigenvector(adjacency[members][:, members])
            scores[members] = np.round(np.abs(leading) * weight, 12)
    return scores


def _leading_eigenvector(adjacency: sp.csr_array) -> Floats:
    n = adjacency.shape[0]
    if n <= DENSE_NODES:
        return np.asarray(np.linalg.eigh(adjacency.toarray())[1][:, -1])
    from scipy.sparse.linalg import eigsh

    return np.asarray(eigsh(adjacency, k=1, which="LA", v0=np.ones(n))[1][:, 0])
