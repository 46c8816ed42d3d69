"""Facts about a grid that several pages need."""

import zlib
from typing import NamedTuple

import msgspec

from topology.models import DEFAULT_MODELS
from ui.dashboard.style.theme import palette
from ui.schema.grid import GridInfo, GridNode
from ui.schema.views import GridState


def models_of(grid: GridInfo | None) -> list[str]:
    """The models there are; before the grid is known, those that are enabled by default."""
    return list(grid.models if grid else DEFAULT_MODELS)


def names_of(grid: GridInfo | None) -> dict[str, str]:
    """The nodes' names by id."""
    return {node.id: node.name for node in grid.nodes} if grid else {}


def neighbours_of(grid: GridInfo, node_id: str) -> list[str]:
    """The nodes one line away, sorted."""
    ends = {(line.source, line.target) for line in grid.lines}
    near = {b if a == node_id else a for a, b in ends if node_id in (a, b)}
    return sorted(near - {node_id})


def rated(node: GridNode) -> str:
    """What a node is rated for, in words."""
    if node.rating_mw is None:
        return "no load of its own"
    assumed = " (assumed)" if "rating_mw" in node.assumed else ""
    return f"rated {node.rating_mw:,.0f} MW{assumed}"


class Loading(NamedTuple):
    """A node's load in MW, and what part it is of the node's rating."""

    mw: float
    part: float


def loads_of(grid: GridInfo | None, state: GridState | None) -> dict[str, Loading]:
    """The loads of the nodes that have a rating and whose loads are known, by id."""
    if grid is None or state is None:
        return {}
    ratings = {node.id: node.rating_mw for node in grid.nodes}
    return {
        node: Loading(mw, mw / rating)
        for node, mw in zip(state.nodes, state.load_mw, strict=False)
        if mw is not None and (rating := ratings.get(node))
    }


def grid_mark(grid: GridInfo | None, scheme: str | None = None) -> int:
    """A number that differs between grids and schemes, to know what a browser has drawn."""
    return zlib.crc32(msgspec.json.encode((grid, palette(scheme).card)))
