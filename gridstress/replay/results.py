"""Follow what the workers make of a run while it is replayed: its alerts and final windows."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress

from aiokafka import ConsumerRecord

from gridstress.kafka.topic_reader import Follower, followed
from gridstress.kafka.topics import alerts, windows
from gridstress.replay.pace import Pace
from gridstress.settings import Settings
from topology.errors import BrokerError, MessageError
from topology.messages import RiskAlert, WindowHead, decode

log = logging.getLogger(__name__)

RETRY_S = 2.0
MISSED = 1_000
"""After a broken connection so many records of each partition are read again, or some more."""


class Results:
    """Lets the pace of a run know of its results, from `open` on.

    Until then nothing is read: windows are many, and only a replay that hurries waits for them. To
    be left with `close`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._run = ""
        self._pace: Pace | None = None
        self._reading: asyncio.Task[None] | None = None
        # The models' windows become final together; one of them says how far the workers are.
        self._windows = windows(settings.model_names[0])

    def of(self, run: str, pace: Pace) -> None:
        """Let this pace know of the results of its run from now on."""
        self._run, self._pace = run, pace

    async def open(self) -> None:
        """Begin to follow, unless that has been done; returns once nothing new is missed.

        Raises
        ------
        BrokerError
            If no broker answers.
        """
        if self._reading is None:
            stack = AsyncExitStack()
            reader = await stack.enter_async_context(self._followed(0))
            self._reading = asyncio.create_task(self._read(stack, reader))

    async def close(self) -> None:
        """Stop following."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    def _followed(self, tail: int) -> AbstractAsyncContextManager[Follower]:
        names = [self._windows, *map(alerts, self._settings.model_names)]
        return followed(self._settings.kafka, names, tail=tail)

    async def _read(self, stack: AsyncExitStack, reader: Follower) -> None:
        while True:
            try:
                async with stack:
                    while True:
                        for record in await reader.read(reader.begins):
                            self._take(record)
            except BrokerError as error:
                log.warning("the run's results are not followed for now: %s", error)
            stack, reader = await self._again()

    async def _again(self) -> tuple[AsyncExitStack, Follower]:
        while True:
            await asyncio.sleep(RETRY_S)
            stack = AsyncExitStack()
            with suppress(BrokerError):
                return stack, await stack.enter_async_context(self._followed(MISSED))

    def _take(self, record: ConsumerRecord) -> None:
        pace = self._pace
        if pace is None:
            return
        try:
            if record.topic == self._windows:
                window = decode(record.value, WindowHead)
                if window.run == self._run:
                    pace.take_window(window.window_end.timestamp())
            else:
                alert = decode(record.value, RiskAlert)
                if alert.run == self._run:
                    pace.take_alert(alert)
        except MessageError as error:
            log.warning("passed over %s/%s@%s: %s", record.topic, *record[1:3], error)
