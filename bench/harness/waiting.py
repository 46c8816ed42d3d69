"""Wait for a condition, with a deadline."""

import time
from collections.abc import Callable, Sequence

from bench.harness.test_bed import TestBed
from topology.errors import GridstressError

STANDSTILL_S = 120.0
"""How long nothing may change before a run is given up."""
POLL_S = 0.5


def wait_for(question: Callable[[], bool], what: str, timeout_s: float = 120.0) -> None:
    """Ask twenty times a second until it is so.

    Raises
    ------
    GridstressError
        If it is not within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not question():
        if time.monotonic() > deadline:
            raise GridstressError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)


def wait_ended(testbed: TestBed, runs: Sequence[str]) -> None:
    """Wait until every shard of every model has seen the end of the runs.

    Asks for little, and seldom: asking takes part of the same processors.

    Raises
    ------
    GridstressError
        If nothing moves any more.
    """
    worker = testbed.workers[0]
    before, deadline = None, time.monotonic() + STANDSTILL_S
    while not _ended(testbed, runs[-1]):
        answer = testbed.api.get("runs").get("runs")
        if answer != before:
            deadline, before = time.monotonic() + STANDSTILL_S, answer
        if time.monotonic() > deadline or not worker.service.alive:
            raise GridstressError(
                f"{testbed.case}: the worker does not get on",
                hint=f"its log is {worker.service.log}",
            )
        time.sleep(POLL_S)


def wait_shared(testbed: TestBed) -> None:
    """Wait until every worker owns a part of the partitions."""

    def shared() -> bool:
        answer = testbed.api.get("system").get("workers", [])
        fine = [
            w for w in answer if w["status"] == "ok" and w["partitions"].get("grid_measurements")
        ]
        return len(fine) == len(testbed.workers)

    wait_for(shared, "the workers share the partitions")


def _ended(testbed: TestBed, run: str) -> bool:
    api, shards, models = (
        testbed.api,
        testbed.settings.partitions,
        testbed.settings.model_names,
    )
    answer = api.get("runs").get("runs", [])
    if not any(one["run"] == run and one["ended"] for one in answer):
        return False
    states = [api.get("state", model=model, run=run) for model in models]
    return all(state.get("ended") and len(state["parts"]) == shards for state in states)
