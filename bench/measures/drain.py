"""Drain a backlog: rate, memory, processor time and changelog bytes."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bench.harness.case import Case
from bench.harness.process_usage import watching
from bench.harness.test_bed import VIEWS, TestBed, Verification
from bench.harness.waiting import wait_ended, wait_shared
from bench.inputs.frames import Input, send
from bench.measures.applied_times import read_progress

During = Callable[[TestBed], AbstractContextManager[object]]


@dataclass(frozen=True)
class Drain:
    """One run of a case.

    Attributes
    ----------
    rows, node_measurements
        What was worked off; a row is a timestamp, whatever the number of zones.
    seconds
        From the first result of the first stage to the last state in the changelog.
    rate
        Node-measurements per second.
    worker_cpu_s, views_cpu_s, broker_cpu_s
        Processor time of all workers, of the view server (0 without one: the workers then serve
        the views), and of the broker, in these seconds: the same on a busy machine, or nearly so.
    startup_s
        From the start of a worker to its first result; None of several, which wait for each other.
    peak_rss
        Most memory that any one worker held, bytes.
    changelog_bytes
        Keys and values written to all changelogs, uncompressed.
    store_bytes
        Size of all workers' tables on disk at the end; 0 for tables in memory.
    load_average, busy_before
        Before the broker was started: processes that wanted a processor, mean of a minute, and
        share of the processors in use.
    foreign_cpu_s
        Processor time of everything else on this machine in these seconds.
    verify_s, verify_peak_rss
        How long ``gridstress verify`` took for all runs, and the most memory that it held, bytes.
    broker_clock
        Whether the times are the broker's own.
    equal
        Whether ``gridstress verify`` found every run as it should be.
    """

    case: Case
    rows: int
    node_measurements: int
    seconds: float
    rate: float
    worker_cpu_s: float
    views_cpu_s: float
    broker_cpu_s: float
    startup_s: float | None
    peak_rss: int
    changelog_bytes: int
    store_bytes: int
    load_average: float
    busy_before: float
    foreign_cpu_s: float
    verify_s: float
    verify_peak_rss: int
    broker_clock: bool
    equal: bool

    @property
    def disturbed(self) -> bool:
        """Whether others took so much processor time that the rate is too low."""
        return disturbed(self.foreign_cpu_s, self.seconds)


def disturbed(foreign_cpu_s: float, seconds: float) -> bool:
    """Whether others took more than a tenth of the processors in these seconds."""
    return foreign_cpu_s > 0.1 * seconds * (os.cpu_count() or 1)


def drain(testbed: TestBed, source: Input, during: During = lambda testbed: nullcontext()) -> Drain:
    """Send the input, let the workers work it off, verify it.

    The workers find all of it there when they start. Of several none works before all have joined.

    Parameters
    ----------
    testbed
        Just entered, without workers.
    during
        Entered as soon as the first worker is live, left when all has been worked off.

    Raises
    ------
    GridstressError
        If a worker does not start or does not get on.
    """
    asyncio.run(send(source, testbed.broker.bootstrap, testbed.settings.partitions))
    several, started_s = testbed.case.workers > 1, time.time()
    for _ in range(testbed.case.workers):
        testbed.add_worker()
    with watching(testbed.processes()) as samples:
        testbed.wait_ready()
        if several:
            wait_shared(testbed)
        with during(testbed):
            wait_ended(testbed, source.runs)
    progress = asyncio.run(read_progress(testbed.settings))
    ended_ms = progress.ended_ms(source.last, testbed.parts)
    span = progress.began_ms / 1000, ended_ms / 1000
    seconds = (ended_ms - progress.began_ms) / 1000
    names = [worker.spec.name for worker in testbed.workers]
    store_bytes = sum(worker.store_bytes for worker in testbed.workers)
    verification = verify(testbed, source.runs)
    return Drain(
        case=testbed.case,
        rows=source.rows,
        node_measurements=source.node_measurements,
        seconds=seconds,
        rate=source.node_measurements / seconds,
        worker_cpu_s=sum(samples.cpu_s(name, *span) for name in names),
        views_cpu_s=samples.cpu_s(VIEWS, *span),
        broker_cpu_s=samples.cpu_s("broker", *span),
        startup_s=None if several else span[0] - started_s,
        peak_rss=max(samples.peak_rss(name) for name in names),
        changelog_bytes=progress.changelog_bytes,
        store_bytes=store_bytes,
        load_average=testbed.load_average,
        busy_before=testbed.busy_before,
        foreign_cpu_s=samples.foreign_cpu_s(*span),
        verify_s=verification.seconds,
        verify_peak_rss=verification.peak_rss,
        broker_clock=progress.broker_clock,
        equal=verification.equal,
    )


def verify(testbed: TestBed, runs: list[str]) -> Verification:
    """Verify all runs, the newest with its open windows; seconds are added up."""
    found = [testbed.verify(run, with_open=run == runs[-1]) for run in runs]
    return Verification(
        all(one.equal for one in found),
        sum(one.seconds for one in found),
        max(one.peak_rss for one in found),
    )
