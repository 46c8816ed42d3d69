from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from gridstress.kafka.topics import MEASUREMENTS, ensure_topics
from gridstress.settings import load_settings
from tests.chaos.cluster import Cluster
from tests.integration.harness import records, send

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("quick_kafka")]


async def test_a_killed_broker_comes_back_with_what_it_had_and_only_a_cut_way_is_cut(
    tmp_path: Path,
) -> None:
    async with Cluster(tmp_path / "cluster") as cluster:
        await ensure_topics(load_settings(broker=f"kafka://{cluster.bootstrap}"))
        await send(cluster.bootstrap, MEASUREMENTS, [(0, b"before")])
        (broker,) = cluster.brokers
        await broker.kill()
        await broker.start()
        first, second = (worker.ways.addresses for worker in cluster.workers[:2])
        await send(first, MEASUREMENTS, [(0, b"after")])
        cluster.workers[0].ways.cut()
        with pytest.raises(KafkaError):
            await send(first, MEASUREMENTS, [(0, b"never")])
        assert [r.value for r in await records(second, MEASUREMENTS)] == [b"before", b"after"]
