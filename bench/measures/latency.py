"""Latency from the producer's send until a row is applied to the table."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from bench.harness.process_usage import watching
from bench.harness.test_bed import TestBed
from bench.inputs.prepare import InputCache
from bench.measures.applied_times import applied_ms, read_progress, read_sent
from bench.measures.drain import verify
from bench.measures.replaying import replay
from bench.measures.trace import Step, trace
from bench.results.stats import percentile

RUN, WARM_UP = "latency", "warm-up"
WARM_UP_S = 45.0
"""Length of a run at the same pace that goes before: a broker whose JVM has just started compiles
its code while it works, and takes four times the processor time until it has."""


@dataclass(frozen=True)
class Latency:
    """Latency of the rows of one paced run, ms.

    Attributes
    ----------
    wanted_rows_per_s, rows_per_s
        Timestamps a second that were asked for, and that were sent.
    count
        Rows judged, each zone's counted.
    worker_cpu_share, foreign_cpu_share
        Processors that the worker, and everything but worker and broker, kept busy while rows
        were sent: a long latency beside a small share is waiting, not work.
    steps
        The same latency, divided into the steps of a row's way.
    """

    wanted_rows_per_s: float
    rows_per_s: float
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    highest_ms: float
    worker_cpu_share: float
    foreign_cpu_share: float
    steps: list[Step]
    broker_clock: bool
    equal: bool


def latency(
    testbed: TestBed,
    inputs: InputCache,
    rows_per_s: float,
    seconds: float,
    warm_up_s: float,
    beside: AbstractContextManager[object] | None = None,
) -> Latency:
    """Replay at a steady pace and look up in the logs when each row went in and came out.

    Parameters
    ----------
    testbed
        Just entered, without workers.
    rows_per_s
        Timestamps a second, for every zone.
    seconds, warm_up_s
        Length of the measured run, and of one at the same pace before it.
    beside
        Entered while the measured rows are sent, such as `harness.neighbour.busy_neighbour`.

    Raises
    ------
    GridstressError
        If the worker or the replay does not get on.
    """
    testbed.add_worker()
    testbed.wait_ready()
    replay(testbed, inputs, WARM_UP, rows_per_s, warm_up_s)
    with beside or nullcontext(), watching(testbed.processes()) as samples:
        stretch = replay(testbed, inputs, RUN, rows_per_s, seconds)
    progress = asyncio.run(read_progress(testbed.settings))
    sent = asyncio.run(read_sent(testbed.settings, RUN))
    steps = asyncio.run(trace(testbed.settings, sent, progress, testbed.parts))
    took = []
    for zone, rows in sent.items():
        seq, at_ms = np.array(rows).T
        took += (applied_ms(progress.steps[zone], seq.tolist(), testbed.parts) - at_ms).tolist()
    first, last = (pick(at for rows in sent.values() for _, at in rows) for pick in (min, max))
    seconds = max((last - first) / 1000, 1e-3)
    span = first / 1000, last / 1000
    return Latency(
        wanted_rows_per_s=rows_per_s,
        rows_per_s=(stretch.rows - 1) / seconds,
        count=len(took),
        p50_ms=percentile(took, 0.50),
        p95_ms=percentile(took, 0.95),
        p99_ms=percentile(took, 0.99),
        highest_ms=max(took),
        worker_cpu_share=samples.cpu_s("worker-1", *span) / seconds,
        foreign_cpu_share=samples.foreign_cpu_s(*span) / seconds,
        steps=steps,
        broker_clock=progress.broker_clock,
        equal=verify(testbed, [RUN]).equal,
    )
