"""Refine a grid: make a finer one out of a coarser one, to test at size.

Every substation is divided into a cluster of stations around it that share its load and rating,
so that zone sums stay what they were and stress arises at the same places and hours.
"""

from dataclasses import replace
from math import cos, hypot, radians

import numpy as np

from topology.errors import UsageError
from topology.grid import Grid, Line, Node
from topology.loaders.defaults import coupling_of

SPREAD_KM = 25.0
"""How far the stations of a cluster lie from its middle, one standard deviation."""

KM_PER_DEGREE = 111.2
NEAR_KV = 220.0
VARIATION = 0.05
"""How far a station's rating strays from its share of the whole, one standard deviation."""

NOTE = "Refined from {name}: every substation divided into several. Not a real grid."


def refine(grid: Grid, nodes: int, seed: int = 0) -> Grid:
    """Divide a grid's substations until there are ``nodes`` of them.

    The station with the old id stays in the middle and keeps the old lines; the others hang on
    it in a tree with a cross link each, at 220 kV.

    Raises
    ------
    UsageError
        If ``nodes`` is less than the grid has.
    """
    if nodes < len(grid.nodes):
        raise UsageError(
            f"{nodes} nodes are fewer than the {len(grid.nodes)} of {grid.name}",
            hint="a grid can only be made finer",
        )
    rng = np.random.default_rng(seed)
    base, more = divmod(nodes, len(grid.nodes))
    stations: list[Node] = []
    lines = list(grid.lines)
    for i, node in enumerate(grid.nodes):
        cluster = _divide(node, base + (i < more), rng)
        stations += cluster
        lines += _connect(cluster)
    return replace(
        grid,
        name=f"{grid.name}-{nodes}",
        nodes=tuple(stations),
        lines=tuple(lines),
        note=NOTE.format(name=grid.name),
        assumptions={field: f"{words}, then divided" for field, words in grid.assumptions.items()},
    )


def _divide(node: Node, count: int, rng: np.random.Generator) -> list[Node]:
    parts = rng.lognormal(0.0, 0.5, count)
    parts /= parts.sum()
    ratings = parts * np.exp(rng.normal(0.0, VARIATION, count)) if count > 1 else parts
    offsets_km = rng.normal(0.0, SPREAD_KM, (count, 2))
    offsets_km[0] = 0.0
    return [
        replace(
            node,
            id=node.id if k == 0 else f"{node.id}-{k:03d}",
            name=node.name if k == 0 else f"{node.name} {k}",
            lat=node.lat + float(offsets_km[k, 0]) / KM_PER_DEGREE,
            lon=node.lon + float(offsets_km[k, 1]) / (KM_PER_DEGREE * cos(radians(node.lat))),
            share=node.share * float(parts[k]),
            rating_mw=node.rating_mw * float(ratings[k]),
            generation_mw=node.generation_mw * float(parts[k]),
        )
        for k in range(count)
    ]


def _connect(cluster: list[Node]) -> list[Line]:
    pairs = {((k - 1) // 2, k) for k in range(1, len(cluster))}
    pairs |= {(k - 1, k) for k in range(2, len(cluster), 2)}
    return [_line(cluster[a], cluster[b]) for a, b in sorted(pairs)]


def _line(one: Node, other: Node) -> Line:
    # Stations of a cluster are so near to each other that the earth is flat between them.
    north = (one.lat - other.lat) * KM_PER_DEGREE
    east = (one.lon - other.lon) * KM_PER_DEGREE * cos(radians(one.lat))
    km = round(max(1.0, hypot(north, east)), 1)
    return Line(one.id, other.id, km, NEAR_KV, coupling_of(km, NEAR_KV))
