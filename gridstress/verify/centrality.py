"""Centralities, computed independently with matrices: ``docs/models.md`` defines each."""

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from topology.grid import Grid
from topology.messages import Floats

SAMPLE = 1_000
"""In larger grids, betweenness is estimated from the paths of so many nodes."""
AT_ONCE = 100
"""Starts whose paths are counted together: a few dense arrays of (nodes, starts)."""
DIGITS = 12
"""Decimals of eigenvector centrality."""
MOST_STEPS = 100


def centrality_of(grid: Grid, kind: str) -> list[float]:
    """Centrality of each node in [0, 1]: ``degree``, ``betweenness`` or ``eigenvector``."""
    adjacency = _adjacency(grid)
    rule = {"degree": _degree, "betweenness": _betweenness, "eigenvector": _eigenvector}[kind]
    values: list[float] = rule(adjacency).tolist()
    return values


def _adjacency(grid: Grid) -> Any:
    """1 for each pair of neighbours, shape (nodes, nodes); parallel lines are one."""
    ends = {(grid.index[line.source], grid.index[line.target]) for line in grid.lines}
    pairs = sorted({(a, b) for u, v in ends if u != v for a, b in ((u, v), (v, u))})
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    n = len(grid.nodes)
    return sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))


def _degree(adjacency: Any) -> Floats:
    n = adjacency.shape[0]
    degrees: Floats = np.asarray(adjacency.sum(axis=1), dtype=np.float64)
    return degrees / (n - 1) if n > 1 else np.ones(n)


def _betweenness(adjacency: Any) -> Floats:
    """Mean over the starts other than the node itself of the part of paths that lead over it."""
    n = adjacency.shape[0]
    starts = list(range(n)) if n <= SAMPLE else random.Random(0).sample(range(n), SAMPLE)
    total = np.zeros(n)
    for first in range(0, len(starts), AT_ONCE):
        total += _dependencies(adjacency, starts[first : first + AT_ONCE]).sum(axis=1)
    if n <= 2:
        return total
    others = np.full(n, len(starts))
    others[starts] -= 1
    mean: Floats = total / (others * (n - 2))
    return mean


def _dependencies(adjacency: Any, starts: list[int]) -> Floats:
    """Brandes' dependency of each start on each node, shape (nodes, starts).

    Over rings of equal distance d, all starts at once: the number of shortest paths to a node is
    ``sigma_d = (A sigma_{d-1})`` where the node is new, and inwards
    ``delta_{d-1} = sigma_{d-1} * A ((1 + delta_d) / sigma_d)``.
    """
    shape = adjacency.shape[0], len(starts)
    at = starts, range(len(starts))
    sigma, distance, delta = np.zeros(shape), np.full(shape, -1), np.zeros(shape)
    sigma[at], distance[at] = 1.0, 0
    ring, farthest = sigma.copy(), 0
    while True:
        ring = np.where(distance < 0, adjacency @ ring, 0.0)
        if not ring.any():
            break
        farthest += 1
        distance[ring > 0] = farthest
        sigma += ring
    for d in range(farthest, 0, -1):
        outer = np.zeros(shape)
        np.divide(1.0 + delta, sigma, out=outer, where=distance == d)
        delta += np.where(distance == d - 1, sigma * (adjacency @ outer), 0.0)
    delta[at] = 0.0
    return delta


def _eigenvector(adjacency: Any) -> Floats:
    """Each island's leading eigenvector, times the root of the island's part of the nodes."""
    n = adjacency.shape[0]
    scores = np.zeros(n)
    for island in islands(adjacency):
        if len(island) > 1:
            leading = _leading(adjacency[island][:, island])
            scores[island] = np.round(leading * math.sqrt(len(island) / n), DIGITS)
    return scores


def _leading(adjacency: Any) -> Floats:
    """The positive eigenvector of a connected graph, of length 1, by Noda's iteration (1971).

    Every step solves with ``bound * I - A``, whose inverse has no negative entry as long as the
    bound is not below the leading eigenvalue; the largest ``(A x)_i / x_i`` is such a bound.
    """
    n = adjacency.shape[0]
    x, before = np.full(n, n**-0.5), math.inf
    for _ in range(MOST_STEPS):
        held = x > 1e-100
        bound = float(((adjacency @ x)[held] / x[held]).max())
        shifted = sp.csc_array(bound * (1 + 1e-14) * sp.eye_array(n) - adjacency)
        y = np.abs(splu(shifted).solve(x))
        y /= np.linalg.norm(y)
        change = float(np.abs(y - x).max())
        x = y
        if change < 1e-14 or (change < 1e-10 and change >= before):
            break
        before = change
    return x


def islands(adjacency: Any) -> Iterator[list[int]]:
    """Yield the positions of the nodes of each connected part, ascending."""
    seen: set[int] = set()
    for start in range(adjacency.shape[0]):
        if start in seen:
            continue
        found, waiting = {start}, [start]
        while waiting:
            node = waiting.pop()
            begin, end = adjacency.indptr[node : node + 2]
            new = set(adjacency.indices[begin:end].tolist()) - found
            found |= new
            waiting += new
        seen |= found
        yield sorted(found)
