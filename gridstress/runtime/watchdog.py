"""The watchdog: notices a worker that makes no progress, does not recover, or blocks its loop."""

import threading
import time
from typing import Any

from mode import Service

from gridstress.faust_fixes.producer import halt
from gridstress.runtime import observers
from gridstress.runtime.observers import Observer
from gridstress.runtime.stall_rule import Watch

LOOK_S = 2.0
"""How often the watchdog looks, s."""


class Watchdog(Service):
    """Says in `reason` why a worker is stalled, and ends it if that is set.

    Parameters
    ----------
    observer
        Sees whether it gets on; may be set to another one before it starts.
    timeout_s
        Longest time without progress, s.
    ends_worker
        Whether a stalled worker ends, with exit code 70 and without a commit.
    """

    def __init__(
        self,
        observer: Observer,
        *,
        timeout_s: float,
        ends_worker: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.observer = observer
        self._timeout_s, self._ends_worker = timeout_s, ends_worker
        self._watch = Watch(timeout_s)
        self._looks = 0
        #: Why the worker is stalled; None if it is not.
        self.reason: str | None = None

    async def on_start(self) -> None:
        """Watch the event loop from outside."""
        threading.Thread(target=self._watch_loop, name="loop-watch", daemon=True).start()

    @Service.task
    async def _look(self) -> None:
        last = time.monotonic()
        while not self.should_stop:
            await self.sleep(LOOK_S)
            self._looks += 1
            seen = await self.observer.see()
            now = time.monotonic()
            # A process that was suspended had no time to work in.
            passed_s, last = min(now - last, LOOK_S + observers.ANSWER_S), now
            reason = self._watch.see(seen, passed_s)
            if reason and not self.reason:
                self.log.error("stalled: %s", reason)
            self.reason = reason
            if reason and self._ends_worker:
                halt(f"stalled: {reason}")

    async def on_shutdown(self) -> None:
        """Hang up."""
        await self.observer.close()

    def _watch_loop(self) -> None:
        # Counts its own turns rather than seconds: when the process is suspended, both stand.
        looks, turns = self._looks, 0
        while not self._stopped.is_set():
            time.sleep(LOOK_S)
            turns = turns + 1 if looks == self._looks else 0
            looks = self._looks
            if turns * LOOK_S > self._timeout_s + observers.ANSWER_S:
                self.reason = f"the event loop has stood still for {turns * LOOK_S:.0f} s"
                self.log.error("stalled: %s", self.reason)
                if self._ends_worker:
                    halt(f"stalled: {self.reason}")
