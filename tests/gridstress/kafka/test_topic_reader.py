"""A topic is read to its end, or it is said why not."""

import asyncio
from collections.abc import Iterator

import pytest

from bench.harness.brokers import embedded_broker
from gridstress.kafka.topic_reader import partition_count, read_topic
from tests.gridstress.verify.broker import create, send
from topology.errors import BrokerError, DataError

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with embedded_broker() as running:
        asyncio.run(create(running.bootstrap, ["empty", "large"]))
        yield running.bootstrap


async def test_a_topic_is_read_to_its_true_end(broker):
    await asyncio.to_thread(
        send, broker, [("large", i % 2, b"%d" % i + b"." * 500_000) for i in range(9)]
    )
    records = await read_topic(broker, "large")
    per_partition = {p: [r.offset for r in records if r.partition == p] for p in (0, 1)}
    assert per_partition == {0: [0, 1, 2, 3, 4], 1: [0, 1, 2, 3]}
    assert len([r for r in records if r.value.startswith(b"8")]) == 1


async def test_an_empty_topic_has_an_end_too(broker):
    assert await read_topic(broker, "empty") == []
    assert await partition_count(broker, "empty") == 2


async def test_a_missing_topic_is_an_error_and_is_not_created(broker):
    for _ in range(2):
        with pytest.raises(DataError, match="topic nonesuch does not exist"):
            await read_topic(broker, "nonesuch")


async def test_a_missing_broker_is_an_error():
    with pytest.raises(BrokerError, match="no Kafka broker"):
        await read_topic("127.0.0.1:1", "large")
