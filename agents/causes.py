"""Causes: the sources that contribute most to a node's stress, by their influence on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tables.risk_table import Window
from tables.shard_state import Indices
from topology.grid import Grid
from topology.messages import Floats, SourceShare
from topology.models import Matrix
from topology.ranking import TOP_SOURCES

Names = np.ndarray[Any, np.dtype[np.object_]]


@dataclass(frozen=True)
class Causes:
    """Names the sources behind stress on one grid, under one model."""

    grid: Grid
    influence: Matrix

    def of(self, windows: Sequence[Window], nodes: Sequence[Indices]) -> list[list[SourceShare]]:
        """For each window's nodes their largest sources in it, all windows and nodes at once.

        Looks at the sources that reach these nodes only.

        Parameters
        ----------
        nodes
            For each window, one at least, an array of grid positions.

        Returns
        -------
        list
            For each node of each window at most ``TOP_SOURCES`` shares of its whole stress, the
            largest first, at the same share by position; none without any stress.
        """
        owners, sources, parts = self._contributions(windows, nodes)
        found: list[list[SourceShare]] = [[] for part in nodes for _ in range(len(part))]
        if not len(parts):
            return found
        whole, counts = np.bincount(owners, parts), np.bincount(owners)
        counts = counts[counts > 0]
        begins = counts.cumsum() - counts
        # The largest part of every node at once, three times; half the time of sorting them all.
        for _ in range(TOP_SOURCES):
            largest = np.maximum.reduceat(parts, begins).repeat(counts)
            (equal,) = (parts == largest).nonzero()
            first = equal[equal.searchsorted(begins)]  # of equal parts the one by position
            first = first[parts[first] > 0]  # 0 where all have been taken
            shares = (parts[first] / whole[owners[first]]).tolist()
            shared = map(SourceShare, self._ids[sources[first]].tolist(), shares)
            for owner, share in zip(owners[first].tolist(), shared, strict=True):
                found[owner].append(share)
            parts[first] = 0.0
        return found

    def _contributions(
        self, windows: Sequence[Window], nodes: Sequence[Indices]
    ) -> tuple[Indices, Indices, Floats]:
        """Stress that nodes take on from each source: of which node, of which source, how much.

        Three arrays of one shape (parts > 0,), sorted by node and source; nodes are counted over
        all windows, sources are grid positions.
        """
        onto, at = self._onto, np.concatenate(nodes)
        counts = self._counts[at]
        begins = np.append(0, counts.cumsum())  # of each node's sources, and the end of all
        owners = np.arange(len(at)).repeat(counts)
        places = np.arange(begins[-1]) + (onto.indptr[at] - begins[:-1])[owners]
        sources = onto.indices[places].astype(np.intp)
        ends = begins[np.cumsum([len(part) for part in nodes])]
        by_window = np.split(sources, ends[:-1])
        own = [w.source_stress(part) for w, part in zip(windows, by_window, strict=True)]
        parts = onto.data[places] * np.concatenate(own)
        (held,) = parts.nonzero()
        return owners[held], sources[held], parts[held]

    @cached_property
    def _onto(self) -> Matrix:
        matrix = self.influence.tocsc()
        matrix.sort_indices()
        return matrix

    @cached_property
    def _counts(self) -> Indices:
        counts: Indices = np.diff(self._onto.indptr)
        return counts

    @cached_property
    def _ids(self) -> Names:
        return np.array(self.grid.ids, dtype=object)
