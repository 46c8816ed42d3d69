"""Zones: which area's load a node takes part in."""

import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from topology.errors import DataError, UsageError
from topology.loaders.raw import RawGrid, RawNode, as_number, forget

COUNTRY, OPERATOR, NEAREST = "country", "operator", "nearest"
RULES = (COUNTRY, OPERATOR, NEAREST)

AREA_PART = 0.05
"""An operator of fewer of the named nodes has plants or borders here, but no control area."""
_CONTROL_AREAS = {
    "50hertz": "50Hertz",
    "vattenfall europe transmission": "50Hertz",
    "amprion": "Amprion",
    "rwe": "Amprion",
    "westnetz": "Amprion",
    "tennet": "TenneT",
    "e.on netz": "TenneT",
    "eon netz": "TenneT",
    "transpower": "TenneT",
    "transnetbw": "TransnetBW",
    "enbw": "TransnetBW",
}
"""The German control areas, by how names of their operators and of those before them begin."""


def fill_zones(raw: RawGrid, rule: str | None = None) -> None:
    """Give every node its zone, in place; one that no source gives is that of the nearest node.

    Parameters
    ----------
    raw
        Distances are great circles; a node without a position keeps having no zone.
    rule
        ``country`` or ``operator``, as the grid names them; ``nearest``, the zones that are there;
        or a GeoJSON file of areas (``read_areas``). Replaces the zones that are there. None fills
        in those that are missing, by country first; where no node has any, all stay missing.

    Raises
    ------
    UsageError
        If there is no such rule, or nothing in the grid that it could go by.
    DataError
        If the file is no GeoJSON of named areas.
    """
    zones = _zones(raw, rule)
    if not any(zones):
        if rule is None:
            return
        raise UsageError(f"--zones {rule}: {_NOTHING[rule]} in grid {raw.name!r}", hint=_HINT)
    parts = None
    if rule is not None:
        forget(raw, "zone")
        parts = _parts(raw)
    for node, zone in zip(raw.nodes, zones, strict=True):
        node.zone = zone
    if not all(zones):
        _fill_nearest(raw)
    if parts is not None:
        _regroup(raw, parts)


_HINT = "--zones country, operator, nearest, or a GeoJSON file of areas with a property zone"


_NOTHING = defaultdict(
    lambda: "no node lies in one of its areas",
    {
        COUNTRY: "no node has a country",
        OPERATOR: f"no operator has {AREA_PART:.0%} of the nodes that name one",
        NEAREST: "no node has a zone",
    },
)


def _parts(raw: RawGrid) -> list[float] | None:
    """Each node's part of the whole load; None if shares are still to be filled in."""
    shares = [as_number(node.share) for node in raw.nodes]
    if None in shares:
        return None
    zone_shares = raw.zone_shares
    if len({node.zone for node in raw.nodes}) == 1:
        zone_shares = {str(raw.nodes[0].zone): 1.0}
    elif not zone_shares:
        raise UsageError(
            f"grid {raw.name!r} has shares within zones, and not the zones' own",
            hint="add --shares, or zone_shares in the grid",
        )
    return [
        (as_number(zone_shares.get(str(node.zone))) or 0.0) * (share or 0.0)
        for node, share in zip(raw.nodes, shares, strict=True)
    ]


def _regroup(raw: RawGrid, parts: list[float]) -> None:
    """Shares within the new zones, and the zones' own, from the nodes' parts of the whole."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, node in enumerate(raw.nodes):
        members[str(node.zone)].append(i)
    raw.zone_shares = {zone: math.fsum(parts[i] for i in some) for zone, some in members.items()}
    for zone, some in members.items():
        for i in some:
            total = raw.zone_shares[zone]
            raw.nodes[i].share = parts[i] / total if total else 0.0


def _zones(raw: RawGrid, rule: str | None) -> list[str | None]:
    """Zone of each node by a rule; None where the rule gives none."""
    if rule is None:
        return [node.zone or node.country or None for node in raw.nodes]
    if rule == NEAREST:
        return [None if "zone" in node.assumed else node.zone or None for node in raw.nodes]
    if rule == COUNTRY:
        return [node.country or None for node in raw.nodes]
    if rule == OPERATOR:
        return _control_areas([str(node.operator or "") for node in raw.nodes])
    return _areas_of(rule, raw.nodes)


def _control_areas(operators: list[str]) -> list[str | None]:
    """The control area that each operator's name names; None for those of few nodes."""
    areas = [_control_area(operator) for operator in operators]
    counts = Counter(area for area in areas if area)
    least = AREA_PART * counts.total()
    return [area if area and counts[area] >= least else None for area in areas]


def _control_area(operator: str) -> str | None:
    """One area of a name such as ``TenneT;EON_Netz``: a known one, else the first named."""
    names = [part.replace("_", " ").strip() for part in operator.replace(",", ";").split(";")]
    for name in names:
        for begin, area in _CONTROL_AREAS.items():
            if name.casefold().startswith(begin):
                return area
    return names[0] or None


def _fill_nearest(raw: RawGrid) -> None:
    """Give the nodes without a zone that of the nearest node which has one."""
    from scipy.spatial import cKDTree

    places = [_on_sphere(node) for node in raw.nodes]
    known = [(p, n.zone) for p, n in zip(places, raw.nodes, strict=True) if n.zone and p]
    if not known:
        return
    tree = cKDTree(np.array([place for place, _ in known]))
    for place, node in zip(places, raw.nodes, strict=True):
        if not node.zone and place:
            node.zone = known[int(tree.query(place)[1])][1]
            node.assumed.append("zone")
            raw.assumptions.setdefault("zone", "that of the nearest node which has one")


def _on_sphere(node: RawNode) -> tuple[float, float, float] | None:
    lat, lon = as_number(node.lat), as_number(node.lon)
    if lat is None or lon is None or not (math.isfinite(lat) and math.isfinite(lon)):
        return None
    lat, lon = math.radians(lat), math.radians(lon)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def _areas_of(path: str, nodes: list[RawNode]) -> list[str | None]:
    areas = read_areas(path)
    import shapely

    points = [
        shapely.Point(lon, lat) if lat is not None and lon is not None else None
        for lat, lon in ((as_number(node.lat), as_number(node.lon)) for node in nodes)
    ]
    found: list[str | None] = [None] * len(nodes)
    for zone, shape in areas:
        shapely.prepare(shape)
        for i in np.flatnonzero(shapely.intersects(shape, points)):
            found[i] = found[i] or zone
    return found


def read_areas(path: str) -> list[tuple[str, Any]]:
    """Read named areas from a GeoJSON file: name and shape (longitude, latitude) of each.

    The name is the property ``zone``, ``name`` or ``id`` in upper or lower case, or the feature's
    id.

    Raises
    ------
    UsageError
        If there is no such file, or shapely is not installed.
    DataError
        If it is no GeoJSON, or an area has no name or no area.
    """
    if not Path(path).is_file():
        raise UsageError(f"no rule and no file of zones {path!r}", hint=_HINT)
    try:
        import shapely
    except ImportError:
        raise UsageError(
            "reading areas needs shapely", hint="pip install 'gridstress[geojson]'"
        ) from None
    try:
        features = json.loads(Path(path).read_bytes())["features"]
        return [(_area_name(f), _shape(shapely, f["geometry"])) for f in features]
    except (
        *(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError),
        shapely.errors.ShapelyError,
    ) as error:
        raise DataError(
            f"{path}: not a GeoJSON file of areas: {error}",
            hint="a FeatureCollection of polygons with a property zone, in degrees (WGS 84)",
        ) from None


def _area_name(feature: dict[str, Any]) -> str:
    properties = {str(k).casefold(): v for k, v in (feature.get("properties") or {}).items()}
    for value in (*map(properties.get, ("zone", "name", "id")), feature.get("id")):
        if value not in (None, ""):
            return str(value)
    raise ValueError(f"an area has no name: its properties are {sorted(properties) or 'empty'}")


def _shape(shapely: Any, geometry: dict[str, Any]) -> Any:
    shape = shapely.from_geojson(json.dumps(geometry))
    west, south, east, north = shape.bounds
    if not (shape.area > 0 and max(-west, east) <= 180 and max(-south, north) <= 90):
        raise ValueError(f"{geometry.get('type')} within {shape.bounds} is no area in degrees")
    return shape
