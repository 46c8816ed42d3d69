"""When a series was sampled: irregular times, and files whose period changes."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from math import isnan
from pathlib import Path

import numpy as np

from gridstress.datasets.assemble import Reading
from gridstress.datasets.series import LoadSeries
from topology.errors import DataError

REPEATS = 24
"""Values at another step, in a row, that are no gaps but another period."""


def averaged(readings: list[Reading], period_s: int) -> list[Reading]:
    """Average the values of each zone and period of ``period_s``; a repeated row counts once.

    Raises
    ------
    DataError
        If a zone has two values at one time.
    """
    seen: dict[tuple[str, int], float] = {}
    groups: dict[tuple[str, int], list[Reading]] = defaultdict(list)
    for one in readings:
        known = seen.setdefault((one.zone, one.time_s), one.value)
        repeated = known == one.value or (isnan(known) and isnan(one.value))
        if not repeated:
            raise one.row.error(
                one.column, f"is there twice for zone {one.zone!r}, with different values"
            )
        groups[one.zone, one.time_s - one.time_s % period_s].append(one)
    result = []
    for (_, start_s), group in groups.items():
        values = {one.time_s: one.value for one in group if not isnan(one.value)}
        mean = sum(values.values()) / len(values) if values else float("nan")
        result.append(replace(group[0], time_s=start_s, value=mean))
    return result


def check_one_step(path: Path, series: LoadSeries) -> None:
    """Refuse a series in which some zone has a coarser period than the rest of the file.

    Its values would stand for a part of their period only.

    Raises
    ------
    DataError
        With the zone, and where its period changes.
    """
    for zone in series.zones:
        known = np.flatnonzero(~np.isnan(series.values[zone].to_numpy()))
        steps = np.diff(known)
        starts = np.flatnonzero(np.diff(steps, prepend=0, append=0))
        for first, end in pairwise(starts):
            step = int(steps[first])
            if step > 1 and end - first >= REPEATS:
                raise DataError(
                    f"{path}: zone {zone!r} has a value every {step * series.period_s // 60} min "
                    f"from {series.values.index[known[first]]:%Y-%m-%dT%H:%MZ} on, the rest of the "
                    f"file one every {series.period_s // 60} min",
                    hint="split the file where that changes",
                )
