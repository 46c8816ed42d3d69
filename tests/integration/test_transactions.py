"""Measurements that a producer sends in transactions: what it gives up does not count."""

import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from gridstress.topics import MEASUREMENTS
from tests.frames import ended, measured
from tests.integration.harness import Stack, wait_for
from tests.integration.test_dead_letters import ZONES, topology
from topology.messages import encode

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

GROUP = "gridstress"
HOURS = list(range(12))
STALL_S = 2.0


async def offsets(
    broker: str, partitions: list[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int | None]]:
    """Where the partitions end, and where the group is."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        committed = {tp: await consumer.committed(tp) for tp in partitions}
        return await consumer.end_offsets(partitions), committed
    finally:
        await consumer.stop()


async def test_what_was_given_up_does_not_count_and_no_mark_is_waited_for(
    broker: str, tmp_path: Path
) -> None:
    topology(tmp_path / "grid.json", right=True)
    environment = {
        "GRIDSTRESS_TOPOLOGY": str(tmp_path / "grid.json"),
        "GRIDSTRESS_PARTITIONS": "2",
        "GRIDSTRESS_STALL_TIMEOUT_S": str(STALL_S),
    }
    with Stack(broker, tmp_path, environment) as stack:
        worker = stack.add_worker()
        producer = AIOKafkaProducer(bootstrap_servers=broker, transactional_id="measurements")
        await producer.start()
        try:
            await producer.begin_transaction()
            given_up = measured("north", HOURS, {"a": [140.0] * 12})
            await producer.send(MEASUREMENTS, encode(given_up), partition=0)
            await producer.flush()
            await producer.abort_transaction()
            async with producer.transaction():
                for number, zone in enumerate(ZONES):
                    node = "ac"[number]
                    for frame in (measured(zone, HOURS, {node: [95.0] * 12}), ended(zone, 12)):
                        await producer.send(MEASUREMENTS, encode(frame), partition=number)
        finally:
            await producer.stop()
        stack.verify("r")
        wait_for(lambda: not any(worker.status()["lag"].values()), "no lag")
        until = time.monotonic() + STALL_S + 5
        wait_for(lambda: time.monotonic() > until or worker.get("health")["status"] != "ok", "time")
        assert worker.get("health")["status"] == "ok"
        ends = {TopicPartition(MEASUREMENTS, 0): 5, TopicPartition(MEASUREMENTS, 1): 3}
        assert await offsets(broker, list(ends)) == (ends, ends), "marks are committed over"
