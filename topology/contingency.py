"""N-1: what is overloaded when one line fails, by DC power flow."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from topology.grid import Grid
from topology.messages import Floats
from topology.power_flow import DcNetwork, infeed_of

Counts = np.ndarray[Any, np.dtype[np.int_]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

OUTAGES_AT_ONCE = 256
"""Outages worked out together: of a grid of 16,000 lines 33 MB."""
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Contingencies:
    """What the outage of each line does, one at a time.

    Attributes
    ----------
    base_mw
        Flow on each line with all in service, shape (lines,).
    limit_mw
        What each line carries, shape (lines,).
    overloads
        How many lines each outage loads above their limits that were not so before; shape
        (lines,).
    parts
        Whether an outage parts the grid, which is not judged; shape (lines,).
    worst
        Largest loading of each line after any outage, flow over limit; shape (lines,).
    touched
        After how many outages a line of the node is overloaded so; shape (nodes,).
    severity
        By how much in all, as parts of the limits, summed over lines and outages; shape (nodes,).
    """

    base_mw: Floats
    limit_mw: Floats
    overloads: Counts
    parts: Flags
    worst: Floats
    touched: Counts
    severity: Floats


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
    lines, nodes = len(base), len(grid.nodes)
    overloads, parts = np.zeros(lines, dtype=int), np.zeros(lines, dtype=bool)
    touched, severity = np.zeros(nodes, dtype=int), np.zeros(nodes)
    worst = np.abs(base) / limit
    sound = (worst <= 1)[:, np.newaxis]
    for first in range(0, lines, OUTAGES_AT_ONCE):
        out = np.arange(first, min(first + OUTAGES_AT_ONCE, lines))
        factors = network.outages(out)
        parts[out] = np.isnan(factors).any(axis=0)
        after = np.abs(base[:, np.newaxis] + np.nan_to_num(factors) * base[out])
        after[:, parts[out]] = 0.0
        worst = np.maximum(worst, after.max(axis=1) / limit)
        loading = after / limit[:, np.newaxis]
        excess = np.where(sound & (loading > 1 + TOLERANCE), loading - 1.0, 0.0)
        overloads[out] = (excess > 0).sum(axis=0)
        touched += (network.at_nodes((excess > 0).astype(float)) > 0).sum(axis=1)
        severity += network.at_nodes(excess).sum(axis=1)
    return Contingencies(base, limit, overloads, parts, worst, touched, severity)
