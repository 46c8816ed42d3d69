"""Replay a stretch of the load at a steady pace, as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness.test_bed import TestBed
from bench.harness.waiting import wait_ended
from bench.inputs.plan import Stretch
from bench.inputs.prepare import InputCache
from topology.errors import GridstressError

LEAST_ROWS = 10
GRACE_S = 60.0
"""How much longer than planned a replay may take before it is given up."""


def replay(
    testbed: TestBed, inputs: InputCache, run: str, rows_per_s: float, seconds: float
) -> Stretch:
    """Send a run at this pace and wait until all of it has been worked off.

    Raises
    ------
    GridstressError
        If the replay fails or does not end, or the worker does not get on.
    """
    stretch = inputs.stretch(run, max(LEAST_ROWS, round(rows_per_s * seconds)))
    with replaying(testbed, inputs, stretch, rows_per_s) as process:
        wait_sent(testbed, process, stretch.rows / rows_per_s + GRACE_S)
    wait_ended(testbed, [run])
    return stretch


@contextmanager
def replaying(
    testbed: TestBed, inputs: InputCache, stretch: Stretch, rows_per_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    """Send a stretch at this pace; a replay that still runs at the end of the block is killed."""
    words = [*inputs.replay_words(stretch), "--speed", f"{rows_per_s * 3600:.6g}"]
    with _log(testbed, stretch.run).open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gridstress", *words],
            env={**os.environ, **testbed.environment},
            cwd=testbed.home,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_sent(testbed: TestBed, process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait until a replay has sent all of its rows.

    Raises
    ------
    GridstressError
        If it fails, or does not end within `timeout_s` seconds.
    """
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        raise GridstressError(f"{testbed.case}: the replay did not end") from None
    if code:
        raise GridstressError(
            f"{testbed.case}: the replay ended with {code}", hint=f"its log is in {testbed.home}"
        )


def _log(testbed: TestBed, run: str) -> Path:
    return testbed.home / f"replay-{run}.log"
