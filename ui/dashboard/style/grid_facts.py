"""Facts about a grid that several pages need."""

import zlib

import msgspec

from topology.models import DEFAULT_MODELS
from ui.dashboard.style.theme import palette
from ui.schema.grid import GridInfo


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


def grid_mark(grid: GridInfo | None, scheme: str | None = None) -> int:
    """A number that differs between grids and schemes, to know what a browser has drawn."""
    return zlib.crc32(msgspec.json.encode((grid, palette(scheme).card)))
