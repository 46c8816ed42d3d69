"""GraphML, as networkx, igraph, yEd and the Topology Zoo write it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from topology.errors import DataError
from topology.loaders.raw import RawGrid, RawLine, RawNode

_NODE_KEYS = {
    "name": ("name", "label"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "longitude"),
    "zone": ("zone", "area"),
    "country": ("country",),
    "operator": ("operator", "control_area"),
    "share": ("share", "load_share"),
    "rating_mw": ("rating_mw",),
    "sensitivity": ("sensitivity",),
    "load_mw": ("load_mw", "load", "p_set", "pd"),
    "generation_mw": ("generation_mw", "generation", "pg"),
}
_LINE_KEYS = {
    "length_km": ("length_km", "km", "length"),
    "voltage_kv": ("voltage_kv", "kv", "v_nom", "voltage"),
    "coupling": ("coupling",),
    "reactance_ohm": ("reactance_ohm", "x_ohm"),
    "limit_mw": ("limit_mw", "s_nom"),
}


def read_graphml(path: Path) -> RawGrid:
    """Read GraphML; attributes count under any of the names above, in upper or lower case.

    Raises
    ------
    DataError
        If it is not GraphML, or has a document type: entities can be made to grow without end.
    """
    _refuse_doctype(path)
    # A worker on another format starts without it.
    import networkx as nx

    try:
        graph = nx.read_graphml(path)
    except (nx.NetworkXException, ParseError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not GraphML: {error}") from None
    nodes = [
        RawNode(id=str(node_id), **_pick(data, _NODE_KEYS)) for node_id, data in graph.nodes.items()
    ]
    for node in nodes:
        for key in ("name", "zone", "country", "operator"):
            value = getattr(node, key)
            setattr(node, key, None if value is None else str(value))
    lines = [
        RawLine(source=str(u), target=str(v), **_pick(data, _LINE_KEYS))
        for u, v, data in graph.edges(data=True)
    ]
    return RawGrid(name=path.stem, nodes=nodes, lines=lines)


def _pick(data: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    lower = {str(key).lower(): value for key, value in data.items()}
    return {
        field: next((lower[alias] for alias in aliases if alias in lower), None)
        for field, aliases in names.items()
    }


def _refuse_doctype(path: Path) -> None:
    def refuse(*_: object) -> None:
        raise DataError(
            f"{path}: has a document type (DTD), which GraphML does not need",
            hint="remove the <!DOCTYPE ...> declaration",
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise DataError(f"{path}: not XML: {error}") from None
