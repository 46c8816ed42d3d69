"""The grid: substations (nodes) and the lines between them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from topology.errors import MessageError
from topology.messages import Floats, name_bytes

OHM_PER_KM = 0.3
"""Reactance of an overhead line; 0.26 (4-bundle 380 kV) to 0.4 (110 kV) Ω/km are usual."""

HIGH_KV = 300.0
HIGH_KA, LOW_KA = 2.6, 1.3
"""Current that a circuit of four conductors (380 kV) or two (220 kV) carries."""
CIRCUITS = 2
"""Circuits of a line that says nothing of its limit."""


def usual_limit_mw(voltage_kv: float) -> float:
    """What a line carries in MW if nothing is known of it: two circuits of its voltage."""
    ka = HIGH_KA if voltage_kv >= HIGH_KV else LOW_KA
    return CIRCUITS * math.sqrt(3.0) * voltage_kv * ka


@dataclass(frozen=True, slots=True)
class Node:
    """A substation.

    ``share`` is its part of its zone's load, in [0, 1]; ``rating_mw`` (> 0) is the load at which
    it is fully used, infinite for a node without load; ``sensitivity``, in (0, 1], is how readily
    it takes on its neighbours' stress in the linear model. ``generation_mw`` (>= 0) is the infeed
    of a typical hour, for the power flow that the models are measured by; the pipeline does not
    use it. ``assumed`` names those of ``zone``, ``share``, ``rating_mw`` and ``position`` that no
    source gave.
    """

    id: str
    name: str
    lat: float
    lon: float
    zone: str
    share: float
    rating_mw: float
    sensitivity: float
    generation_mw: float = 0.0
    assumed: tuple[str, ...] = ()

    @property
    def known_rating_mw(self) -> float | None:
        """The rating, or None for a node without one: JSON has no infinity."""
        return self.rating_mw if math.isfinite(self.rating_mw) else None


@dataclass(frozen=True, slots=True)
class Line:
    """An undirected edge: ``coupling``, in (0, 1], is the part of a stress that crosses it.

    ``reactance_ohm`` (not 0; negative for a series capacitor) and ``limit_mw`` (> 0) are for the
    power flow that the models are measured by; the pipeline does not use them. On a ``dc`` line
    (HVDC) converters set the flow, not the angles at its ends.
    """

    source: str
    target: str
    length_km: float
    voltage_kv: float
    coupling: float
    reactance_ohm: float | None = None
    limit_mw: float | None = None
    dc: bool = False


@dataclass(frozen=True)
class Grid:
    """A whole topology; nodes are kept sorted by id, lines by their ends, so runs repeat."""

    name: str
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    zone_shares: Mapping[str, float] = field(default_factory=dict)
    """Part of the national load that each zone takes; sums to 1. For series without zones."""
    note: str = ""
    credit: str = ""
    assumptions: Mapping[str, str] = field(default_factory=dict)
    """How each of the nodes' ``assumed`` values was found, a phrase by field."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(sorted(self.nodes, key=lambda n: n.id)))
        object.__setattr__(
            self, "lines", tuple(sorted(self.lines, key=lambda e: (e.source, e.target)))
        )

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Node ids in index order."""
        return tuple(node.id for node in self.nodes)

    @cached_property
    def name_bytes(self) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """What each node id takes in a list of JSON, in bytes, shape (nodes,)."""
        return np.array([name_bytes(i) for i in self.ids], dtype=np.int64)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each node id in ``nodes``."""
        return {node.id: i for i, node in enumerate(self.nodes)}

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Zone names, sorted."""
        return tuple(sorted({node.zone for node in self.nodes}))

    @cached_property
    def ratings_mw(self) -> Floats:
        """Ratings in MW, shape (nodes,); infinite for nodes without load."""
        return np.array([node.rating_mw for node in self.nodes])

    @cached_property
    def rated_mw(self) -> Floats:
        """Ratings in MW as weights, shape (nodes,): 0 for nodes without load."""
        return np.where(np.isfinite(self.ratings_mw), self.ratings_mw, 0.0)

    def nodes_of(self, zone: str) -> tuple[Node, ...]:
        """The zone's nodes, sorted by id."""
        return tuple(node for node in self.nodes if node.zone == zone)


def check_zone(zone: str, grid: Grid) -> None:
    """Raise MessageError unless the grid has this zone."""
    if zone not in grid.zones:
        raise MessageError(
            "unknown-zone", f"zone {zone!r} is not in the topology, which has {list(grid.zones)}"
        )


def node_indices(nodes: list[str], grid: Grid) -> list[int]:
    """Positions of these nodes in the grid; MessageError for one that it does not have."""
    try:
        return list(map(grid.index.__getitem__, nodes))
    except KeyError as error:
        raise MessageError("unknown-node", f"node {error} is not in the topology") from None


def zone_indices(nodes: list[str], zone: str, grid: Grid) -> list[int]:
    """Positions of a zone's nodes; MessageError if it or one of them is not the grid's."""
    check_zone(zone, grid)
    index = node_indices(nodes, grid)
    for i in index:
        if grid.nodes[i].zone != zone:
            node = grid.nodes[i]
            raise MessageError(
                "unknown-node", f"node {node.id!r} lies in zone {node.zone!r}, not {zone!r}"
            )
    return index
