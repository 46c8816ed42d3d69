"""The same work in Bytewax, a record a node and time, as its own documentation writes it.

``python -m bench.peers.bytewax.per_record_bytewax TASK.json``; runs in an environment of its own.

How it follows the documentation:

- One dataflow from `KafkaSource` to a `KafkaSink` a model; ``flat_map_batch`` for detection,
  propagation and risk, which the documentation recommends for speed.
- `EventClock` and `SlidingWindower`, ``ordered=False`` as a sum needs no order. A `WindowLogic`
  emits a result whenever a window changes, as risk is shown while it accumulates; of several
  changes of a window in one batch the last one is written. ``fold_window`` would emit a window
  when it closes, but each node has a clock of its own, so its last windows would stay open until
  the next stress reaches it.
- A recovery store with an epoch of 10 s, the default; at-least-once, as the sink is.

What differs from its examples: the clock waits as long as the data is, because topics are read
partition by partition and a window that has been closed takes nothing more; ``to_system_utc``
gives None, because event times of the past would wake the windows all the time.

What was tried (processor time of 192,000 measurements, 7.9 to 8.5 s as below, the machine busy):
1,000 records a batch (default) 11.2 s, 3,000 10.4 s, 50,000 7.4 s with a fifth more memory; every
change written 12.8 s; ``to_system_utc`` at its default 9.3 s; epochs of 2 s 9.3 s; no recovery
8.8 s; ``linger.ms`` 0 8.3 s; two workers, which share one interpreter, 8.6 s; ``fold_window``'s way
of emitting some 20 % less. The sink waits for the broker after every batch, which no setting
changes.

Results count when they are emitted. They are in the recovery store with the end of their epoch; the
last one, of up to 10 s of results, is not waited for, which is in favour of this peer.
"""

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing
from bytewax.operators.windowing import EventClock, SlidingWindower, WindowLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from bench.peers.bytewax.source import ReadySource
from bench.peers.collected_results import report
from bench.peers.engine import run_and_exit, run_until_counted
from bench.peers.stopwatch import Stopwatch
from bench.peers.task import MEASUREMENTS, Reach, Task

BATCH = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_INTERVAL = timedelta(seconds=10)


class Event(NamedTuple):
    """Stress that has reached a node."""

    time: datetime
    stress: float


class Total(NamedTuple):
    """Stress of a node in a window, how many events it has, and the newest's time."""

    stress: float
    updates: int
    newest: datetime


class RunningSum(WindowLogic):  # type: ignore[misc]
    """Sum of a window's events, emitted whenever it changes."""

    def __init__(self, total: Total | None) -> None:
        self._total = total or Total(0.0, 0, EPOCH)

    def on_value(self, value: Event) -> Iterable[Total]:
        """Add an event."""
        stress, updates, newest = self._total
        self._total = Total(stress + value.stress, updates + 1, max(newest, value.time))
        return (self._total,)

    def on_merge(self, original: "RunningSum") -> Iterable[Total]:
        """Raise an error: sliding windows are never merged."""
        raise NotImplementedError

    def on_close(self) -> Iterable[Total]:
        """Emit nothing more: the last change was emitted."""
        return ()

    def snapshot(self) -> Total:
        """Return the state that is kept."""
        return self._total


def create_flow(task: Task, watch: Stopwatch) -> Dataflow:
    """Make the dataflow: detection, and for each model propagation, windows and results."""
    flow = Dataflow("stress")
    measured = op.input("measurements", flow, ReadySource(task, BATCH))
    stressed = op.flat_map_batch("detect", measured, _detection(task, watch))
    clock = EventClock(
        ts_getter=lambda event: event.time,
        wait_for_system_duration=timedelta(seconds=task.windows * task.step_s),
        to_system_utc=lambda _time: None,
    )
    windower = SlidingWindower(
        length=timedelta(seconds=task.size_s), offset=timedelta(seconds=task.step_s), align_to=EPOCH
    )
    for model, reach in task.reach.items():
        propagated = op.flat_map_batch(f"propagate-{model}", stressed, _propagation(reach))
        windows = windowing.window(
            f"windows-{model}", propagated, clock, windower, RunningSum, ordered=False
        )
        results = op.flat_map_batch(f"risk-{model}", windows.down, _results(task, model, watch))
        op.output(f"out-{model}", results, KafkaSink([task.bootstrap], task.results_topic(model)))
    return flow


def _detection(
    task: Task, watch: Stopwatch
) -> Callable[[list[KafkaSourceMessage]], Iterator[tuple[str, Event]]]:
    ratings = task.rating_of

    def detect(messages: list[KafkaSourceMessage]) -> Iterator[tuple[str, Event]]:
        watch.begin()
        for message in messages:
            measurement = orjson.loads(message.value)
            node = measurement["node"]
            stress = task.stress(measurement["load_mw"], ratings[node])
            if stress > 0:
                yield node, Event(datetime.fromtimestamp(measurement["timestamp"], UTC), stress)
        watch.counted(MEASUREMENTS, len(messages))

    return detect


def _propagation(
    reach: Reach,
) -> Callable[[list[tuple[str, Event]]], Iterator[tuple[str, Event]]]:
    def propagate(events: list[tuple[str, Event]]) -> Iterator[tuple[str, Event]]:
        for source, event in events:
            for node, influence in reach[source]:
                yield node, Event(event.time, event.stress * influence)

    return propagate


def _results(
    task: Task, model: str, watch: Stopwatch
) -> Callable[[list[tuple[str, tuple[int, Total]]]], Iterator[KafkaSinkMessage]]:
    def emit(changes: list[tuple[str, tuple[int, Total]]]) -> Iterator[KafkaSinkMessage]:
        last = {(node, window): total for node, (window, total) in changes}
        for (node, window), total in last.items():
            result = {
                "node": node,
                "end_s": window * task.step_s + task.size_s,
                "stress": total.stress,
                "risk": 1 - math.exp(-total.stress),
                "updates": total.updates,
                "newest_s": total.newest.timestamp(),
            }
            yield KafkaSinkMessage(node.encode(), orjson.dumps(result))
        watch.counted(model, len(changes))

    return emit


def main() -> None:
    """Run until everything has been counted, or nothing more comes."""
    task = Task.load(Path(sys.argv[1]))
    watch = Stopwatch.of(task)
    flow = create_flow(task, watch)
    state = Path(task.directory) / "state"
    state.mkdir()
    init_db_dir(state, 1)

    def run() -> None:
        cli_main(flow, epoch_interval=EPOCH_INTERVAL, recovery_config=RecoveryConfig(state))

    run_until_counted(run, watch)
    report(task, watch)


if __name__ == "__main__":
    run_and_exit(main)
