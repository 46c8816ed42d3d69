"""Influence matrices, computed independently from ``docs/models.md`` and the grid alone.

Nothing of ``topology/influence/`` is used: there, sparse matrices are multiplied; here, every
source walks its paths line by line.
"""

from collections.abc import Callable
from typing import Any

import scipy.sparse as sp

from gridstress.settings import Settings
from topology.grid import Grid

Hops = list[list[tuple[int, float]]]
"""For each node its neighbours, each with the factor of a hop there."""


def influence_of(model: str, grid: Grid, settings: Settings) -> Any:
    """Work out K of a model, a sparse array of shape (nodes, nodes); rows are sources.

    A model that is registered without an entry in ``OWN`` is the exception: its matrix is made by
    its own function, as the workers do it.
    """
    if model in OWN:
        return OWN[model](grid, settings)
    from topology.models import MODELS

    return MODELS[model].build(grid, settings.influence_params)


def _linear(grid: Grid, settings: Settings) -> Any:
    return _best_paths(grid, [node.sensitivity for node in grid.nodes], settings)


def _centrality(grid: Grid, settings: Settings) -> Any:
    # Here and below: what is imported takes its time, and most readers of results need none of it.
    from gridstress.verify.centrality import centrality_of

    central = centrality_of(grid, settings.centrality)
    return _best_paths(grid, [1.0 + settings.alpha * c for c in central], settings)


def _electrical(grid: Grid, settings: Settings) -> Any:
    from gridstress.verify.power_flow import passing_flow

    return passing_flow(grid)


OWN: dict[str, Callable[[Grid, Settings], Any]] = {
    "linear": _linear,
    "centrality": _centrality,
    "electrical": _electrical,
}
"""Rules by model."""


def _best_paths(grid: Grid, into: list[float], settings: Settings) -> Any:
    """K[s, t] = largest product of hop factors over the paths of at most ``max_hops`` lines."""
    first = [[(v, min(1.0, c * into[v])) for v, c in near.items()] for near in _couplings(grid)]
    later = [[(v, factor * settings.decay) for v, factor in hops] for hops in first]
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for source in range(len(grid.nodes)):
        best = _reached(source, first, later, settings.max_hops)
        rows += [source] * len(best)
        columns += best.keys()
        values += best.values()
    n = len(grid.nodes)
    return sp.csr_array((values, (rows, columns)), shape=(n, n), dtype=float)


def _reached(source: int, first: Hops, later: Hops, max_hops: int) -> dict[int, float]:
    """Best factor of each node within ``max_hops`` lines of a source; the source's own is 1.

    No factor exceeds 1: only a node that was reached better than on fewer lines is gone on from.
    """
    best = {source: 1.0}
    improved = dict(best)
    for hop in range(max_hops):
        hops = later if hop else first
        fresh: dict[int, float] = {}
        for u, factor in improved.items():
            for v, hop_factor in hops[u]:
                product = factor * hop_factor
                if product > best.get(v, 0.0) and product > fresh.get(v, 0.0):
                    fresh[v] = product
        best |= fresh
        improved = fresh
    return best


def _couplings(grid: Grid) -> list[dict[int, float]]:
    """Coupling by node and neighbour; of parallel lines the best counts, loops do not."""
    near: list[dict[int, float]] = [{} for _ in grid.nodes]
    for line in grid.lines:
        a, b = grid.index[line.source], grid.index[line.target]
        if a != b:
            near[a][b] = near[b][a] = max(near[a].get(b, 0.0), line.coupling)
    return near
