"""Upper bounds of a grid's record sizes: a grid whose records cannot fit is refused at start."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from topology.errors import DataError
from topology.grid import Grid
from topology.messages import NUMBER_BYTES, name_bytes
from topology.models import Matrix
from topology.shards import shard_nodes

_VIEW_NODE_BYTES = 78
"""A node in a view beside its panes: stress and risk, level, and an open episode."""

_VIEW_ZONE_BYTES = 20
"""A zone in a view beside its name, which is there twice: the last number counted of it."""

_HEAD_BYTES = 4_096
"""What a record has beside its columns: names, a time, headers."""

_DIVIDE = "divide the zone in the topology"
_SPREAD = "more partitions (GRIDSTRESS_PARTITIONS) make shards smaller"

Counts = np.ndarray[Any, np.dtype[np.int64]]


class LargestRecord(NamedTuple):
    """A kind of record: what it is of, its greatest size in bytes, and what makes it smaller."""

    what: str
    size: int
    hint: str


def largest_records(
    grid: Grid, influence: Mapping[str, Matrix], partitions: int
) -> Iterator[LargestRecord]:
    """Yield each kind of record with one row in which every node with a rating is stressed.

    With more rows a frame is smaller (`topology.messages.MAX_COLUMN_BYTES`). Frames of
    measurements are not among them: what they take is their sender's choice
    (`gridstress.kafka.topics.MAX_FRAME_BYTES`).

    Parameters
    ----------
    influence
        By model, the matrix of shape (nodes, nodes), rows are sources.
    """
    columns = grid.name_bytes + NUMBER_BYTES
    shards = shard_nodes(grid, partitions)
    shard_of = np.zeros(len(grid.nodes), dtype=int)
    for shard, members in enumerate(shards):
        shard_of[list(members)] = shard
    for zone, sources in _sources(grid).items():
        nodes = f"zone {zone!r} ({len(sources):,} nodes)"
        yield _record(f"a frame of stress of {nodes}", columns[sources].sum(), _DIVIDE)
        for model, matrix in influence.items():
            sizes = _propagated(matrix[sources], columns[sources], columns, shard_of, partitions)
            shard = int(sizes.argmax())
            what = f"a frame of propagated stress ({model}) of {nodes} for shard {shard}"
            yield _record(what, sizes[shard], f"{_DIVIDE}; {_SPREAD}")
    of_zones = sum(2 * name_bytes(zone) + _VIEW_ZONE_BYTES for zone in grid.zones)
    for shard, members in enumerate(shards):
        where, count = f"shard {shard} ({len(members):,} nodes)", len(members)
        window = columns[list(members)].sum() + count * NUMBER_BYTES
        yield _record(f"a window of {where}", window, _SPREAD)
        yield _record(f"the view of {where}", count * _VIEW_NODE_BYTES + of_zones, _SPREAD)


def _sources(grid: Grid) -> dict[str, list[int]]:
    """Grid positions of the nodes with a rating, by zone."""
    sources: dict[str, list[int]] = {zone: [] for zone in grid.zones}
    for i, node in enumerate(grid.nodes):
        if node.rating_mw:
            sources[node.zone].append(i)
    return sources


def _record(what: str, columns_bytes: Any, hint: str) -> LargestRecord:
    return LargestRecord(what, int(columns_bytes) + _HEAD_BYTES, hint)


def _propagated(
    matrix: Matrix, source_bytes: Counts, node_bytes: Counts, shard_of: Counts, partitions: int
) -> Counts:
    """Bytes by shard, shape (shards,): the nodes that these sources reach, and who reaches them."""
    reached = np.unique(matrix.indices)
    pushes = np.zeros((matrix.shape[0], partitions), dtype=bool)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    pushes[rows, shard_of[matrix.indices]] = True
    pushed: Counts = np.bincount(
        shard_of[reached], node_bytes[reached], minlength=partitions
    ).astype(np.int64)
    return pushed + source_bytes @ pushes


def check_record_sizes(
    grid: Grid, influence: Mapping[str, Matrix], partitions: int, limit: int
) -> None:
    """Raise DataError, with the figure, if a record of this grid may exceed ``limit`` bytes."""
    largest = max(largest_records(grid, influence, partitions), key=lambda record: record.size)
    if largest.size > limit:
        raise DataError(
            f"{largest.what} may be {largest.size:,} bytes and does not fit into a record of "
            f"{limit:,} bytes",
            hint=largest.hint,
        )
