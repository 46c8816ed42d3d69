import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from gridstress.kafka.topics import MEASUREMENTS, ensure_topics
from gridstress.settings import load_settings
from tests.support.shared_kafka import empty

pytestmark = pytest.mark.kafka


async def test_an_emptied_broker_has_no_topics_and_no_positions(kafka: str) -> None:
    settings = load_settings(broker=f"kafka://{kafka}")
    await ensure_topics(settings)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(MEASUREMENTS, b"{}", partition=0)
    groups = []
    for name in ("left", "right"):
        reads_all = {"auto_offset_reset": "earliest", "group_id": name}
        group = AIOKafkaConsumer(MEASUREMENTS, bootstrap_servers=kafka, **reads_all)
        await group.start()
        await group.getone()
        await group.commit()
        groups.append(group)
    emptying = asyncio.create_task(empty(kafka))
    done, _ = await asyncio.wait([emptying], timeout=0.5)
    assert not done, "a member may still write and commit"
    for group in groups:
        await group.stop()
    await emptying
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        assert MEASUREMENTS not in await admin.list_topics()
        positions = await admin.list_consumer_group_offsets("left")
    finally:
        await admin.close()
    assert all(position.offset < 0 for position in positions.values())
    await ensure_topics(settings)
    async with AIOKafkaConsumer(MEASUREMENTS, bootstrap_servers=kafka) as reader:
        ends = await reader.end_offsets(reader.assignment())
    assert set(ends.values()) == {0}
