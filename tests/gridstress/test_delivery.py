"""Commits, flushing and failed sends. Each test also shows what stock Faust does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from aiokafka.errors import IllegalGenerationError, KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as stock
from faust.transport.producer import ProducerBuffer
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from gridstress import delivery
from gridstress.delivery import SafeConsumer, SafeProducer, SafeProducerBuffer, SafeTransport

SOURCE = TP("source", 0)


class Halted(BaseException):
    """What `halt` raises here instead of ending the test run."""


@pytest.fixture
def app() -> Any:
    app = cast(Any, faust.App("delivery", broker="kafka://127.0.0.1:1", store="memory://"))
    app.transport = SafeTransport(app.conf.broker_consumer, app, kind="kafka")
    app.topics._acking_topics.add(SOURCE.topic)
    return app


@pytest.fixture
def halts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reasons: list[str] = []

    def halt(reason: str) -> None:
        reasons.append(reason)
        raise Halted(reason)

    monkeypatch.setattr(delivery, "halt", halt)
    return reasons


# --- commits


def message(offset: int) -> Any:
    return ConsumerMessage(
        SOURCE.topic, SOURCE.partition, offset, 0.0, 0, [], b"", b"", None, 0, 0, SOURCE
    )


def consumer_of(kind: Any, app: Any, on_revoked: Any = None) -> Any:
    async def nothing(*_: Any) -> None: ...

    return kind(
        app.transport,
        callback=nothing,
        on_partitions_revoked=on_revoked or nothing,
        on_partitions_assigned=nothing,
    )


async def read(consumer: Any, offsets: list[int]) -> dict[int, Any]:
    """Let the real fetch loop hand over records with these offsets."""
    messages = {offset: message(offset) for offset in offsets}
    fetcher = faust.transport.base.Fetcher(consumer.app)

    async def getmany(timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        for each in messages.values():
            yield SOURCE, each
        fetcher._stopped.set()

    consumer.getmany = getmany
    await consumer._drain_messages(fetcher)
    return messages


async def committable(kind: Any, app: Any, offsets: list[int], acked: list[int]) -> int | None:
    """Offset that would be committed after offset 3 was, and these were read and acked."""
    consumer = consumer_of(kind, app)
    consumer._committed_offset[SOURCE] = consumer._read_offset[SOURCE] = 3
    messages = await read(consumer, offsets)
    for offset in acked:
        consumer.ack(messages[offset])
    return cast(int | None, consumer._new_offset(SOURCE))


async def test_a_commit_does_not_jump_over_one_unacknowledged_record(app: Any) -> None:
    case = ([3, 4, 5, 6], [4, 5, 6])
    assert await committable(SafeConsumer, app, *case) is None
    assert await committable(stock.Consumer, app, *case) == 7


async def test_a_commit_does_not_count_the_record_behind_a_hole_as_acknowledged(app: Any) -> None:
    case = ([3, 4, 9, 10], [3, 4, 10])
    assert await committable(SafeConsumer, app, *case) == 5
    assert await committable(stock.Consumer, app, *case) == 11


@pytest.mark.parametrize(
    ("read", "acked", "commit"),
    [
        ([3, 4, 5], [3, 4, 5], 6),
        ([3, 4, 5], [5, 3, 4], 6),
        ([3, 4, 5], [3, 5], 4),
        ([3, 4, 9, 10], [3, 4, 9, 10], 11),
        ([100, 101], [100], 101),
        ([3, 4], [], None),
    ],
)
async def test_a_commit_is_the_oldest_unacknowledged_record(
    app: Any, read: list[int], acked: list[int], commit: int | None
) -> None:
    assert await committable(SafeConsumer, app, read, acked) == commit


async def test_a_commit_goes_on_where_the_last_one_ended(app: Any) -> None:
    consumer = consumer_of(SafeConsumer, app)
    messages = await read(consumer, [0, 1, 2, 3])
    commits = []
    for offset in (1, 0, 3, 2):
        consumer.ack(messages[offset])
        commits.append(consumer._new_offset(SOURCE))
    assert commits == [None, 2, None, 4]


async def commit_at_revocation(kind: Any, app: Any) -> int | None:
    committed: list[int | None] = []

    async def on_revoked(_: Any) -> None:
        committed.append(consumer._new_offset(SOURCE))

    consumer = consumer_of(kind, app, on_revoked)
    for each in (await read(consumer, [0, 1])).values():
        consumer.ack(each)
    await consumer.on_partitions_revoked({SOURCE})
    assert SOURCE not in consumer._acked or not consumer._acked[SOURCE]
    return committed[0]


async def test_what_was_acknowledged_is_committed_before_partitions_are_given_up(app: Any) -> None:
    assert await commit_at_revocation(SafeConsumer, app) == 2
    assert await commit_at_revocation(stock.Consumer, app) is None


# --- fetching


async def fetched_partitions(kind: Any, app: Any) -> set[TP]:
    """What a fetch asks for that was begun, and then every partition was paused."""
    consumer = consumer_of(kind, app)
    consumer._active_partitions = {SOURCE}

    async def getmany(active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109
        consumer.pause_partitions({SOURCE})
        return {"asked for": set(active_partitions)}

    consumer._getmany = getmany
    records, _ = await consumer._wait_next_records(1.0)
    return cast(set[TP], records["asked for"])


async def test_a_fetch_never_turns_into_one_of_all_partitions(app: Any) -> None:
    assert await fetched_partitions(SafeConsumer, app) == {SOURCE}
    assert await fetched_partitions(stock.Consumer, app) == set()


async def test_a_consumer_is_parked_only_when_its_fetch_has_ended(app: Any) -> None:
    consumer = consumer_of(SafeConsumer, app)
    consumer._active_partitions = {SOURCE}
    fetching, answer = asyncio.Event(), asyncio.Event()

    async def getmany(active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109
        fetching.set()
        await answer.wait()
        return {}

    async def seek() -> None: ...

    consumer._getmany, consumer.perform_seek = getmany, seek
    loop = asyncio.create_task(consumer._drain_messages(faust.transport.base.Fetcher(app)))
    await fetching.wait()
    parked = asyncio.create_task(consumer.park())
    done, _ = await asyncio.wait([parked], timeout=0.1)
    assert not done
    answer.set()
    await asyncio.wait_for(parked, 5)
    loop.cancel()
    await asyncio.wait([loop])


# --- flush


async def flush_with_a_slow_broker(kind: Any, app: Any) -> bool:
    """Whether everything was sent when `flush` came back."""
    sent: list[Any] = []

    class Slow(kind):  # type: ignore[misc]
        async def _send_pending(self, fut: Any) -> None:
            await asyncio.sleep(0.3)  # longer than the 0.1 s that stock waits
            sent.append(fut)

    buffer = Slow()
    buffer.app = app
    await buffer.start()
    buffer.put("first")
    buffer.put("second")
    await buffer.flush()
    all_sent = sent == ["first", "second"]
    with contextlib.suppress(RuntimeError):  # what stock raises when it stops with messages left
        await buffer.stop()
    return all_sent


async def test_flush_waits_for_a_slow_broker(app: Any) -> None:
    assert await flush_with_a_slow_broker(SafeProducerBuffer, app)
    assert not await flush_with_a_slow_broker(ProducerBuffer, app)


async def test_flush_does_not_wait_for_what_comes_after_it(app: Any) -> None:
    class Endless(SafeProducerBuffer):
        async def _send_pending(self, fut: Any) -> None:
            await asyncio.sleep(0)
            self.put("one more")

    buffer = Endless()
    buffer.app = app
    async with buffer:
        buffer.put("first")
        await asyncio.wait_for(buffer.flush(), 5)


async def test_a_buffer_that_stops_sends_what_it_holds(app: Any) -> None:
    sent: list[Any] = []

    class Recording(SafeProducerBuffer):
        async def _send_pending(self, fut: Any) -> None:
            await asyncio.sleep(0.01)
            sent.append(fut)

    buffer = Recording()
    buffer.app = app
    async with buffer:
        for number in range(5):
            buffer.put(number)
    assert sent == [0, 1, 2, 3, 4]


async def test_table_writes_hold_back_records_only_above_the_limit(app: Any) -> None:
    buffer = SafeProducerBuffer()
    buffer.app = app
    for number in range(buffer.max_messages):
        buffer.put(number)
    await asyncio.wait_for(buffer.wait_until_ebb(), 1)
    buffer.put("one too many")
    held = asyncio.create_task(buffer.wait_until_ebb())
    done, _ = await asyncio.wait([held], timeout=0.05)
    assert not done
    held.cancel()


# --- failed sends


class Broker:
    """In place of aiokafka's producer: answers as it is told to."""

    def __init__(self, answer: Callable[[], Awaitable[Any]]) -> None:
        self.answer = answer
        self.batches: list[tuple[str, int, list[Any]]] = []

    async def send(self, *_: Any, **__: Any) -> Any:
        return await self.answer()

    async def flush(self) -> None: ...

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(1_000, 0)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        records = DefaultRecordBatch(bytearray(batch._build()))
        self.batches.append((topic, partition, [(r.key, r.value, r.headers) for r in records]))
        return await self.answer()


def producer_of(app: Any, answer: Callable[[], Awaitable[Any]]) -> SafeProducer:
    producer: Any = app.producer
    producer._producer = Broker(answer)
    return cast(SafeProducer, producer)


async def send(producer: SafeProducer) -> Any:
    return await producer.send("out", b"key", b"value", None, None, None)


async def test_a_delivery_that_fails_ends_the_worker_before_anybody_goes_on(
    app: Any, halts: list[str]
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the stand-in for halt raises in a callback
    on_its_way: asyncio.Future[Any] = loop.create_future()

    async def answer() -> Any:
        return on_its_way

    delivered = await send(producer_of(app, answer))
    loop.call_soon(on_its_way.set_exception, KafkaTimeoutError("no answer"))
    await asyncio.wait([delivered])  # as a flush does, which a commit follows
    assert halts == ["the broker did not take a record for out: KafkaTimeoutError('no answer')"]


async def test_a_record_that_cannot_even_be_queued_ends_the_worker(
    app: Any, halts: list[str]
) -> None:
    async def answer() -> Any:
        raise KafkaTimeoutError("queue full")

    with pytest.raises(Halted):
        await send(producer_of(app, answer))
    assert halts == ["a record for out cannot be sent: KafkaTimeoutError('queue full')"]


async def test_a_record_that_is_too_large_is_the_senders_to_handle(
    app: Any, halts: list[str]
) -> None:
    async def answer() -> Any:
        raise MessageSizeTooLargeError("2 MB")

    with pytest.raises(ProducerSendError):
        await send(producer_of(app, answer))
    assert halts == []


async def acknowledged() -> Any:
    done: asyncio.Future[None] = asyncio.Future()
    done.set_result(None)
    return done


async def test_many_records_share_batches_and_keep_their_order(app: Any) -> None:
    producer: Any = producer_of(app, acknowledged)
    header = ("epoch", b"7:a")
    records = [(b"k%d" % n, b"x" * 300 if n else None, [header]) for n in range(8)]
    sent = await producer.send_many("out", 3, records)
    batches = producer._producer.batches
    assert len(sent) == len(batches) == 4
    assert {(topic, partition) for topic, partition, _ in batches} == {("out", 3)}
    assert [record for _, _, batch in batches for record in batch] == records


async def test_a_record_larger_than_a_batch_is_one_of_its_own(app: Any) -> None:
    producer: Any = producer_of(app, acknowledged)
    values = [b"a", b"b" * 5_000, b"c"]
    await producer.send_many("out", 0, [(b"k", value, []) for value in values])
    assert [[v for _, v, _ in b] for _, _, b in producer._producer.batches] == [[v] for v in values]


async def test_of_many_records_none_is_sent_if_one_is_too_large(app: Any, halts: list[str]) -> None:
    producer: Any = producer_of(app, acknowledged)
    too_large = (b"k", b"x" * producer.max_request_size, [])
    with pytest.raises(ProducerSendError) as told:
        await producer.send_many("out", 0, [(b"k", b"v", []), too_large])
    assert isinstance(told.value.__cause__, MessageSizeTooLargeError)
    assert producer._producer.batches == []
    assert halts == []


async def test_many_records_that_fail_end_the_worker(app: Any, halts: list[str]) -> None:
    async def refused() -> Any:
        raise KafkaTimeoutError("no room")

    with pytest.raises(Halted):
        await cast(Any, producer_of(app, refused)).send_many("out", 0, [(b"k", b"v", [])])
    assert halts == ["records for out cannot be sent: KafkaTimeoutError('no room')"]


async def test_a_batch_that_is_not_delivered_ends_the_worker(app: Any, halts: list[str]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the stand-in for halt raises in a callback
    on_its_way: asyncio.Future[Any] = loop.create_future()

    async def answer() -> Any:
        return on_its_way

    producer: Any = producer_of(app, answer)
    (delivery,) = await producer.send_many("out", 0, [(b"k", b"v", [])])
    loop.call_soon(on_its_way.set_exception, KafkaTimeoutError("no answer"))
    await asyncio.wait([delivery])
    assert halts == ["the broker did not take a record for out: KafkaTimeoutError('no answer')"]


async def test_a_table_write_that_is_too_large_ends_the_worker(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    halted = asyncio.Event()
    monkeypatch.setattr(delivery, "halt", lambda reason: halted.set())

    class TooLarge(SafeProducerBuffer):
        async def _send_pending(self, fut: Any) -> None:
            raise ProducerSendError("2 MB") from MessageSizeTooLargeError("2 MB")

    buffer = TooLarge()
    buffer.app = app
    async with buffer:
        buffer.put("a table write")
        await asyncio.wait_for(halted.wait(), 5)


async def test_an_acknowledgement_that_does_not_come_ends_the_worker(
    app: Any, halts: list[str]
) -> None:
    async def answer() -> Any: ...

    producer = producer_of(app, answer)
    producer.request_timeout = 0.05
    producer.buffer.put(cast(Any, "never sent: the buffer does not run"))
    with pytest.raises(Halted):
        await producer.flush()
    assert halts == ["records were not acknowledged within 0.05 s"]


@pytest.mark.parametrize(("kind", "idempotent"), [("kafka", True), ("embedded", False)])
async def test_the_producer_is_idempotent_where_the_broker_can(
    kind: Any, idempotent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = faust.App("delivery", broker="kafka://127.0.0.1:1", store="memory://")
    app.transport = SafeTransport(app.conf.broker_consumer, app, kind=kind)

    async def connect(_: Any) -> None: ...

    monkeypatch.setattr(stock.Producer, "on_start", connect)
    producer: Any = app.producer
    await producer.on_start()
    assert producer._settings_extra() == {"acks": "all", "enable_idempotence": idempotent}


# --- the end of the streams' work


async def half_acknowledged(kind: Any, app: Any) -> Any:
    """A consumer with a record that one of two streams has finished and the other never took."""

    async def commit(*_: Any, **__: Any) -> bool:
        return False

    consumer = consumer_of(kind, app)
    each = (await read(consumer, [0]))[0]
    each.incref(2)
    consumer.track_message(each)
    each.ack(consumer)
    consumer.commit = commit
    consumer.held = each  # as the stream's own frame holds it, waiting for the next one
    return consumer


async def ends(consumer: Any, within_s: float) -> bool:
    """Whether the consumer stops waiting by itself; it swallows a cancellation."""
    waiting = asyncio.create_task(consumer.wait_empty())
    done, _ = await asyncio.wait([waiting], timeout=within_s)
    consumer._stopped.set()
    await waiting
    return bool(done)


async def test_a_record_that_one_of_two_streams_skipped_does_not_hold_up_the_stop(app: Any) -> None:
    consumer = await half_acknowledged(SafeConsumer, app)
    assert await ends(consumer, 3)
    assert consumer._new_offset(SOURCE) is None  # nor is it committed
    assert not await ends(await half_acknowledged(stock.Consumer, app), 2.5)


async def test_a_record_that_a_stream_works_on_is_waited_for(app: Any) -> None:
    consumer = await half_acknowledged(SafeConsumer, app)
    consumer._working = lambda: True
    assert not await ends(consumer, 1.5)


# --- membership and what is left to do


class Coordinator:
    """aiokafka's group coordinator as far as commits and membership go."""

    def __init__(self) -> None:
        self.member_id, self.generation = "faust-1", 4
        self.committed: list[Any] = []
        self.heartbeats = [True]

    async def _do_commit_offsets(self, assignment: Any, offsets: Any) -> None:
        self.committed.append(offsets)

    async def _do_heartbeat(self) -> bool:
        alive = self.heartbeats.pop(0)
        if not alive and not self.heartbeats:
            self.member_id, self.generation = "", -1  # as aiokafka does when it was thrown out
        return alive


async def connected(app: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Coordinator]:
    """The consumer's thread as it is once it has connected, and its coordinator."""

    async def connect(self: Any) -> None: ...

    monkeypatch.setattr(stock.AIOKafkaConsumerThread, "on_start", connect)
    coordinator = Coordinator()
    thread = cast(Any, consumer_of(SafeConsumer, app)._thread)
    thread._consumer = SimpleNamespace(_coordinator=coordinator)
    await thread.on_start()
    return thread, coordinator


async def test_a_worker_that_is_in_no_group_does_not_commit(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, coordinator = await connected(app, monkeypatch)
    await coordinator._do_commit_offsets(None, {SOURCE: 1})
    coordinator.member_id = ""
    with pytest.raises(IllegalGenerationError):
        await coordinator._do_commit_offsets(None, {SOURCE: 2})
    assert coordinator.committed == [{SOURCE: 1}]


async def test_the_coordinator_is_asked_until_it_says_yes_or_no(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, coordinator = await connected(app, monkeypatch)
    coordinator.heartbeats = [False, True]  # one answer got lost
    assert await thread._is_member(4)
    assert not await thread._is_member(3)
    coordinator.heartbeats = [False]
    assert not await thread._is_member(4)


async def test_unfinished_records_are_those_in_hand_and_those_still_in_the_log(app: Any) -> None:
    consumer = consumer_of(SafeConsumer, app)
    assert consumer.unfinished(SOURCE, 5, 8) == 3, "from the beginning of the log"
    consumer._committed_offset[SOURCE] = 7
    assert consumer.unfinished(SOURCE, 5, 8) == 1, "from the last commit"
    for offset in (7, 8, 9):
        await consumer._hand_over(message(offset))
    consumer._acked_index[SOURCE].update({7, 9})
    assert consumer.unfinished(SOURCE, 5, 12) == 1 + 2
    assert consumer.unfinished(SOURCE, 5, 8) == 1, "the end that is known may be an old one"
