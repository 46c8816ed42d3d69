"""The upper bound: one plain loop over the same frames, with all windows in memory.

``python -m bench.peers.plain_loop TASK.json``

It uses gridstress's own pure functions where the work is the same (decoding a frame, the stress of
loads, the influence matrices, the alarm decision) and leaves out everything a stream processor is
for: no Faust, no state store, no changelog, no output topics, no second process that could take
over, no repeated or late rows. What it gains by that, it uses:

- All models are linear, so a node's own stress is summed into panes first, of whatever zone and
  frame, and each model spreads a pane once, when it is closed; several panes at a time.
- Panes lie in one NumPy ring that all zones write into; a window is the sum of its panes.
- Nodes without stress in any of the panes are left out of the matrix product.

The clock starts before the first fetch: the client reads ahead, and the bytes of a first fetch
that had come before would be free.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np

from agents.alarms import Thresholds, decide
from agents.detection import stress_of
from bench.peers.stopwatch import Stopwatch
from bench.peers.task import (
    MEASUREMENTS,
    Task,
    ready_file,
    save_outcome,
    save_seen,
    windows_file,
)
from gridstress.settings import Settings, load_settings
from tables.shard_state import ShardState
from topology.codec import decode
from topology.grid import Grid
from topology.loaders import load_grid
from topology.messages import Floats, MeasurementFrame
from topology.models import Matrix, influence_matrices

FETCH_BYTES = 8 << 20
WAIT_MS = 1000


class Ring:
    """Own stress (h) of the panes that are open, which slide forward; pane *k* is slot ``k mod n``.

    Parameters
    ----------
    nodes
        Columns.
    first
        Number of the oldest pane.
    """

    def __init__(self, nodes: int, first: int, slots: int = 64) -> None:
        self.first = first
        self._values = np.zeros((slots, nodes))

    def add(self, panes: Any, columns: Any, stress: Floats) -> None:
        """Add rows of ``stress``, shape (rows, columns), to the panes with these numbers."""
        self._hold(int(panes.max()))
        slots = panes % len(self._values)
        if len(panes) > 1 and (np.diff(panes) <= 0).any():
            np.add.at(self._values, (slots[:, None], columns), stress)
        else:  # every pane once, and many times faster
            self._values[slots[:, None], columns] += stress

    def take(self, last: int) -> Floats:
        """Remove the panes up to and with ``last``, shape (panes, nodes)."""
        self._hold(last)
        slots = np.arange(self.first, last + 1) % len(self._values)
        taken: Floats = self._values[slots]
        self._values[slots] = 0.0
        self.first = last + 1
        return taken

    def _hold(self, last: int) -> None:
        """Make room for panes up to and with ``last``."""
        while last >= self.first + len(self._values):
            slots = np.arange(self.first, self.first + len(self._values))
            grown = np.zeros((2 * len(self._values), self._values.shape[1]))
            grown[slots % len(grown)] = self._values[slots % len(self._values)]
            self._values = grown


class Model:
    """One model's influence, the panes that the next windows still need, and its alarms."""

    def __init__(self, influence: Matrix, per_window: int, windows: int) -> None:
        nodes = influence.shape[0]
        self.windows: Floats = np.zeros((windows, nodes))
        self.transitions = 0
        self._influence = influence
        self._before = np.zeros((per_window - 1, nodes))
        self._state = ShardState.new(nodes, 0)

    def close(self, first: int, own: Floats, ends_s: Any, thresholds: Thresholds) -> None:
        """Spread panes of own stress, shape (panes, nodes), and close a window with each.

        ``first`` is the number of the first of these windows, ``ends_s`` are their ends.
        """
        sources = np.flatnonzero(own.any(axis=0))
        spread = own[:, sources] @ self._influence[sources, :]
        panes = np.concatenate((self._before, spread))
        closed = self.windows[first : first + len(own)]
        for k in range(len(self._before) + 1):
            closed += panes[k : k + len(own)]
        self._before = panes[len(own) :]
        decided = decide(self._state, -np.expm1(-closed), ends_s.tolist(), thresholds)
        self.transitions += sum(len(steps) for steps in decided if steps)


class Loop:
    """Frames in, windows of every model out."""

    def __init__(self, task: Task, grid: Grid, settings: Settings) -> None:
        per_window = settings.size_s // settings.step_s
        self._grid, self._settings = grid, settings
        self._thresholds = Thresholds(
            settings.level_clear, settings.level_warning, settings.level_high,
            settings.level_critical,
        )  # fmt: skip
        self.models = {
            name: Model(matrix, per_window, task.windows)
            for name, matrix in influence_matrices(
                grid, settings.model_names, settings.influence_params
            ).items()
        }
        self._origin = task.first_end_s // settings.step_s - 1
        self._ring = Ring(len(grid.nodes), self._origin)
        self._columns: dict[str, tuple[list[str], Any]] = {}
        self._newest_s = dict.fromkeys(grid.zones, -np.inf)
        self._ended_s: dict[str, float] = {}

    def fold(self, frame: MeasurementFrame) -> int:
        """Add a frame to the panes; how many measurements it has."""
        times_s = frame.times_s
        if frame.final:
            self._ended_s[frame.zone] = float(times_s[-1])
            return 0
        columns = self._columns_of(frame)
        load_mw = np.array(frame.load_mw)
        stress = stress_of(
            load_mw,
            self._grid.ratings_mw[columns],
            self._settings.stress_threshold,
            frame.period_s,
        )
        panes = np.floor(times_s / self._settings.step_s).astype(np.int64)
        self._ring.add(panes, columns, stress)
        self._newest_s[frame.zone] = float(times_s[-1])
        return load_mw.size

    def close(self) -> list[float]:
        """Close the windows that the watermark has passed; times of the rows that close them."""
        settings = self._settings
        open_s = [s for zone, s in self._newest_s.items() if zone not in self._ended_s]
        watermark_s = min(open_s) - settings.lateness_s if open_s else max(self._ended_s.values())
        if not np.isfinite(watermark_s):
            return []
        last = int(watermark_s // settings.step_s) - 1
        first = self._ring.first
        if last < first:
            return []
        own = self._ring.take(last)
        ends_s = (np.arange(first, last + 1) + 1) * settings.step_s
        for model in self.models.values():
            model.close(first - self._origin, own, ends_s, self._thresholds)
        return [end_s + settings.lateness_s for end_s in ends_s.tolist()]

    def _columns_of(self, frame: MeasurementFrame) -> Any:
        known = self._columns.get(frame.zone)
        if known is None or known[0] != frame.nodes:
            columns = np.array([self._grid.index[node] for node in frame.nodes])
            known = self._columns[frame.zone] = frame.nodes, columns
        return known[1]


async def run(task: Task) -> None:
    """Read the topic from its beginning until every measurement has been folded."""
    from aiokafka import AIOKafkaConsumer, TopicPartition

    grid = load_grid(task.grid)
    loop = Loop(task, grid, load_settings())
    watch = Stopwatch({MEASUREMENTS: task.measurements})
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(task.source, p) for p in range(task.partitions)]
        consumer.assign(partitions)
        consumer.pause(*partitions)
        for partition in partitions:
            await consumer.position(partition)  # known where to begin: nothing left to set up
        if task.live:
            ready_file(task).touch()
        else:
            watch.begin()
        consumer.resume(*partitions)
        left = len(grid.zones)
        while left:
            batches = await consumer.getmany(timeout_ms=WAIT_MS)
            for records in batches.values():
                for record in records:
                    frame = decode(record.value, MeasurementFrame)
                    watch.counted(MEASUREMENTS, loop.fold(frame))
                    left -= frame.final
            closed_by = loop.close()
            watch.counted(MEASUREMENTS, 0)
            for time_s in closed_by:
                watch.saw(time_s)
    finally:
        await consumer.stop()
    if task.live:
        save_seen(task, watch.seen_s)
    for name, model in loop.models.items():
        model.windows.tofile(windows_file(task, name))
    save_outcome(task, watch.outcome())


def main() -> None:
    """Do one task."""
    asyncio.run(run(Task.load(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
