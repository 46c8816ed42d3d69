"""Ratings that fit a load: a chosen part of the node-hours lies above the stress threshold."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gridstress.replay.schedule import Split
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.loaders import with_ratings
from topology.physics.power_flow import limit_of

if TYPE_CHECKING:
    from gridstress.datasets.series import LoadSeries

SPREAD = 0.25
"""How much greater the margin of the least exposed node is than that of the most exposed one."""
LOOKED_AT = 20_000_000
"""Node-hours that are looked at, at most; of a longer load some hours, drawn with the seed."""


@dataclass(frozen=True)
class Fit:
    """A grid with ratings that fit a load, and how it stands under that load.

    Attributes
    ----------
    grid
        With the new ratings.
    margins
        The least and the greatest rating over a node's own peak.
    node_hours
        How many were looked at, gaps left out.
    stressed
        Part of them above the threshold.
    hours
        Of each node that has a share in a loaded zone: part of its hours above the threshold.
    without_load
        Zones that the load does not have; their ratings stay.
    """

    grid: Grid
    margins: tuple[float, float]
    node_hours: int
    stressed: float
    hours: dict[str, float]
    without_load: tuple[str, ...]


def fit_ratings(
    grid: Grid, series: "LoadSeries", stressed: float, threshold: float, seed: int = 0
) -> Fit:
    """Rate every node so that a part of the node-hours lies above the threshold.

    Node-hours are those of the nodes that have a load.

    A node's rating is its own peak in this load times a margin, which grows by a quarter from the
    most exposed node to the least: from the greatest load over the capacity that is left when
    the node's largest line is out. So a few nodes are stressed often and most seldom, and not
    all at once.

    Parameters
    ----------
    series
        The load; its zones are the grid's.
    stressed
        The part, in (0, 1).
    threshold
        Part of its rating above which a node is stressed, in (0, 1).
    seed
        Of the variation between nodes, as a replay has it.

    Raises
    ------
    DataError
        If the load has no value above 0 for any zone.
    UsageError
        If ``stressed`` is beyond its bounds, or loads are 0 too often for it.
    """
    if not 0 < stressed < 1:
        raise UsageError(f"--stressed {stressed:.3%}: more than 0 % and less than 100 %")
    spread = _margins(grid)
    peaks_mw, loads = _loads(grid, series, seed)
    if not loads:
        raise DataError(f"{series.source} has no load for any zone of grid {grid.name!r}")
    for node, part in loads.items():
        part /= spread[node]
    every = np.concatenate(list(loads.values()))
    reached = float(np.quantile(every, 1 - stressed))
    if reached <= 0:
        raise UsageError(
            f"--stressed {stressed:.3%}: in fewer of the node-hours there is a load above 0"
        )
    margins = {node: reached / threshold * spread[node] for node in loads}
    ratings = {node: float(f"{margin * peaks_mw[node]:.6g}") for node, margin in margins.items()}
    least, most = min(margins.values()), max(margins.values())
    words = (
        f"{least:.3f} to {most:.3f} times the node's peak in {series.source}, so that "
        f"{stressed:.1%} of its node-hours lie above {threshold:g} of the rating"
    )
    loaded = {grid.nodes[grid.index[node]].zone for node in loads}
    return Fit(
        grid=with_ratings(grid, ratings, words),
        margins=(least, most),
        node_hours=len(every),
        stressed=float((every > reached).mean()),
        hours={node: float((part > reached).mean()) for node, part in loads.items()},
        without_load=tuple(zone for zone in grid.zones if zone not in loaded),
    )


def _loads(
    grid: Grid, series: "LoadSeries", seed: int
) -> tuple[dict[str, float], dict[str, np.ndarray[Any, np.dtype[np.float32]]]]:
    """Each node's own peak in MW, and its loads over that peak, shape (rows,), by its id."""
    peaks_mw, loads = {}, {}
    loaded = sum(node.share > 0 for node in grid.nodes)
    most = max(1, LOOKED_AT // max(1, loaded))
    draw = np.random.default_rng(seed)
    for zone in series.zones:
        values, nodes = series.values[zone].to_numpy(float), grid.nodes_of(zone)
        rows = np.flatnonzero(~np.isnan(values))
        zone_peak_mw = float(values[rows].max(initial=0.0))
        if zone_peak_mw <= 0 or not any(node.share for node in nodes):
            continue
        if len(rows) > most:
            rows = np.sort(draw.choice(rows, most, replace=False))
        times_s = int(series.start.timestamp()) + series.period_s * rows
        split = Split(nodes, seed).split(values[rows], times_s)
        for i, node in enumerate(nodes):
            if node.share > 0:
                peaks_mw[node.id] = node.share * zone_peak_mw
                loads[node.id] = (split[:, i] / peaks_mw[node.id]).astype(np.float32)
    return peaks_mw, loads


def _margins(grid: Grid) -> dict[str, float]:
    """Margin of each node that has a share over that of the most exposed, 1 to ``1 + SPREAD``."""
    limits: dict[str, list[float]] = defaultdict(list)
    for line in grid.lines:
        for end in (line.source, line.target):
            limits[end].append(limit_of(line))

    def exposure(node_id: str) -> tuple[float, float, str]:
        node, own = grid.nodes[grid.index[node_id]], limits[node_id]
        left = sum(own) - max(own, default=0.0)
        load = grid.zone_shares.get(node.zone, 0.0) * node.share
        return (-load / left if left else -np.inf), -load, node_id

    ranked = sorted((node.id for node in grid.nodes if node.share > 0), key=exposure)
    last = max(len(ranked) - 1, 1)
    return {node: 1 + SPREAD * rank / last for rank, node in enumerate(ranked)}
