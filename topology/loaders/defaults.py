"""Defaults for what foreign formats lack; ``docs/topology.md`` gives the reason of each."""

import math
from collections import defaultdict
from dataclasses import replace

from topology.grid import Grid
from topology.loaders.layout import fill_positions
from topology.loaders.raw import RawGrid, RawNode, as_number

DEFAULT_KV = 110.0
"""Voltage when a format gives none: such files are mostly small, sub-transmission test cases."""
DEFAULT_KM = 50.0
HALF_KM = 50.0
"""Length at which a 380-kV line passes on half of a stress."""
DEFAULT_SENSITIVITY = 0.8
DEFAULT_MARGIN = 1.2
"""Rating over a bus's own load: the loads of a case are a busy hour, not the year's worst."""
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


def fill_defaults(raw: RawGrid) -> RawGrid:
    """The same grid with everything filled in that can be derived; what was given stays.

    Values that are given but wrong stay too: reporting them is the validation's part.
    """
    for node in raw.nodes:
        node.name = node.id if node.name in (None, "") else node.name
        node.zone = DEFAULT_ZONE if node.zone in (None, "") else node.zone
        node.sensitivity = DEFAULT_SENSITIVITY if node.sensitivity is None else node.sensitivity
    _fill_lines(raw)
    _fill_loads(raw)
    fill_positions(raw)
    return raw


def rated_for(grid: Grid, peak_mw: float) -> Grid:
    """The grid with ratings for a total load that peaks at ``peak_mw`` (> 0).

    Each node gets 1.2 times its part of the peak, by its zone's and its own share; a node without
    a share keeps its rating. This fits a small test case to a country's load, or the reverse.
    """
    parts = {n.id: peak_mw * grid.zone_shares.get(n.zone, 0.0) * n.share for n in grid.nodes}
    nodes = tuple(
        replace(n, rating_mw=DEFAULT_MARGIN * parts[n.id]) if parts[n.id] > 0 else n
        for n in grid.nodes
    )
    return replace(grid, nodes=nodes)


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


def _fill_loads(raw: RawGrid) -> None:
    loads = [max(0.0, _sane(as_number(node.load_mw), 0.0)) for node in raw.nodes]
    total = math.fsum(loads)
    usual = total / sum(load > 0 for load in loads) if total else 100.0
    by_zone: dict[str, list[int]] = defaultdict(list)
    for i, node in enumerate(raw.nodes):
        by_zone[str(node.zone)].append(i)
    derive_zone_shares = not raw.zone_shares
    for zone, members in by_zone.items():
        zone_load = math.fsum(loads[i] for i in members)
        for i in members:
            node = raw.nodes[i]
            if node.share is None:
                node.share = loads[i] / zone_load if zone_load else 1 / len(members)
            if node.rating_mw is None:
                node.rating_mw = DEFAULT_MARGIN * (loads[i] or usual)
        if derive_zone_shares:
            raw.zone_shares[zone] = zone_load / total if total else len(members) / len(raw.nodes)
