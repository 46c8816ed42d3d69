"""The measurements that all peers read, and the expected results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from agents.detection import stress_of
from gridstress.datasets.fitting import fitted, resampled
from gridstress.datasets.series import LoadSeries
from gridstress.datasets.synthetic import synthetic_year
from gridstress.replay.schedule import MAX_BATCH, VARIATION, Schedule, node_keys, variation
from gridstress.settings import Settings
from gridstress.verify.recompute import Recomputed, recompute
from topology.clock import HOUR_S
from topology.errors import UsageError
from topology.grid import Grid
from topology.messages import Floats, MeasurementFrame
from topology.models import Matrix, influence_matrices

SEED = 0
HOURS = 8760
"""Of the bundled year."""
CHUNK_ROWS = 500


@dataclass(frozen=True)
class Measurement:
    """One node's load at one time: a record of the peers that know no frames."""

    node: str
    timestamp: float
    load_mw: float


@dataclass(frozen=True)
class Material:
    """Measurements of consecutive hours and what they lead to.

    Attributes
    ----------
    rows
        Hours, one after the other.
    frames
        As a replay sends them, those that end the zones included.
    influences
        By model.
    updates
        By model, how often a program changes a window that has a message for each node that a
        stress reaches.
    recomputed
        The verifier's own result.
    """

    grid: Grid
    settings: Settings
    rows: int
    frames: Sequence[MeasurementFrame]
    influences: Mapping[str, Matrix]
    updates: Mapping[str, int]
    recomputed: Recomputed

    @property
    def measurements(self) -> int:
        """How many there are, a node and time each."""
        return sum(len(frame.timestamps) * len(frame.nodes) for frame in self.frames)

    @property
    def start_s(self) -> float:
        """Time of the first measurement."""
        return min(float(frame.times_s[0]) for frame in self.frames if not frame.final)


def material(grid: Grid, settings: Settings, rows: int, batch: int = MAX_BATCH) -> Material:
    """Take ``rows`` hours of the bundled year that are as busy as the year is on the average.

    Its frames have up to ``batch`` rows each.

    Raises
    ------
    UsageError
        If the year does not have so many hours, or no hour at all.
    """
    influences = influence_matrices(grid, settings.model_names, settings.influence_params)
    series = resampled(fitted(synthetic_year(), grid))
    if not 1 <= rows <= len(series.values):
        raise UsageError(f"--rows {rows} is not between 1 and {len(series.values)}")
    weight = sum((_reached(influence) for influence in influences.values()), np.zeros(()))
    work = hourly_work(series, grid, settings.stress_threshold, weight)
    first = representative(work, rows)
    part = replace(series, values=series.values.iloc[first : first + rows])
    schedule = Schedule(series=part, grid=grid, run="peers", seed=SEED)
    frames = list(schedule.frames(batch))
    reached = count_reached(frames, grid, settings.stress_threshold, influences)
    per_message = settings.size_s // settings.step_s
    return Material(
        grid=grid,
        settings=settings,
        rows=rows,
        frames=frames,
        influences=influences,
        updates={model: count * per_message for model, count in reached.items()},
        recomputed=recompute(frames, grid, settings),
    )


def hourly_work(series: LoadSeries, grid: Grid, threshold: float, weight: Floats) -> Floats:
    """Sum of the weights of the nodes that are stressed, for each row of a series.

    ``weight`` has shape (nodes,). Loads are as in a replay of the series, but not rounded.
    """
    times_s = series.start.timestamp() + series.period_s * np.arange(len(series.values))
    hours = (times_s // HOUR_S).astype(np.int64)
    work = np.zeros(len(hours))
    for zone in grid.zones:
        nodes = grid.nodes_of(zone)
        columns = [grid.index[node.id] for node in nodes]
        shares = np.array([node.share for node in nodes])
        keys = node_keys([node.id for node in nodes], SEED)
        zone_mw = series.values[zone].to_numpy(dtype=np.float64)
        for at in range(0, len(hours), CHUNK_ROWS):
            rows = slice(at, at + CHUNK_ROWS)
            weights = shares * (1 + VARIATION * variation(keys, hours[rows]))
            load_mw = zone_mw[rows, None] * (weights / weights.sum(axis=1, keepdims=True))
            stress = stress_of(load_mw, grid.ratings_mw[columns], threshold, series.period_s)
            work[rows] += (stress > 0) @ weight[columns]
    return work


def representative(work: Floats, rows: int) -> int:
    """First of ``rows`` consecutive hours whose mean work comes nearest to that of all hours."""
    total = np.concatenate(([0.0], np.cumsum(work)))
    means = (total[rows:] - total[:-rows]) / rows
    return int(np.argmin(np.abs(means - work.mean())))


def count_reached(
    frames: Sequence[MeasurementFrame],
    grid: Grid,
    threshold: float,
    influences: Mapping[str, Matrix],
) -> dict[str, int]:
    """By model, the nodes that each stressed measurement reaches, summed up."""
    stressed = np.zeros(len(grid.nodes), dtype=np.int64)
    for frame in frames:
        columns = [grid.index[node] for node in frame.nodes]
        load_mw = np.array(frame.load_mw).reshape(len(frame.timestamps), len(columns))
        stress = stress_of(load_mw, grid.ratings_mw[columns], threshold, frame.period_s)
        stressed[columns] += np.count_nonzero(stress, axis=0)
    return {model: int(stressed @ _reached(matrix)) for model, matrix in influences.items()}


def unroll(frames: Sequence[MeasurementFrame]) -> Iterator[Measurement]:
    """Yield one record a node and time, in the order of time and, within a time, of the frames."""
    rows = [
        (time_s, frame, row)
        for frame in frames
        for time_s, row in zip(frame.times_s.tolist(), frame.load_mw, strict=True)
    ]
    rows.sort(key=lambda item: item[0])
    for time_s, same in groupby(rows, key=lambda item: item[0]):
        for _, frame, row in same:
            for node, load_mw in zip(frame.nodes, row, strict=True):
                yield Measurement(node, time_s, load_mw)


def reach_of(influence: Matrix, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
    """By node, the nodes it reaches and the influence on each."""
    starts, targets, factors = influence.indptr, influence.indices, influence.data
    return {
        node: [
            (ids[target], float(factor))
            for target, factor in zip(targets[begin:end], factors[begin:end], strict=True)
        ]
        for node, begin, end in zip(ids, starts[:-1], starts[1:], strict=True)
    }


def _reached(influence: Matrix) -> Any:
    """How many nodes each node reaches, shape (nodes,)."""
    return np.diff(influence.indptr)
