"""The watchdog: notices a worker that makes no progress, does not recover, or blocks its loop."""

import asyncio
import threading
import time
from collections import Counter
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError
from mode import Service

from agents.counters import StageRegistry
from gridstress.faust_fixes.producer import halt
from gridstress.runtime.stall_rule import Seen, Watch

LOOK_S = 2.0
"""How often the watchdog looks, s."""

ANSWER_S = 10.0
"""How long the broker may take to say where logs end; then the last answer is used."""


class Watchdog(Service):
    """Says in `reason` why a worker is stalled, and ends it if that is set.

    Parameters
    ----------
    app
        The Faust app, with the corrected consumer.
    timeout_s
        Longest time without progress, s.
    ends_worker
        Whether a stalled worker ends, with exit code 70 and without a commit.
    """

    def __init__(
        self,
        app: Any,
        stages: StageRegistry,
        *,
        timeout_s: float,
        ends_worker: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._app, self._stages = app, stages
        self._timeout_s, self._ends_worker = timeout_s, ends_worker
        self._watch = Watch(timeout_s)
        self._probe: Any = None
        self._begins: dict[Any, int] = {}
        self._ends: dict[Any, int] = {}
        self._looks = 0
        self._away_since: float | None = None
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
            seen = await self._see()
            now = time.monotonic()
            # A process that was suspended had no time to work in.
            passed_s, last = min(now - last, LOOK_S + ANSWER_S), now
            reason = self._watch.see(seen, passed_s)
            if reason and not self.reason:
                self.log.error("stalled: %s", reason)
            self.reason = reason
            if reason and self._ends_worker:
                halt(f"stalled: {reason}")

    async def _see(self) -> Seen:
        app = self._app
        ready = bool(app.tables.actives_ready and not app.rebalancing)
        waiting = await self._waiting() if ready else {}
        done: Counter[str] = Counter()
        for (stage, _, _), offset in list(self._stages.finished.items()):
            done[stage] += offset
        sources, closed = self._stages.sources, self._stages.counters.closed
        return Seen(
            ready=ready,
            recovered=app.tables.recovery.progress,
            waiting={stage: waiting.get(topic, 0) for stage, topic in sources.items()},
            # One record may close very many windows.
            done={stage: (done[stage], closed.get(stage, 0)) for stage in sources},
        )

    async def _waiting(self) -> dict[str, int]:
        """By topic, the records of our partitions that no stage has finished."""
        consumer = self._app.consumer
        topics = set(self._stages.sources.values())
        sources = [tp for tp in consumer.assignment() if tp.topic in topics]
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._ask_ends(sources)
        except (TimeoutError, OSError, KafkaError) as error:
            if self._away_since is None:
                self.log.warning("the broker does not answer: %r", error)
                self._away_since = time.monotonic()
            await self._drop_probe()
        else:
            if self._away_since is not None:
                away_s = time.monotonic() - self._away_since
                self.log.warning("the broker answers again, after %.0f s", away_s)
            self._away_since = None
        waiting: Counter[str] = Counter()
        for tp in sources:
            waiting[tp.topic] += consumer.unfinished(
                tp, self._begins.get(tp, 0), self._ends.get(tp, 0)
            )
        return waiting

    async def _ask_ends(self, sources: list[Any]) -> None:
        # Not the worker's own consumer: a fetch that has died does not see the log grow.
        if self._probe is None:
            probe = aiokafka.AIOKafkaConsumer(
                **self._app.transport.arguments,
                enable_auto_commit=False,
                isolation_level="read_committed",
            )
            self._probe = probe
            await probe.start()
        self._begins.update(await self._probe.beginning_offsets(sources))
        self._ends.update(await self._probe.end_offsets(sources))

    async def _drop_probe(self) -> None:
        probe, self._probe = self._probe, None
        if probe is not None:
            await probe.stop()

    async def on_shutdown(self) -> None:
        """Hang up."""
        await self._drop_probe()

    def _watch_loop(self) -> None:
        # Counts its own turns rather than seconds: when the process is suspended, both stand.
        looks, turns = self._looks, 0
        while not self._stopped.is_set():
            time.sleep(LOOK_S)
            turns = turns + 1 if looks == self._looks else 0
            looks = self._looks
            if turns * LOOK_S > self._timeout_s + ANSWER_S:
                self.reason = f"the event loop has stood still for {turns * LOOK_S:.0f} s"
                self.log.error("stalled: %s", self.reason)
                if self._ends_worker:
                    halt(f"stalled: {self.reason}")
