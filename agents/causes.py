"""Causes: the sources that contribute most to a node's stress, by their influence on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

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

    def of(self, nodes: Sequence[int], source_stress: Floats) -> list[list[SourceShare]]:
        """For each node its largest sources, the largest first, at the same share by position.

        Looks at the sources that reach these nodes only, all nodes at once.

        Parameters
        ----------
        nodes
            Grid positions.
        source_stress
            Own stress of each node of the grid, shape (grid nodes,).

        Returns
        -------
        list
            Beside each node at most ``TOP_SOURCES`` shares of its whole stress; none without any.
        """
        matrix, at = self._onto, np.array(nodes, dtype=int)
        begins = matrix.indptr[at]
        counts = matrix.indptr[at + 1] - begins
        ends = np.cumsum(counts)
        where = np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - ends + counts, counts)
        sources = matrix.indices[where]
        parts = matrix.data[where] * source_stress[sources]
        (pushing,) = parts.nonzero()
        whose = np.repeat(np.arange(len(at)), counts)[pushing]
        sources, parts = sources[pushing], parts[pushing]
        whole = np.bincount(whose, parts, len(at))
        order = np.lexsort((-parts, whose))
        first = np.searchsorted(whose, np.arange(len(at)))
        top = order[np.arange(len(order)) - first[whose] < TOP_SOURCES]
        owners = whose[top]
        found: list[list[SourceShare]] = [[] for _ in nodes]
        names, shares = self._ids[sources[top]].tolist(), (parts[top] / whole[owners]).tolist()
        for owner, name, share in zip(owners.tolist(), names, shares, strict=True):
            found[owner].append(SourceShare(name, share))
        return found

    @cached_property
    def _onto(self) -> Matrix:
        matrix = self.influence.tocsc()
        matrix.sort_indices()
        return matrix

    @cached_property
    def _ids(self) -> Names:
        return np.array(self.grid.ids, dtype=object)
