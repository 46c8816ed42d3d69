"""Linearised (DC) power flow: how the flow on every line answers to load, infeed and outages.

Voltages are taken as nominal, angles as small, losses as none: a line carries
``b * (angle at source - angle at target)`` MW, with ``b = kV^2 / ohm`` in MW per radian (Stott,
Jardim & Alsac, "DC power flow revisited", IEEE Trans. Power Syst. 24, 2009). Nothing here is part
of the pipeline: it is what the propagation models are measured by.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from topology.errors import DataError
from topology.grid import OHM_PER_KM, Grid, Line, usual_limit_mw
from topology.messages import Floats

Slack = Literal["infeed", "rating"]
Indices = np.ndarray[Any, np.dtype[np.int_]]

AT_ONCE = 32
"""Cases solved together: ten times faster than hundreds, which leave the processor's cache."""
BUSY = 0.85
"""Part of the ratings that is used in the hour looked at: where detection begins to see stress."""
BRIDGE = 1e-6
"""A line whose own transfer factor is as near to 1 as this joins two parts on its own."""


def reactance_of(line: Line) -> float:
    """The line's reactance in ohm; by its length where the topology gives none."""
    return line.reactance_ohm or OHM_PER_KM * line.length_km


def susceptance_of(line: Line) -> float:
    """MW a radian; 0 for an HVDC link, whose flow does not follow from angles."""
    return 0.0 if line.dc else line.voltage_kv**2 / reactance_of(line)


def limit_of(line: Line) -> float:
    """What the line carries in MW; two circuits of its voltage where the topology gives none."""
    return line.limit_mw or usual_limit_mw(line.voltage_kv)


@dataclass(frozen=True)
class DcNetwork:
    """A grid as DC power flow sees it.

    Attributes
    ----------
    source, target
        Positions of each line's ends, shape (lines,).
    susceptance
        MW per radian, shape (lines,).
    limit_mw
        Shape (lines,).
    slack
        Who makes up for a rise of load: parts that sum to 1 in each island, shape (nodes,).
    island
        Number of each node's island, shape (nodes,).
    """

    source: Indices
    target: Indices
    susceptance: Floats
    limit_mw: Floats
    slack: Floats
    island: Indices
    _solve: Any

    @classmethod
    def of(cls, grid: Grid, slack: Slack = "infeed") -> "DcNetwork":
        """Factorise the grid's susceptance matrix, with one node of each island as reference.

        Slack is shared in proportion to infeed (``infeed_of``) or to ratings; in an island
        without infeed always to ratings, and equally in one without either.

        Raises
        ------
        DataError
            If there is no line.
        """
        if not grid.lines:
            raise DataError(f"topology {grid.name!r} has no lines: there is no flow to work out")
        n = len(grid.nodes)
        ends = [(grid.index[line.source], grid.index[line.target]) for line in grid.lines]
        source, target = np.array(ends, dtype=np.int64).reshape(-1, 2).T
        b = np.array([susceptance_of(line) for line in grid.lines])
        laplacian = _laplacian(n, source, target, b)
        count, island = connected_components(laplacian, directed=False)
        free = np.ones(n, dtype=bool)
        free[[int(np.flatnonzero(island == i)[0]) for i in range(count)]] = False
        factors = splu(laplacian[free][:, free].tocsc()) if free.any() else None

        def solve(injection: Floats) -> Floats:
            angles = np.zeros_like(injection)
            if factors is not None:
                for first in range(0, injection.shape[1], AT_ONCE):
                    some = slice(first, first + AT_ONCE)
                    angles[free, some] = factors.solve(injection[free, some])
            return angles

        limits = np.array([limit_of(line) for line in grid.lines])
        parts = grid.rated_mw if slack == "rating" else infeed_of(grid)
        return cls(source, target, b, limits, _slack(parts, grid, island), island, solve)

    def flows(self, injection: Floats) -> Floats:
        """Flow on each line, MW, from source to target; shape (lines, cases).

        ``injection`` is infeed less load by node, MW, shape (nodes, cases); it must sum to 0 over
        each island.
        """
        angles = self._solve(injection)
        apart = angles[self.source] - angles[self.target]
        flows: Floats = self.susceptance[:, np.newaxis] * apart
        return flows

    def load_rises(self, nodes: Indices) -> Floats:
        """Change of flow on each line, MW, when a node takes 1 MW more; shape (lines, nodes).

        The negative of the PTDF's columns: the rise is made up for as ``slack`` says, within
        the node's own island.
        """
        injection = self.slack[:, np.newaxis] * (self.island[:, np.newaxis] == self.island[nodes])
        injection[nodes, np.arange(len(nodes))] -= 1.0
        return self.flows(injection)

    def through_flow(self, nodes: Indices) -> Floats:
        """How much more power passes each node per MW more that is taken at one of ``nodes``.

        Half of what changes on the lines of a node, MW per MW, shape (``nodes``, nodes): what
        comes in on one line leaves by another. At the node itself half of the rise or more.
        """
        rises: Floats = self.at_nodes(np.abs(self.load_rises(nodes))).T / 2
        return rises

    def outages(self, lines: Indices) -> Floats:
        """Line outage distribution factors of these outages, shape (all lines, outages).

        The part of an outaged line's flow that moves to each line, -1 for itself; nan where the
        outage parts the grid, so that there is no flow to be moved.
        """
        cases = np.arange(len(lines))
        injection = np.zeros((len(self.slack), len(lines)))
        carries = (self.susceptance[lines] != 0).astype(float)
        injection[self.source[lines], cases] += carries
        injection[self.target[lines], cases] -= carries
        moved = self.flows(injection)
        left = 1.0 - moved[lines, cases]
        parts = np.where(np.abs(left) < BRIDGE, np.nan, left)
        factors: Floats = moved / parts
        factors[lines, cases] = np.where(np.isnan(parts), np.nan, -1.0)
        return factors

    def at_nodes(self, by_line: Floats) -> Floats:
        """Sums over the lines of each node, shape (nodes, cases), of values by line."""
        n, lines = len(self.slack), np.arange(len(self.source))
        ends = np.concatenate([self.source, self.target])
        ones = np.ones(2 * len(lines))
        incidence = sp.csr_array((ones, (ends, np.tile(lines, 2))), shape=(n, len(lines)))
        sums: Floats = incidence @ by_line
        return sums


def _laplacian(n: int, source: Indices, target: Indices, b: Floats) -> sp.csr_array:
    rows = np.concatenate([source, target, source, target])
    columns = np.concatenate([target, source, source, target])
    laplacian = sp.csr_array((np.concatenate([-b, -b, b, b]), (rows, columns)), shape=(n, n))
    laplacian.eliminate_zeros()  # what HVDC alone joins are islands
    return laplacian


def infeed_of(grid: Grid) -> Floats:
    """Infeed by node, MW, shape (nodes,): the topology's, or what its lines could carry off.

    Where no node has any, the load at which stress begins (85 % of all ratings) is shared among
    the nodes in proportion to the limits of their lines: plants stand where lines lead.
    """
    given = np.array([node.generation_mw for node in grid.nodes])
    if given.any():
        return given
    carried = np.zeros(len(grid.nodes))
    for line in grid.lines:
        for end in (line.source, line.target):
            carried[grid.index[end]] += limit_of(line)
    infeed: Floats = carried * (BUSY * grid.rated_mw.sum() / carried.sum())
    return infeed


def _slack(parts: Floats, grid: Grid, island: Indices) -> Floats:
    weight = np.ones(len(island))
    for known in (grid.rated_mw, parts):
        weight = np.where(np.bincount(island, known)[island] > 0, known, weight)
    shares: Floats = weight / np.bincount(island, weight)[island]
    return shares
