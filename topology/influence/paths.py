"""Influence over paths: how much of a source's stress each node takes on, one matrix a model.

``K[s, t]`` is the largest product of hop factors over the paths of at most ``max_hops`` lines
from *s* to *t*, and ``K[s, s] = 1``. A hop into *v* over line (u, v) has the factor

- linear attenuation: ``coupling(u, v) * sensitivity(v)``
- centrality-based: ``coupling(u, v) * (1 + alpha * centrality(v))``, at most 1

and is multiplied by ``decay`` from the second hop on. No factor exceeds 1, so that going round
in a circle never pays and the best walk is the best path.
"""

import numpy as np
import scipy.sparse as sp

from topology.grid import Grid
from topology.influence.adjacency import neighbours
from topology.influence.centrality import centrality_of
from topology.messages import Floats
from topology.models import InfluenceParams, Matrix

SOURCES_AT_ONCE = 1_000
"""Rows that are built together: with ten hops all at once would take a gigabyte on the way."""


def influence_matrix(grid: Grid, into: Floats, params: InfluenceParams) -> Matrix:
    """K for hop factors ``coupling * into[v]``, shape (nodes, nodes), rows are sources."""
    n = len(grid.nodes)
    hop = _hops(grid, into)
    further = hop * params.decay
    itself = sp.eye_array(n, format="csr")
    blocks = []
    for start in range(0, n, SOURCES_AT_ONCE):
        rows = slice(start, start + SOURCES_AT_ONCE)
        best, reach = sp.csr_array(itself[rows]), hop[rows]
        for length in range(1, params.max_hops + 1):
            if length > 1:
                reach = _max_times(reach, further)
            best = sp.csr_array(best.maximum(reach))
        blocks.append(best)
    whole = sp.csr_array(sp.vstack(blocks, format="csr"))
    whole.sort_indices()
    return whole


def _hops(grid: Grid, into: Floats) -> Matrix:
    """One-hop factors ``F[u, v] = min(1, coupling * into[v])``."""
    hop = neighbours(grid)
    hop.data = np.minimum(1.0, hop.data * into[hop.indices])
    hop.sort_indices()
    return hop


def _max_times(left: Matrix, right: Matrix) -> Matrix:
    """The (max, *) product of two sparse non-negative matrices that fit."""
    rows_of_left, n = left.shape[0], right.shape[1]
    left_rows = np.repeat(np.arange(rows_of_left), np.diff(left.indptr))
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
    return sp.csr_array((best[kept], (rows[kept], cols[kept])), shape=(rows_of_left, n))


def linear_influence(grid: Grid, params: InfluenceParams) -> Matrix:
    """K of the linear attenuation model."""
    return influence_matrix(grid, np.array([n.sensitivity for n in grid.nodes]), params)


def centrality_influence(grid: Grid, params: InfluenceParams) -> Matrix:
    """K of the centrality-based model."""
    into = 1.0 + params.alpha * centrality_of(grid, params.centrality)
    return influence_matrix(grid, into, params)
