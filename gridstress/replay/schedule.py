"""The frames of a replay in order: a pure function of series, grid, seed and batch size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gridstress.kafka.topics import MAX_FRAME_BYTES
from topology.clock import HOUR_S, to_datetime
from topology.codec import encode
from topology.errors import DataError, UsageError
from topology.grid import Grid, Node
from topology.messages import Floats, MeasurementFrame, name_bytes
from topology.run_messages import ZoneSent

if TYPE_CHECKING:  # workers, which only know the speeds, do without the data sets
    from gridstress.datasets.series import LoadSeries

MAX_BATCH = 24
LOAD_BYTES = 12
"""A load in JSON with three decimals, a sign and a comma."""
HEAD_BYTES = 4096
"""What a frame has beside its nodes and their loads: names, times."""
LOOKED_AT = 168
"""Rows that are looked through at once for those that stress a node."""
VARIATION = 0.05
"""How far a node's share strays from its mean, from hour to hour, at most."""

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Step:
    """Frames that are sent together.

    ``position`` is the row of the run's time index they begin at, ``time_s`` its event time,
    ``end`` the row behind them.
    """

    position: int
    time_s: int
    frames: tuple[MeasurementFrame, ...]
    end: int


@dataclass(frozen=True)
class Schedule:
    """A run: every zone's load, split over its nodes, row by row.

    Row *p* of the series has the sequence number *p* in every zone, so a run can be taken up
    again at any row; gaps only skip numbers. What a row says does not depend on how many of them
    share a message.

    Parameters
    ----------
    series
        Its zones are zones of the grid.
    run
        Name of the run, 1 to 128 characters.
    seed
        Of the variation between nodes.
    sent
        By zone, the last number that has been sent before; what lies behind it is sent.
    """

    series: "LoadSeries"
    grid: Grid
    run: str
    seed: int = 0
    sent: Mapping[str, int] = field(default_factory=dict)

    @property
    def start_s(self) -> int:
        """Event time of the first row, epoch seconds."""
        return int(self.series.start.timestamp())

    @property
    def period_s(self) -> int:
        """How long a row stands for, s."""
        return self.series.period_s

    @property
    def zones(self) -> list[str]:
        """Zones with rows."""
        empty = self.empty_zones
        return [zone for zone in self.grid.zones if zone not in empty]

    @property
    def rows(self) -> int:
        """Rows of the series; positions are 0 to ``rows``, where the last zones end."""
        return len(self.series.values)

    @property
    def empty_zones(self) -> tuple[str, ...]:
        """Zones of the grid without a single value; they end where the run starts."""
        values = self.series.values
        return tuple(z for z in self.grid.zones if z not in values or values[z].isna().all())

    @property
    def first(self) -> int:
        """Row at which sending begins; ``rows + 1`` if there is nothing left to send."""
        last = self.last_rows
        unsent = [
            self.sent.get(zone, -1) + 1
            for zone in self.grid.zones
            if self.sent.get(zone, -1) <= last.get(zone, -1)
        ]
        return min(unsent, default=self.rows + 1)

    def zones_sent(self) -> dict[str, ZoneSent]:
        """What ``sent`` comes to, by zone."""
        last = self.last_rows
        return {
            zone: ZoneSent(
                rows=int(self.series.values[zone][: seq + 1].notna().sum()) if zone in last else 0,
                last_seq=seq,
                final=seq > last.get(zone, -1),
            )
            for zone, seq in self.sent.items()
        }

    def begin(self) -> "Rows":
        """Give the rows that are left to send.

        Raises
        ------
        DataError
            If a zone's nodes have no share of its load, or a zone has too many nodes for a frame.
        """
        return Rows(self)

    def frames(self, batch: int = 1) -> Iterator[MeasurementFrame]:
        """Yield all frames, up to ``batch`` rows each."""
        for step in steps(self.begin(), batch):
            yield from step.frames

    @cached_property
    def last_rows(self) -> dict[str, int]:
        """By zone with rows, the number of the last one."""
        empty, values = self.empty_zones, self.series.values
        return {
            zone: int(np.flatnonzero(values[zone].notna().to_numpy())[-1])
            for zone in self.grid.zones
            if zone not in empty
        }


class Rows:
    """The rows of a run that are not sent yet, taken a few at a time.

    They come in the order of event time, all zones of a time before the next; a zone's final frame
    follows its last row.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        zones, empty = schedule.grid.zones, schedule.empty_zones
        self._loads = {
            zone: schedule.series.values[zone].to_numpy(dtype=np.float64)
            for zone in zones
            if zone not in empty
        }
        self._splits = {
            zone: Split(schedule.grid.nodes_of(zone), schedule.seed) for zone in self._loads
        }
        for zone, load in self._loads.items():
            self._check_size(zone, int(np.nanargmax(np.abs(load))))
        self._due = {zone: ~np.isnan(load) for zone, load in self._loads.items()}
        for zone, due in self._due.items():
            due[: schedule.sent.get(zone, -1) + 1] = False
        last = schedule.last_rows
        self._open = {z for z in zones if schedule.sent.get(z, -1) <= last.get(z, -1)}
        self._position = self._calm_until = schedule.first
        self._stress_follows = False

    @property
    def time_s(self) -> int | None:
        """Event time of the next row, epoch seconds; None behind the last."""
        schedule = self._schedule
        at = min(self._position, schedule.rows)
        return schedule.start_s + at * schedule.period_s if self._open else None

    def take(self, batch: int) -> Step:
        """Take the next ``batch`` rows, 1 to ``MAX_BATCH``, of all zones."""
        schedule, first = self._schedule, self._position
        start_s, period_s = schedule.start_s, schedule.period_s
        frames: list[MeasurementFrame] = []
        stop = min(first + batch, schedule.rows)
        for zone in sorted(self._open):
            last = schedule.last_rows.get(zone, -1)
            if last < first:
                frames.append(self._final(zone, last + 1))
                self._open.remove(zone)
                continue
            split = self._splits[zone]
            size = split.rows_together
            for low, high in _runs(self._due[zone][first:stop], first):
                for at in range(low, high, size):
                    part = self._loads[zone][at : min(at + size, high)]
                    frames.append(split.frame(schedule.run, zone, at, part, start_s, period_s))
        self._position = first + batch
        position = min(first, schedule.rows)
        return Step(position, start_s + position * period_s, tuple(frames), stop)

    def calm_rows(self, threshold: float) -> int:
        """How many of the next rows load no node above a part of its rating.

        It looks at `LOOKED_AT` rows at once.
        """
        if self._position > self._calm_until:
            self._calm_until, self._stress_follows = self._position, False
        begin = self._calm_until
        if not self._stress_follows and begin - self._position < LOOKED_AT // 2:
            end = min(begin + LOOKED_AT, self._schedule.rows)
            stressed = np.flatnonzero(self._stressed(begin, end, threshold))
            self._stress_follows = len(stressed) > 0
            self._calm_until = begin + int(stressed[0]) if self._stress_follows else end
        return max(0, self._calm_until - self._position)

    def _stressed(self, begin: int, end: int, threshold: float) -> Any:
        """Whether a row loads any node above a part of its rating, shape (rows,)."""
        schedule, found = self._schedule, np.zeros(max(0, end - begin), dtype=bool)
        times_s = schedule.start_s + schedule.period_s * np.arange(begin, end)
        for zone, split in self._splits.items():
            ratings = np.array([node.rating_mw for node in schedule.grid.nodes_of(zone)])
            loads = split.split(self._loads[zone][begin:end], times_s)
            found |= (loads > threshold * ratings).any(axis=1)
        return found

    def _check_size(self, zone: str, peak: int) -> None:
        """Raise DataError unless the row of a zone's highest load fits into a frame."""
        schedule, load, split = self._schedule, self._loads[zone], self._splits[zone]
        part, start_s = load[peak : peak + 1], schedule.start_s
        frame = split.frame(schedule.run, zone, peak, part, start_s, schedule.period_s)
        nodes = len(split.ids)
        size = len(encode(frame)) + nodes  # in another hour a node's load may have a digit more
        if size > MAX_FRAME_BYTES:
            raise DataError(
                f"zone {zone!r} has {nodes:,} nodes: one row is {size:,} bytes and does not fit "
                f"into a frame of {MAX_FRAME_BYTES:,} bytes",
                hint="divide the zone in the topology",
            )

    def _final(self, zone: str, seq: int) -> MeasurementFrame:
        schedule = self._schedule
        return MeasurementFrame(
            run=schedule.run,
            zone=zone,
            seq=seq,
            timestamps=[to_datetime(schedule.start_s + seq * schedule.period_s)],
            nodes=[],
            load_mw=[[]],
            period_s=schedule.period_s,
            final=True,
        )


class Unsent(Protocol):
    """What is left to send of a run; `Rows` is one."""

    @property
    def time_s(self) -> int | None:
        """Event time of what comes next, epoch seconds; None behind the last."""

    def take(self, batch: int) -> Step:
        """Take what comes next."""

    def calm_rows(self, threshold: float) -> int:
        """How many of the next rows surely load no node above a part of its rating."""


def steps(unsent: Unsent, batch: int = 1) -> Iterator[Step]:
    """Yield all that is left, ``batch`` rows at a time."""
    while unsent.time_s is not None:
        yield unsent.take(batch)


def check_run(name: str) -> None:
    """Raise UsageError unless a run may have this name; ``--loop`` adds to it."""
    if not 1 <= len(name) <= 120:
        raise UsageError(f"--run {name!r} has {len(name)} characters; 1 to 120 are allowed")


class Split:
    """Splits a zone's load over its nodes by their shares, which vary from hour to hour."""

    def __init__(self, nodes: tuple[Node, ...], seed: int) -> None:
        """Prepare for the nodes of one zone.

        Raises
        ------
        DataError
            If none of them has a share.
        """
        self.ids = [node.id for node in nodes]
        self._shares = np.array([node.share for node in nodes])
        if not self._shares.sum() > 0:
            raise DataError(
                f"the nodes of zone {nodes[0].zone!r} have no share of its load",
                hint="give at least one node of the zone a share above 0",
            )
        self._keys = node_keys(self.ids, seed)

    @cached_property
    def rows_together(self) -> int:
        """How many rows share a message at most: as many as fit into it, and one at least."""
        room = MAX_FRAME_BYTES - HEAD_BYTES - sum(map(name_bytes, self.ids))
        return max(1, min(MAX_BATCH, room // (LOAD_BYTES * len(self.ids))))

    def frame(
        self, run: str, zone: str, seq: int, zone_mw: Floats, begin_s: int, period_s: int
    ) -> MeasurementFrame:
        """Frame of a zone's loads in MW, shape (rows,), the first of which has the number ``seq``.

        ``begin_s`` is the time of the row with the number 0, epoch seconds.
        """
        times_s = begin_s + period_s * np.arange(seq, seq + len(zone_mw))
        return MeasurementFrame(
            run=run,
            zone=zone,
            seq=seq,
            timestamps=[to_datetime(int(t)) for t in times_s],
            nodes=self.ids,
            load_mw=self.split(zone_mw, times_s).tolist(),
            period_s=period_s,
        )

    def split(self, zone_mw: Floats, times_s: Any) -> Floats:
        """Loads in MW of the nodes, shape (times, nodes), from the zone's, shape (times,)."""
        weights = self._shares * (1 + VARIATION * variation(self._keys, times_s // HOUR_S))
        loads = zone_mw[:, None] * (weights / weights.sum(axis=1, keepdims=True))
        rounded: Floats = np.round(loads, 3)
        return rounded


def node_keys(node_ids: list[str], seed: int) -> Hashes:
    """Key each node's variation with a stable hash of seed and id, shape (nodes,)."""
    digests = [blake2b(f"{seed}/{node_id}".encode(), digest_size=8) for node_id in node_ids]
    return np.array([int.from_bytes(d.digest(), "little") for d in digests], dtype=np.uint64)


def variation(keys: Hashes, hours: Any) -> Floats:
    """Numbers in [-1, 1) that depend on node key and hour alone, shape (hours, nodes).

    A counter-based generator: SplitMix64 (Steele, Lea, Flood 2014) at the place ``hour`` of the
    sequence that starts at ``key``.
    """
    counter = np.asarray(hours, dtype=np.int64).astype(np.uint64)
    x = keys[None, :] + (counter[:, None] + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    unit: Floats = (x >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return 2 * unit - 1


def _runs(present: Any, offset: int) -> Iterator[tuple[int, int]]:
    """Bounds of the stretches of True, shifted by ``offset``."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], present, [False])).astype(np.int8)))
    for low, high in edges.reshape(-1, 2):
        yield int(low) + offset, int(high) + offset
