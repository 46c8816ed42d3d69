"""Runs of a few rows, as frames: pure functions of a generator of random numbers."""

import random
from collections.abc import Iterator
from itertools import zip_longest

from gridstress.kafka.topics import zone_partition
from tests.support.frames import ended, measured
from topology.codec import encode
from topology.grid import Grid
from topology.messages import MeasurementFrame

PARTITIONS = 4
SHIFTS_H = (-0.5, -5.0, 960.0, 240.0)
"""Rows of an odd clock: behind by less and by more than the lateness (1 h), ahead by more and by
less than `GRIDSTRESS_MAX_AHEAD_S` (31 days)."""


def short_run(
    rng: random.Random, grid: Grid, run: str, *, odd_clock: bool = False
) -> list[tuple[int, bytes]]:
    """Partitions and records of a run with two to ten rows a zone, in the order to be sent.

    Parameters
    ----------
    odd_clock
        Whether one zone's clock jumps by each of `SHIFTS_H`, and another's is three hours behind.
    """
    zones = list(grid.zones)
    wild, behind = rng.sample(zones, 2) if odd_clock else ("", "")
    frames = []
    for zone in zones:
        hours = [float(hour) for hour in range(rng.randint(2, 10))]
        if zone == wild:
            hours = [hour for shift in SHIFTS_H for hour in (*hours, len(hours) + shift)]
        if zone == behind:
            hours = [hour - 3 for hour in hours]
        frames.append(list(_zone(rng, grid, zone, run, hours)))
    # Zones take turns, as in a replay.
    return [
        (zone_partition(frame.zone, zones, PARTITIONS), encode(frame))
        for turn in zip_longest(*frames)
        for frame in turn
        if frame is not None
    ]


def _zone(
    rng: random.Random, grid: Grid, zone: str, run: str, hours: list[float]
) -> Iterator[MeasurementFrame]:
    """Frames of one to three rows of some of the zone's nodes, then its end."""
    nodes = rng.sample(grid.nodes_of(zone), min(3, len(grid.nodes_of(zone))))
    first = 0
    while first < len(hours):
        part = hours[first : first + rng.randint(1, 3)]
        loads = {n.id: [n.rating_mw * rng.uniform(0.7, 1.3) for _ in part] for n in nodes}
        yield measured(zone, part, loads, seq=first, run=run)
        first += len(part)
    yield ended(zone, max(hours) + 1, seq=first, run=run)
