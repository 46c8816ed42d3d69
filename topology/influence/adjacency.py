"""Which nodes of a grid are neighbours, as an array."""

import numpy as np
import scipy.sparse as sp

from topology.grid import Grid


def neighbours(grid: Grid) -> sp.csr_array:
    """Coupling of each pair of neighbours, shape (nodes, nodes), symmetric.

    Of parallel lines the best coupled one counts. A node's neighbours stand in the order in which
    the lines name them, not in that of their positions.
    """
    n = len(grid.nodes)
    ends = [(grid.index[line.source], grid.index[line.target]) for line in grid.lines]
    pairs = np.array(ends, dtype=np.int64).reshape(-1, 2)
    near, far = pairs.ravel(), pairs[:, ::-1].ravel()
    coupling = np.repeat([line.coupling for line in grid.lines], 2)
    apart = near != far
    both, first, which = np.unique(
        near[apart] * n + far[apart], return_index=True, return_inverse=True
    )
    best = np.zeros(len(both))
    np.maximum.at(best, which, coupling[apart])
    order = np.lexsort((first, both // n))
    near, far = np.divmod(both[order], n)
    starts = np.searchsorted(near, np.arange(n + 1))
    return sp.csr_array((best[order], far, starts), shape=(n, n))
