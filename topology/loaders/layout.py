"""Positions for nodes that have none: the same grid always gets the same picture.

Computed positions lie in a box of 10 by 10 degrees around 0° N 0° E, in the sea off Africa, where
they are not taken for geography.
"""

from collections import defaultdict

import numpy as np

from topology.loaders.raw import RawGrid, RawNode, as_number
from topology.messages import Floats

BOX_DEG = 10.0
SPRING_NODES = 500
"""Up to here networkx' spring layout, prettier; its cost grows with the square of the nodes."""
PIVOTS = 64
SEED = 20190101


def fill_positions(raw: RawGrid) -> None:
    """Give every node without a position one, in place.

    With no positions at all the whole grid is laid out; a node missing among others comes to the
    middle of its neighbours. A position that is given but wrong is left for the validation.
    """
    missing = [n for n in raw.nodes if n.lat is None or n.lon is None]
    for node in missing:
        node.assumed.append("position")
        raw.assumptions.setdefault("position", "computed from the lines")
    edges = [
        (line.source, line.target)
        for line in raw.lines
        if isinstance(line.source, str) and isinstance(line.target, str)
    ]
    if len(missing) == len(raw.nodes):
        ids = sorted({n.id for n in raw.nodes if isinstance(n.id, str)})
        if ids:
            places = dict(zip(ids, layout(ids, edges).tolist(), strict=True))
            for node in missing:
                node.lat, node.lon = places.get(str(node.id), (0.0, 0.0))
    elif missing:
        _fill_between(raw.nodes, missing, edges)


def layout(ids: list[str], edges: list[tuple[str, str]]) -> Floats:
    """Latitude and longitude for each id, shape (ids, 2); edges to unknown ids are ignored.

    Spring layout up to 500 nodes, else Pivot MDS (Brandes & Pich 2006): the two main axes of the
    hop distances to 64 far-spread nodes. 9,241 nodes take about a second.
    """
    index = {node_id: i for i, node_id in enumerate(ids)}
    known = [(index[a], index[b]) for a, b in edges if a in index and b in index]
    pairs = sorted({(min(pair), max(pair)) for pair in known})
    if len(ids) <= SPRING_NODES:
        # Grids with positions, which are most, do without.
        import networkx as nx

        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(ids)))
        graph.add_edges_from(pairs)
        places = nx.spring_layout(graph, seed=SEED)
        xy = np.array([places[i] for i in range(len(ids))])
    else:
        xy = _pivot_mds(len(ids), np.array(pairs, dtype=np.int64).reshape(-1, 2))
    xy = xy - (xy.max(axis=0) + xy.min(axis=0)) / 2
    reach = np.abs(xy).max()
    placed: Floats = np.round(xy * (BOX_DEG / 2 / reach if reach > 0 else 0.0), 4) + 0.0
    return placed


def _pivot_mds(n: int, pairs: "np.ndarray[tuple[int, int], np.dtype[np.int64]]") -> Floats:
    import scipy.sparse as sp
    from scipy.sparse.csgraph import dijkstra

    ones = np.ones(len(pairs))
    graph = sp.csr_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    graph = sp.csr_array(graph + graph.T)
    nearest = np.full(n, np.inf)
    columns = []
    pivot = 0
    for _ in range(min(PIVOTS, n)):
        hops = dijkstra(graph, directed=True, unweighted=True, indices=pivot)
        # An island has no distance to the rest: it is put beyond the farthest node.
        hops[np.isinf(hops)] = hops[np.isfinite(hops)].max() + 2
        columns.append(hops)
        # The next pivot is the node farthest from all pivots so far.
        nearest = np.minimum(nearest, hops)
        pivot = int(nearest.argmax())
    squared = np.array(columns).T ** 2
    centred = -0.5 * (
        squared - squared.mean(axis=0) - squared.mean(axis=1, keepdims=True) + squared.mean()
    )
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, [-1, -2]]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    xy = centred @ axes
    # Twins (leaves of one node) fall together: a fixed, small scatter keeps them apart.
    scatter = np.random.Generator(np.random.PCG64(SEED)).standard_normal(xy.shape)
    return np.asarray(xy + scatter * np.abs(xy).max() / 100)


def _fill_between(
    nodes: list[RawNode], missing: list[RawNode], edges: list[tuple[str, str]]
) -> None:
    lost = {id(node) for node in missing}
    known: dict[str, tuple[float, float]] = {}
    for node in nodes:
        lat, lon = as_number(node.lat), as_number(node.lon)
        usable = lat is not None and lon is not None and id(node) not in lost
        if usable and isinstance(node.id, str):
            known[node.id] = (float(lat or 0.0), float(lon or 0.0))
    around: dict[str, set[str]] = defaultdict(set)
    for a, b in edges:
        around[a].add(b)
        around[b].add(a)
    waiting = sorted({n.id for n in missing if isinstance(n.id, str)})
    middle = np.mean(list(known.values()), axis=0) if known else np.zeros(2)
    while waiting:
        step = {}
        for node_id in waiting:
            beside = [known[x] for x in sorted(around[node_id]) if x in known]
            if beside:
                step[node_id] = np.mean(beside, axis=0)
        if not step:  # islands without any position
            step = dict.fromkeys(waiting, middle)
        for node_id, place in step.items():
            known[node_id] = (round(float(place[0]), 4), round(float(place[1]), 4))
        waiting = [node_id for node_id in waiting if node_id not in step]
    for node in missing:
        node.lat, node.lon = known.get(str(node.id), (float(middle[0]), float(middle[1])))
