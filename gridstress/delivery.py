"""Faust 0.15.3, corrected where it loses or forgets records: producer, consumer, commits.

1. **Flush** (`SafeProducerBuffer`, `SafeProducer`) waits until the broker has acknowledged all
   there was, before every commit. Stock gives up after 0.1 s and commits.
2. **A record that cannot be sent ends the worker** (`halt`). Stock logs it and commits.
3. **Commits** (`SafeConsumer`) end at the oldest record that no stream has acknowledged. Stock
   jumps over a single one, and over the first one after a hole in the offsets.

`docs/faust.md` gives the evidence; each correction has a test that fails on the stock class.
`gridstress.recovery` holds the other half, and puts both into an app. Faust's internals have no
types worth the name, so they are `Any` here.
"""

import asyncio
import logging
import os
from collections import defaultdict, deque
from collections.abc import Awaitable, Sequence
from typing import Any, Literal, NoReturn, cast

from aiokafka.errors import IllegalGenerationError, KafkaError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from mode import Service

BrokerKind = Literal["auto", "kafka", "embedded"]
"""What answers at the broker's address; ``auto`` asks it when the worker starts."""

EXIT_UNDELIVERED = os.EX_SOFTWARE
"""Exit code (70) of a worker that could not send a record."""

FETCH_S = 0.25
"""How long a fetch waits for records, s. A rebalance waits for it several times; stock's waits are
1 s (client) and 1.5 s (broker)."""

BUFFERED_MESSAGES = 5_000
"""Table writes that may wait for the producer before no more records are taken in. Stock stops,
and warns, at 100, which a few frames exceed."""

RECORD_OVERHEAD_BYTES = 128
"""What a record has beside key and value at most, with the headers that we write."""

Record = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers."""

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
            If the record is larger than the producer allows; its sender can set it aside.
        """
        try:
            delivery = await super().send(topic, *args, **kwargs)
        except ProducerSendError as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                raise
            halt(f"a record for {topic} cannot be sent: {error.__cause__ or error!r}")
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
        except KafkaError as error:
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


class SafeConsumerThread(driver.AIOKafkaConsumerThread):
    """Thread that talks to the broker, without making other questions wait for a long fetch."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # A broker answers one connection in order: recovery's questions wait behind each fetch.
        consumer._fetch_max_wait_ms = int(FETCH_S * 1000)
        return consumer

    async def on_start(self) -> None:
        """Connect; from then on nothing is committed by one who is not in the group."""
        await super().on_start()
        coordinator: Any = self._ensure_consumer()._coordinator
        commit = coordinator._do_commit_offsets

        async def commit_as_member(assignment: Any, offsets: Any) -> None:
            # A group that has lost all its members takes commits from anybody: also from a worker
            # that was thrown out, of records whose table writes no longer count.
            if not coordinator.member_id:
                raise IllegalGenerationError
            await commit(assignment, offsets)

        coordinator._do_commit_offsets = commit_as_member

    async def is_member(self, generation_id: int) -> bool:
        """Ask the coordinator whether this worker is in the group, in this generation."""
        return bool(await self.call_thread(self._is_member, generation_id))

    async def _is_member(self, generation_id: int) -> bool:
        coordinator: Any = self._ensure_consumer()._coordinator
        while coordinator.generation == generation_id:
            if await coordinator._do_heartbeat():
                return bool(coordinator.generation == generation_id)
            await asyncio.sleep(FETCH_S)  # nobody answered; the answer "no" ends the generation
        return False


class SafeConsumer(driver.Consumer):
    """Consumer that commits up to the oldest unacknowledged record and can be parked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: Offsets handed to the streams and not yet committed, in the order of the log.
        self._handed_over: defaultdict[Any, deque[int]] = defaultdict(deque)
        #: Set while no fetch is in flight and no record in hand.
        self._parked = asyncio.Event()
        self._parked.set()
        super().__init__(*args, **kwargs)
        self._deliver, self.callback = self.callback, self._hand_over

    def _new_consumer_thread(self) -> Any:
        return SafeConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _hand_over(self, message: Any) -> None:
        if self.app.topics.acks_enabled_for(message.topic):
            self._handed_over[message.tp].append(message.offset)
        await self._deliver(message)

    def _new_offset(self, tp: Any) -> int | None:
        handed_over, acked = self._handed_over[tp], self._acked_index[tp]
        offset = None
        while handed_over and handed_over[0] in acked:
            offset = handed_over.popleft() + 1
            acked.discard(offset - 1)
        self._acked[tp].clear()  # the index alone says what is acknowledged
        return offset

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Do nothing: holes in the offsets are never handed over, so nobody waits for them.

        Stock counts the record behind a hole as part of it, and so as acknowledged.
        """

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Stop the flow, let the streams finish, commit, and only then forget the partitions.

        Stock forgets first, so its commit is empty and every rebalance repeats seconds of work.
        """
        self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        # Else a queue that drains now would let its partition flow before tables are recovered.
        self._buffered_partitions.clear()
        await self._on_partitions_revoked(revoked)
        self._forget(revoked)

    def _forget(self, tps: Any) -> None:
        for tp in tps:
            self._handed_over.pop(tp, None)
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)
            self._gap.pop(tp, None)
            self._read_offset.pop(tp, None)
            self._committed_offset.pop(tp, None)

    async def wait_empty(self) -> None:
        """Wait until the streams have finished the records they work on, then commit.

        Stock waits for every record that any stream has taken. Where two agents read a topic, one
        may have finished a record that the other finds after the flow has stopped, and skips: that
        record is never acknowledged, and the worker would never stop or give up its partitions.
        It is not committed either, so it comes again.
        """
        while not self.should_stop and self._unacked_messages and self._working():
            await self.commit()
            await self._wait_for_ack(timeout=1)
            self._clean_unacked_messages()
        self._unacked_messages.clear()
        await self.commit_and_end_transactions()

    def _working(self) -> bool:
        return any(
            actor.stream.current_event is not None
            for agent in self.app.agents.values()
            for actor in agent._actors
        )

    def unfinished(self, tp: Any, begin: int, end: int) -> int:
        """Count the records of a log from `begin` to `end` that are not acknowledged."""
        handed_over, acked = list(self._handed_over[tp]), self._acked_index[tp]
        position = handed_over[-1] + 1 if handed_over else self._committed_offset[tp] or begin
        return max(0, end - position) + sum(offset not in acked for offset in handed_over)

    async def is_member(self, generation_id: int) -> bool:
        """Ask the coordinator whether this worker is in the group, in this generation."""
        thread: Any = self._thread
        return bool(await thread.is_member(generation_id))

    async def park(self) -> None:
        """Stop the flow and wait until the fetch in flight has ended."""
        self.stop_flow()
        await self._parked.wait()

    async def rewind(self) -> None:
        """Go back to the committed offset of every source partition. Needs a parked consumer."""
        sources = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        self._forget(sources)
        await self.perform_seek()
        # aiokafka does not seek where nothing is committed: what an aborted fetch took from
        # there would be lost. If the log begins later than 0, it finds out.
        uncommitted = [tp for tp in sources if not self._committed_offset[tp]]
        if uncommitted:
            await self.seek_wait(dict.fromkeys(uncommitted, 0))

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            await super()._drain_messages(fetcher)
        finally:
            self._parked.set()

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        while not self.flow_active and not self.should_stop:
            self._parked.set()
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
        self._parked.clear()
        active = self._get_active_partitions()
        if not active:
            await self.sleep(FETCH_S)
            return {}, active
        # A copy: another thread reads it, and aiokafka takes a set that has become empty for
        # "all partitions" and would hand out, and so lose, records of paused ones.
        return await self._getmany(frozenset(active), FETCH_S), active  # type: ignore[arg-type]


class SafeTransport(driver.Transport):
    """Transport with the corrected consumer and producer.

    Parameters
    ----------
    url, app
        As in Faust.
    kind
        What kind of broker it is. With ``auto`` the broker is asked when the worker starts.
    """

    Consumer = SafeConsumer
    Producer = SafeProducer

    def __init__(self, url: Any, app: Any, *, kind: BrokerKind = "auto") -> None:
        super().__init__(url, app)
        self._embedded = None if kind == "auto" else kind == "embedded"

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
        BrokerError
            If it has to be asked and does not answer.
        """
        if self._embedded is None:
            from gridstress.brokers.probe import is_embedded

            servers = driver.server_list(self.url, self.default_port)
            self._embedded = await is_embedded(",".join(servers))
        return self._embedded
