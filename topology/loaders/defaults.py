"""Defaults for what foreign formats lack; ``docs/topology.md`` gives the reason of each."""

import math
from collections.abc import Mapping
from dataclasses import replace

from topology.grid import Grid
from topology.loaders.layout import fill_positions
from topology.loaders.raw import RawGrid, RawNode, as_number, positive_mw
from topology.loaders.shares import fill_shares
from topology.loaders.zones import fill_zones

DEFAULT_KV = 110.0
"""Voltage when a format gives none: such files are mostly small, sub-transmission test cases."""
DEFAULT_KM = 50.0
HALF_KM = 50.0
"""Length at which a 380-kV line passes on half of a stress."""
DEFAULT_SENSITIVITY = 0.8
DEFAULT_MARGIN = 1.2
"""Rating over a bus's own load: the loads of a case are a busy hour, not the year's worst."""
UNKNOWN_MW = 100.0
"""Load a node, on average, where no load is known in MW."""
DEFAULT_ZONE = "grid"


def coupling_of(length_km: float, voltage_kv: float) -> float:
    """The part of a stress that crosses a line, in (0, 1]: high voltage and short lines tie.

    ``min(1, max(0.3, kV / 380)) / (1 + km / 50)``: a stand-in for the line's admittance, which
    falls with its length and rises with its voltage. Both must be > 0.
    """
    return round(min(1.0, max(0.3, voltage_kv / 380)) / (1 + length_km / HALF_KM), 4)


def great_circle_km(a: RawNode, b: RawNode) -> float | None:
    """Distance of two nodes on the sphere in km; ``None`` unless both have a position."""
    degrees = [as_number(v) for v in (a.lat, a.lon, b.lat, b.lon)]
    if any(v is None or not math.isfinite(v) for v in degrees):
        return None
    lat1, lon1, lat2, lon2 = (math.radians(v) for v in degrees if v is not None)
    h = math.sin((lat2 - lat1) / 2) ** 2
    h += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(min(1.0, h)))


def fill_defaults(raw: RawGrid, zones: str | None = None, shares: str | None = None) -> RawGrid:
    """The same grid with everything filled in that can be derived; what was given stays.

    Values that are given but wrong stay too: reporting them is the validation's part. ``zones``
    and ``shares`` are rules of ``fill_zones`` and ``fill_shares``, which replace what was given.

    Raises
    ------
    UsageError, DataError
        If a rule cannot be followed.
    """
    fill_zones(raw, zones)
    for node in raw.nodes:
        node.name = node.id if node.name in (None, "") else node.name
        node.zone = DEFAULT_ZONE if node.zone in (None, "") else node.zone
        node.sensitivity = DEFAULT_SENSITIVITY if node.sensitivity is None else node.sensitivity
    _fill_lines(raw)
    fill_shares(raw, shares)
    fill_ratings(raw)
    fill_positions(raw)
    return raw


def rated_for(grid: Grid, peak_mw: float, margin: float = DEFAULT_MARGIN) -> Grid:
    """The grid with ratings for a total load that peaks at ``peak_mw`` (> 0).

    Each node gets ``margin`` (> 0) times its part of the peak, by its zone's and its own share; a
    node without a part keeps its rating. This fits a small test case to a country's load, or the
    reverse.
    """
    parts = {n.id: peak_mw * grid.zone_shares.get(n.zone, 0.0) * n.share for n in grid.nodes}
    ratings = {node: margin * part for node, part in parts.items() if part > 0}
    return with_ratings(grid, ratings, f"{margin:g} times the node's part of {peak_mw:,g} MW")


def with_ratings(grid: Grid, ratings_mw: Mapping[str, float], assumption: str) -> Grid:
    """The grid with these nodes' ratings replaced, each marked as an assumption in these words."""
    others = any("rating_mw" in n.assumed for n in grid.nodes if n.id not in ratings_mw)
    if others:
        assumption += f"; at the others {grid.assumptions.get('rating_mw', 'unknown')}"
    nodes = tuple(
        replace(
            node,
            rating_mw=ratings_mw[node.id],
            assumed=(*(name for name in node.assumed if name != "rating_mw"), "rating_mw"),
        )
        if node.id in ratings_mw
        else node
        for node in grid.nodes
    )
    assumptions = dict(grid.assumptions) | {"rating_mw": assumption}
    return replace(grid, nodes=nodes, assumptions=assumptions)


def total_load_mw(raw: RawGrid) -> float:
    """All loads that the grid gives, MW."""
    return math.fsum(positive_mw(node.load_mw) for node in raw.nodes)


def fill_ratings(raw: RawGrid) -> None:
    """Rate the nodes with a share for their part of the whole load, in place.

    Ratings that are there stay; nodes without a share need none.
    """
    missing = [node for node in raw.nodes if node.rating_mw is None and node.share != 0]
    given_mw = total_load_mw(raw)
    loaded = sum(node.share != 0 for node in raw.nodes)
    for node in missing:
        zone_share = as_number(raw.zone_shares.get(node.zone)) or 0.0
        part = zone_share * (as_number(node.share) or 0.0)
        own_mw = (given_mw or UNKNOWN_MW * loaded) * part
        node.rating_mw = DEFAULT_MARGIN * (own_mw if own_mw > 0 else UNKNOWN_MW)
        node.assumed.append("rating_mw")
    if missing:
        whole = f"all loads ({given_mw:,g} MW)" if given_mw else f"{UNKNOWN_MW:g} MW a node"
        raw.assumptions.setdefault(
            "rating_mw", f"{DEFAULT_MARGIN:g} times the node's part of {whole}"
        )


def _fill_lines(raw: RawGrid) -> None:
    nodes = {node.id: node for node in raw.nodes if isinstance(node.id, str)}
    for line in raw.lines:
        if line.voltage_kv is None:
            line.voltage_kv = DEFAULT_KV
        if line.length_km is None:
            source, target = nodes.get(str(line.source)), nodes.get(str(line.target))
            km = great_circle_km(source, target) if source and target else None
            line.length_km = DEFAULT_KM if km is None else round(max(1.0, km), 1)
        if line.coupling is None:
            km, kv = as_number(line.length_km), as_number(line.voltage_kv)
            line.coupling = coupling_of(_sane(km, DEFAULT_KM), _sane(kv, DEFAULT_KV))


def _sane(value: float | None, otherwise: float) -> float:
    return value if value is not None and 0 < value < math.inf else otherwise
