"""Flushing and failed sends. Each test also shows what stock Faust does."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, cast

import faust
import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as stock
from faust.transport.producer import ProducerBuffer

from gridstress.faust_fixes import producer as delivery
from gridstress.faust_fixes.producer import SafeProducer, SafeProducerBuffer, SafeTransport


class Halted(BaseException):
    """What `halt` raises here instead of ending the test run."""


@pytest.fixture
def app() -> Any:
    app = cast(Any, faust.App("delivery", broker="kafka://127.0.0.1:1", store="memory://"))
    app.transport = SafeTransport(app.conf.broker_consumer, app)
    return app


@pytest.fixture
def halts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reasons: list[str] = []

    def halt(reason: str) -> None:
        reasons.append(reason)
        raise Halted(reason)

    monkeypatch.setattr(delivery, "halt", halt)
    return reasons


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
    """In place of aiokafka's producer: answers as it is set to."""

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
    with pytest.raises(ProducerSendError) as raised:
        await producer.send_many("out", 0, [(b"k", b"v", []), too_large])
    assert isinstance(raised.value.__cause__, MessageSizeTooLargeError)
    assert producer._producer.batches == []
    assert halts == []


async def test_many_records_that_fail_end_the_worker(app: Any, halts: list[str]) -> None:
    async def refused() -> Any:
        raise KafkaTimeoutError("no room")

    with pytest.raises(Halted):
        await cast(Any, producer_of(app, refused)).send_many("out", 0, [(b"k", b"v", [])])
    assert halts == ["records for out cannot be sent: KafkaTimeoutError('no room')"]


async def test_a_partition_that_a_topic_does_not_have_is_named(app: Any, halts: list[str]) -> None:
    """Somebody has added partitions to the topic that is read, but not to the one written to."""

    async def unknown() -> Any:
        raise AssertionError("Unrecognized partition")

    with pytest.raises(Halted, match=r"^out has no partition 5: .*the same number."):
        await cast(Any, producer_of(app, unknown)).send_many("out", 5, [(b"k", b"v", [])])


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


@pytest.mark.parametrize("embedded", [False, True])
async def test_the_producer_is_idempotent_where_the_broker_can(
    embedded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(servers: str) -> bool:
        assert servers == "127.0.0.1:1"
        return embedded

    app = faust.App("delivery", broker="kafka://127.0.0.1:1", store="memory://")
    app.transport = SafeTransport(app.conf.broker_consumer, app, ask_embedded=ask)

    async def connect(_: Any) -> None: ...

    monkeypatch.setattr(stock.Producer, "on_start", connect)
    producer: Any = app.producer
    await producer.on_start()
    assert producer._settings_extra() == {"acks": "all", "enable_idempotence": not embedded}
