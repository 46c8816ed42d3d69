"""What the consumer fetches, holds in its hand, delivers and forgets."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust.types import TP

from gridstress.consumer import SafeConsumer
from gridstress.delivery import SafeTransport

A, B = TP("zones", 0), TP("zones", 1)


class Log:
    """Stands for the client: gives what was put into it for the partitions that are asked for."""

    def __init__(self) -> None:
        self.waiting: dict[TP, list[Any]] = {}
        self.asked: list[frozenset[TP]] = []

    def put(self, tp: TP, *offsets: int) -> None:
        """Records whose time is ten times their offset, a little later in partition 1."""
        self.waiting[tp] = [
            SimpleNamespace(
                topic=tp.topic, partition=tp.partition, offset=n, timestamp=10 * n + tp.partition,
                timestamp_type=0, headers=(), key=b"k", value=b"v", checksum=None,
                serialized_key_size=1, serialized_value_size=1,
            )
            for n in offsets
        ]  # fmt: skip

    async def getmany(self, wanted: frozenset[TP], timeout: float) -> dict[TP, list[Any]]:  # noqa: ASYNC109
        self.asked.append(wanted)
        return {tp: self.waiting.pop(tp) for tp in wanted if tp in self.waiting}


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def consumer(log: Log) -> Any:
    app = cast(Any, faust.App("consumer", broker="kafka://127.0.0.1:1", store="memory://"))
    app.transport = SafeTransport(app.conf.broker_consumer, app, kind="kafka", in_step=["zones"])

    async def nothing(*_: Any) -> None: ...

    consumer: Any = SafeConsumer(
        app.transport,
        callback=nothing,
        on_partitions_revoked=nothing,
        on_partitions_assigned=nothing,
    )
    consumer._active_partitions = {A, B}
    consumer._getmany = log.getmany
    consumer.highwater = lambda tp: 100
    consumer._thread.is_behind = lambda tp: tp in log.waiting
    return consumer


async def delivered(consumer: Any) -> list[tuple[int, int]]:
    """Partition and offset of what one fetch brings."""
    return [(m.partition, m.offset) async for _, m in consumer.getmany(1.0)]


async def test_zones_come_in_step(consumer: Any, log: Log) -> None:
    log.put(A, 1, 2, 3)
    log.put(B, 1, 2)
    assert await delivered(consumer) == [(0, 1), (1, 1), (0, 2), (1, 2), (0, 3)]


async def test_what_must_wait_stays_in_hand_and_only_the_others_are_fetched(
    consumer: Any, log: Log
) -> None:
    consumer._thread.is_behind = lambda tp: tp == B
    log.put(A, 1, 2)
    assert await delivered(consumer) == []
    log.put(B, 1)
    consumer._thread.is_behind = lambda tp: False
    assert await delivered(consumer) == [(0, 1), (1, 1), (0, 2)]
    assert log.asked == [{A, B}, {B}]


async def test_what_is_in_hand_is_forgotten_with_its_partition(consumer: Any, log: Log) -> None:
    consumer._buffered_partitions = {B}
    log.put(A, 1)
    assert await delivered(consumer) == []
    consumer._forget([A])
    consumer._buffered_partitions = set()
    log.put(B, 5)
    assert await delivered(consumer) == [(1, 5)]


async def test_after_a_rewind_nothing_is_in_hand(consumer: Any, log: Log) -> None:
    """A fetch may bring in records of a partition that was given up meanwhile."""
    consumer._buffered_partitions = {B}
    log.put(A, 1)
    await delivered(consumer)

    async def seek(*_: Any) -> None: ...

    consumer.perform_seek = consumer.seek_wait = seek
    consumer.assignment = lambda: {B}
    await consumer.rewind()
    assert not consumer._in_hand


async def test_no_more_is_delivered_once_the_flow_has_stopped(consumer: Any, log: Log) -> None:
    log.put(A, 1, 2, 3)
    found = []
    async for _, message in consumer.getmany(1.0):
        found.append(message.offset)
        consumer.stop_flow()
    assert found == [1]


async def test_a_full_stream_is_waited_for_without_asking_the_broker(
    consumer: Any, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridstress.consumer.FETCH_S", 60.0)
    consumer._active_partitions = {A}
    log.put(A, 1, 2)
    found = []
    async for _, message in consumer.getmany(1.0):
        found.append(message.offset)
        consumer.on_buffer_full(A)
    assert found == [1]
    waiting = asyncio.create_task(delivered(consumer))
    await asyncio.sleep(0)
    consumer.on_buffer_drop(A)
    assert await asyncio.wait_for(waiting, 5) == [(0, 2)]
    assert len(log.asked) == 1
