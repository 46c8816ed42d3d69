"""Replay a load series without a broker, straight to its recomputed results."""

from gridstress.datasets.series import LoadSeries
from gridstress.replay.schedule import MAX_BATCH, Schedule
from gridstress.settings import Settings
from gridstress.verify.recompute import Recomputed, recompute
from topology.grid import Grid


def run_offline(
    series: LoadSeries, grid: Grid, settings: Settings, run: str = "offline", seed: int = 0
) -> Recomputed:
    """What a replay of this series leads to, under every enabled model.

    The series' zones are zones of the grid (``gridstress.datasets.fitting.fitted``); ``seed`` is
    of the variation between nodes, as for ``gridstress replay``.

    Raises
    ------
    DataError
        If it spans too long a time, or no row of it can be used.
    """
    schedule = Schedule(series=series, grid=grid, run=run, seed=seed)
    return recompute(list(schedule.frames(MAX_BATCH)), grid, settings)
