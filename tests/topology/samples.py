"""Small grids: as raw records, right in everything, for tests to break; and ready for use."""

import itertools
import random

from topology.grid import Grid, Line, Node
from topology.loaders.raw import RawGrid, RawLine, RawNode


def node(node_id: str, **changes: object) -> RawNode:
    values: dict[str, object] = {
        "name": node_id.upper(),
        "lat": 50.0,
        "lon": 9.0,
        "zone": "north",
        "share": 0.5,
        "rating_mw": 100.0,
        "sensitivity": 0.8,
    }
    return RawNode(id=node_id, **(values | changes))


def line(source: str, target: str, **changes: object) -> RawLine:
    values: dict[str, object] = {"length_km": 10.0, "voltage_kv": 380.0, "coupling": 0.8}
    return RawLine(source=source, target=target, **(values | changes))


def small_grid() -> RawGrid:
    """Two zones of two nodes each, on a chain a-b-c-d."""
    return RawGrid(
        name="small",
        zone_shares={"north": 0.25, "south": 0.75},
        nodes=[
            node("a"),
            node("b"),
            node("c", zone="south", share=0.2),
            node("d", zone="south", share=0.8),
        ],
        lines=[line("a", "b"), line("b", "c"), line("c", "d")],
    )


def grid_of(edges: list[tuple[str, str, float]], sensitivity: dict[str, float]) -> Grid:
    """A grid of these lines, each with its coupling, and of these nodes."""
    return Grid(
        name="g",
        nodes=tuple(Node(n, n, 0, 0, "z", 1, 1, s) for n, s in sensitivity.items()),
        lines=tuple(Line(a, b, 1, 380, coupling) for a, b, coupling in edges),
    )


def random_grid(seed: int, nodes: int = 12, lines: int = 18) -> Grid:
    """A seeded grid with a parallel line; sparse ones fall into islands."""
    rng = random.Random(seed)
    names = [f"n{i:02}" for i in range(nodes)]
    pairs = rng.sample(list(itertools.combinations(names, 2)), lines)
    pairs.append(pairs[0])  # a parallel line
    edges = [(b, a, rng.uniform(0.05, 1)) for a, b in pairs]
    return grid_of(edges, {name: rng.uniform(0.1, 1) for name in names})
