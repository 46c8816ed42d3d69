"""Propagation: from the stress of some nodes to what it adds to all others, shard by shard."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from agents.detection import check_zone, node_indices
from topology.grid import Grid
from topology.influence import Matrix
from topology.messages import PropagatedFrame, StressFrame, row_slices
from topology.shards import shard_nodes


@dataclass(frozen=True)
class Propagation:
    """The propagation stage of one model; a pure function of the frame."""

    grid: Grid
    influence: Matrix
    """How much of a source's stress each node takes on, shape (nodes, nodes), rows are sources."""
    partitions: int

    @cached_property
    def _shards(self) -> tuple[tuple[int, ...], ...]:
        return shard_nodes(self.grid, self.partitions)

    def __call__(self, frame: StressFrame) -> Iterator[PropagatedFrame]:
        """One frame a shard: stress times influence, summed over the frame's sources.

        Very large frames are cut by rows.

        Raises
        ------
        MessageError
            If the zone or a node is not in the grid.
        """
        check_zone(frame.zone, self.grid)
        sources = node_indices(frame.nodes, self.grid)
        stress = np.array(frame.stress).reshape(len(frame.timestamps), len(sources))
        reach = self.influence[sources, :].toarray()
        spread = np.zeros((len(stress), len(self.grid.nodes)))
        for source_stress, row in zip(stress.T, reach, strict=True):
            spread += np.outer(source_stress, row)
        for shard, members in enumerate(self._shards):
            nodes = np.array(members, dtype=int)
            nodes = nodes[spread[:, nodes].any(axis=0)]
            pushing = [i for i in range(len(sources)) if reach[i, nodes].any()]
            for rows in row_slices(len(stress), len(nodes) + len(pushing)):
                yield PropagatedFrame(
                    run=frame.run,
                    zone=frame.zone,
                    shard=shard,
                    seq=frame.seq + rows.start,
                    timestamps=frame.timestamps[rows],
                    nodes=[self.grid.ids[i] for i in nodes],
                    stress=spread[rows, nodes].tolist(),
                    sources=[frame.nodes[i] for i in pushing],
                    source_stress=stress[rows, pushing].tolist(),
                    final=frame.final,
                )
