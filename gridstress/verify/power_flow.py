"""DC power flow, computed independently: the part of a rise of load that passes each node.

``docs/models.md`` has the rule. Of the angles that a rise at *s* causes, those of the infeed that
makes up for it are solved once an island, those of the load once a node; their difference counts.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from gridstress.verify.centrality import islands
from topology.grid import Grid, Line
from topology.messages import Floats

Indices = np.ndarray[Any, np.dtype[np.int64]]

CUT, DIGITS = 0.1, 9
"""What is below ``CUT``, rounded to so many decimals, is left out."""
OHM_PER_KM = 0.3
"""Reactance of a line that gives none."""
CIRCUITS, HIGH_KV, HIGH_KA, LOW_KA = 2, 300.0, 2.6, 1.3
"""What a line without a limit carries: two circuits of 2.6 kA from 300 kV up, of 1.3 kA below."""
AT_ONCE = 250
"""Sources that are solved together."""


def passing_flow(grid: Grid) -> Any:
    """K of the electrical model, a sparse array of shape (nodes, nodes); rows are sources."""
    n = len(grid.nodes)
    if not grid.lines:
        return sp.csr_array(sp.eye_array(n))
    ends = [np.array([grid.index[line.source] for line in grid.lines])]
    ends.append(np.array([grid.index[line.target] for line in grid.lines]))
    # Angle differences are `across @ angles`, flows `susceptance * differences`, in MW.
    across = _at_ends(ends[0], n) - _at_ends(ends[1], n)
    susceptance = np.array([_susceptance(line) for line in grid.lines])
    flow = sp.csr_array(sp.diags_array(susceptance) @ across)
    joining = abs(across)[susceptance != 0]
    half = ((_at_ends(ends[0], n) + _at_ends(ends[1], n)) / 2).T
    laplacian = sp.csr_array(across.T @ flow)
    rows, columns, values = [np.arange(n)], [np.arange(n)], [np.ones(n)]
    infeed = _infeed(grid)
    for island in map(np.array, islands(sp.csr_array(joining.T @ joining))):
        known = (infeed[island], grid.rated_mw[island], np.ones(len(island)))
        parts = next(some for some in known if some.any())
        for sources, passing in _passing(island, parts, laplacian, flow, half):
            kept = np.round(passing, DIGITS) >= CUT
            kept[sources, np.arange(len(sources))] = False
            node, case = np.nonzero(kept)
            rows.append(sources[case])
            columns.append(node)
            values.append(np.clip(passing[node, case], CUT, 1.0))
    at = np.concatenate(rows), np.concatenate(columns)
    return sp.csr_array((np.concatenate(values), at), shape=(n, n))


def _passing(
    island: Indices, parts: Floats, laplacian: Any, flow: Any, half: Any
) -> Iterator[tuple[Indices, Floats]]:
    """Flow through every node, MW, per MW more at each of some sources, shape (nodes, sources).

    ``parts``, shape (island,), is in what proportion its nodes make up for a rise.
    """
    if len(island) < 2:
        return
    free = island[:-1]  # the last node's angle is 0
    factors = splu(sp.csc_array(laplacian[free][:, free]))
    share = parts / parts.sum()
    feeding = np.zeros((laplacian.shape[0], 1))
    feeding[free, 0] = factors.solve(share[:-1])
    for first in range(0, len(island), AT_ONCE):
        sources = island[first : first + AT_ONCE]
        taken = (free[:, np.newaxis] == sources).astype(float)
        angles = np.repeat(feeding, len(sources), axis=1)
        angles[free] -= factors.solve(taken)
        yield sources, half @ np.abs(flow @ angles)


def _at_ends(ends: Indices, n: int) -> Any:
    lines = np.arange(len(ends))
    return sp.csr_array((np.ones(len(ends)), (lines, ends)), shape=(len(ends), n))


def _susceptance(line: Line) -> float:
    """MW per radian; 0 for an HVDC link, on which converters set the flow."""
    return (
        0.0 if line.dc else line.voltage_kv**2 / (line.reactance_ohm or OHM_PER_KM * line.length_km)
    )


def _infeed(grid: Grid) -> Floats:
    """Infeed by node, MW: the topology's, or in proportion to what the node's lines carry."""
    given = np.array([node.generation_mw for node in grid.nodes])
    if given.any():
        return given
    carried = np.zeros(len(grid.nodes))
    for line in grid.lines:
        ka = HIGH_KA if line.voltage_kv >= HIGH_KV else LOW_KA
        limit_mw = line.limit_mw or CIRCUITS * math.sqrt(3.0) * line.voltage_kv * ka
        carried[grid.index[line.source]] += limit_mw
        carried[grid.index[line.target]] += limit_mw
    return carried
