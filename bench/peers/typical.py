"""Choose a stretch of the bundled year whose work per hour is that of the whole year's mean."""

from datetime import datetime
from pathlib import Path

import numpy as np

from bench.peers.material import hourly_work, representative
from gridstress.datasets.fitting import fitted, resampled
from gridstress.datasets.synthetic import synthetic_year
from gridstress.settings import load_settings
from topology.loaders import load_grid
from topology.models import influence_matrices


def typical_start(grid_file: Path, rows: int) -> datetime:
    """Where a stretch of ``rows`` hours begins whose mean work is nearest to that of all hours.

    The work of an hour is the number of nodes that its stress reaches, in all models together:
    what peers that send a message a node are slow by.
    """
    grid = load_grid(str(grid_file))
    series = resampled(fitted(synthetic_year(), grid))
    settings = load_settings()
    matrices = influence_matrices(grid, settings.model_names, settings.influence_params).values()
    reached = np.sum([np.diff(matrix.indptr) for matrix in matrices], axis=0).astype(float)
    work = hourly_work(series, grid, settings.stress_threshold, reached)
    first = representative(work, min(rows, len(work)))
    start: datetime = series.values.index[first].to_pydatetime()
    return start
