"""Connected components of the grid."""

from collections.abc import Iterable

from topology.grid import Grid


def islands_of(grid: Grid) -> list[list[str]]:
    """The grid's nodes, island by island, in the order of their first ids."""
    return islands(grid.ids, ((line.source, line.target) for line in grid.lines))


def islands(ids: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The ids that lines join, island by island, in the order of their first ids.

    Pairs may name further ids: these come last.
    """
    beside: dict[str, list[str]] = {node_id: [] for node_id in ids}
    for one, other in pairs:
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    found: list[list[str]] = []
    seen: set[str] = set()
    for node_id in beside:
        if node_id in seen:
            continue
        seen.add(node_id)
        island = [node_id]
        for member in island:  # grows while it is read
            fresh = {other for other in beside[member] if other not in seen}
            seen |= fresh
            island += fresh
        found.append(sorted(island))
    return found
