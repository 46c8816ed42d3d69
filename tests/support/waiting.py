"""Waiting in an asynchronous test for something that another task, thread or process does."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], timeout_s: float) -> None:
    """Wait until a condition holds; TimeoutError if it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - its cause is not in this task
            await asyncio.sleep(0.01)
