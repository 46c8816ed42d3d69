"""The same work in Pathway, a record a node and time, as its own documentation writes it.

``python -m bench.peers.pathway.per_record_pathway TASK.json``; runs in an environment of its own.

How it follows the documentation:

- Tables, whose operators run in Rust. Stress and the reached nodes are user-defined functions in
  Python, marked as deterministic so that their results are not stored, and ``flatten``.
- ``windowby`` with ``sliding``, an ``instance`` a node and ``common_behavior(cutoff=...)``, so that
  state does not grow without end. A result whenever a window has changed in a batch, as risk is
  shown while it accumulates: the earlier result is removed (``diff`` -1) and a new one written.
- A minibatch every 100 ms at most, and 20,000 records in work, as the guide says for a backlog.
- At-least-once, which is what the free version has, and persistence at its default: the input is
  kept in files, and after a failure everything is computed anew from it. To keep the operators'
  state instead needs a licence key (free, by registration, with telemetry): not used here.

What differs from its examples: the cutoff is as long as the data, because topics are read
partition by partition and a window that has been cut off takes nothing more.

What was tried (processor time of 192,000 measurements, 5.0 s as below, the machine busy): ratings
and influences as tables that `asof_now_join` looks up, without any Python, 7.0 to 7.5 s. From
there: minibatches of 20 ms 6.8 s, of 1.5 s (default) 6.3 s, with results that much later; any
number of records in work 7.2 s, and a tenth more memory; no persistence 6.7 s; two threads 8.5 s,
and not faster beside the broker; without cutoff 5.1 s, plain joins 5.6 s, both 4.4 s, but their
state grows without end.

The first record is taken to be read when its minibatch is opened, up to 100 ms before. Results
count when they are emitted.
"""

import math
import sys
from pathlib import Path
from typing import Any

import pathway as pw

from bench.peers.collected_results import report
from bench.peers.engine import report_assigned, run_and_exit, run_until_counted
from bench.peers.pathway.totals import Totals
from bench.peers.stopwatch import Stopwatch
from bench.peers.task import MEASUREMENTS, Reach, Task

COMMIT_MS = 100
BACKLOG = 20_000


class Measurement(pw.Schema):  # type: ignore[misc]
    """A node's load."""

    node: str
    timestamp: float
    load_mw: float


def build(task: Task, totals: Totals) -> None:
    """Add all tables of the task to Pathway's graph."""
    broker = {"bootstrap.servers": task.bootstrap}
    measured = pw.io.kafka.read(
        {**broker, "group.id": task.name, "auto.offset.reset": "earliest"},
        task.source,
        schema=Measurement,
        format="json",
        autocommit_duration_ms=COMMIT_MS,
        max_backlog_size=BACKLOG,
        name="measurements",
    )
    totals.follow(MEASUREMENTS, measured.reduce(count=pw.reducers.count()))
    stressed = stress_events(task, measured)
    for model, reach in task.reach.items():
        results = risks(task, reach, stressed)
        topic = task.results_topic(model)
        pw.io.kafka.write(results, broker, topic, format="json", key=results.node)
        totals.follow(model, results.reduce(count=pw.reducers.sum(pw.this.updates)))


def stress_events(task: Task, measured: Any) -> Any:
    """Table of the stress of measurements above the threshold."""
    ratings = task.rating_of

    @pw.udf(deterministic=True)  # type: ignore[untyped-decorator]
    def stress(node: str, load_mw: float) -> float:
        return task.stress(load_mw, ratings[node])

    events = measured.select(
        pw.this.node, pw.this.timestamp, stress=stress(pw.this.node, pw.this.load_mw)
    )
    return events.filter(pw.this.stress > 0)


def risks(task: Task, reach: Reach, stressed: Any) -> Any:
    """Table of one model's windows: the stress of each node, and its risk."""

    @pw.udf(deterministic=True)  # type: ignore[untyped-decorator]
    def reached(node: str, stress: float) -> list[tuple[str, float]]:
        return [(other, stress * influence) for other, influence in reach[node]]

    events = stressed.select(pw.this.timestamp, reached=reached(pw.this.node, pw.this.stress))
    propagated = events.flatten(pw.this.reached).select(
        pw.this.timestamp, node=pw.this.reached[0], stress=pw.this.reached[1]
    )
    windows = propagated.windowby(
        pw.this.timestamp,
        window=pw.temporal.sliding(hop=float(task.step_s), duration=float(task.size_s)),
        behavior=pw.temporal.common_behavior(cutoff=float(task.windows * task.step_s)),
        instance=pw.this.node,
    ).reduce(
        node=pw.this._pw_instance,
        end_s=pw.this._pw_window_end,
        stress=pw.reducers.sum(pw.this.stress),
        updates=pw.reducers.count(),
        newest_s=pw.reducers.max(pw.this.timestamp),
    )
    return windows.with_columns(risk=1 - math.e**-pw.this.stress)


def main() -> None:
    """Run until everything has been counted, or nothing more comes."""
    task = Task.load(Path(sys.argv[1]))
    watch = Stopwatch.of(task)
    totals = Totals(watch)
    build(task, totals)
    state = pw.persistence.Backend.filesystem(Path(task.directory) / "state")
    persistence = pw.persistence.Config(state)

    def run() -> None:
        pw.run(persistence_config=persistence, monitoring_level=pw.MonitoringLevel.NONE)

    def started() -> None:
        if task.live:
            report_assigned(task)

    run_until_counted(run, watch, started)
    report(task, watch, began_s=totals.began_s, counts=lambda result: result["diff"] > 0)


if __name__ == "__main__":
    run_and_exit(main)
