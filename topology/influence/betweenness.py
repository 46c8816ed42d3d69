"""Betweenness centrality, as networkx defines it: the share of shortest paths over a node.

Brandes' algorithm (2001) with a NumPy step for each ring of nodes around a source, where networkx
takes one for each line. Sums are taken in its order, so that the results are equal to the last
bit.
"""

import random
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order

from topology.messages import Floats

Indices: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


def betweenness(neighbours: sp.csr_array, sample: int, seed: int = 0) -> Floats:
    """Betweenness of each node in [0, 1], shape (nodes,).

    Parameters
    ----------
    neighbours
        Adjacency of an undirected graph without loops, shape (nodes, nodes); a node's neighbours
        in the order in which a search shall visit them.
    sample
        How many nodes paths start from, at least 2; all, if the graph has no more.
    seed
        Of the choice.
    """
    n = neighbours.shape[0]
    starts = list(range(n))
    if n > sample:
        starts = random.Random(seed).sample(starts, sample)
    total = np.zeros(n)
    for start in starts:
        order, on_paths = _from(neighbours, start)
        total[order[1:]] += on_paths[1:]
    if n <= 2:
        return total
    if n <= sample:
        total *= 1 / ((n - 1) * (n - 2))
        return total
    scale = np.full(n, 1 / (sample * (n - 2)))
    # No path leads over its own start: a start has had the paths of one start less.
    scale[starts] = 1 / ((sample - 1) * (n - 2))
    total *= scale
    return total


def _from(neighbours: sp.csr_array, start: int) -> tuple[Indices, Floats]:
    """The nodes in the order of a search, and how much each is on the shortest paths to others."""
    order, parent = breadth_first_order(neighbours, start, directed=True)
    n = len(order)
    place = np.full(neighbours.shape[0], -1, dtype=np.int64)
    place[order] = np.arange(n)
    # From here on a node is its place in the search.
    parents = place[parent[order[1:]]]
    rings = _rings(parents, n)
    ring = np.repeat(np.arange(len(rings) - 1), np.diff(rings))
    degrees = np.diff(neighbours.indptr)[order]
    near = np.repeat(np.arange(n), degrees)
    begin = neighbours.indptr[order] - (np.cumsum(degrees) - degrees)
    far = place[neighbours.indices[np.arange(len(near)) + np.repeat(begin, degrees)]]
    inward = ring[far] < ring[near]
    outer, inner = near[inward], far[inward]
    cuts = np.searchsorted(outer, rings).tolist()
    spans = [
        (rings[k - 1], rings[k], rings[k + 1], slice(cuts[k], cuts[k + 1]))
        for k in range(1, len(rings) - 1)
    ]
    paths = np.ones(n)
    for _, middle, end, lines in spans:
        step = np.bincount(outer[lines] - middle, paths[inner[lines]], end - middle)
        paths[middle:end] = step
    on_paths = np.zeros(n)
    for begin_at, middle, end, lines in reversed(spans):
        share = (1 + on_paths[middle:end]) / paths[middle:end]
        back = inner[lines][::-1]
        parts = paths[back] * share[outer[lines][::-1] - middle]
        on_paths[begin_at:middle] = np.bincount(back - begin_at, parts, middle - begin_at)
    return order, on_paths


def _rings(parents: Indices, n: int) -> list[int]:
    """Where each ring of nodes at the same distance begins; the last is the end."""
    rings = [0, 1]
    while rings[-1] < n:
        rings.append(1 + int(np.searchsorted(parents, rings[-1])))
    return rings if n > 1 else [0, 1]
