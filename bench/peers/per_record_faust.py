"""The same work in stock Faust, a record a node and time, as Faust's own documentation writes it.

``python -m bench.peers.per_record_faust TASK.json``; nothing of gridstress is used.

How it follows the documentation:

- Models are ``faust.Record`` in JSON (orjson is installed, so Faust uses it), without the
  metadata that the documentation says may be left out.
- Messages are keyed by node, so that a node's table entry and its messages share a partition.
- ``hopping(size, step)`` tables with ``relative_to_field``, updated with ``+=``, read back with
  ``.delta()``; one table and one agent a model.
- A result a message, of the window that ends next. The other five windows of the message have
  changed as well; to send them too would make this peer slower still.
- ``await topic.send(...)`` without waiting for the acknowledgement, as in every example there.
- The RocksDB store with the rocksdict driver, at-least-once, everything else at its default
  (commits every 2.8 s, 4,096 messages a stream buffer).

What differs from its examples: ``expires`` is not set, because Faust compares it with the wall
clock and would drop every window of a replayed year at once.
"""

import math
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import faust

from bench.peers.stopwatch import STALL_S, Stopwatch
from bench.peers.task import (
    MEASUREMENTS,
    Reach,
    Task,
    Windows,
    outcome_file,
    ready_file,
    save_outcome,
    save_seen,
)

WATCH_S = 0.05


class Measurement(faust.Record, serializer="json", include_metadata=False):
    """A node's load."""

    node: str
    timestamp: float
    load_mw: float


class Stress(faust.Record, serializer="json", include_metadata=False):
    """A node's stress, its own or what has reached it."""

    node: str
    timestamp: float
    stress: float


class Result(faust.Record, serializer="json", include_metadata=False):
    """A node's stress and risk in the window that ends at ``end``."""

    node: str
    end: float
    stress: float
    risk: float


def create_app(task: Task, watch: Stopwatch) -> faust.App:
    """Make the app: topics, tables and agents."""
    app = faust.App(
        task.name,
        broker=f"kafka://{task.bootstrap}",
        store="rocksdb://?driver=rocksdict",
        datadir=task.directory,
        topic_partitions=task.partitions,
        topic_replication_factor=1,
        web_enabled=False,
    )
    measurements = app.topic(task.source, key_type=str, value_type=Measurement)
    stress_events = app.topic(task.stress_topic, key_type=str, value_type=Stress)
    ratings = task.rating_of

    @app.agent(measurements)
    async def detect(stream: Any) -> None:
        async for one in stream:
            watch.counted(MEASUREMENTS)
            stress = task.stress(one.load_mw, ratings[one.node])
            if stress > 0:
                await stress_events.send(
                    key=one.node, value=Stress(one.node, one.timestamp, stress)
                )

    tables = {
        model: _add_model(app, task, model, reach, stress_events, watch)
        for model, reach in task.reach.items()
    }
    _add_end(app, task, tables, watch)
    return app


def _add_model(
    app: faust.App, task: Task, model: str, reach: Reach, stress_events: Any, watch: Stopwatch
) -> Any:
    """Add one model's topic, table and two agents; its table."""
    propagated = app.topic(task.propagated_topic(model), key_type=str, value_type=Stress)
    results = app.topic(task.results_topic(model), key_type=str, value_type=Result)
    table = app.Table(f"risk-{model}", default=float, partitions=task.partitions)
    windows = table.hopping(
        timedelta(seconds=task.size_s), timedelta(seconds=task.step_s)
    ).relative_to_field(Stress.timestamp)  # type: ignore[arg-type]

    async def propagate(stream: Any) -> None:
        async for event in stream:
            for node, influence in reach[event.node]:
                await propagated.send(
                    key=node, value=Stress(node, event.timestamp, event.stress * influence)
                )

    async def accumulate(stream: Any) -> None:
        async for event in stream:
            windows[event.node] += event.stress
            stress = windows[event.node].delta(task.size_s - task.step_s)
            end = (event.timestamp // task.step_s + 1) * task.step_s
            await results.send(
                key=event.node, value=Result(event.node, end, stress, 1 - math.exp(-stress))
            )
            watch.counted(model, task.windows_per_message)
            watch.saw(event.timestamp)

    app.agent(stress_events, name=f"propagate-{model}")(propagate)
    app.agent(propagated, name=f"accumulate-{model}")(accumulate)
    return table


def _add_end(app: faust.App, task: Task, tables: dict[str, Any], watch: Stopwatch) -> None:
    """Hand the tables over when everything has been counted, or nothing more comes."""

    @app.timer(WATCH_S)  # type: ignore[untyped-decorator]
    async def hand_over() -> None:
        if task.live and app.flow_control.is_active():  # partitions assigned, tables recovered
            ready_file(task).touch()
        over = watch.finished or watch.silent_s > STALL_S
        if not over or outcome_file(task).exists():
            return
        outcome = watch.outcome()
        for model, table in tables.items():
            windows = Windows(task)
            for (node, (start_s, _)), stress in table.items():
                windows.put(node, start_s + task.size_s, stress)
            windows.save(model)
        if task.live:
            save_seen(task, watch.seen_s)
        save_outcome(task, outcome)


def main() -> None:
    """Run a worker until it is stopped; the outcome is written before."""
    task = Task.load(Path(sys.argv[1]))
    app = create_app(task, Stopwatch.of(task))
    # As `faust worker -l info` does; at its default, WARN, a spinner makes every debug message.
    faust.Worker(app, loglevel="INFO").execute_from_commandline()


if __name__ == "__main__":
    main()
