"""Measurements beside transactions: what is given up does not count, what waits is not lost."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from gridstress.kafka.topics import MEASUREMENTS
from tests.integration.harness import Stack, wait_for
from tests.integration.test_dead_letters import ZONES, topology
from tests.support.frames import ended, measured
from tests.support.shared_kafka import empty
from topology.codec import encode

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

GROUP = "gridstress"
HOURS = list(range(12))
STALL_S = 2.0


@pytest.fixture
def broker(process_kafka: str) -> str:
    """``host:port`` of Apache Kafka, empty when a test begins."""
    asyncio.run(empty(process_kafka))
    return process_kafka


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


@asynccontextmanager
async def open_transaction(broker: str) -> AsyncIterator[None]:
    """A transaction of another producer that is open in every partition, and is given up."""
    producer = AIOKafkaProducer(
        bootstrap_servers=broker, transactional_id="other", transaction_timeout_ms=600_000
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        for partition in await producer.partitions_for(MEASUREMENTS):
            await producer.send_and_wait(MEASUREMENTS, b"{}", partition=partition)
        yield
        await producer.abort_transaction()
    finally:
        await producer.stop()


async def test_rows_behind_an_open_transaction_wait_and_are_not_lost(
    broker: str, tmp_path: Path
) -> None:
    opened = f"a transaction that is open holds back records of {MEASUREMENTS}, partition 0 from "
    span = ["--start", "2025-01-07", "--until", "2025-01-09", "--speed", "max"]
    feed = ["feed", "lines", "--source", "meters", "--measured"]
    path = tmp_path / "r.jsonl"
    with Stack(broker, tmp_path) as stack:
        url = stack.add_worker().url
        assert stack.command("replay", "--run", "r", *span, "--output", str(path)).returncode == 0
        lines = path.read_text().splitlines(keepends=True)
        half = len(lines) // 2
        assert stack.command(*feed, given="".join(lines[:half])).returncode == 0
        async with open_transaction(broker):
            assert stack.command(*feed, given="".join(lines[half:])).returncode == 0
            assert stack.command("replay", "--run", "later", *span).returncode == 0
            waiting = stack.command("verify", "--run", "r", "--api", url, "--json")
            unknown = stack.command("verify", "--run", "later", "--api", url)
        assert waiting.returncode == 0, waiting.stdout + waiting.stderr
        outcome = json.loads(waiting.stdout)["outcomes"]["measurements"]
        assert outcome["counts"]["rows lost"] == 0
        assert any(opened in note for note in outcome["notes"])
        assert sum("the others may wait" in note for note in outcome["notes"]) == 4
        assert unknown.returncode == 4
        assert "no run 'later'" in unknown.stderr
        assert opened in " ".join(unknown.stderr.split())
        for run in ("r", "later"):
            notes = stack.verify(run)["outcomes"]["measurements"]["notes"]
            assert not any(opened in note for note in notes)
