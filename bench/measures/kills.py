"""Recovery of a worker that is killed again and again while a replay goes on."""

import asyncio
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.harness.test_bed import TestBed
from bench.harness.waiting import wait_ended, wait_for
from bench.inputs.prepare import InputCache
from bench.measures.applied_times import Progress, applied_ms, read_progress, read_sent
from bench.measures.drain import verify
from bench.measures.frame_rows import Zone
from bench.measures.latency import WARM_UP
from bench.measures.replaying import GRACE_S, replay, replaying, wait_sent
from topology.errors import GridstressError

RUN = "kills"
LATE_MS = 1_000
"""A row is late if it is applied longer than this after it was sent."""
FIRST_SHARE = 0.2
"""The first kill comes after this share of the time between two."""


@dataclass(frozen=True)
class Kills:
    """One run with kills; times by kill, in s from the SIGKILL on. The worker is restarted at once.

    Attributes
    ----------
    live_s
        Until ``/api/v1/live`` answers 200 again: tables up to date, partitions its own.
    recovered_s
        Until no row is late any more, those included that were sent meanwhile.
    """

    rows_per_s: float
    live_s: Sequence[float]
    recovered_s: Sequence[float]
    broker_clock: bool
    equal: bool


def kills(
    testbed: TestBed, inputs: InputCache, rows_per_s: float, count: int, every_s: float
) -> Kills:
    """Kill the worker of a test bed so many times while a run is sent at a steady pace.

    Parameters
    ----------
    testbed
        Just entered, without workers.
    rows_per_s
        Timestamps a second, for every zone; fewer if the series is too short for all kills.
    every_s
        Seconds between two kills. A recovery that takes longer goes on over the next kill, and
        is measured to its own end.

    Raises
    ------
    GridstressError
        If the worker or the replay does not get on, or the replay ends before the last kill.
    """
    worker = testbed.add_worker()
    testbed.wait_ready()
    replay(testbed, inputs, WARM_UP, rows_per_s, every_s / 2)
    stretch = inputs.stretch(RUN, round(rows_per_s * count * every_s))
    rows_per_s = min(rows_per_s, stretch.rows / (count * every_s))
    killed_ms, live_s = [], []
    with replaying(testbed, inputs, stretch, rows_per_s) as process:
        wait_for(lambda: _begun(testbed), "the run has begun")
        due = time.monotonic() + FIRST_SHARE * every_s
        for _ in range(count):
            _stay_busy(testbed, process, due)
            began = time.monotonic()
            killed_ms.append(1000 * time.time())
            worker.kill()
            worker.restart()
            wait_for(lambda: worker.live, "the restarted worker is live")
            live_s.append(time.monotonic() - began)
            due = max(due + every_s, time.monotonic())
        wait_sent(testbed, process, stretch.rows / rows_per_s + GRACE_S)
    wait_ended(testbed, [RUN])
    progress = asyncio.run(read_progress(testbed.settings))
    sent = asyncio.run(read_sent(testbed.settings, RUN))
    return Kills(
        rows_per_s,
        live_s,
        recoveries_s(killed_ms, _late_rows(sent, progress, testbed.parts)),
        progress.broker_clock,
        verify(testbed, [RUN]).equal,
    )


def recoveries_s(killed_ms: Sequence[float], late: Iterable[tuple[int, int]]) -> list[float]:
    """How long after each kill the last of the rows was applied that it made late, s.

    A row belongs to the kill that was the last before it became late.

    Parameters
    ----------
    killed_ms
        When the worker was killed, ascending.
    late
        When each late row was sent and when it was applied, ms.
    """
    rows, found = list(late), []
    for killed, following in pairwise([*killed_ms, float("inf")]):
        applied = [done for sent, done in rows if killed <= sent + LATE_MS < following]
        found.append((max(applied, default=killed) - killed) / 1000)
    return found


def _late_rows(
    sent: dict[Zone, list[tuple[int, int]]], progress: Progress, parts: int
) -> list[tuple[int, int]]:
    late = []
    for zone, rows in sent.items():
        done = applied_ms(progress.steps[zone], [seq for seq, _ in rows], parts).tolist()
        late += [(at, end) for (_, at), end in zip(rows, done, strict=True) if end - at > LATE_MS]
    return late


def _begun(testbed: TestBed) -> bool:
    return any(one["run"] == RUN for one in testbed.api.get("runs").get("runs", []))


def _stay_busy(testbed: TestBed, process: subprocess.Popen[bytes], until: float) -> None:
    """Wait for the moment of a kill; the replay must not end before."""
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return
    raise GridstressError(f"{testbed.case}: the replay ended before the last kill")
