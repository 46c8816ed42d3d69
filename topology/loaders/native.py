"""Our own JSON: reading, writing, and the topologies that come with gridstress."""

from codecs import BOM_UTF8
from importlib.resources import files
from pathlib import Path

import msgspec

from topology.errors import DataError
from topology.grid import Grid
from topology.loaders.raw import RawGrid, RawLine, RawNode

BUNDLED = ("germany",)
_FORM = 'our JSON is {"name", "zone_shares", "nodes": [...], "lines": [...]}: docs/topology.md'


def read_json(path: Path) -> RawGrid:
    """Read our JSON; nothing is filled in.

    Raises
    ------
    DataError
        If it is not JSON or not in the form of a topology.
    """
    return _decode(path.read_bytes().removeprefix(BOM_UTF8), str(path))


def read_bundled(name: str) -> RawGrid:
    """One of ``BUNDLED``."""
    return _decode(files("topology").joinpath("data", f"{name}.json").read_bytes(), name)


def _decode(data: bytes, origin: str) -> RawGrid:
    try:
        raw = msgspec.json.decode(data, type=RawGrid)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{origin}: not a topology: {error}", hint=_FORM) from None
    for node in raw.nodes:
        if node.share == 0 and node.rating_mw is None:
            node.has_load = False
    zones = {node.zone for node in raw.nodes}
    if not raw.zone_shares and len(zones) == 1:
        raw.zone_shares = {str(zone): 1.0 for zone in zones}
    return raw


def to_json(grid: Grid) -> bytes:
    """The grid in our JSON, indented, nodes and lines sorted; numbers read back unchanged."""
    raw = RawGrid(
        name=grid.name,
        note=grid.note,
        credit=grid.credit,
        zone_shares=dict(grid.zone_shares),
        assumptions=dict(grid.assumptions),
        nodes=[
            RawNode(
                *(
                    n.id,
                    n.name,
                    n.lat,
                    n.lon,
                    n.zone,
                    n.share,
                    n.known_rating_mw,
                ),
                sensitivity=n.sensitivity,
                generation_mw=n.generation_mw or None,
                assumed=list(n.assumed),
            )
            for n in grid.nodes
        ],
        lines=msgspec.convert(grid.lines, list[RawLine], from_attributes=True),
    )
    return msgspec.json.format(msgspec.json.encode(raw), indent=1) + b"\n"
