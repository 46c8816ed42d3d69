"""Propagation: spread the stress of each node to the others, shard by shard."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from agents.counters import StageCounters
from agents.detection import check_run
from agents.outbox import Outbox, Topic
from topology.codec import FORMATS, Format, decode
from topology.grid import Grid, check_zone, node_indices
from topology.messages import PropagatedFrame, StressFrame, row_slices
from topology.models import Matrix
from topology.shards import shard_nodes

Indices = np.ndarray[Any, np.dtype[np.int_]]


@dataclass(frozen=True)
class Propagation:
    """The propagation stage of one model; a pure function of the frame."""

    grid: Grid
    influence: Matrix
    """How much of a source's stress each node takes on, shape (nodes, nodes), rows are sources."""
    partitions: int
    ended_runs: Collection[str] = ()
    """As in `Detection`."""

    @cached_property
    def _shards(self) -> list[Indices]:
        return [np.array(nodes, dtype=int) for nodes in shard_nodes(self.grid, self.partitions)]

    @cached_property
    def _pushes(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether a node's stress reaches a shard, shape (nodes, shards)."""
        parts = [self.influence[:, nodes].sum(axis=1) > 0 for nodes in self._shards]
        return np.stack(parts, axis=1)

    def __call__(self, frame: StressFrame) -> Iterator[PropagatedFrame]:
        """One frame a shard: stress times influence, summed over the frame's sources.

        Very large frames are cut by rows.

        Raises
        ------
        MessageError
            If the run was ended, or the zone or a node is not in the grid.
        """
        check_run(frame.run, self.ended_runs)
        check_zone(frame.zone, self.grid)
        sources = node_indices(frame.nodes, self.grid)
        stress = frame.stress
        # Columns of the transpose are sources: they are added one after the other, so that a sum
        # does not depend on how many rows a frame has.
        spread = self.influence[sources, :].T @ stress.T
        reached, source_bytes = spread.any(axis=1), self.grid.name_bytes[sources]
        for shard, members in enumerate(self._shards):
            nodes = members[reached[members]]
            pushing = np.flatnonzero(self._pushes[sources, shard])
            name_bytes = self.grid.name_bytes[nodes].sum() + source_bytes[pushing].sum()
            for rows in row_slices(len(stress), len(nodes) + len(pushing), int(name_bytes)):
                yield PropagatedFrame(
                    run=frame.run,
                    zone=frame.zone,
                    shard=shard,
                    seq=frame.seq + rows.start,
                    timestamps=frame.timestamps[rows],
                    nodes=[self.grid.ids[i] for i in nodes],
                    stress=spread[nodes, rows].T,
                    sources=[frame.nodes[i] for i in pushing],
                    source_stress=stress[rows, pushing],
                    final=frame.final,
                )


@dataclass
class PropagationStage:
    """``stress_events`` to the propagated stress of one model, as an agent runs it."""

    model: str
    propagate: Propagation
    propagated: Topic
    counters: StageCounters
    format: Format = FORMATS["msgpack"]

    async def __call__(self, events: Sequence[Any]) -> int:
        """Spread the frames' stress and send a frame to each shard; how many are finished."""
        outbox = Outbox()
        for event in events:
            for frame in self.propagate(decode(event.value, StressFrame)):
                value, shard = self.format.encode(frame), frame.shard
                outbox.add(self.propagated, str(shard), value, shard, self.format.header)
                await outbox.flush_if_full()
        await outbox.flush()
        self.counters.frames[f"propagation_{self.model}"] += len(events)
        return len(events)
