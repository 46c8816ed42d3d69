"""Start-up time of a worker: with nothing to recover, and with a full state."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.harness.test_bed import CHECKOUT, TestBed
from bench.harness.waiting import wait_ended, wait_for
from bench.harness.worker import Worker
from bench.inputs.frames import Input, send
from bench.measures.drain import verify
from gridstress.local import processes
from gridstress.settings import load_settings
from topology.loaders import load_grid
from topology.models import influence_matrices


@dataclass(frozen=True)
class Start:
    """Seconds from the start of a process.

    Attributes
    ----------
    empty_s
        To being live (tables up to date, partitions its own), with nothing in the changelog.
    killed_s
        The same for the worker that follows one that was killed with a full state: the broker
        first waits for the dead member's session to time out.
    caught_up_s
        Until the latter has nothing left to do; workers tell every two seconds.
    full_s
        To being live with the same state, after an orderly stop.
    """

    empty_s: float
    killed_s: float
    caught_up_s: float
    full_s: float
    equal: bool


def starting(testbed: TestBed, source: Input) -> Start:
    """Start, fill, kill, start, stop, start.

    Raises
    ------
    GridstressError
        If the worker does not start or does not get on.
    """
    began = time.monotonic()
    worker = testbed.add_worker()
    empty_s = _live_after(worker, began)
    asyncio.run(send(source, testbed.broker.bootstrap, testbed.settings.partitions))
    wait_ended(testbed, source.runs)
    worker.kill()
    began, since = time.monotonic(), time.time()
    worker.restart()
    killed_s = _live_after(worker, began)
    wait_for(lambda: _without_lag(worker, since), "the restarted worker has caught up")
    caught_up_s = time.monotonic() - began
    equal = verify(testbed, source.runs).equal
    processes.stop(worker.service)
    began = time.monotonic()
    worker.restart()
    return Start(empty_s, killed_s, caught_up_s, _live_after(worker, began), equal)


def help_s() -> float:
    """Seconds that ``gridstress --help`` takes, the better of two calls (the first reads files)."""
    command = [sys.executable, "-m", "gridstress", "--help"]

    def call() -> None:
        subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)

    return min(_seconds(call) for _ in range(2))


def influence_s(grid_file: str) -> float:
    """Seconds that the influence matrices of all enabled models take to build, for a grid."""
    grid = load_grid(grid_file)
    settings = load_settings()
    models, params = settings.model_names, settings.influence_params
    return _seconds(lambda: influence_matrices(grid, models, params))


def _live_after(worker: Worker, began: float) -> float:
    wait_for(lambda: worker.live, f"{worker.spec.name} is live")
    return time.monotonic() - began


def _without_lag(worker: Worker, since: float) -> bool:
    workers = worker.get("system").get("workers", [])
    ours = [one for one in workers if one["started_at"] >= since]
    return bool(ours) and all(not sum(one["lag"].values()) for one in ours)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
