"""What the watchdog looks at: the stages of a worker, or the views of a view server."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Protocol

import aiokafka
from aiokafka.errors import KafkaError

from agents.counters import StageRegistry
from gridstress.runtime.stall_rule import Seen
from ui.api.view_consumer import ViewConsumer

ANSWER_S = 10.0
"""How long the broker may take to say where logs end; then the last answer is used."""

VIEWS = "views"
"""What a view server does, as a stage is called."""

log = logging.getLogger(__name__)


class Observer(Protocol):
    """Sees whether this process gets on."""

    async def see(self) -> Seen:
        """Look now."""

    async def close(self) -> None:
        """Hang up."""


class LogEnds:
    """Where partitions begin and end, as far as the broker has said it.

    Asked over a connection of its own: a fetch that has died does not see the log grow.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._probe: Any = None
        self._away_since: float | None = None
        self.begins: dict[Any, int] = {}
        self.ends: dict[Any, int] = {}

    async def ask(self, partitions: Collection[Any]) -> None:
        """Ask the broker; the last answers stay if it does not answer in time."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._ask(partitions)
        except (TimeoutError, OSError, KafkaError) as error:
            if self._away_since is None:
                log.warning("the broker does not answer: %r", error)
                self._away_since = time.monotonic()
            await self.close()
        else:
            if self._away_since is not None:
                away_s = time.monotonic() - self._away_since
                log.warning("the broker answers again, after %.0f s", away_s)
            self._away_since = None

    async def _ask(self, partitions: Collection[Any]) -> None:
        if self._probe is None:
            probe = aiokafka.AIOKafkaConsumer(
                **self._app.transport.arguments,
                enable_auto_commit=False,
                isolation_level="read_committed",
            )
            self._probe = probe
            await probe.start()
        self.begins.update(await self._probe.beginning_offsets(partitions))
        self.ends.update(await self._probe.end_offsets(partitions))

    async def close(self) -> None:
        """Hang up."""
        probe, self._probe = self._probe, None
        if probe is not None:
            await probe.stop()


class StageObserver:
    """Sees how far a worker's stages and tables are; ``app`` has the corrected consumer."""

    def __init__(self, app: Any, stages: StageRegistry) -> None:
        self._app, self._stages = app, stages
        self._logs = LogEnds(app)

    async def see(self) -> Seen:
        """Look now."""
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
        consumer, logs = self._app.consumer, self._logs
        topics = set(self._stages.sources.values())
        sources = [tp for tp in consumer.assignment() if tp.topic in topics]
        await logs.ask(sources)
        waiting: Counter[str] = Counter()
        for tp in sources:
            waiting[tp.topic] += consumer.unfinished(
                tp, logs.begins.get(tp, 0), logs.ends.get(tp, 0)
            )
        return waiting

    async def close(self) -> None:
        """Hang up."""
        await self._logs.close()


class ViewObserver:
    """Sees how far a view server has read what it shows."""

    def __init__(self, app: Any, views: ViewConsumer) -> None:
        self._app, self._views, self._logs = app, views, LogEnds(app)
        self._positions: dict[Any, int] = {}

    async def see(self) -> Seen:
        """Look now; before it has entered its group, it has nothing to do."""
        views = self._views
        if not self._app.group.is_known:
            return Seen(ready=True, recovered=0, waiting={}, done={})
        with suppress(TimeoutError):  # the last positions stay
            async with asyncio.timeout(ANSWER_S):
                self._positions = await views.positions()
        await self._logs.ask(self._positions)
        ends = self._logs.ends
        waiting = sum(max(0, ends.get(tp, 0) - at) for tp, at in self._positions.items())
        return Seen(
            ready=views.caught_up,
            recovered=views.taken,
            waiting={VIEWS: waiting},
            done={VIEWS: views.taken},
            awaited=VIEWS,
        )

    async def close(self) -> None:
        """Hang up."""
        await self._logs.close()
