"""Waiting in a test for something that another task, thread or process does."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import psutil


async def until(condition: Callable[[], object], timeout_s: float) -> None:
    """Wait until a condition holds; TimeoutError if it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - its cause is not in this task
            await asyncio.sleep(0.01)


def suspend(process: psutil.Process) -> None:
    """Suspend a process, and return when all of its threads stand still.

    The signal alone does not say so: until the thread that takes it gets a processor, the others
    go on.
    """
    process.suspend()
    deadline = time.monotonic() + 60
    while process.status() != psutil.STATUS_STOPPED or not all(map(_stopped, _threads(process))):
        assert time.monotonic() < deadline, f"{process} does not stop"
        time.sleep(0.001)


def _threads(process: psutil.Process) -> list[Path]:
    """The threads' places in ``/proc``; none where the system has no such."""
    return list(Path(f"/proc/{process.pid}/task").glob("*/stat"))


def _stopped(thread: Path) -> bool:
    return thread.read_text().rpartition(")")[2].split()[0] == "T"
