"""Upper bounds of a grid's record sizes: a grid whose records cannot fit is refused at start."""

from collections.abc import Iterator

from topology.errors import DataError
from topology.grid import Grid
from topology.shards import shard_nodes

_DOUBLE_BYTES = 25
"""A number of JSON with all its digits, and a comma."""

_VIEW_NODE_BYTES = 2 * _DOUBLE_BYTES + 2
"""A node in a view beside its panes: stress, risk, level."""

_HEAD_BYTES = 4_096
"""What a record has beside its columns: names, a time, headers."""


def largest_records(grid: Grid, partitions: int) -> Iterator[tuple[str, int]]:
    """Yield what each kind of record is of and its greatest size, bytes, with one row each."""
    ids = [len(node_id) + 3 for node_id in grid.ids]
    zones = dict.fromkeys(grid.zones, 0)
    for node, size in zip(grid.nodes, ids, strict=True):
        zones[node.zone] += size + _DOUBLE_BYTES
    for zone, size in zones.items():
        yield f"a frame of zone {zone!r}", size + _HEAD_BYTES
    largest_zone = max(zones.values())
    for shard, nodes in enumerate(shard_nodes(grid, partitions)):
        columns = sum(ids[node] + _DOUBLE_BYTES for node in nodes)
        yield (
            f"a frame of propagated stress for shard {shard}",
            columns + largest_zone + _HEAD_BYTES,
        )
        windows = columns + len(nodes) * _DOUBLE_BYTES
        yield f"a window of shard {shard}", windows + _HEAD_BYTES
        yield f"the view of shard {shard}", len(nodes) * _VIEW_NODE_BYTES + _HEAD_BYTES


def check_record_sizes(grid: Grid, partitions: int, limit: int) -> None:
    """Raise DataError, with the figure, if a record of this grid may exceed ``limit`` bytes."""
    what, size = max(largest_records(grid, partitions), key=lambda item: item[1])
    if size > limit:
        raise DataError(
            f"{what} may be {size:,} bytes, more than the {limit:,} of a record",
            hint="More partitions (GRIDSTRESS_PARTITIONS) make shards smaller; a zone that is too "
            "large has to be divided in the topology.",
        )
