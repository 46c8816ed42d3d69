"""Shards: which partition keeps a node's risk."""

from zlib import crc32

from topology.grid import Grid


def shard_of(node_id: str, partitions: int) -> int:
    """The shard of a node: a stable function of its id and the partition count."""
    return crc32(node_id.encode()) % partitions


def shard_nodes(grid: Grid, partitions: int) -> tuple[tuple[int, ...], ...]:
    """For each shard the indices of its nodes, ascending."""
    members: list[list[int]] = [[] for _ in range(partitions)]
    for i, node in enumerate(grid.nodes):
        members[shard_of(node.id, partitions)].append(i)
    return tuple(tuple(m) for m in members)
