"""Faust 0.15.3, corrected where it forgets records that it sends: the producer; the transport.

1. **Flush** (`SafeProducerBuffer`, `SafeProducer`) waits until the broker has acknowledged all
   there was, before every commit. Stock gives up after 0.1 s and commits (faust-streaming 173;
   pull request 273 made commits flush).
2. **A record that cannot be sent ends the worker** (`halt`). Stock logs it and commits.

`consumer` corrects the other direction; `recovery` what happens around a rebalance, and it puts
all of them into an app. Faust's internals have no types worth the name, so they are `Any` here.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, NoReturn, cast

from aiokafka.errors import MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP
from mode import Service

from gridstress.faust_fixes.consumer import SafeConsumer
from gridstress.faust_fixes.errors import FaustFixError, Hints
from gridstress.faust_fixes.fetched_batches import Undecodable

EXIT_UNDELIVERED = os.EX_SOFTWARE
"""Exit code (70) of a worker that could not send a record."""

BUFFERED_MESSAGES = 5_000
"""Table writes that may wait for the producer before no more records are taken in. Stock stops,
and warns, at 100 (faust-streaming 173)."""

RECORD_OVERHEAD_BYTES = 128
"""What a record has beside key and value at most, with the headers that we write."""

Record = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers."""

AskEmbedded = Callable[[str], Awaitable[bool]]
"""Whether the broker at these servers, ``host:port`` with commas, is the embedded one."""

logger = logging.getLogger(__name__)


def halt(reason: str) -> NoReturn:
    """End the process at once, with exit code 70 and without committing anything.

    A clean stop would commit what has been acknowledged, also past the record that was lost. The
    next worker reads on from the last commit and does the work again.
    """
    logger.critical("worker ends without committing: %s", reason)
    logging.shutdown()
    os._exit(EXIT_UNDELIVERED)


class SafeProducerBuffer(ProducerBuffer):
    """Table writes on their way to the producer, in order, none forgotten."""

    max_messages = BUFFERED_MESSAGES

    def __post_init__(self) -> None:
        super().__post_init__()
        self._accepted = 0
        self._handed_on = 0

    def put(self, fut: Any) -> None:
        """Take a table write; it is sent later."""
        self._accepted += 1
        super().put(fut)

    async def flush(self) -> None:
        """Wait until the producer has everything that was put in before this call."""
        wanted = self._accepted
        while self._handed_on < wanted:
            await self._next_handed_on()

    async def wait_until_ebb(self) -> None:
        """Hold back the next record while too many table writes wait."""
        while self._accepted - self._handed_on > self.max_messages:
            await self._next_handed_on()

    async def _next_handed_on(self) -> None:
        self.message_sent.clear()
        await self.message_sent.wait()

    @Service.task
    async def _handle_pending(self) -> None:
        # Ends by being cancelled: it must still work while the service stops, which flushes.
        while True:
            message = await self.pending.get()
            try:
                await self._send_pending(message)
            except Exception as error:  # noqa: BLE001 - whatever it is, the write is lost
                halt(f"a table write cannot be sent: {error!r}")
            self._handed_on += 1
            self.message_sent.set()


class SafeProducer(driver.Producer):
    """Producer whose `flush` means acknowledged, and which ends the worker on a failure."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.buffer = SafeProducerBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app
        self._idempotent = False

    async def on_start(self) -> None:
        """Connect; idempotent where the broker can, so that a retry cannot append twice."""
        self._idempotent = not await self.transport.is_embedded()  # type: ignore[attr-defined]
        await super().on_start()

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": self._idempotent}

    async def send(self, topic: str, *args: Any, **kwargs: Any) -> Any:
        """Send a record and end the process if the broker does not take it.

        Returns
        -------
        Future
            Resolves to the record's metadata once the broker has acknowledged it.

        Raises
        ------
        ProducerSendError
            If the record is larger than the producer allows; its sender decides what then.
        """
        try:
            delivery = await super().send(topic, *args, **kwargs)
        except ProducerSendError as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                raise
            halt(f"a record for {topic} cannot be sent: {error.__cause__ or error!r}")
        except Exception as error:  # noqa: BLE001 - a stage would take it for its record's fault
            halt(f"a record for {topic} cannot be sent: {error!r}")
        delivery.add_done_callback(lambda done: self._check_delivery(topic, done))  # type: ignore[attr-defined]
        return delivery

    async def send_many(
        self, topic: str, partition: int, records: Sequence[Record]
    ) -> list[Awaitable[Any]]:
        """Send records to one partition, in this order, in as few batches as hold them.

        `send` costs as much for each of them as this for all, and waits for the broker after every
        batch that is full.

        Returns
        -------
        list of Future
            A batch each; done once the broker has acknowledged it.

        Raises
        ------
        ProducerSendError
            If a record is larger than the producer allows; nothing has been sent then.
        """
        largest = self.max_request_size
        for key, value, _ in records:
            if (size := len(key) + len(value or b"") + RECORD_OVERHEAD_BYTES) > largest:
                error = MessageSizeTooLargeError(f"{size} bytes, more than {largest}")
                raise ProducerSendError(f"a record for {topic} is too large") from error
        producer: Any = self._ensure_producer()
        sent: list[Awaitable[Any]] = []
        batch = producer.create_batch()
        for key, value, headers in records:
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                sent.append(await self._send_batch(producer, batch, topic, partition))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
        if batch.record_count():
            sent.append(await self._send_batch(producer, batch, topic, partition))
        return sent

    async def _send_batch(
        self, producer: Any, batch: Any, topic: str, partition: int
    ) -> Awaitable[Any]:
        batch.close()  # else single records would be added to it on its way
        try:
            delivery = await producer.send_batch(batch, topic, partition=partition)
        except AssertionError:  # so aiokafka says that there is no such partition
            transport: Any = self.transport
            halt(
                f"{topic} has no partition {partition}: have partitions been added to another "
                f"topic? All must have the same number. {transport.hints.partitions}".rstrip()
            )
        except Exception as error:  # noqa: BLE001 - a stage would take it for its record's fault
            halt(f"records for {topic} cannot be sent: {error!r}")
        delivery.add_done_callback(lambda done: self._check_delivery(topic, done))
        return cast(Awaitable[Any], delivery)

    def _check_delivery(self, topic: str, delivery: "asyncio.Future[Any]") -> None:
        # aiokafka calls this before it sends the partition's next batch, so the log of a
        # partition never continues behind a hole.
        if delivery.cancelled() or (error := delivery.exception()) is None:
            return
        halt(f"the broker did not take a record for {topic}: {error!r}")

    async def flush(self) -> None:
        """Wait until the broker has acknowledged everything sent before this call."""
        try:
            async with asyncio.timeout(self.request_timeout):
                await self.buffer.flush()
                await super().flush()
        except TimeoutError:
            halt(f"records were not acknowledged within {self.request_timeout:g} s")

    async def on_stop(self) -> None:
        """Deliver what is left, then disconnect."""
        await self.flush()
        await super().on_stop()


async def never_embedded(_servers: str) -> bool:
    """Say of every broker that it needs no work-arounds."""
    return False


class SafeTransport(driver.Transport):
    """Transport with the corrected consumer and producer.

    ``ask_embedded``, asked when the worker starts, ``merged`` and ``time_header`` are as of
    `recovery.make_safe`, the others as in Faust.
    """

    Consumer = SafeConsumer
    Producer = SafeProducer

    def __init__(
        self,
        url: Any,
        app: Any,
        *,
        ask_embedded: AskEmbedded = never_embedded,
        merged: Collection[str] = (),
        time_header: str = "",
    ) -> None:
        super().__init__(url, app)
        self.merged, self.time_header = frozenset(merged), time_header
        self.hints = Hints()
        #: Called with what the broker deleted unread: partition, first offset, end offset.
        self.on_lost: Callable[[TP, int, int], Awaitable[None]] | None = None
        #: Asked whether the group may not have committed a place in each partition yet.
        self.is_new_group: Callable[[], bool] = lambda: True
        #: Asked whether an operator has marked a batch to be skipped.
        self.is_skipped: Callable[[TP, Undecodable], Awaitable[bool]] | None = None
        self._ask_embedded = ask_embedded
        self._embedded: bool | None = None

    async def report_lost(self, tp: TP, first: int, upto: int) -> None:
        """Say that records were deleted before they were read; return once that is on record."""
        logger.error(
            "%s/%d: the broker deleted offsets %d to %d before they were read",
            *(*tp, first, upto - 1),
            extra={"topic": tp.topic, "partition": tp.partition, "offset": first},
        )
        try:
            if self.on_lost is not None:
                await self.on_lost(tp, first, upto)
        except ProducerSendError as error:
            halt(f"the loss cannot be put on record: {error!r}")

    def report_truncated(self, tp: TP, read_to: int) -> None:
        """Say that the broker has lost records that it had acknowledged, and that were read."""
        logger.error(
            "%s/%d: the broker has lost records that it had acknowledged: offset %d was read, and "
            "its log ended before (is unclean.leader.election.enable set?). The whole log is read "
            "again.%s",
            *(*tp, read_to - 1, f" {self.hints.truncated}".rstrip()),
            extra={"topic": tp.topic, "partition": tp.partition, "offset": read_to - 1},
        )

    def give_up(self, reason: str) -> NoReturn:
        """End the worker without committing anything more."""
        halt(reason)

    async def pass_over(self, tp: TP, batch: Undecodable) -> None:
        """Return if the batch may be passed over; else end the worker with a line that says how."""
        place = f"{tp.topic}/{tp.partition}@{batch.first}"
        try:
            skipped = self.is_skipped is not None and await self.is_skipped(tp, batch)
        except FaustFixError as error:
            halt(
                f"{place}: a batch cannot be decoded ({batch.cause}), nor is it known whether to "
                f"pass it over: {error}"
            )
        if not skipped:
            hint = self.hints.undecodable.format(
                topic=tp.topic, partition=tp.partition, offset=batch.first
            )
            halt(f"{place}: a batch cannot be decoded: {batch.cause}. {hint}".rstrip())
        logger.warning("%s: passed over a batch that cannot be decoded", place)

    @property
    def arguments(self) -> dict[str, Any]:
        """What it takes to reach this broker, for a client of aiokafka."""
        conf = self.app.conf
        return {
            "bootstrap_servers": driver.server_list(self.url, self.default_port),
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        }

    async def is_embedded(self) -> bool:
        """Whether this is the embedded broker, which needs work-arounds.

        Raises
        ------
        FaustFixError
            If it has to be asked and does not answer.
        """
        if self._embedded is None:
            servers = driver.server_list(self.url, self.default_port)
            self._embedded = await self._ask_embedded(",".join(servers))
        return self._embedded
