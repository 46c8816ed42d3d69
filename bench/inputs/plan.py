"""Choose the stretch of a load series to replay, and how often, for a run of a given length."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WINTER_ROWS = 2_160
"""Hours from the start of a stretch that still are winter: January to March."""

MAX_RUNS = 8
"""Runs whose state a worker keeps: a bench that sent more would measure forgetting, too."""

MAX_NODE_MEASUREMENTS = 8_000_000
"""More would fill gigabytes with final windows, and the verifier's memory with them."""


@dataclass(frozen=True)
class Stretch:
    """A run of ``rows`` hours from ``start`` on."""

    run: str
    start: datetime
    rows: int

    @property
    def until(self) -> datetime:
        """Where it ends, exclusive."""
        return self.start + timedelta(hours=self.rows)


def stretches(rows: int, start: datetime, available: int) -> list[Stretch]:
    """Runs of equal length that together have at least ``rows`` hours, winter first.

    Parameters
    ----------
    rows
        Hours wanted in all, > 0.
    available
        Hours the series has from `start` on. With ``MAX_RUNS`` runs of these there is no more
        to be had.
    """
    each = max(min(WINTER_ROWS, available), math.ceil(rows / MAX_RUNS))
    count = min(MAX_RUNS, math.ceil(rows / each))
    length = min(available, math.ceil(rows / count))
    return [Stretch(f"bench-{i + 1}", start, length) for i in range(count)]


def rows_for(rate: float, nodes: int, seconds: float) -> int:
    """Hours that keep a worker of ``rate`` node-measurements/s busy for so many seconds."""
    return max(1, math.ceil(min(rate * seconds, MAX_NODE_MEASUREMENTS) / nodes))


def winter_of(times: Sequence[datetime]) -> datetime:
    """The first Monday morning of a January working week in a series, or else its beginning."""
    winter = (t for t in times if (t.month, t.hour) == (1, 0) and t.day >= 6 and t.weekday() == 0)
    return next(winter, times[0]).astimezone(UTC)
