"""N-1: what is overloaded when one line fails, by DC power flow."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from topology.grid import Grid
from topology.messages import Floats
from topology.physics.power_flow import DcNetwork, infeed_of

Counts = np.ndarray[Any, np.dtype[np.int_]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

OUTAGES_AT_ONCE = 256
"""Outages worked out together: of a grid of 16,000 lines 33 MB."""
TOLERANCE = 1e-9
IDLE = 0.01
"""Part of its limit below which a line as good as carries nothing."""
IDLE_WORDS = (
    "no line carries as much as 1 % of its limit beforehand, because load and infeed are shared "
    "by the same rule: give the nodes loads or infeeds (docs/topology.md)"
)


@dataclass(frozen=True)
class Overload:
    """A line that an outage loads above its limit, and that was not so before.

    ``outage`` and ``line`` are positions of lines; ``loading`` is flow over limit, above 1.
    """

    outage: int
    line: int
    loading: float


@dataclass(frozen=True)
class Contingencies:
    """What the outage of each line does, one at a time.

    Attributes
    ----------
    base_mw
        Flow on each line with all in service, shape (lines,).
    limit_mw
        What each line carries, shape (lines,).
    parts
        Whether an outage parts the grid, which is not judged; shape (lines,).
    overloads
        In the order of outages, then lines.
    touched
        After how many outages a line of the node is overloaded so; shape (nodes,).
    """

    base_mw: Floats
    limit_mw: Floats
    parts: Flags
    overloads: list[Overload]
    touched: Counts

    @property
    def idle(self) -> bool:
        """Whether no line carries a hundredth of its limit: then no outage moves anything.

        So it is where load and infeed are shared by the same rule.
        """
        return bool((np.abs(self.base_mw) < IDLE * self.limit_mw).all())


def injection_of(grid: Grid, network: DcNetwork) -> Floats:
    """Infeed less load by node in a busy hour, MW, shape (nodes,); sums to 0 in each island.

    Load is shared as the topology says, and as much as is fed in: losses are none here.
    """
    infeed = infeed_of(grid)
    load = np.array([grid.zone_shares.get(n.zone, 0.0) * n.share for n in grid.nodes])
    fed = np.bincount(network.island, infeed)
    asked = np.bincount(network.island, load)
    supplied = (asked > 0) & (fed > 0)
    scale = np.divide(fed, asked, out=np.zeros_like(fed), where=supplied)
    injection: Floats = infeed * supplied[network.island] - load * scale[network.island]
    return injection


def contingencies(grid: Grid, network: DcNetwork) -> Contingencies:
    """Work out the outage of every line."""
    base = network.flows(injection_of(grid, network)[:, np.newaxis])[:, 0]
    limit = network.limit_mw
    lines = len(base)
    parts, touched = np.zeros(lines, dtype=bool), np.zeros(len(grid.nodes), dtype=int)
    overloads: list[Overload] = []
    sound = (np.abs(base) <= limit)[:, np.newaxis]
    for first in range(0, lines, OUTAGES_AT_ONCE):
        out = np.arange(first, min(first + OUTAGES_AT_ONCE, lines))
        factors = network.outages(out)
        parts[out] = np.isnan(factors).any(axis=0)
        after = np.abs(base[:, np.newaxis] + np.nan_to_num(factors) * base[out])
        loading = np.where(parts[out], 0.0, after) / limit[:, np.newaxis]
        over = sound & (loading > 1 + TOLERANCE)
        overloads += [
            Overload(first + int(case), int(line), float(loading[line, case]))
            for case, line in np.argwhere(over.T)
        ]
        touched += (network.at_nodes(over.astype(float)) > 0).sum(axis=1)
    return Contingencies(base, limit, parts, overloads, touched)
