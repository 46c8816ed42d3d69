"""Log ends of the embedded broker, from a real one."""

from collections.abc import AsyncIterator
from typing import Any

import aiokafka
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from gridstress.embedded_broker_fixes import log_ends
from topology.errors import BrokerError

pytestmark = pytest.mark.integration

FULL, EMPTY = TopicPartition("ends", 0), TopicPartition("ends", 1)


@pytest.fixture
async def client(broker: str) -> AsyncIterator[Any]:
    """A consumer; ten records in one batch are in the first partition of two."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.create_topics([NewTopic("ends", 2, 1)])
    await admin.close()
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker) as producer:
        batch = producer.create_batch()
        for number in range(10):
            batch.append(key=None, value=b"%d" % number, timestamp=None)
        await (await producer.send_batch(batch, "ends", partition=0))
    async with aiokafka.AIOKafkaConsumer(bootstrap_servers=broker) as consumer:
        yield consumer


async def test_the_end_of_a_log_is_behind_the_last_record_of_its_last_batch(
    broker: str, broker_kind: str, client: Any
) -> None:
    told = await client.end_offsets([FULL, EMPTY])
    assert await log_ends(broker, told) == {FULL: 10, EMPTY: 0}
    # As soon as this fails, the embedded broker has been mended and the module can go.
    assert told[FULL] == (1 if broker_kind == "embedded" else 10)


async def test_an_end_that_is_not_told_is_an_error(broker: str) -> None:
    with pytest.raises(BrokerError, match=r"log end of no-such-topic/7 within 0.3 s"):
        await log_ends(broker, {TopicPartition("no-such-topic", 7): 5}, timeout_s=0.3)
