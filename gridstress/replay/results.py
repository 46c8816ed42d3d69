"""Follow what the workers make of a run while it is replayed: its alerts and final windows."""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress

from aiokafka import ConsumerRecord

from gridstress.kafka.topic_reader import Follower, followed
from gridstress.kafka.topics import alerts, windows
from gridstress.replay.pace import Pace
from gridstress.settings import Settings
from topology.codec import decode
from topology.errors import BrokerError, GridstressError, MessageError
from topology.messages import RiskAlert, WindowHead

log = logging.getLogger(__name__)

RETRY_S = 2.0
OPEN_S = 30.0
"""How long it may take to read what there is of a run, s."""
TAIL_ALERTS, TAIL_WINDOWS = 1_000, 2
"""So many records of each partition are read at first, and after a broken connection."""


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
        """Let this pace know of the results of its run, those that `open` reads included."""
        self._run, self._pace = run, pace

    async def open(self) -> None:
        """Begin to follow, unless that has been done; returns once all that there is is known.

        Raises
        ------
        BrokerError
            If no broker answers.
        DataError
            If there are no such topics yet.
        """
        if self._reading is None or self._reading.done():
            stack, reader = await self._connected()
            self._reading = asyncio.create_task(self._read(stack, reader))

    async def close(self) -> None:
        """Stop following."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _connected(self) -> tuple[AsyncExitStack, Follower]:
        models = self._settings.model_names
        tail = {self._windows: TAIL_WINDOWS, **dict.fromkeys(map(alerts, models), TAIL_ALERTS)}
        try:
            async with AsyncExitStack() as stack, asyncio.timeout(OPEN_S):
                reader = await stack.enter_async_context(
                    followed(self._settings.kafka, list(tail), tail=tail)
                )
                async for record in reader.to_end():
                    self._take(record)
                return stack.pop_all(), reader
        except TimeoutError:
            raise BrokerError(f"the run's results were not read within {OPEN_S:.0f} s") from None

    async def _read(self, stack: AsyncExitStack, reader: Follower) -> None:
        while True:
            try:
                async with stack:
                    while True:
                        for record in await reader.read(reader.begins):
                            self._take(record)
            except GridstressError as error:
                log.warning("the run's results are not followed for now: %s", error)
            stack, reader = await self._again()

    async def _again(self) -> tuple[AsyncExitStack, Follower]:
        while True:
            await asyncio.sleep(RETRY_S)
            with suppress(GridstressError):
                return await self._connected()

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
