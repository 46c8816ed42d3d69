"""What the feed of the views takes from its topics."""

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from bench.harness.brokers import embedded_broker
from gridstress.kafka.topics import (
    AUDIT,
    MEASUREMENTS,
    REPLAY_STATUS,
    RUNS,
    STATUS,
    VIEW,
    ensure_topics,
)
from gridstress.local import processes
from gridstress.settings import load_settings
from tables.view_epoch import ViewEpoch
from tests.support.waiting import until
from ui.api.view_consumer import RunTopics, ViewConsumer
from ui.api.view_store import Store

OWNER = ViewEpoch(5, "gridstress-risk_linear-changelog")


async def partitions() -> int:
    return 1


def tombstone(key: bytes) -> ConsumerRecord:
    return ConsumerRecord("view", 0, 0, 1, 0, key, None, None, len(key), 0, [OWNER.header])


def test_tombstones_of_runs_with_endless_names_are_not_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    feed = ViewConsumer({}, store, 1, "view", "status", None)
    feed._take(tombstone(b'["linear","%b",0]' % (b"r" * 129)))
    assert "cannot show view/0@0" in caplog.text
    feed._take(tombstone(b'["linear","%b",0]' % (b"r" * 128)))
    assert list(store._dropped) == [("linear", "r" * 128, 0)]


@pytest.mark.integration
async def test_a_broker_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of this task would end the worker."""
    monkeypatch.setattr("ui.api.view_consumer.RETRY_S", 0.1)
    store, port = Store(), processes.free_port()
    settings = load_settings(broker=f"kafka://127.0.0.1:{port}")
    where = {"bootstrap_servers": settings.bootstrap}
    async with ViewConsumer(
        where,
        store,
        settings.partitions,
        VIEW,
        STATUS,
        RunTopics(AUDIT, REPLAY_STATUS, MEASUREMENTS, RUNS, partitions, {}, {}),
    ) as views:
        assert not views.caught_up
        await until(lambda: "the views wait for a broker" in caplog.text, 60)
        with embedded_broker(port, tmp_path):
            await ensure_topics(settings)
            async with AIOKafkaProducer(**where) as producer:
                key = b'["linear","r",0]'
                await producer.send_and_wait(VIEW, key=key, partition=0, headers=[OWNER.header])
            await until(lambda: list(store._dropped) == [("linear", "r", 0)], 60)
            await until(lambda: views.caught_up, 60)
            assert (await views.positions())[TopicPartition(VIEW, 0)] == views.taken == 1
