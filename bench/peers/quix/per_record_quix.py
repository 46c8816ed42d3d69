"""The same work in Quix Streams, a record a node and time, as its own documentation writes it.

``python -m bench.peers.quix.per_record_quix TASK.json``; runs in an environment of its own.

How it follows the documentation:

- One ``Application`` with a ``StreamingDataFrame`` for each topic; ``apply``, ``filter`` and
  ``to_topic`` for detection; a branch a model with ``apply(expand=True)`` and ``group_by``,
  whose results go to a topic as well.
- ``hopping_window(...).agg(Sum).current()``: a result whenever a window changes, as risk is shown
  while it accumulates. ``final()`` would leave the last windows of every node open.
- Event time is Kafka's timestamp of a record, which windows use by default.
- At-least-once, commits every 5 s, changelog topics on: the defaults.

What differs from its examples: the grace period is as long as the data, because topics are read
partition by partition and a window that has been closed takes nothing more; only
``auto_offset_reset`` and the log level are set.

Results count when they are emitted. They reach RocksDB and the changelog with the next checkpoint;
the last one, of up to 5 s of results, is not waited for, which is in favour of this peer.
"""

import math
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from quixstreams import Application
from quixstreams.dataframe.windows import Sum
from quixstreams.models.topics import TopicConfig

from bench.peers.stopwatch import STALL_S, Stopwatch
from bench.peers.task import (
    MEASUREMENTS,
    Reach,
    Task,
    Windows,
    ready_file,
    save_outcome,
    save_seen,
)

Message = dict[str, Any]
Results = dict[tuple[str, int], float]
"""Stress by node and end of the window (ms)."""


class Row:
    """Remembers in a live run which row the message belongs to that is being processed."""

    time_ms: int | None = None

    def note(self, _event: Message, _node: str, timestamp_ms: int, _headers: Any) -> None:
        """Note the event time of a message, before its windows are updated."""
        self.time_ms = timestamp_ms


class LiveApplication(Application):  # type: ignore[misc]
    """Touches a file when its partitions are assigned, which Quix Streams has no hook for."""

    ready: Path

    def _on_assign(self, consumer: Any, partitions: Any) -> None:
        super()._on_assign(consumer, partitions)
        self.ready.touch()


def create_app(task: Task, watch: Stopwatch, latest: dict[str, Results]) -> Application:
    """Make the application with its topics and data frames; results go into ``latest`` too."""

    def stop_at_the_end(_topic: str, _partition: int, _offset: int) -> None:
        if watch.finished:
            app.stop()

    app = (LiveApplication if task.live else Application)(
        broker_address=task.bootstrap,
        consumer_group=task.name,
        auto_offset_reset="earliest",
        state_dir=Path(task.directory) / "state",
        loglevel="WARNING",
        on_message_processed=stop_at_the_end,
    )
    if isinstance(app, LiveApplication):
        app.ready = ready_file(task)
    # Topics are made from this where they are missing; event times lie in the past.
    config = TopicConfig(task.partitions, 1, extra_config={"retention.ms": "-1"})
    measurements = app.topic(task.source, key_deserializer="str", config=config)
    stress_events = app.topic(
        task.stress_topic, key_serializer="str", key_deserializer="str", config=config
    )
    measured = app.dataframe(measurements)
    measured = measured.apply(_detection(task, watch))
    measured = measured.filter(lambda event: event["stress"] > 0)
    measured.to_topic(stress_events)

    stressed = app.dataframe(stress_events)
    grace = timedelta(seconds=task.windows * task.step_s)
    for model, reach in task.reach.items():
        propagated = stressed.apply(_propagation(reach), expand=True)
        propagated = propagated.group_by("node", name=model)
        row = Row()
        if task.live:
            propagated.update(row.note, metadata=True)
        windows = (
            propagated.hopping_window(
                timedelta(seconds=task.size_s), timedelta(seconds=task.step_s), grace_ms=grace
            )
            .agg(stress=Sum("stress"))
            .current()
        )
        windows = windows.apply(_risk)
        windows.to_topic(app.topic(task.results_topic(model), key_serializer="str", config=config))
        windows.update(_keeping(model, latest[model], watch, row), metadata=True)
    return app


def _detection(task: Task, watch: Stopwatch) -> Callable[[Message], Message]:
    ratings = task.rating_of

    def detect(measurement: Message) -> Message:
        watch.counted(MEASUREMENTS)
        node = measurement["node"]
        return {"node": node, "stress": task.stress(measurement["load_mw"], ratings[node])}

    return detect


def _propagation(reach: Reach) -> Callable[[Message], list[Message]]:
    def propagate(event: Message) -> list[Message]:
        stress = event["stress"]
        return [
            {"node": node, "stress": stress * influence} for node, influence in reach[event["node"]]
        ]

    return propagate


def _risk(window: Message) -> Message:
    window["risk"] = 1 - math.exp(-window["stress"])
    return window


def _keeping(
    model: str, latest: Results, watch: Stopwatch, row: Row
) -> Callable[[Message, str, int, Any], None]:
    def keep(window: Message, node: str, _timestamp: int, _headers: Any) -> None:
        latest[node, window["end"]] = window["stress"]
        watch.counted(model)
        if row.time_ms is not None:
            watch.saw(row.time_ms / 1000)

    return keep


def main() -> None:
    """Run until everything has been counted, or nothing more comes."""
    task = Task.load(Path(sys.argv[1]))
    watch = Stopwatch.of(task)
    latest: dict[str, Results] = {model: {} for model in task.reach}
    create_app(task, watch, latest).run(timeout=STALL_S, collect=False)
    for model, results in latest.items():
        windows = Windows(task)
        for (node, end_ms), stress in results.items():
            windows.put(node, end_ms / 1000, stress)
        windows.save(model)
    if task.live:
        save_seen(task, watch.seen_s)
    save_outcome(task, watch.outcome())


if __name__ == "__main__":
    main()
