"""A real worker whose detection hangs at its first record.

Run as ``python -m tests.gridstress.runtime.hung_worker stage|loop worker --web-port ...``: the
stage waits for ever, or blocks the event loop, too. Its watchdog looks more often than others.
"""

import asyncio
import sys
import time
from typing import Any

from agents.detection import DetectionStage
from gridstress.runtime import observers, watchdog
from gridstress.worker import default_app


def hang(how: str) -> Any:
    """The stage's handler."""

    async def handle(self: Any, event: Any) -> None:
        if how == "loop":
            time.sleep(3600)  # noqa: ASYNC251 - that is the point
        await asyncio.Event().wait()

    return handle


if __name__ == "__main__":
    watchdog.LOOK_S, observers.ANSWER_S = 0.5, 2.0
    DetectionStage.__call__ = hang(sys.argv.pop(1))  # type: ignore[method-assign]
    default_app().main()
