"""Influence by electrical distance: the more conductance joins two nodes, the nearer they are.

Lines are taken for resistors; a line's conductance is ``voltage_kv² / length_km``, parallel lines
add up. The effective resistance of two nodes is
``L⁺[s, s] + L⁺[t, t] - 2 L⁺[s, t]`` with L⁺ the pseudo-inverse of the weighted Laplacian
(Klein and Randić, Resistance distance, 1993).
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

from topology.grid import Grid
from topology.influence import InfluenceParams, Matrix
from topology.messages import Floats

ZERO = 1e-10
"""An eigenvalue that small beside the largest is that of an island: zero but for rounding."""


def electrical_influence(grid: Grid, params: InfluenceParams) -> Matrix:
    """K of the electrical model: ``decay ** (R(s, t) / mean R of neighbours)``.

    Only nodes at most ``max_hops`` lines apart influence each other. Dense: for small grids.
    """
    conductance = _conductances(grid)
    joined = conductance > 0
    near = _within(joined, params.max_hops)
    if not (near & joined).any():
        return sp.csr_array(np.eye(len(near)))
    resistance = _resistances(conductance)
    unit = resistance[joined].mean()
    return sp.csr_array(np.where(near, params.decay ** (resistance / unit), 0.0))


def _conductances(grid: Grid) -> Floats:
    n = len(grid.nodes)
    found = np.zeros((n, n))
    for line in grid.lines:
        s, t = grid.index[line.source], grid.index[line.target]
        if s != t:
            found[[s, t], [t, s]] += line.voltage_kv**2 / line.length_km
    return found


def _resistances(conductance: Floats) -> Floats:
    """Effective resistances, shape (nodes, nodes); those between islands mean nothing."""
    laplacian = np.diag(conductance.sum(axis=1)) - conductance
    inverse = np.linalg.pinv(laplacian, rcond=ZERO, hermitian=True)
    own = inverse.diagonal()
    found: Floats = np.maximum(0.0, own[:, None] + own[None, :] - 2 * inverse)
    np.fill_diagonal(found, 0.0)
    return found


def _within(joined: Any, hops: int) -> Any:
    """Which nodes are at most so many lines apart, as booleans of shape (nodes, nodes)."""
    near = np.eye(len(joined), dtype=bool)
    for _ in range(hops):
        near = near | (near @ joined)
    return near
